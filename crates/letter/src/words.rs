//! The words that stand on every letter besides what its template says.

use kintsugi_case::Language;

/// Words of one language.
pub(crate) struct Words {
    /// Behind a name in an address; empty where there is none.
    pub(crate) honorific: &'static str,
    /// Before the number.
    pub(crate) number: &'static str,
    /// Over the telephone number.
    pub(crate) questions: &'static str,
    /// Under it.
    pub(crate) ready: &'static str,
    /// Over the 2D code.
    pub(crate) genuine: &'static str,
    /// How to find out.
    pub(crate) check: &'static str,
    /// Before the mail address.
    pub(crate) mail: &'static str,
}

/// The words of a language.
pub(crate) const fn words(language: Language) -> Words {
    match language {
        Language::Ja => Words {
            honorific: "様",
            number: "お知らせ番号",
            questions: "お問い合わせ",
            ready: "お知らせ番号をご用意ください。",
            genuine: "この手紙が本物か確かめるには",
            check: "二次元コードを携帯電話で読み取るか、次のアドレスを入力して開き、お知らせ番号を入れてください。",
            mail: "メール",
        },
        Language::En => Words {
            honorific: "",
            number: "Notice number",
            questions: "Questions",
            ready: "Have your notice number ready.",
            genuine: "Is this letter genuine?",
            check: "Scan the code with a phone, or type this address into a browser, and enter the notice number.",
            mail: "Email",
        },
        Language::ZhHans => Words {
            honorific: " 收",
            number: "通知编号",
            questions: "咨询",
            ready: "请备好通知编号。",
            genuine: "如何确认本信属实",
            check: "用手机扫描二维码，或在浏览器中输入下面的地址，再输入通知编号。",
            mail: "邮箱",
        },
        Language::ZhHant => Words {
            honorific: " 收",
            number: "通知編號",
            questions: "洽詢",
            ready: "請備妥通知編號。",
            genuine: "如何確認本信屬實",
            check: "用手機掃描二維條碼，或在瀏覽器輸入下方網址，再輸入通知編號。",
            mail: "電子郵件",
        },
        Language::Ko => Words {
            honorific: " 귀하",
            number: "안내 번호",
            questions: "문의",
            ready: "안내 번호를 준비해 주십시오.",
            genuine: "이 편지가 진짜인지 확인하려면",
            check: "코드를 휴대전화로 찍거나, 브라우저에 아래 주소를 입력한 뒤 안내 번호를 넣어 주십시오.",
            mail: "이메일",
        },
    }
}
