//! The address in the window: checked, broken into lines that the window always shows, or kept aside with the reason.
//! Nothing is cut.

use kintsugi_case::{Language, Window};

use crate::Press;
use crate::words::words;

/// Type size in the window, points.
pub(crate) const POINTS: f64 = 10.5;
const POINTS_PER_MM: f64 = 72.0 / 25.4;

/// The part of a sheet, folded in three, that the window shows however the sheet lies in its envelope. Millimetres from
/// the sheet's left and upper edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    /// Lines of an address besides the postal code and the name.
    pub(crate) lines_max: usize,
}

/// What an envelope shows. A sheet of 210 x 99 mm slides in it; what every place of it shows is less than the window.
pub(crate) const fn shown(window: Window) -> Shown {
    match window {
        // Envelope 235 x 120, window 90 x 45 at 20 from the left and 12 from the top: slides 25 sideways and 21 up and down.
        Window::Naga3 => Shown { left: 21.0, top: 12.5, width: 63.0, lines_max: 3 },
        // Envelope 220 x 110, window 90 x 45 at 20 from the left and 15 from the bottom (DIN 680): slides 10 and 11.
        Window::Dl => Shown { left: 21.0, top: 51.0, width: 78.0, lines_max: 5 },
    }
}

/// To whom a letter goes, as the source has it.
#[derive(Clone, Copy, Debug)]
pub struct Recipient<'a> {
    /// The name.
    pub name: &'a str,
    /// The postal code.
    pub postal_code: &'a str,
    /// The address.
    pub address: &'a str,
    /// The language of the letter.
    pub language: Language,
    /// Whether the address is in another country than the case's.
    pub abroad: bool,
}

/// What stands in the window.
#[derive(Clone, PartialEq, Eq)]
pub struct AddressBlock {
    /// The postal code as printed; empty where none is.
    postal_code: String,
    /// Everything in the window, from top to bottom.
    pub(crate) lines: Vec<String>,
    /// Which of the lines is the name.
    pub(crate) name: usize,
}

/// Why no letter can go to an address. The address itself is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Unfit {
    /// There is no name.
    #[error("no name is known")]
    NoName,
    /// There is no address.
    #[error("no postal address is known")]
    NoAddress,
    /// A Japanese postal code has seven digits.
    #[error("the postal code has not seven digits")]
    PostalCode,
    /// The address has more lines than the window shows.
    #[error("the address does not fit the window")]
    TooLong,
    /// The name is wider than the window.
    #[error("the name does not fit the window")]
    NameTooLong,
    /// A character is in none of the fonts.
    #[error("a character of the name or the address cannot be printed")]
    Character,
}

impl AddressBlock {
    /// Brings an address into the window of an envelope. `country` is the case's (ISO 3166-1).
    pub fn fit(press: &Press, window: Window, country: &str, to: &Recipient<'_>) -> Result<Self, Unfit> {
        let shown = shown(window);
        let em_max = shown.width * POINTS_PER_MM / POINTS;
        let name = tidy(to.name);
        if name.is_empty() {
            return Err(Unfit::NoName);
        }
        let name = addressed(&name, words(to.language).honorific);
        if press.width(&name, to.language, true).map_err(|_| Unfit::Character)? > em_max {
            return Err(Unfit::NameTooLong);
        }
        let postal_code = postal_code(to, country)?;
        let width = |text: &str| press.width(text, to.language, false).map_err(|_| Unfit::Character);
        width(&postal_code)?;
        let lines = lines(to.address, em_max, shown.lines_max, &width)?;
        Ok(Self::ordered(to, postal_code, lines, name))
    }

    /// The order in which a post office reads an address: from the postal code down to the name where it is written in Chinese
    /// characters, kana or Hangul, from the name up elsewhere. The reader's language has no part in it.
    fn ordered(to: &Recipient<'_>, postal_code: String, mut lines: Vec<String>, name: String) -> Self {
        let downwards = !to.abroad && to.address.chars().any(|c| matches!(c, '\u{2e80}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'));
        // An address abroad mostly has its postal code where its country wants it.
        let said = to.abroad && lines.iter().any(|line| line.contains(&postal_code));
        let code = (!postal_code.is_empty() && !said).then(|| postal_code.clone());
        if downwards {
            lines.splice(0..0, code);
            lines.push(name);
            return Self { postal_code, name: lines.len() - 1, lines };
        }
        lines.insert(0, name);
        lines.extend(code);
        Self { postal_code, name: 0, lines }
    }

