//! The words in which people are told, in their language: what a column is, how sure a verdict is, when something was.
//! Mail, portal, statement and console take them from here, so that one thing has one name everywhere.

use jiff::{Timestamp, Zoned, civil::Date, tz::TimeZone};

use crate::{FieldMeaning, Language, Verdict};

impl FieldMeaning {
    /// What people call it, as it stands at the head of a line.
    pub const fn label(self, language: Language) -> &'static str {
        match language {
            Language::Ja => self.label_ja(),
            Language::En => self.label_en(),
            Language::ZhHans => self.label_zh_hans(),
            Language::ZhHant => self.label_zh_hant(),
            Language::Ko => self.label_ko(),
        }
    }

    const fn label_ja(self) -> &'static str {
        match self {
            Self::PersonName => "お名前",
            Self::PersonNameKana => "お名前のフリガナ",
            Self::PersonEmail => "メールアドレス",
            Self::PersonPhone => "電話番号",
            Self::PersonPostalCode => "郵便番号",
            Self::PersonAddress => "ご住所",
            Self::PersonLanguage => "ご使用の言語",
            Self::PersonBirthDate => "生年月日",
            Self::PersonDeceased => "ご逝去の記録",
            Self::PersonNoMarketing => "広告配信のご希望",
            Self::CardHolder => "カード名義",
            Self::CardNumber => "カード番号",
            Self::CardExpiry => "有効期限",
            Self::CardCode => "セキュリティコード",
            Self::CardBrand => "カードの種類",
            Self::AccountLogin => "ログイン名",
            Self::AccountPasswordHash => "パスワード（ハッシュ値）",
            Self::ServiceBrand => "ご利用のサービス",
            Self::ServiceUsedAt => "ご利用日",
        }
    }

    const fn label_en(self) -> &'static str {
        match self {
            Self::PersonName => "Name",
            Self::PersonNameKana => "Name in kana",
            Self::PersonEmail => "Email address",
            Self::PersonPhone => "Phone number",
            Self::PersonPostalCode => "Postal code",
            Self::PersonAddress => "Postal address",
            Self::PersonLanguage => "Language",
            Self::PersonBirthDate => "Date of birth",
            Self::PersonDeceased => "Record of death",
            Self::PersonNoMarketing => "Wish about advertising",
            Self::CardHolder => "Name on the card",
            Self::CardNumber => "Card number",
            Self::CardExpiry => "Expiry date",
            Self::CardCode => "Security code",
            Self::CardBrand => "Type of card",
            Self::AccountLogin => "Login name",
            Self::AccountPasswordHash => "Password (hashed)",
            Self::ServiceBrand => "Service used",
            Self::ServiceUsedAt => "Date of use",
        }
    }

    const fn label_zh_hans(self) -> &'static str {
        match self {
            Self::PersonName => "姓名",
            Self::PersonNameKana => "姓名（假名）",
            Self::PersonEmail => "电子邮箱",
            Self::PersonPhone => "电话号码",
            Self::PersonPostalCode => "邮政编码",
            Self::PersonAddress => "地址",
            Self::PersonLanguage => "使用语言",
            Self::PersonBirthDate => "出生日期",
            Self::PersonDeceased => "去世记录",
            Self::PersonNoMarketing => "广告意愿",
            Self::CardHolder => "卡面姓名",
            Self::CardNumber => "卡号",
            Self::CardExpiry => "有效期",
            Self::CardCode => "安全码",
            Self::CardBrand => "卡的种类",
            Self::AccountLogin => "登录名",
            Self::AccountPasswordHash => "密码（哈希值）",
            Self::ServiceBrand => "使用的服务",
            Self::ServiceUsedAt => "使用日期",
        }
    }

    const fn label_zh_hant(self) -> &'static str {
        match self {
            Self::PersonName => "姓名",
            Self::PersonNameKana => "姓名（假名）",
            Self::PersonEmail => "電子郵件地址",
            Self::PersonPhone => "電話號碼",
            Self::PersonPostalCode => "郵遞區號",
            Self::PersonAddress => "地址",
            Self::PersonLanguage => "使用語言",
            Self::PersonBirthDate => "出生日期",
            Self::PersonDeceased => "過世紀錄",
            Self::PersonNoMarketing => "廣告意願",
            Self::CardHolder => "卡片持有人姓名",
            Self::CardNumber => "卡號",
            Self::CardExpiry => "有效期限",
            Self::CardCode => "安全碼",
            Self::CardBrand => "卡片種類",
            Self::AccountLogin => "登入帳號",
            Self::AccountPasswordHash => "密碼（雜湊值）",
            Self::ServiceBrand => "使用的服務",
            Self::ServiceUsedAt => "使用日期",
        }
    }

    const fn label_ko(self) -> &'static str {
        match self {
            Self::PersonName => "이름",
            Self::PersonNameKana => "이름(가나 표기)",
            Self::PersonEmail => "이메일 주소",
            Self::PersonPhone => "전화번호",
            Self::PersonPostalCode => "우편번호",
            Self::PersonAddress => "주소",
            Self::PersonLanguage => "사용 언어",
            Self::PersonBirthDate => "생년월일",
            Self::PersonDeceased => "사망 기록",
            Self::PersonNoMarketing => "광고 수신 의사",
            Self::CardHolder => "카드 명의자 이름",
            Self::CardNumber => "카드 번호",
            Self::CardExpiry => "유효기간",
            Self::CardCode => "보안코드",
            Self::CardBrand => "카드 종류",
            Self::AccountLogin => "로그인 ID",
            Self::AccountPasswordHash => "비밀번호(해시값)",
            Self::ServiceBrand => "이용 서비스",
            Self::ServiceUsedAt => "이용일",
        }
    }
}

