//! What a fact is called, and in one sentence what it says, for readers who never saw its name. In each language of the
//! product; facts that people enter under names of their own keep these.

use kintsugi_case::{Fact, FactKind, FieldMeaning, Language, Verdict};

use crate::computed::{OUTBOX, SCOPE};

/// What a fact is called and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactWords {
    /// A few words, as a heading or a row of a table has them.
    pub name: String,
    /// One sentence: what is counted, or of what the value tells.
    pub sentence: String,
}

/// The words for a fact's name; `None` for a name that is not the product's own.
pub fn fact_words(name: &str, language: Language) -> Option<FactWords> {
    of_field(name, language).or_else(|| {
        let stem = name.strip_suffix(".ja").or_else(|| name.strip_suffix(".en")).unwrap_or(name);
        let (_, ja, en) = KNOWN.into_iter().find(|(known, ..)| *known == stem)?;
        let (name, sentence) = if language == Language::Ja { ja } else { en };
        Some(FactWords { name: name.to_owned(), sentence: sentence.to_owned() })
    })
}

/// A fact's source in words. What people entered stands as they wrote it.
pub fn fact_source(fact: &Fact, language: Language) -> String {
    let own = match (fact.kind, language, fact.source.as_str()) {
        (FactKind::Computed, Language::Ja, SCOPE) => "確定した調査範囲からの計算",
        (FactKind::Computed, Language::Ja, OUTBOX) => "お知らせの送信記録を、本人の側から数えたもの",
        _ => fact.source.as_str(),
    };
    own.to_owned()
}

/// `records.card.number.proved`
fn of_field(name: &str, language: Language) -> Option<FactWords> {
    let (unit, rest) = name.split_once('.')?;
    let (field, verdict) = rest.rsplit_once('.')?;
    let field = FieldMeaning::ALL.into_iter().find(|one| one.name() == field)?;
    let verdict = Verdict::from_name(verdict)?;
    let (label, verdict) = (field.label(language), verdict.label(language));
    let (name, sentence) = match (unit, language) {
        ("records", Language::Ja) => {
            (format!("{label}：{verdict}（記録）"), format!("{label}についての最も強い判定が「{verdict}」である記録の件数です。"))
        }
        ("persons", Language::Ja) => {
            (format!("{label}：{verdict}（人数）"), format!("{label}についての最も強い判定が「{verdict}」である方の人数です。"))
        }
        ("records", _) => {
            (format!("{label}: {verdict} (records)"), format!("Records whose strongest verdict for the {label} is “{verdict}”."))
        }
        ("persons", _) => {
            (format!("{label}: {verdict} (persons)"), format!("Persons whose strongest verdict for the {label} is “{verdict}”."))
        }
        _ => return None,
    };
    Some(FactWords { name, sentence })
}

type Words = (&'static str, &'static str);