    /// The postal code as printed.
    pub fn postal_code(&self) -> &str {
        &self.postal_code
    }

    /// Everything in the window, line by line.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// Personal data: never shown by accident.
impl std::fmt::Debug for AddressBlock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[private]")
    }
}

fn addressed(name: &str, honorific: &str) -> String {
    match honorific {
        "様" => format!("{name} 様"),
        other => format!("{name}{other}"),
    }
}

/// Blanks in a row become one, control characters too.
fn tidy(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The postal code as printed: in Japan 〒 and seven digits, elsewhere as written.
fn postal_code(to: &Recipient<'_>, country: &str) -> Result<String, Unfit> {
    if country != "JP" || to.abroad {
        return Ok(tidy(to.postal_code));
    }
    let digits: String = to.postal_code.chars().filter_map(digit).collect();
    let other =
        to.postal_code.chars().any(|c| digit(c).is_none() && !matches!(c, '〒' | '-' | '－' | '‐' | '−' | 'ー' | ' ' | '　'));
    if digits.len() != 7 || other {
        return Err(Unfit::PostalCode);
    }
    Ok(format!("〒{}-{}", &digits[..3], &digits[3..]))
}

fn digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_digit(c as u32 - '０' as u32, 10),
        _ => None,
    }
}

/// The lines of an address: broken where the source breaks and at blanks, and between Chinese characters and kana only
/// within what is longer than a line; or else wherever they fill the lines best. A number or a word is never broken.
fn lines(address: &str, em_max: f64, lines_max: usize, width: &Width<'_>) -> Result<Vec<String>, Unfit> {
    let whole = |word: &str| width(word.trim_end()).is_ok_and(|width| width <= em_max);
    let at_blanks = |text: &str| {
        let words = text.split_inclusive(' ');
        words.flat_map(|word| if whole(word) { vec![word.to_owned()] } else { pieces(word) }).collect()
    };
    let found = match broken(address, em_max, width, &at_blanks) {
        Ok(lines) if lines.len() <= lines_max => Ok(lines),
        Err(Unfit::Character) => Err(Unfit::Character),
        _ => broken(address, em_max, width, &pieces),
    };
    match found?.as_slice() {
        [] => Err(Unfit::NoAddress),
        lines if lines.len() > lines_max => Err(Unfit::TooLong),
        lines => Ok(lines.to_vec()),
    }
}

/// The width of a text in em.
type Width<'a> = dyn Fn(&str) -> Result<f64, Unfit> + 'a;

/// Lines no wider than `em_max`, broken where the source breaks and between pieces.
fn broken(address: &str, em_max: f64, width: &Width<'_>, pieces: &dyn Fn(&str) -> Vec<String>) -> Result<Vec<String>, Unfit> {
    let mut lines = Vec::new();
    for part in address.lines().map(tidy).filter(|part| !part.is_empty()) {
        let mut line = String::new();
        for piece in pieces(&part) {
            let joined = format!("{line}{piece}");
            if width(joined.trim_end())? <= em_max {
                line = joined;
                continue;
            }
            if width(piece.trim_end())? > em_max {
                return Err(Unfit::TooLong);
            }
            lines.push(std::mem::replace(&mut line, piece));
        }
        lines.push(line);
    }
    Ok(lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
}

/// What stays together: a run of letters, digits and hyphens with the blank behind it; of the rest, single characters.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut before: Option<char> = None;
    for c in text.chars() {
        let joins = before.is_some_and(|before| bound(before) && (bound(c) || c == ' ') || !bound(before) && c == ' ');
        match pieces.last_mut() {
            Some(last) if joins => last.push(c),
            _ => pieces.push(c.to_string()),
        }
        before = Some(c);
    }
    pieces
}

