//! Names as keys.

use crate::fold::folded;

/// The key of a name, or of its reading where no name is written. `None` where nothing in it is a letter
/// (`-`, `***`): such a name joins nobody.
pub fn name_key(name: &str, kana: &str) -> Option<String> {
    [name, kana].into_iter().map(plain).find(|key| key.chars().any(char::is_alphabetic))
}

/// The middle dot between the parts of a foreign name is written or left out at will.
fn plain(name: &str) -> String {
    folded(name).chars().filter(|c| !matches!(c, '・' | '·' | '.' | ',')).collect()
}

#[cfg(test)]
mod tests {
    use super::name_key;

    #[test]
    fn a_name_is_one_key_however_it_is_typed() {
        let key = name_key("山田 花子", "");
        assert_eq!(key.as_deref(), Some("山田花子"));
        assert_eq!(name_key("山田　花子", "ヤマダハナコ"), key);
        assert_eq!(name_key("ジョン・スミス", ""), name_key("ｼﾞｮﾝ ｽﾐｽ", ""));
        assert_eq!(name_key("JOHN Q. SMITH", ""), name_key("John Q Smith", ""));
    }

    #[test]
    fn the_reading_stands_in_for_a_missing_name_and_nothing_for_none() {
        assert_eq!(name_key("", "やまだ はなこ"), name_key("", "ﾔﾏﾀﾞﾊﾅｺ"));
        assert_eq!(name_key("-", "ヤマダ"), name_key("", "ヤマダ"));
        assert_eq!((name_key("", ""), name_key(" ", "***"), name_key("0", "")), (None, None, None));
    }
}
