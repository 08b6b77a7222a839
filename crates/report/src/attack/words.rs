//! The words of the picture, in both languages, one place each.

use kintsugi_case::{Language, Technique, Verdict};

/// A word or a sentence of the picture. Sentences have `{}` where something stands in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Attack,
    Nothing,
    Statements,
    Refused,
    Cells,
    CellsOfRows,
    Agree,
    Session,
    Addresses,
    MoreShapes,
    MoreActors,
    Others,
    Unread,
    QueryLogAlone,
    NoAgent,
    AsOf,
    Settle,
    Missing,
    NoLog,
    WithoutStatement,
    Timeline,
    TimelineText,
    ActorText,
    TookNothing,
}

pub(super) fn say(word: Word, language: Language) -> &'static str {
    match language {
        Language::Ja => japanese(word),
        _ => english(word),
    }
}

/// A sentence with its values.
pub(super) fn with(word: Word, language: Language, values: &[&str]) -> String {
    let mut text = String::new();
    let mut rest = say(word, language);
    for value in values {
        let Some((before, after)) = rest.split_once("{}") else { break };
        text.push_str(before);
        text.push_str(value);
        rest = after;
    }
    text + rest
}

/// `1 statement`, `109,112 statements`
pub(super) fn statements(count: u64, language: Language) -> String {
    match (count, language) {
        (1, language) if language != Language::Ja => "1 statement".into(),
        _ => with(Word::Statements, language, &[&super::number(language, count)]),
    }
}

const fn english(word: Word) -> &'static str {
    match word {
        Word::Attack => "The attack",
        Word::Nothing => "No statement of an intruder was found in the logs that were read.",
        Word::Statements => "{} statements",
        Word::Refused => "{} refused",
        Word::Cells => "{} cells",
        Word::CellsOfRows => "{}: {} cells in {} rows",
        Word::Agree => "{} of {} answers agree",
        Word::Session => "session {}",
        Word::Addresses => "{} addresses",
        Word::MoreShapes => "and {} more shapes, {} statements",
        Word::MoreActors => "and {} more who got nothing: {} statements",
        Word::Others => {
            "{} other clients sent {} values that look like statements (lists, apostrophes, sentences): none of them asked for anything."
        }
        Word::Unread => "cannot be read: {}",
        Word::QueryLogAlone => "known from the query log alone",
        Word::NoAgent => "no program named",
        Word::AsOf => "as of {}",
        Word::Settle => "What would settle it",
        Word::Missing => "{}, which is missing between {} and {}",
        Word::NoLog => "no log",
        Word::WithoutStatement => "Without a statement",
        Word::Timeline => "Timeline of the attack",
        Word::TimelineText => "{}. From {}. {} statements of {} actors.",
        Word::ActorText => "Actor {}, {}: {} statements. {}",
        Word::TookNothing => "got nothing",
    }
}

const fn japanese(word: Word) -> &'static str {
    match word {
        Word::Attack => "攻撃の全体像",
        Word::Nothing => "読み取ったログに、侵入者のSQL文は見つかりませんでした。",
        Word::Statements => "SQL文 {}件",
        Word::Refused => "拒否 {}件",
        Word::Cells => "{}セル",
        Word::CellsOfRows => "{}：{}セル（{}行）",
        Word::Agree => "応答 {}／{}件が一致",
        Word::Session => "セッション {}",
        Word::Addresses => "アドレス {}件",
        Word::MoreShapes => "ほか {}種類、SQL文 {}件",
        Word::MoreActors => "ほか {}者（取得なし）、SQL文 {}件",
        Word::Others => {
            "ほかに {}の利用者が、SQL文に見える値を {}件送っています（数の列、アポストロフィ、文章など）。いずれも何も求めていません。"
        }
        Word::Unread => "解読できません：{}",
        Word::QueryLogAlone => "クエリログのみで判明",
        Word::NoAgent => "プログラム名なし",
        Word::AsOf => "{} 現在",
        Word::Settle => "何があれば確定できるか",
        Word::Missing => "{}（{} から {} の間が欠けています）",
        Word::NoLog => "ログなし",
        Word::WithoutStatement => "SQL文によらないもの",
        Word::Timeline => "攻撃の時系列",
        Word::TimelineText => "{}。期間 {}。SQL文 {}件、実行者 {}。",
        Word::ActorText => "実行者 {}、{}：SQL文 {}件。{}",
        Word::TookNothing => "取得なし",
    }
}

/// How answers left, as staff read it.
pub(super) const fn technique(technique: Technique, language: Language) -> &'static str {
    match (technique, language) {
        (Technique::Union, Language::Ja) => "ページ内の行（UNION）",
        (Technique::ErrorBased, Language::Ja) => "エラーメッセージ",
        (Technique::BooleanBlind, Language::Ja) => "ページによる真偽判定",
        (Technique::TimeBlind, Language::Ja) => "待ち時間による真偽判定",
        (Technique::OutOfBand, Language::Ja) => "ページ以外の経路（表、ファイル、外部への送信）",
        (Technique::LoginBypass, Language::Ja) => "パスワードなしのログイン",
        (Technique::Access, Language::Ja) => "番号による記録の取得",
        (Technique::File, Language::Ja) => "ファイル",
        (Technique::Window, Language::Ja) => "利用期間",
        (Technique::Union, _) => "rows in the page (UNION)",
        (Technique::ErrorBased, _) => "error texts",
        (Technique::BooleanBlind, _) => "yes or no, by the page",
        (Technique::TimeBlind, _) => "yes or no, by waiting",
        (Technique::OutOfBand, _) => "another way than the page (a table, a file, another server)",
        (Technique::LoginBypass, _) => "sign-in without the password",
        (Technique::Access, _) => "records by their number",
        (Technique::File, _) => "a file",
        (Technique::Window, _) => "a period of use",
    }
}

/// A verdict in one word.
pub(super) const fn verdict(verdict: Verdict, language: Language) -> &'static str {
    match language {
        Language::Ja => verdict.label(language),
        _ => verdict.name(),
    }
}

/// A length of time in its largest unit or two: `11 d 4 h`.
pub(super) fn length(ms: i64, language: Language) -> String {
    let (d, h, m, s) = match language {
        Language::Ja => ("日", "時間", "分", "秒"),
        _ => (" d", " h", " min", " s"),
    };
    let seconds = ms / 1000;
    let pair = |large: i64, unit: &str, small: i64, below: &str| match small {
        0 => format!("{large}{unit}"),
        _ => format!("{large}{unit} {small}{below}"),
    };
    match seconds {
        86_400.. => pair(seconds / 86_400, d, seconds % 86_400 / 3600, h),
        3_600.. => pair(seconds / 3600, h, seconds % 3600 / 60, m),
        60.. => pair(seconds / 60, m, seconds % 60, s),
        _ => format!("{seconds}{s}"),
    }
}
