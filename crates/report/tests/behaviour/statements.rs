//! The public statement.

use jiff::tz::TimeZone;
use kintsugi_case::{Conservation, Fact, FactValue, Language};
use kintsugi_report::{Block, NotPublished, Run, Statement, StatementFrame, conservation_facts, statement};

use crate::facts::{controller, entered, facts};

fn write(facts: &[Fact], language: Language) -> Result<Statement, NotPublished> {
    let (controller, timezone) = (controller(), TimeZone::get("Asia/Tokyo").unwrap());
    let frame = StatementFrame { controller: &controller, portal: "https://kakehashi.example", timezone: &timezone, language };
    statement(facts, &frame)
}

/// The statement as words; what states a fact stands in brackets.
fn shown(statement: &Statement) -> String {
    let words = |runs: &[Run]| -> String {
        runs.iter().map(|run| if run.fact.is_some() { format!("[{}]", run.text) } else { run.text.clone() }).collect()
    };
    let mut out = format!("{}\n{} / {}\n{}\n", statement.title, statement.dated, statement.by, words(&statement.lead));
    for section in &statement.sections {
        out.push_str(&format!("\n## {}\n", section.heading));
        for block in &section.blocks {
            match block {
                Block::Paragraph(runs) => out.push_str(&format!("{}\n", words(runs))),
                Block::Steps(steps) => steps.iter().for_each(|step| out.push_str(&format!("1. {}\n", words(step)))),
                Block::Table { head, rows } => {
                    out.push_str(&format!("{}\n", head.join(" | ")));
                    let cells =
                        |row: &[Run]| row.iter().map(|run| words(std::slice::from_ref(run))).collect::<Vec<_>>().join(" | ");
                    rows.iter().for_each(|row| out.push_str(&format!("{}\n", cells(row))));
                }
            }
        }
    }
    out
}