/// Whether a character is never parted from one of its like: whatever is not a Chinese character, a kana, Hangul or a blank,
/// and the mark of a long vowel, which stands for a hyphen in house numbers.
fn bound(c: char) -> bool {
    !matches!(c, ' ' | '\u{2e80}'..='\u{30fb}' | '\u{30fd}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{Language, Window};

    use super::{AddressBlock, Recipient, Unfit};
    use crate::Press;

    fn check(press: &Press, window: Window, (name, code, address): (&str, &str, &str), expected: Result<&str, Unfit>) {
        let to = Recipient { name, postal_code: code, address, language: Language::Ja, abroad: false };
        let fitted = AddressBlock::fit(press, window, "JP", &to).map(|block| block.text());
        assert_eq!(fitted.as_deref().map_err(|unfit| *unfit), expected, "{address}");
    }

    #[test]
    fn an_address_fits_the_window_or_is_kept_aside() {
        let press = Press::new(None).unwrap();
        let naga3 = |person: (&str, &str, &str), expected: Result<&str, Unfit>| check(&press, Window::Naga3, person, expected);
        naga3(("山田 花子", "1000001", "東京都千代田区千代田1-1"), Ok("〒100-0001\n東京都千代田区千代田1-1\n山田 花子 様"));
        naga3(("山田", "〒１００−０００１", "東京都"), Ok("〒100-0001\n東京都\n山田 様"));
        naga3(
            ("山田", "100-0001", "東京都千代田区丸の内一丁目二番地三号 サピアハイツ東京丸の内第二 1203号室"),
            Ok("〒100-0001\n東京都千代田区丸の内一丁目二番地三\n号 サピアハイツ東京丸の内第二\n1203号室\n山田 様"),
        );
        naga3(
            ("山田", "100-0001", "岩手県盛岡市盛岡駅前通5-46-12 ハイム若葉1005"),
            Ok("〒100-0001\n岩手県盛岡市盛岡駅前通5-46-12\nハイム若葉1005\n山田 様"),
        );
        naga3(("", "100-0001", "東京都"), Err(Unfit::NoName));
        naga3(("山田", "100-0001", " \n"), Err(Unfit::NoAddress));
        naga3(("山田", "100-001", "東京都"), Err(Unfit::PostalCode));
        naga3(("山田", "100-0001", &"千代田区".repeat(30)), Err(Unfit::TooLong));
        naga3(("山田", "100-0001", &"X".repeat(60)), Err(Unfit::TooLong));
        naga3((&"寿限無".repeat(12), "100-0001", "東京都"), Err(Unfit::NameTooLong));
        naga3(("山田\u{10fffd}", "100-0001", "東京都"), Err(Unfit::Character));
        // The wider window takes more lines.
        check(
            &press,
            Window::Dl,
            ("山田", "1000001", &"千代田区".repeat(24)),
            Ok(&format!("〒100-0001\n{}\n山田 様", {
                let all: Vec<char> = "千代田区".repeat(24).chars().collect();
                all.chunks(21).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
            })),
        );
    }

    #[test]
    fn addresses_in_latin_letters_begin_with_the_name() {
        let press = Press::new(None).unwrap();
        let check = |(code, address, abroad): (&str, &str, bool), expected: &str| {
            let to = Recipient { name: "Mary Smith", postal_code: code, address, language: Language::En, abroad };
            assert_eq!(AddressBlock::fit(&press, Window::Dl, "JP", &to).unwrap().text(), expected);
        };
        let london = "12 High Street\r\nLondon SW1A 1AA\r\nUnited Kingdom";
        check(("SW1A 1AA", london, true), "Mary Smith\n12 High Street\nLondon SW1A 1AA\nUnited Kingdom");
        check(("75001", "1 rue X\nFrance", true), "Mary Smith\n1 rue X\nFrance\n75001");
        check(("5770841", "大阪府東大阪市足代5-44-17", false), "〒577-0841\n大阪府東大阪市足代5-44-17\nMary Smith");
        check(
            ("5770841", "5-44-17 Ajiro, Higashiosaka-shi, Osaka", false),
            "Mary Smith\n5-44-17 Ajiro, Higashiosaka-shi, Osaka\n〒577-0841",
        );
    }
}
