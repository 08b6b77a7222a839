//! The cheap test that says whether a request can carry an injection at all, before anything is decoded. It must never say
//! no to an injection; a false yes only costs the parsing of the line.
//!
//! What makes SQL of a value is a sign (a quote, a bracket, an operator, a comment), or a keyword after a blank, or an
//! encoding that may hide either. Ordinary requests have none of them: letters, digits, `/?&=-_.,:;@`, percent-encoded
//! text beyond ASCII, and words between blanks.
//!
//! Not here: headers, which hold brackets and blanks by nature (`suspect_header`); words (`keyword`) and base64 (`hidden`);
//! whether there is an injection (`context`); and what the server made of the value (`decode`).

use kintsugi_evidence::Glance;

use super::hidden::hides_text;
use super::keyword::{keyword_before, keyword_beside};
use super::suspect_header::is_suspect_headers;

/// Whether a request can carry an injection.
pub(crate) fn is_suspect(glance: &Glance<'_>) -> bool {
    is_suspect_request(glance.request)
        || values(glance.query)
        || values(glance.cookie)
        || values(glance.body)
        || is_suspect_headers(glance.headers)
}

/// Whether a request line, or a path, can carry one.
pub(crate) fn is_suspect_request(request: &[u8]) -> bool {
    match target(request) {
        // A blank follows it.
        Some(target) => keyword_before(target) || Walk::over(target, Path::Before).tells(),
        None => Walk::over(request, Path::Before).tells(),
    }
}

/// Whether a query, cookies or a body can carry one.
fn values(text: &[u8]) -> bool {
    Walk::over(text, Path::Behind).tells()
}

/// The target of a request line as nearly all are.
fn target(request: &[u8]) -> Option<&[u8]> {
    let ([b'G', b'E', b'T', b' ', target @ ..] | [b'P', b'O', b'S', b'T', b' ', target @ ..]) = request else { return None };
    match target.split_last_chunk::<9>() {
        Some((target @ [b'/', ..], b" HTTP/1.1" | b" HTTP/1.0" | b" HTTP/2.0" | b" HTTP/3.0")) => Some(target),
        _ => None,
    }
}

/// What a byte of a request says by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Ordinary,
    /// No ordinary value holds it.
    Hostile,
    /// A blank: what stands around it decides.
    Blank,
    Percent,
    /// A second one makes a comment.
    Dash,
    /// Ends a name; a second one in a value is a comparison.
    Equals,
    /// Ends a value.
    Separator,
    /// Ends a segment of a path.
    Slash,
}

const SIGNS: [Sign; 256] = signs();

const fn signs() -> [Sign; 256] {
    let mut signs = [Sign::Hostile; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        signs[byte] = match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'~' | b':' | b'@' | b',' | b'$' | 0x80..=0xff => {
                Sign::Ordinary
            }
            b'+' | b' ' => Sign::Blank,
            b'%' => Sign::Percent,
            b'-' => Sign::Dash,
            b'=' => Sign::Equals,
            b'?' | b'&' | b';' => Sign::Separator,
            b'/' => Sign::Slash,
            _ => Sign::Hostile,
        };
        byte += 1;
    }
    signs
}

/// Of a hostile byte [`HOSTILE`], of one that says something where it stands [`TELLING`], of an ordinary one nothing.
const BITS: [u8; 256] = bits();
const HOSTILE: u8 = 2;
const TELLING: u8 = 1;

const fn bits() -> [u8; 256] {
    let (mut bits, mut byte) = ([0; 256], 0);
    while byte < 256 {
        bits[byte] = match SIGNS[byte] {
            Sign::Ordinary => 0,
            Sign::Hostile => HOSTILE,
            _ => TELLING,
        };
        byte += 1;
    }
    bits
}

/// Where a walk is with regard to the path of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    Before,
    Inside,
    Behind,
}

/// A walk over the telling bytes of a text.
struct Walk<'a> {
    text: &'a [u8],
    path: Path,
    /// Where the segment of the path begins.
    segment_at: usize,
    /// Whether a parameter stands in it (`x;jsessionid=5`).
    has_parameter: bool,
    /// Where the value begins, behind a name.
    value_at: Option<usize>,
}

impl<'a> Walk<'a> {
    fn over(text: &'a [u8], path: Path) -> Self {
        Self { text, path, segment_at: 0, has_parameter: false, value_at: None }
    }

    /// Whether the text can carry an injection.
    fn tells(mut self) -> bool {
        for (number, block) in self.text.chunks(64).enumerate() {
            // Where the telling bytes are, without a decision a byte: most are ordinary.
            let (mut seen, mut telling) = (0, 0_u64);
            for (at, &byte) in block.iter().enumerate() {
                let bits = BITS[usize::from(byte)];
                seen |= bits;
                telling |= u64::from(bits & TELLING) << at;
            }
            if seen & HOSTILE != 0 {
                return true;
            }
            while telling != 0 {
                if self.sign_tells(number * 64 + telling.trailing_zeros() as usize) {
                    return true;
                }
                telling &= telling - 1;
            }
        }
        let end = self.text.len();
        self.segment_tells(end) || self.value_at.is_some_and(|start| hides_text(value_of(&self.text[start..])))
    }