#[test]
fn in_japanese() {
    insta::assert_snapshot!(shown(&write(&facts(), Language::Ja).unwrap()), @r"
    不正アクセスによる個人情報の流出についてのお知らせとお詫び
    2013年5月27日 / カケハシレンタル株式会社
    当社が運営する TABIDATA、Tabi Cellular のデータベースから、お客様 [8,765] 人の情報（記録 [9,876] 件）が外部の者に取り出されたことを確認しました。お客様には多大なご迷惑とご心配をおかけしております。当社は、お預かりした情報を守ることができませんでした。心よりお詫び申し上げます。

    ## 経緯
    [2013年4月23日]、情報が流出したおそれがあることを知りました。
    [2013年4月23日 17時00分（日本時間）]、お申し込みの受け付けを停止しました。
    情報が取り出されたのは、[2013年4月19日 2時14分（日本時間）]から[2013年4月23日 16時59分（日本時間）]までの間です。
    [2013年5月21日]、対象となる記録とお客様を確定しました。

    ## 流出した情報の項目と件数
    当社が保管していた記録 [12,345] 件のうち、流出を確認した記録は [9,876] 件です。
    項目 | 確認済み（記録） | 確認済み（人数） | 可能性あり（記録） | 可能性あり（人数）
    カード番号 | [9,876] | [8,765] | [0] | [0]
    ご住所 | [9,000] | [8,000] | [876] | [765]
    「確認済み」は、外部の者の手に渡ったことを記録から確かめたもの、「可能性あり」は、渡ったとも、渡っていないとも言い切れないものです。一つの記録やお一人のお客様が、複数の項目に数えられています。

    ## 対象となるお客様の人数
    対象となるお客様は [8,765] 人です。お一人で複数の記録をお持ちの方がいるため、記録の件数とは一致しません。

    ## 原因
    公表できる事実として確定したものは、まだありません。確定しだい、このページに書き加えます。

    ## 二次被害の有無とそのおそれ
    カードの不正な利用として報告を受けた件数は、[2013年4月26日]の時点で [172] 件です。
    取り出された情報を使った不正な請求や、当社やカード会社を名乗る電話、メールのおそれがあります。

    ## お客様への対応
    対象となるお客様 [8,765] 人に、お一人ずつ、取り出された項目と根拠を記したお知らせをお送りします。[2013年5月27日]の時点で、メールでお送りしたお知らせは [8,700] 件です。メールアドレスがなく、別の方法でお知らせする方は [65] 人です。
    お知らせが届く前でも、https://kakehashi.example で、ご自身が対象かどうかをお確かめいただけます。

    ## お客様へのお願い
    1. お知らせにカードの記載があるときは、カード会社に電話をして、カードの停止と再発行をお申し込みください。電話番号はカードの裏面にあります。
    1. カードの利用明細をお確かめください。覚えのない請求は、少額でも、すぐにカード会社へ届け出てください。
    1. 当社やカード会社を名乗る電話やメールで、カード番号、セキュリティコード、暗証番号、パスワードを聞かれても、お答えにならないでください。当社からお尋ねすることはありません。
    1. 届いたお知らせが本物かどうかは、https://kakehashi.example/verify にお知らせ番号を入力するとお確かめいただけます。

    ## 関係機関への報告
    報告の状況として公表できる事実は、まだ確定していません。

    ## 再発を防ぐために
    実施した対策は、確定しだい、このページに書き加えます。

    ## お問い合わせ
    カケハシレンタル株式会社
    電話　0120-000-000（10-19）
    メール　privacy@kakehashi.example
    ");
}

#[test]
fn in_english() {
    insta::assert_snapshot!(shown(&write(&facts(), Language::En).unwrap()), @r"
    Notice and apology: personal data taken from our systems
    27 May 2013 / カケハシレンタル株式会社
    We have confirmed that an intruder took details of [8,765] customers ([9,876] records) from the database behind TABIDATA and Tabi Cellular. We were responsible for keeping these details safe and we did not. We are sorry for the worry and trouble this causes.

    ## What happened
    On [23 April 2013] we learned that details may have been taken.
    On [23 April 2013 at 17:00 (Japan time)] we stopped taking orders.
    The details were taken between [19 April 2013 at 02:14 (Japan time)] and [23 April 2013 at 16:59 (Japan time)].
    On [21 May 2013] we established which records and which customers are affected.

    ## What was taken, and how much
    Of the [12,345] records we held, [9,876] were confirmed taken.
    Item | Confirmed (records) | Confirmed (people) | Possible (records) | Possible (people)
    Card number | [9,876] | [8,765] | [0] | [0]
    Postal address | [9,000] | [8,000] | [876] | [765]
    “Confirmed” means that our records show that the intruder received the item. “Possible” means that we can neither show this nor rule it out. One record, or one customer, can count under several items.

    ## How many people are affected
    [8,765] people are affected. Some have several records, so this is not the number of records.

    ## Cause
    No finding is final enough to be published yet. We will add it to this page when one is.

    ## Misuse of the details
    As of [26 April 2013], [172] cases of unauthorised card use had been reported.
    The details could be used for fraudulent charges, or by callers and emails claiming to be from us or from a card issuer.

    ## What we are doing for the people affected
    We are writing to each of the [8,765] people, one by one, saying which of their details were taken and how we know. As of [27 May 2013], [8,700] notices had been sent by email. We have no email address for [65] people and will reach them in other ways.
    You do not have to wait for your notice: you can ask whether you are affected at https://kakehashi.example.

    ## What you can do
    1. If your notice names a card, call your card issuer and ask them to block and replace it. The phone number is on the back of the card.
    1. Check your card statements. Report any charge you do not recognise to your card issuer at once, however small.
    1. If anyone contacts you in our name, or in the name of your card issuer, and asks for a card number, security code, PIN or password, do not give it. We will never ask you for these.
    1. To check that a notice is genuine, type https://kakehashi.example/verify into your browser and enter the notice number.

    ## Reports to authorities
    No report is confirmed for publication yet.

    ## So that it does not happen again
    We will add the measures to this page as they are completed.

    ## Questions
    カケハシレンタル株式会社
    Phone: 0120-000-000 (10-19)
    Email: privacy@kakehashi.example
    ");
}

/// Whether every digit in the statement belongs to a fact. What is left: the telephone number and the hours.
#[test]
fn every_number_cites_a_fact() {
    for language in Language::ALL {
        let statement = write(&facts(), language).unwrap();
        let contact = ["0120-000-000", "10-19"];
        for run in statement.runs().filter(|run| run.fact.is_none()) {
            let words = contact.iter().fold(run.text.clone(), |words, known| words.replace(known, ""));
            assert!(!words.contains(|c: char| c.is_ascii_digit()), "{words}");
        }
        let known = facts();
        for name in statement.runs().filter_map(|run| run.fact.as_ref()) {
            assert!(known.iter().any(|fact| fact.name == *name), "{name}");
        }
    }
}

#[test]
fn facts_that_contradict_each_other_stop_publication_and_are_named() {
    let mut facts = facts();
    facts.push(entered("unauthorised_use_cases", FactValue::Number(0), "2013-05-27"));
    facts.push(entered("discovered_at", FactValue::Date("2013-04-26".into()), "2013-05-27"));
    let Err(NotPublished::Contradictions(found)) = write(&facts, Language::Ja) else { panic!("published") };
    let mut names: Vec<&str> = found.iter().map(|one| one.first.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["discovered_at", "unauthorised_use_cases"]);
}

#[test]
fn without_a_scope_there_is_nothing_to_state() {
    let entered = [entered("unauthorised_use_cases", FactValue::Number(172), "2013-04-26")];
    let Err(NotPublished::Missing(names)) = write(&entered, Language::En) else { panic!("published") };
    assert_eq!(names, ["records_stored", "records_exposed", "persons_affected", "persons_proved"]);
}

#[test]
fn what_is_not_known_is_said_and_nothing_known_is_said_in_its_place() {
    let known = facts();
    let unknown: Vec<Fact> = known.into_iter().filter(|fact| fact.name != "unauthorised_use_cases").collect();
    let said = shown(&write(&unknown, Language::En).unwrap());
    assert!(said.contains("This does not mean that there are none."), "{said}");
}

#[test]
fn what_an_earlier_scope_version_counted_stops_publication_and_both_are_named() {
    let mut all = facts();
    let of_scope: Vec<Fact> =
        all.iter().filter(|fact| fact.scope_version == 1 && !fact.name.starts_with("notices_")).cloned().collect();
    let line = Conservation { persons: 8_765, accepted: 8_765, ..Conservation::default() };
    all.extend(conservation_facts(&line, 1, "2013-05-27T17:00:00+09:00"));
    all.extend(of_scope.into_iter().map(|fact| Fact { scope_version: 2, replaces: true, ..fact }));
    let Err(NotPublished::Stale(stale)) = write(&all, Language::En) else { panic!("published") };
    let said = stale[0].to_string();
    assert!(
        said.starts_with("notices_accepted = 8765 (as of 2013-05-27T17:00:00+09:00, scope version 1) is older than"),
        "{said}"
    );
    assert!(said.ends_with("scope version 2)"), "{said}");
}

#[test]
fn one_discovery_under_two_names_has_one_date() {
    let mut all = facts();
    let date = |name: &str, day: &str| Fact {
        name: name.into(),
        value: FactValue::Date(day.into()),
        ..entered("x", FactValue::Number(1), "2013-05-27")
    };
    all.retain(|fact| !["discovered_at", "aware_at"].contains(&fact.name.as_str()));
    all.extend([date("discovered_at", "2013-04-26"), date("aware_at", "2013-04-23")]);
    let Err(NotPublished::Contradictions(found)) = write(&all, Language::Ja) else { panic!("published") };
    assert_eq!(found.len(), 1);
    assert!(found[0].to_string().starts_with("discovered_at: 2013-04-26 (as of 2013-05-27, somebody) and aware_at: 2013-04-23 "));
}
