//! How fast letters are set: `paper-speed LETTERS BATCH [FILE.pdf]`, letters of one page with 2D code, batch after batch as
//! `kintsugi letters` makes them. Prints letters a second, and the size of a letter within its batch.

use std::time::Instant;

use kintsugi_case::PaperLineKind::{Answer, Heading, Paragraph, Row, Small, SmallHeading, Step, Typed};
use kintsugi_case::{Language, NoticeNumber, PaperLine, PaperLineKind, Window};
use kintsugi_letter::{AddressBlock, Piece, Press, Recipient, Stationery};

const SURNAMES: [&str; 8] = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村"];
const NAMES: [&str; 8] = ["花子", "太郎", "美咲", "健一", "陽子", "誠", "由美", "隆"];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |at: usize, usual: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (letters, batch_max) = (number(1, 4_000), number(2, 500));
    let press = Press::new(None).expect("fonts");
    let window = if std::env::var_os("DL").is_some() { Window::Dl } else { Window::Naga3 };
    let stationery = stationery(window);
    let serials: Vec<u64> = (1..=letters).collect();
    let start = Instant::now();
    let batches: Vec<_> = serials
        .chunks(batch_max as usize)
        .map(|some| {
            let pieces: Vec<Piece> = some.iter().map(|serial| piece(&press, window, *serial)).collect();
            press.batch("batch", &stationery, &pieces).expect("a batch")
        })
        .collect();
    let seconds = start.elapsed().as_secs_f64();
    let (pages, bytes) =
        batches.iter().fold((0, 0), |(pages, bytes), batch| (pages + batch.pages.iter().sum::<u32>(), bytes + batch.pdf.len()));
    assert_eq!(u64::from(pages), letters, "one page each");
    say(&format!(
        "{letters} letters in {seconds:.2} s: {:.0} a second, {:.1} KB each, {} batches",
        letters as f64 / seconds,
        bytes as f64 / 1000.0 / letters as f64,
        batches.len()
    ));
    if let (Some(path), Some(first)) = (arguments.get(3), batches.first()) {
        std::fs::write(path, &first.pdf).expect("the file");
    }
}

#[allow(clippy::print_stdout)]
fn say(text: &str) {
    println!("{text}");
}

fn stationery(window: Window) -> Stationery {
    Stationery {
        window,
        controller: "カケハシレンタル株式会社".into(),
        sender: vec!["〒100-0005".into(), "東京都千代田区丸の内9-9-9".into()],
        phone: "0120-000-000".into(),
        hours: "毎日 9時から20時".into(),
        email: "desk@kakehashi.example".into(),
    }
}

fn piece(press: &Press, window: Window, serial: u64) -> Piece {
    let pick = |of: &[&'static str], by: u64| of[(serial / by % of.len() as u64) as usize];
    let name = format!("{} {}", pick(&SURNAMES, 1), pick(&NAMES, 8));
    let address = format!("東京都千代田区丸の内{}丁目{}番{}号", serial % 4 + 1, serial % 30 + 1, serial % 9 + 1);
    let to = Recipient { name: &name, postal_code: "1000005", address: &address, language: Language::Ja, abroad: false };
    let number = NoticeNumber::new(2013, serial).to_string();
    Piece {
        sequence: format!("0001-{serial:06}"),
        person: serial,
        address: AddressBlock::fit(press, window, "JP", &to).expect("an address that fits"),
        language: Language::Ja,
        day: "2013年5月27日".into(),
        subject: "TABIDATA に登録されたカード情報についての大切なお知らせ".into(),
        lines: lines(&name, serial),
        verify: "https://kakehashi.example/verify".into(),
        number,
    }
}

fn lines(name: &str, serial: u64) -> Vec<PaperLine> {
    let card = format!("Visa（下4桁 {:04}）", serial * 7919 % 10_000);
    let line = |kind: PaperLineKind, words: &str| PaperLine::new(kind, words);
    let row = |field: &str, verdict: &str| PaperLine { kind: Row, cells: vec![field.into(), verdict.into()] };
    let mut lines = vec![
        line(Answer, &format!("{name} 様の {card}の情報が、外部の者に取り出されたことを確認しました。")),
        line(
            Paragraph,
            "TABIDATA を運営するカケハシレンタル株式会社です。当社は、お預かりした情報を守ることができませんでした。心よりお詫び申し上げます。",
        ),
        line(Heading, "いま、していただきたいこと"),
        line(
            Step,
            &format!(
                "カードの裏面の番号でカード会社に電話をして、「加盟店から、カード情報が流出したという知らせを受けた」と伝え、停止と再発行をお申し込みください。対象は {card}です。"
            ),
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
        line(SmallHeading, &format!("{card}（2012年8月4日に TABIDATA をご利用いただいたときの情報）")),
    ];
    lines.extend(["カード番号", "有効期限", "セキュリティコード", "カードの名義"].map(|field| row(field, "● 確認済み")));
    lines.push(line(SmallHeading, "お客様情報（TABIDATA にご登録いただいた情報）"));
    lines.extend(["お名前", "メールアドレス", "住所", "電話番号"].map(|field| row(field, "◐ 可能性あり")));
    lines.extend([
        line(Small, "「確認済み」は、外部の者の手に渡ったことを記録から確かめた項目です。「可能性あり」は、渡ったとも、渡っていないとも言い切れない項目です。渡ったものとして備えをお願いします。"),
        line(Small, "この判断は、2013年5月21日に確定した調査結果（第 1 版）によるものです。判断が変わったときは、必ずあらためてお知らせします。"),
        line(Heading, "お客様専用のページ"),
        line(Paragraph, "根拠になった記録をご覧いただけます。次回のご利用に使える 3,000円分のクーポンも、このページでお渡ししています（2014年5月31日まで）。インターネットをお使いでない方は、お電話で承ります。"),
        line(Typed, &format!("https://kakehashi.example/n/ABCDEFGHJKLMNPQRSTUV{serial:06}")),
    ]);
    lines
}
