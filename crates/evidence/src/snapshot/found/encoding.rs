//! The encoding of a text, by its bytes: what Japanese shops and the people who steal from them write.

use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The encoding of a text that begins so. A head that ends within a character is no fault.
pub(super) fn of(head: &[u8]) -> &'static Encoding {
    if let Some((marked, _)) = Encoding::for_bom(head) {
        return marked;
    }
    if head.len() > 3 && zeros(head, 1) > 90 {
        return UTF_16LE;
    }
    if head.len() > 3 && zeros(head, 0) > 90 {
        return UTF_16BE;
    }
    if std::str::from_utf8(head).is_ok_and(|_| !has_escape(head)) || is_cut_utf8(head) {
        return UTF_8;
    }
    if has_escape(head) {
        return ISO_2022_JP;
    }
    let oddities = [SHIFT_JIS, EUC_JP].map(|encoding| (oddity(encoding, head), encoding));
    let (_, best) = if oddities[1].0 < oddities[0].0 { oddities[1] } else { oddities[0] };
    if undecodable(best, head) { WINDOWS_1252 } else { best }
}

/// How many of a hundred bytes at even or odd places are zero: ASCII in UTF-16.
fn zeros(head: &[u8], from: usize) -> usize {
    let places = head.iter().skip(from).step_by(2);
    places.clone().filter(|&&byte| byte == 0).count() * 100 / places.count().max(1)
}

fn has_escape(head: &[u8]) -> bool {
    [b"\x1b$B".as_slice(), b"\x1b$@"].into_iter().any(|escape| memchr::memmem::find(head, escape).is_some())
}

fn is_cut_utf8(head: &[u8]) -> bool {
    std::str::from_utf8(head).is_err_and(|error| error.error_len().is_none() && error.valid_up_to() + 4 > head.len())
}

/// Whether more than every twentieth character that is not ASCII cannot be decoded.
fn undecodable(encoding: &'static Encoding, head: &[u8]) -> bool {
    let (text, ..) = encoding.decode(head);
    let foreign = text.chars().filter(|c| !c.is_ascii());
    foreign.clone().filter(|&c| c == '\u{FFFD}').count() * 20 > foreign.count()
}

/// How strange a text reads in an encoding, in a thousand characters: undecodable bytes, and half-width katakana, which is
/// what EUC-JP looks like as Shift_JIS.
fn oddity(encoding: &'static Encoding, head: &[u8]) -> usize {
    let (text, ..) = encoding.decode(head);
    let odd: usize = text
        .chars()
        .map(|c| match c {
            '\u{FFFD}' => 10,
            '\u{FF61}'..='\u{FF9F}' => 1,
            _ => 0,
        })
        .sum();
    odd * 1000 / text.chars().filter(|c| !c.is_ascii()).count().max(1)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{EUC_JP, Encoding, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16LE, WINDOWS_1252};

    use super::of;

    const TEXT: &str = "会員番号,氏名,住所\n1,山田 花子,東京都千代田区\n2,ﾔﾏﾀﾞ,大阪市\n";

    fn check(encoding: &'static Encoding, text: &str) {
        let (bytes, ..) = encoding.encode(text);
        assert_eq!(of(&bytes), encoding, "{}", encoding.name());
        assert_eq!(of(&bytes[..bytes.len() - 1]), encoding, "{} cut", encoding.name());
    }

    #[test]
    fn the_bytes_tell_the_encoding() {
        for encoding in [UTF_8, SHIFT_JIS, EUC_JP] {
            check(encoding, TEXT);
        }
        check(ISO_2022_JP, "氏名,住所\n山田,東京都\n");
        check(UTF_8, "id,name\n1,A\n");
        check(WINDOWS_1252, "Müller;Köln;Straße\n");
        let utf16: Vec<u8> = "id,name\n1,A\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(of(&utf16), UTF_16LE);
    }
}
