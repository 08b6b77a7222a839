//! Why a verdict is what it is, in the reader's language. The engines write their reasons in English (`replay`, `scope`); here
//! each of a closed list of them has its Japanese sentence. One that the list does not know stays as it was written.
//!
//! Not here: what would settle a doubt (`kintsugi_case::Doubt`, `attack::settle`).

use std::borrow::Cow;

use kintsugi_case::Language;

/// The reason as staff read it.
pub fn reason(written: &str, language: Language) -> Cow<'_, str> {
    let known = || REASONS.iter().find(|(begins, _)| written.starts_with(begins));
    match (language, known()) {
        (Language::Ja, Some((begins, words))) => Cow::Owned(words.replace("{}", &details(&written[begins.len()..]))),
        _ => Cow::Borrowed(written),
    }
}

/// What a reason says beyond its beginning.
fn details(rest: &str) -> String {
    let rest = rest.trim_start_matches(':').trim();
    // A period has its days and nothing else.
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest.replace(" and ", "～") } else { rest.to_owned() }
}

/// How the engines begin their reasons, and what Japanese readers are told; the first that fits counts. `{}`: what follows.
const REASONS: &[(&str, &str)] = &[
    (
        "the statement could not be replayed: no request of the web logs",
        "命令を再現できませんでした。対応する要求がウェブのログにありません",
    ),
    (
        "the statement could not be replayed: a value that was stored",
        "以前に保存された値が命令の一部になりましたが、何が返されたかを示すログはありません",
    ),
    ("the statement could not be replayed", "命令を再現できませんでした（{}）"),
    // rows
    (
        "the page had exactly the size that these values give it",
        "ページの大きさが、この値から計算した大きさと1バイトも違いません",
    ),
    (
        "the page had the size that these values give it, within",
        "ページの大きさが、この値から計算した大きさと、不明な値による幅の中で一致します",
    ),
    ("the statement asked for a part of the value", "命令が求めたのは値の一部です"),
    ("the answer was cut at the server's limit", "集約関数の上限により、応答はこの行の途中で切れています"),
    ("the value that arrived is that of several records", "届いた値は複数のレコードと同じで、どのレコードのものかは分かりません"),
    ("nothing tells whether the page shows this column", "ページがこの列を表示するかどうかを示すものがありません"),
    (
        "without ORDER BY the server's order decides",
        "ORDER BY がないため、どの行かはサーバー側の順序で決まります。裏付けとなるページが足りません",
    ),
    ("the server refused the request", "サーバーが要求を拒否しました"),
    ("the server sent the client elsewhere", "サーバーは内容を示さず、別のページへ転送しました"),
    ("the request failed", "要求は失敗し、サーバーはページの代わりにエラーを返しました"),
    ("the page has the same size with and without these values", "この値があってもなくても、ページの大きさは同じです"),
    ("the page had the size it has without the values", "ページの大きさは、求められた値がないときの大きさです"),
    ("the page was smaller than these values make it", "ページは、この値がある場合より小さい"),
    ("the page was larger than these values make it", "ページは、この値がある場合より大きい"),
    ("too few pages of this kind", "同じ種類のページが少なく、大きさからは何が表示されたか判断できません"),
    (
        "the page has another size than the values of today give it",
        "ページの大きさが今の値から計算した大きさと違います。表はその後、元に戻せない形で変更されています",
    ),
    (
        "too many of these values were changed since then",
        "その後に変更された値、または不明な値が多く、ページの大きさからは判断できません",
    ),
    (
        "rows came or went at about this time",
        "この前後に行の追加や削除があり、この行が表示されたかはページの大きさから決まりません",
    ),
    ("the connection ended before the page did", "ページの途中で接続が切れました"),
    // the query log
    (
        "the query log has the error message with the value",
        "クエリログに値を含むエラーメッセージがあり、このページはエラーメッセージを表示します",
    ),
    ("the sides of the statement's union", "UNION の左右で列の数が違うため、どのサーバーもこの命令を実行しません"),
    (
        "the statement sorts by a column beyond those it selects",
        "取り出す列の数より大きい番号の列で並べ替えようとしているため、どのサーバーもこの命令を実行しません",
    ),
    ("the query log says that the database refused", "クエリログによれば、権限がないためデータベースが命令を拒否しました"),
    (
        "the query log says that the database could not read",
        "クエリログによれば、データベースは命令を解釈できず、実行していません",
    ),
    ("the query log says that the statement names", "クエリログによれば、命令が指す名前はデータベースになく、実行されていません"),
    ("the query log says that the statement sent no rows", "クエリログによれば、命令は行を一つも返していません"),
    (
        "the query log says that the statement sent another number of rows",
        "クエリログによれば、返された行の数がスナップショットの行の数と違います",
    ),
    (
        "the query log has the ordinary statements of this page",
        "クエリログにはこのページの通常の命令だけがあります。この命令はデータベースに届いていません",
    ),
    // answers
    ("every character of the value follows", "ログに現れた応答から、値のすべての文字が決まります"),
    ("the answers that the log shows give only a part", "ログに現れた応答から分かるのは、値の一部だけです"),
    ("several records hold the value", "応答から決まる値を複数のレコードが持ち、どれが読まれたか分かりません"),
    (
        "the answers give a value that no record of the snapshot holds",
        "応答から決まる値を持つレコードがスナップショットにありません。その後に変更された可能性があります",
    ),
    ("the log does not show what the server answered", "サーバーが何と答えたか、ログからは分かりません"),
    ("the server answered alike whatever was asked", "何を尋ねられても、サーバーの応答は同じでした"),
    (
        "the log does not show the answers, but what was asked next",
        "ログに応答は現れませんが、次の質問からそれぞれの応答が分かり、合わせるとあるレコードの値になります",
    ),
    ("the log does not show the answers; what was asked next", "ログに応答は現れません。次の質問から分かる応答も足りません"),
    ("the answers to so few questions", "質問の数が少なく、値を伝えることはできません"),
    ("what the questions ask for could not be worked out", "何を尋ねている質問なのか読み解けませんでした（{}）"),
    (
        "what some of the questions ask of the value could not be worked out",
        "値について何を尋ねているのか読み解けない質問があり、残りの質問だけでは値が決まりません",
    ),
    (
        "the sizes of the pages differ from question to question",
        "ページの大きさが質問ごとに違い（圧縮など）、応答を読み取れません",
    ),
    // error texts
    (
        "the page had exactly the size that the error messages",
        "ページの大きさが、値のすべての文字を含むエラーメッセージの大きさと1バイトも違いません",
    ),
    (
        "the error messages that fit the sizes of their pages hold only a part",
        "ページの大きさと合うエラーメッセージが含むのは、値の一部だけです",
    ),
    ("several records stand at the same place", "命令の順序で同じ位置に複数のレコードがあり、どれが表示されたか分かりません"),
    ("the page had another size than the error message", "ページの大きさが、この値を含むエラーメッセージの大きさと違います"),
    ("the value raises no error", "この値ではエラーが起きず、メッセージに現れません"),
    ("the page had the same size whatever the error message", "エラーメッセージの内容にかかわらず、ページの大きさは同じです"),
    ("the statement asked for the smallest or greatest value", "命令が求めたのは表全体の最小値または最大値です"),
    (
        "the sizes of these pages agree too rarely",
        "これらのページの大きさが、スナップショットの同じ位置の行と合うことが少なすぎます",
    ),
    ("the value was asked for once, as the place", "値は、続く命令の起点として一度だけ求められました"),
    (
        "before this place, keys were of another size",
        "この位置より前では、キーの長さがスナップショットと違います。その後に行が動いています",
    ),
    // elsewhere than in the page
    (
        "the statement has the database itself send",
        "命令は、求めた値をデータベース自身に外部のサーバーへ送らせるものです。ページには現れず、DNSまたはファイアウォールのログで確定できます",
    ),
    (
        "the statement hands what it asks for to a program",
        "命令は、求めた値をデータベースサーバー上のプログラムに渡すものです。ページには現れず、ファイアウォールのログで確定できます",
    ),
    (
        "the statement writes what it asks for into a file",
        "命令は、求めた値をデータベースサーバー上のファイルに書き出すものです。そのファイルが取得されたかは分かりません",
    ),
    (
        "the statement copies what it asks for into a table",
        "命令は、求めた値を別の表に写すものです。後でそこから何が読まれたかは、ページの大きさからは分かりません",
    ),
    // sign-ins
    (
        "a tool that asked questions through the sign-in",
        "ログインを通じて質問したツールがログインに成功し、途中でこの行が送られました",
    ),
    (
        "a sign-in without the password was accepted",
        "パスワードのないログインが受け入れられ、この行が見つかりました。そのセッションで何が示されたかは分かりません",
    ),
    ("the session of a sign-in without the password", "パスワードのないログインによるセッションに、この行が表示されました"),
    ("the sign-in found this row", "ログインでこの行が見つかり、続くセッションがその値で要求しています"),
    // access
    ("the record was asked for by its number", "レコードが番号で求められ、サーバーが返しました"),
    ("the server answered with the record, longer", "サーバーがレコードを返しましたが、今の値から計算した長さより長い応答です"),
    (
        "the answer was shorter than the record's values",
        "応答が今の値から計算した長さより短く、途中で切れたか、レコードが変更されています",
    ),
    ("the answer was as long as the record's values", "応答の長さが、レコードの値から計算した長さと1バイトも違いません"),
    ("only a range of the answer was asked for", "応答の一部の範囲だけが求められました"),
    ("the server answered that nothing changed", "サーバーは、前の応答から変更がないと答えました"),
    ("somebody behind the same address", "同じアドレスまたはネットワークの誰かが、多くの人のレコードを読みました"),
    (
        "somebody went through the record numbers in order",
        "誰かがレコードの番号を順にたどりました。人数は、確定とする基準より少数です",
    ),
    ("the answer shows a part of the value", "応答が示すのは値の一部です"),
    ("the answer shows one of these rows", "応答が示すのはこれらの行のいずれかで、どれかは分かりません"),
    // files
    ("the file that was found holds the record", "見つかったファイルにこのレコードがあります"),
    (
        "the file holds the record, and the server sent all of it",
        "ファイルにこのレコードがあり、サーバーはそのすべてを送りました",
    ),
    (
        "the file's first bytes hold the record",
        "ファイルの先頭の部分にこのレコードがあり、サーバーはその部分を初めての相手に送りました",
    ),
    ("the file holds the record behind the bytes", "ファイルの中で、このレコードは確実に送られた部分より後にあります"),
    (
        "the file holds the record and could be fetched",
        "ファイルにこのレコードがあり、取得できる状態でした。ログにダウンロードはありません",
    ),
    ("the file holds one of these records", "ファイルにこれらのレコードのいずれかがあり、どれかは分かりません"),
    ("the file holds the record with another value", "ファイルにこのレコードがありますが、値が今と違います"),
    // window
    ("the service was used between", "期間内にサービスが利用されました（{}）"),
];

#[cfg(test)]
mod tests {
    use kintsugi_case::Language;

    use super::{REASONS, reason};

    #[test]
    fn a_reason_is_said_in_the_readers_language() {
        let check = |written: &str, expected: &str| {
            assert_eq!(reason(written, Language::Ja), expected);
            assert_eq!(reason(written, Language::En), written);
        };
        check("the server refused the request", "サーバーが要求を拒否しました");
        check(
            "the service was used between 2011-03-07 and 2013-04-23",
            "期間内にサービスが利用されました（2011-03-07～2013-04-23）",
        );
        check("the statement could not be replayed: no FROM", "命令を再現できませんでした（no FROM）");
        check("the moon was full", "the moon was full");
    }

    #[test]
    fn no_reason_hides_a_later_one() {
        for (at, (begins, words)) in REASONS.iter().enumerate() {
            let first = REASONS.iter().position(|(other, _)| begins.starts_with(other));
            assert_eq!(first, Some(at), "{begins}");
            assert!(!words.is_empty() && !words.is_ascii());
        }
    }
}