    /// Whether a telling byte says, by what stands around it, that the text can.
    fn sign_tells(&mut self, at: usize) -> bool {
        let text = self.text;
        match SIGNS[usize::from(text[at])] {
            Sign::Ordinary => false,
            Sign::Hostile => true,
            Sign::Blank => keyword_beside(text, at, at + 1) || text[at] == b' ' && self.segment_tells(at),
            Sign::Dash => text.get(at + 1) == Some(&b'-'),
            Sign::Percent => match escape(text, at) {
                Escape::Hostile => true,
                Escape::Blank => keyword_beside(text, at, at + 3),
                Escape::High | Escape::Ordinary => false,
            },
            Sign::Slash => self.slash_tells(at),
            Sign::Equals => self.equals_tells(at),
            Sign::Separator => self.separator_tells(at),
        }
    }

    fn slash_tells(&mut self, at: usize) -> bool {
        let segment = match self.path {
            Path::Behind => return false,
            Path::Before => &[],
            Path::Inside => &self.text[self.segment_at..at],
        };
        (self.path, self.segment_at, self.has_parameter) = (Path::Inside, at + 1, false);
        hides_text(segment)
    }

    /// Whether the last segment of the path does, which ends here.
    fn segment_tells(&mut self, end: usize) -> bool {
        let is_inside = self.path == Path::Inside;
        if is_inside {
            self.path = Path::Behind;
        }
        is_inside && hides_text(&self.text[self.segment_at..end])
    }

    fn equals_tells(&mut self, at: usize) -> bool {
        if self.path == Path::Inside && !self.has_parameter {
            return true;
        }
        // Padding of base64 ends a value; any other sign of equality in one compares.
        let compares = self.value_at.is_some() && !is_padding(self.text, at);
        self.value_at = self.value_at.or(Some(at + 1));
        compares
    }

    fn separator_tells(&mut self, at: usize) -> bool {
        let in_segment = match self.text[at] {
            b'?' => self.segment_tells(at),
            b';' => {
                self.has_parameter = true;
                false
            }
            _ => false,
        };
        in_segment || self.value_at.take().is_some_and(|start| hides_text(&self.text[start..at]))
    }
}

/// A value up to the blank before `HTTP/1.1`.
fn value_of(text: &[u8]) -> &[u8] {
    &text[..memchr::memchr(b' ', text).unwrap_or(text.len())]
}

fn is_padding(text: &[u8], at: usize) -> bool {
    matches!(text.get(at + 1), None | Some(b'&' | b';' | b' ' | b'=')) && at > 0 && text[at - 1] != b'&'
}

pub(super) enum Escape {
    Ordinary,
    Hostile,
    Blank,
    /// Part of a character beyond ASCII.
    High,
}

/// What a percent-encoded byte is.
pub(super) fn escape(text: &[u8], at: usize) -> Escape {
    // `%u0027`, or a percent sign that is none: servers differ in what they make of it.
    let Some(byte) = escaped(text, at) else { return Escape::Hostile };
    match byte {
        b' ' => Escape::Blank,
        // A blank to MySQL where the connection is latin1.
        0xa0 if !follows_high(text, at) => Escape::Blank,
        // Nothing is encoded so in UTF-8: an overlong quote, perhaps.
        0xc0 | 0xc1 if !follows_high(text, at) => Escape::Hostile,
        0x80..=0xff => Escape::High,
        b'/' | b':' | b',' | b'@' | b'?' => Escape::Ordinary,
        _ => Escape::Hostile,
    }
}

/// The byte that is percent-encoded here.
fn escaped(text: &[u8], at: usize) -> Option<u8> {
    let [upper, lower] = text.get(at + 1..at + 3)? else { return None };
    let [upper, lower] = [HEX[usize::from(*upper)], HEX[usize::from(*lower)]];
    (upper | lower < 16).then_some(upper << 4 | lower)
}

/// The value of each hexadecimal digit; of other bytes 255.
const HEX: [u8; 256] = hex();

const fn hex() -> [u8; 256] {
    let (mut values, mut byte) = ([255; 256], 0);
    while byte < 256 {
        if let Some(value) = (byte as u8 as char).to_digit(16) {
            values[byte] = value as u8;
        }
        byte += 1;
    }
    values
}

/// Whether the byte before is one beyond ASCII, percent-encoded.
fn follows_high(text: &[u8], at: usize) -> bool {
    at.checked_sub(3).is_some_and(|before| text[before] == b'%' && escaped(text, before).is_some_and(|byte| byte >= 0x80))
}

#[cfg(test)]
mod tests;
