//! In which language a person is told.

use kintsugi_case::Language;

/// What one record says about the language, weakest first, so that the strongest of a person's records wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hint {
    /// Nothing.
    #[default]
    None,
    /// Name or address are in Chinese characters alone: Japanese, unless the case tells in Chinese too.
    Han,
    /// In kana.
    Kana,
    /// In Hangul.
    Hangul,
    /// A language column says so.
    Said(Language),
}

impl Hint {
    pub(crate) fn of(column: &str, name: &str, address: &str) -> Self {
        match said(column) {
            Some(language) => Self::Said(language),
            None => [name, address].into_iter().map(script).max().unwrap_or_default(),
        }
    }

    /// Of two records of one person; where both say something, the earlier one is heard.
    pub(crate) fn or_later(self, later: Self) -> Self {
        match self {
            Self::Said(_) => self,
            _ => self.max(later),
        }
    }

    /// The language, of those the case has words for (the first is the default).
    pub(crate) fn language(self, of_case: &[Language]) -> Language {
        let default = of_case.first().copied().unwrap_or_default();
        let wanted = match self {
            Self::None => default,
            Self::Han if of_case.iter().any(|one| matches!(one, Language::ZhHans | Language::ZhHant)) => default,
            Self::Han | Self::Kana => Language::Ja,
            Self::Hangul => Language::Ko,
            Self::Said(language) => language,
        };
        if of_case.contains(&wanted) { wanted } else { default }
    }
}

/// A BCP 47 tag, or what shops write instead of one.
fn said(column: &str) -> Option<Language> {
    let word = column.trim().to_lowercase();
    match word.as_str() {
        "" => None,
        "jp" | "jpn" | "japanese" | "日本語" => Some(Language::Ja),
        "eng" | "english" | "英語" => Some(Language::En),
        "cn" | "chs" | "sc" | "chinese" | "中国語" | "简体中文" | "简体" => Some(Language::ZhHans),
        "tw" | "cht" | "tc" | "台湾" | "繁體中文" | "繁体中文" | "繁體" => Some(Language::ZhHant),
        "kr" | "kor" | "korean" | "한국어" | "韓国語" => Some(Language::Ko),
        tag => Language::from_tag(tag),
    }
}

/// The script of a name or an address.
fn script(text: &str) -> Hint {
    let of = |c| match c {
        'ぁ'..='ヿ' | 'ｦ'..='ﾟ' => Hint::Kana,
        '가'..='힣' => Hint::Hangul,
        '㐀'..='鿿' | '豈'..='\u{FAFF}' => Hint::Han,
        _ => Hint::None,
    };
    text.chars().map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Hint;
    use kintsugi_case::Language::{En, Ja, Ko, ZhHans, ZhHant};

    #[test]
    fn the_column_is_heard_before_the_script_and_the_script_before_the_default() {
        let language = |column, name| Hint::of(column, name, "").language(&[En, Ja]);
        assert_eq!((language("ja-JP", "John"), language("EN", "山田"), language("日本語", "John")), (Ja, En, Ja));
        assert_eq!((language("", "山田 花子"), language("", "ﾊﾅｺ"), language("fr", "Jean")), (Ja, Ja, En));
    }

    #[test]
    fn scripts_tell_korean_and_leave_chinese_characters_to_the_cases_languages() {
        let all = [En, Ja, ZhHans, ZhHant, Ko];
        let language = |column, name| Hint::of(column, name, "").language(&all);
        assert_eq!((language("", "김민지"), language("", "山田 はな"), language("", "王小明")), (Ko, Ja, En));
        assert_eq!((language("zh-TW", ""), language("zh", ""), language("简体中文", "")), (ZhHant, ZhHans, ZhHans));
        assert_eq!(Hint::of("", "王小明", "").language(&[En, Ja]), Ja);
    }

    #[test]
    fn a_language_without_words_gives_way_to_the_default() {
        assert_eq!(Hint::of("en", "", "").language(&[Ja]), Ja);
    }

    #[test]
    fn the_first_record_that_says_something_is_heard() {
        let said = Hint::of("en", "", "");
        assert_eq!(Hint::of("", "山田", "").or_later(said), said);
        assert_eq!(said.or_later(Hint::of("ja", "", "")), said);
    }
}
