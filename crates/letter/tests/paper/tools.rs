//! The independent readers, and letters to invented people.

use std::path::Path;
use std::process::Command;

use kintsugi_case::PaperLineKind::{Answer, Heading, Paragraph, Row, Small, SmallHeading, Step, Typed};
use kintsugi_case::{Language, PaperLine, PaperLineKind, Window};
use kintsugi_letter::{AddressBlock, Piece, Press, Recipient, Stationery};

/// What a tool prints.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> String {
    let output =
        Command::new(name).args(arguments).output().unwrap_or_else(|error| panic!("{name}: {error} (scripts/setup test)"));
    assert!(output.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The words of some pages, in the order of the page.
pub(crate) fn words(pdf: &Path, from: u32, to: u32) -> String {
    tool("pdftotext", &["-layout", "-f", &from.to_string(), "-l", &to.to_string(), pdf.to_str().unwrap(), "-"])
}

/// Text without blanks: where lines break is not what is tested.
pub(crate) fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

pub(crate) fn stationery(window: Window) -> Stationery {
    Stationery {
        window,
        controller: "カケハシレンタル株式会社".into(),
        sender: vec!["〒100-0001".into(), "東京都千代田区千代田1-1".into()],
        phone: "0120-000-000".into(),
        hours: "毎日 9時から20時".into(),
        email: "desk@kakehashi.example".into(),
    }
}

pub(crate) fn line(kind: PaperLineKind, words: &str) -> PaperLine {
    PaperLine::new(kind, words)
}

pub(crate) fn row(field: &str, verdict: &str) -> PaperLine {
    PaperLine { kind: Row, cells: vec![field.into(), verdict.into()] }
}

/// What a letter of one page says.
pub(crate) fn lines() -> Vec<PaperLine> {
    let mut lines = vec![
        line(Answer, "山田 花子 様の Visa（下4桁 4242）の情報が、外部の者に取り出されたことを確認しました。"),
        line(
            Paragraph,
            "TABIDATA を運営するカケハシレンタル株式会社です。当社は、お預かりした情報を守ることができませんでした。心よりお詫び申し上げます。",
        ),
        line(Heading, "いま、していただきたいこと"),
        line(
            Step,
            "カードの裏面の番号でカード会社に電話をして、「加盟店から、カード情報が流出したという知らせを受けた」と伝え、停止と再発行をお申し込みください。対象は Visa（下4桁 4242）です。",
        ),
        line(
            Step,
            "2013年4月19日以降の利用明細をお確かめください。覚えのない請求は、少額でも、すぐにカード会社へ届け出てください。補償には期限があります。",
        ),
        line(
            Step,
            "当社やカード会社を名乗る電話やメールで、カード番号、セキュリティコード、暗証番号、パスワードを聞かれても、お答えにならないでください。当社からお尋ねすることはありません。",
        ),
        line(Heading, "取り出された情報"),
        line(SmallHeading, "Visa（下4桁 4242）（2012年8月4日に TABIDATA をご利用いただいたときの情報）"),
    ];
    for field in ["カード番号", "有効期限", "セキュリティコード", "カードの名義"] {
        lines.push(row(field, "● 確認済み"));
    }
    lines.push(line(SmallHeading, "お客様情報（TABIDATA にご登録いただいた情報）"));
    for field in ["お名前", "メールアドレス", "住所", "電話番号"] {
        lines.push(row(field, "◐ 可能性あり"));
    }
    lines.extend([
        line(Small, "「確認済み」は、外部の者の手に渡ったことを記録から確かめた項目です。「可能性あり」は、渡ったとも、渡っていないとも言い切れない項目です。渡ったものとして備えをお願いします。"),
        line(Small, "この判断は、2013年5月21日に確定した調査結果（第 1 版）によるものです。判断が変わったときは、必ずあらためてお知らせします。"),
        line(Heading, "お客様専用のページ"),
        line(Paragraph, "根拠になった記録をご覧いただけます。次回のご利用に使える 3,000円分のクーポンも、このページでお渡ししています（2014年5月31日まで）。インターネットをお使いでない方は、お電話で承ります。"),
        line(Typed, "https://kakehashi.example/n/ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-23"),
    ]);
    lines
}

/// A letter to the `serial`-th of some invented people.
pub(crate) fn piece(press: &Press, window: Window, serial: u64) -> Piece {
    let name = format!("山田 花子{}", ["", "子", "代", "美"][(serial % 4) as usize]);
    let address = format!("東京都千代田区丸の内{}丁目{}番{}号", serial % 4 + 1, serial % 30 + 1, serial % 9 + 1);
    let to = Recipient { name: &name, postal_code: "1000005", address: &address, language: Language::Ja, abroad: false };
    Piece {
        sequence: format!("0001-{serial:06}"),
        person: serial,
        address: AddressBlock::fit(press, window, "JP", &to).unwrap(),
        language: Language::Ja,
        number: kintsugi_case::NoticeNumber::new(2013, serial).to_string(),
        day: "2013年5月27日".into(),
        subject: "TABIDATA に登録されたカード情報についての大切なお知らせ".into(),
        lines: lines(),
        verify: "https://kakehashi.example/verify".into(),
    }
}
