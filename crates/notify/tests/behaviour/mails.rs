//! What people receive, word for word.

use kintsugi_case::{Language, Private};
use kintsugi_notify::{AnswerContent, Page};

use crate::people::{card, composer, ms, notice, person};

#[test]
fn dump() {
    let hanako = person("髙橋 花子", "hanako@mail.example", Language::Ja);
    let alice = person("Alice Tanaka", "alice@mail.example", Language::En);
    for (file, mail) in [
        ("ja1", notice(&hanako, &[card("7", "Visa", "4242", 1)])),
        ("ja2", notice(&hanako, &[card("7", "Visa", "4242", 1), card("9", "JCB", "1117", 3)])),
        ("en1", notice(&alice, &[card("7", "Visa", "4242", 1)])),
    ] {
        std::fs::write(format!("/tmp/f-{file}.html"), mail.html.open()).unwrap();
        std::fs::write(format!("/tmp/f-{file}.txt"), format!("{}\n\n{}", mail.subject.open(), mail.text.open())).unwrap();
        std::fs::write(format!("/tmp/f-{file}.eml"), mail.bytes.open()).unwrap();
    }
    let pages = [Page { name: Private::new("髙橋 花子".into()), link: crate::people::LINK.into() }];
    let to = Private::new("hanako@mail.example".to_owned());
    let found = AnswerContent { id: "12".into(), to: &to, language: Language::Ja, pages: &pages };
    let none = AnswerContent { pages: &[], language: Language::En, ..found.clone() };
    for (file, content) in [("af", found), ("an", none)] {
        let mail = composer().answer(&content, ms("2013-05-27T09:00:00+09:00")).unwrap();
        std::fs::write(format!("/tmp/f-{file}.txt"), format!("{}\n\n{}", mail.subject.open(), mail.text.open())).unwrap();
    }
}