impl Verdict {
    /// The word for it, for the people concerned.
    pub const fn label(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Proved, Language::Ja) => "確認済み",
            (Self::Possible, Language::Ja) => "可能性あり",
            (Self::Excluded, Language::Ja) => "対象外",
            (Self::Proved, Language::En) => "Confirmed",
            (Self::Possible, Language::En) => "Possible",
            (Self::Excluded, Language::En) => "Not affected",
            (Self::Proved, Language::ZhHans) => "已确认",
            (Self::Possible, Language::ZhHans) => "有可能",
            (Self::Excluded, Language::ZhHans) => "不受影响",
            (Self::Proved, Language::ZhHant) => "已確認",
            (Self::Possible, Language::ZhHant) => "有可能",
            (Self::Excluded, Language::ZhHant) => "不受影響",
            (Self::Proved, Language::Ko) => "확인됨",
            (Self::Possible, Language::Ko) => "가능성 있음",
            (Self::Excluded, Language::Ko) => "해당 없음",
        }
    }

    /// A full, half or empty ring: meaning never rests on colour alone.
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Proved => "●",
            Self::Possible => "◐",
            Self::Excluded => "○",
        }
    }
}

impl Language {
    /// A day: `2013年4月19日`, `19 April 2013`.
    pub fn day(self, day: Date) -> String {
        let pattern = match self {
            Self::Ja | Self::ZhHans | Self::ZhHant => "%Y年%-m月%-d日",
            Self::Ko => "%Y년 %-m월 %-d일",
            Self::En => "%-d %B %Y",
        };
        day.strftime(pattern).to_string()
    }

    /// A moment with its zone: `2013年4月19日 2時14分（日本時間）`, `19 April 2013 at 02:14 (Japan time)`.
    /// The moment is in milliseconds since 1970 UTC; one that no calendar holds is an empty text.
    pub fn moment(self, at_ms: i64, zone: &TimeZone) -> String {
        let Ok(at) = Timestamp::from_millisecond(at_ms) else { return String::new() };
        let at = at.to_zoned(zone.clone());
        let day = self.day(at.date());
        match self {
            Self::Ja => format!("{day} {}時{:02}分（{}）", at.hour(), at.minute(), self.zone(&at)),
            Self::En => format!("{day} at {:02}:{:02} ({})", at.hour(), at.minute(), self.zone(&at)),
            Self::ZhHans | Self::ZhHant => format!("{day} {:02}:{:02}（{}）", at.hour(), at.minute(), self.zone(&at)),
            Self::Ko => format!("{day} {:02}:{:02}({})", at.hour(), at.minute(), self.zone(&at)),
        }
    }

    /// The zone in words: Japan by name, any other by its offset.
    pub fn zone(self, at: &Zoned) -> String {
        match (self, at.time_zone().iana_name()) {
            (Self::Ja, Some("Asia/Tokyo" | "Japan")) => "日本時間".into(),
            (Self::En, Some("Asia/Tokyo" | "Japan")) => "Japan time".into(),
            (Self::ZhHans, Some("Asia/Tokyo" | "Japan")) => "日本时间".into(),
            (Self::ZhHant, Some("Asia/Tokyo" | "Japan")) => "日本時間".into(),
            (Self::Ko, Some("Asia/Tokyo" | "Japan")) => "일본 시간".into(),
            _ => format!("UTC{}", at.strftime("%:z")),
        }
    }

    /// A number with its thousands separated; every language here writes commas.
    pub fn number(self, number: i64) -> String {
        let digits = number.unsigned_abs().to_string();
        let mut out = String::from(if number < 0 { "-" } else { "" });
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                out.push(',');
            }
            out.push(digit);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::{FieldMeaning, Language, TimeZone, Verdict};

    #[test]
    fn times_carry_their_zone() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let at = "2013-04-19T02:14:05+09:00".parse::<jiff::Timestamp>().unwrap().as_millisecond();
        assert_eq!(Language::Ja.moment(at, &tokyo), "2013年4月19日 2時14分（日本時間）");
        assert_eq!(Language::En.moment(at, &tokyo), "19 April 2013 at 02:14 (Japan time)");
        assert_eq!(Language::ZhHant.moment(at, &tokyo), "2013年4月19日 02:14（日本時間）");
        assert_eq!(Language::Ko.moment(at, &tokyo), "2013년 4월 19일 02:14(일본 시간)");
        assert_eq!(Language::En.moment(at, &TimeZone::UTC), "18 April 2013 at 17:14 (UTC+00:00)");
    }

    #[test]
    fn numbers_are_read_in_threes() {
        let shown: Vec<String> = [0, 999, 1000, 146_701, -1_234_567].map(|n| Language::Ja.number(n)).into();
        assert_eq!(shown, ["0", "999", "1,000", "146,701", "-1,234,567"]);
    }

    #[test]
    fn everything_has_a_word_in_every_language() {
        for language in Language::ALL {
            assert!(FieldMeaning::ALL.into_iter().all(|meaning| !meaning.label(language).is_empty()));
            assert!(Verdict::ALL.into_iter().all(|verdict| !verdict.label(language).is_empty()));
        }
    }
}
