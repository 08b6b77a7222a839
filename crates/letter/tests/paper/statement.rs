//! The public statement as PDF.

use kintsugi_case::PaperLineKind::{Answer, Heading, Paragraph, Row, RowHead, Step};
use kintsugi_case::{Language, PaperLine};
use kintsugi_letter::{Press, StatementSheet};

use crate::tools::{dense, line, tool, words};

#[test]
fn a_statement_is_tagged_and_reads_back() {
    let (press, dir) = (Press::new(None).unwrap(), tempfile::tempdir().unwrap());
    let cells = |kind, cells: [&str; 3]| PaperLine { kind, cells: cells.map(str::to_owned).into() };
    let sheet = StatementSheet {
        language: Language::Ja,
        title: "お客様情報の流出に関するお知らせとお詫び".into(),
        dated: "2013年5月27日".into(),
        by: "カケハシレンタル株式会社".into(),
        address: "https://kakehashi.example/statement/1".into(),
        lines: vec![
            line(Answer, "当社のサーバーから、お客様の情報が取り出されました。心よりお詫び申し上げます。"),
            line(Heading, "経緯"),
            line(Paragraph, "2013年4月23日に知りました。"),
            cells(RowHead, ["項目", "確認済み", "可能性あり"]),
            cells(Row, ["カード番号", "109,112", "37,589"]),
            line(Heading, "お願い"),
            line(Step, "カード会社に電話をしてください。"),
            line(Step, "明細をお確かめください。"),
        ],
    };
    let pdf = dir.path().join("statement.pdf");
    std::fs::write(&pdf, press.statement(&sheet).unwrap()).unwrap();
    let info = tool("pdfinfo", &[pdf.to_str().unwrap()]);
    assert!(info.contains("Tagged:          yes") && info.contains(&sheet.title), "{info}");
    let text = dense(&words(&pdf, 1, 1));
    for expected in ["お知らせとお詫び", "109,112", "1.カード会社に", "https://kakehashi.example/statement/1"] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
    let tags = tool("pdfinfo", &["-struct-text", pdf.to_str().unwrap()]);
    for tag in ["H1", "Table", "TH", "TD", "L ", "P"] {
        assert!(tags.contains(tag), "{tag}\n{tags}");
    }
    assert!(tool("pdffonts", &[pdf.to_str().unwrap()]).lines().skip(2).all(|font| font.contains("yes yes yes")));
}