/// Name; Japanese name and sentence; English name and sentence.
const KNOWN: [(&str, Words, Words); 27] = [
    (
        "records_stored",
        ("保管していた記録", "対象となった記録が一件でもある表の、すべての行の数です。"),
        ("Records stored", "All rows of the tables in which at least one record was exposed."),
    ),
    (
        "records_exposed",
        ("対象となった記録", "取り出されたと確認したか、その可能性がある記録の件数です。"),
        ("Records exposed", "Records that were taken, proved or possibly."),
    ),
    (
        "records_proved",
        ("取り出されたと確認した記録", "取り出されたことを証拠から確認した記録の件数です。"),
        ("Records proved taken", "Records of which the evidence proves that they were taken."),
    ),
    (
        "records_possible",
        ("取り出された可能性がある記録", "取り出されたとも、そうでないとも言い切れない記録の件数です。"),
        ("Records possibly taken", "Records of which it can neither be shown nor ruled out that they were taken."),
    ),
    (
        "records_without_person",
        ("持ち主の分からない記録", "対象となった記録のうち、どなたのものか特定できていない件数です。"),
        ("Records without a person", "Exposed records of which it is not known whose they are."),
    ),
    (
        "persons_affected",
        ("対象となる方", "取り出されたと確認したか、その可能性がある方の人数です。"),
        ("Persons affected", "Persons whose data was taken, proved or possibly."),
    ),
    (
        "persons_proved",
        ("取り出されたと確認した方", "情報が取り出されたことを証拠から確認した方の人数です。"),
        ("Persons proved affected", "Persons of whose data the evidence proves that it was taken."),
    ),
    (
        "persons_possible",
        ("取り出された可能性がある方", "情報が取り出されたとも、そうでないとも言い切れない方の人数です。"),
        ("Persons possibly affected", "Persons of whose data it can neither be shown nor ruled out that it was taken."),
    ),
    (
        "taken_first_at",
        ("最初に取り出された時刻", "対象となった記録のうち、最初の一件が取り出された時刻です。"),
        ("First taken at", "When the first of the exposed records was taken."),
    ),
    (
        "taken_last_at",
        ("最後に取り出された時刻", "対象となった記録のうち、最後の一件が取り出された時刻です。"),
        ("Last taken at", "When the last of the exposed records was taken."),
    ),
    (
        "notices_persons",
        ("お知らせを受けるべき方", "お知らせを受けるべき方の人数です。以下の状態の合計と一致します。"),
        ("Persons to be told", "Persons who must be told. The states below add up to this number."),
    ),
    (
        "notices_accepted",
        ("受け付けられたお知らせ", "メールサーバーが受け付けたお知らせの件数です。"),
        ("Notices accepted", "Notices for which a mail server took responsibility."),
    ),
    (
        "notices_refused",
        ("拒まれたお知らせ", "メールサーバーが受け取らなかったお知らせの件数です。別の方法で伝えます。"),
        ("Notices refused", "Notices that a mail server refused for good. These persons are told in another way."),
    ),
    (
        "notices_unknown",
        ("届いたか不明のお知らせ", "渡したあとの返事を確かめられなかったお知らせの件数です。自動では送り直しません。"),
        ("Notices unknown", "Notices that were handed over without an answer being seen. They are not sent again blindly."),
    ),
    (
        "notices_held",
        ("保留中のお知らせ", "担当者が理由と期限を付けて止めているお知らせの件数です。"),
        ("Notices held", "Notices that a named person holds back, for a reason, until a day."),
    ),
    (
        "notices_no_address",
        ("手紙で伝える方", "使えるメールアドレスがなく、手紙で伝える方の人数です。"),
        ("Persons told by letter", "Persons without a mail address that can be used. They are told by letter."),
    ),
    (
        "notices_waiting",
        ("送信を待つお知らせ", "送信を待っているか、送信の途中にあるお知らせの件数です。"),
        ("Notices waiting", "Notices that wait to be sent or are being sent."),
    ),
    (
        "unauthorised_use_cases",
        ("不正な利用の報告", "カードの不正な利用として報告を受けた件数です。"),
        ("Cases of unauthorised use", "Cases of unauthorised card use that were reported."),
    ),
    (
        "aware_at",
        ("知った日時", "漏えいのおそれを知った日時です。"),
        ("Aware at", "When it became known that data may have been taken."),
    ),
    (
        "discovered_at",
        ("発覚した日", "漏えいのおそれが分かった日です。"),
        ("Discovered at", "When it was discovered that data may have been taken."),
    ),
    (
        "forms_closed_at",
        ("受け付けを止めた日時", "お申し込みの受け付けを停止した日時です。"),
        ("Forms closed at", "When the service stopped taking orders."),
    ),
    (
        "card_data_deleted_at",
        ("カード情報を削除した日時", "データベースサーバーからカード情報を削除した日時です。"),
        ("Card data deleted at", "When the card data was deleted from the database server."),
    ),
    (
        "investigation_started_at",
        ("調査を始めた日", "第三者の調査機関が調査を始めた日です。"),
        ("Investigation started at", "When the forensic firm began its investigation."),
    ),
    ("cause", ("原因", "何が原因で取り出されたかです。"), ("Cause", "What made it possible to take the data.")),
    (
        "secondary_damage",
        ("二次被害", "二次被害の有無と、そのおそれです。"),
        ("Misuse of the data", "Whether the data was misused, and how it could be."),
    ),
    (
        "reported_to",
        ("関係機関への報告", "どの機関に、いつ報告したかです。"),
        ("Reported to", "Which authorities were told, and when."),
    ),
    (
        "prevention",
        ("再発を防ぐ対策", "再発を防ぐために行ったことです。"),
        ("Prevention", "What was done so that it does not happen again."),
    ),
];

#[cfg(test)]
mod tests {
    use kintsugi_case::{Conservation, FieldMeaning, Language, Verdict};

    use super::{fact_source, fact_words};
    use crate::{Counts, FieldCount, computed, conservation_facts};

    fn all() -> Vec<kintsugi_case::Fact> {
        let field = |field| FieldCount { field, verdict: Verdict::Proved, records: 1, persons: 1 };
        let counts = Counts {
            scope_version: 1,
            fields: FieldMeaning::ALL.into_iter().map(field).collect(),
            taken_first_at: "2013-04-19T02:14:05+09:00".into(),
            taken_last_at: "2013-04-19T02:14:05+09:00".into(),
            ..Counts::default()
        };
        let mut facts = computed(&counts);
        facts.extend(conservation_facts(&Conservation::default(), 1, "2013-05-27"));
        facts
    }

    #[test]
    fn every_computed_fact_has_a_name_a_sentence_and_a_source_in_both_languages() {
        for fact in all() {
            for language in [Language::Ja, Language::En] {
                let words = fact_words(&fact.name, language).unwrap_or_else(|| panic!("{} has no words", fact.name));
                let all = [words.name, words.sentence, fact_source(&fact, language)];
                assert!(all.iter().all(|words| !words.is_empty()), "{}", fact.name);
                let foreign = all.iter().any(|words| words.is_ascii());
                assert!(language == Language::En || !foreign, "{}: {all:?}", fact.name);
            }
        }
    }

    #[test]
    fn a_name_of_somebody_else_has_no_words_of_ours() {
        assert_eq!(fact_words("records.tables.proved", Language::Ja), None);
        assert_eq!(fact_words("phone_lines", Language::En), None);
        assert_eq!(fact_words("cause.ja", Language::En).map(|words| words.name), Some("Cause".into()));
    }
}
