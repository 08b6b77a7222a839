//! Letters in both windows.

use kintsugi_case::PaperLineKind::Paragraph;
use kintsugi_case::{Language, Window};
use kintsugi_letter::{AddressBlock, Press, Recipient};

use crate::tools::{dense, line, piece, stationery, tool, words};

/// The words inside a rectangle of a page, millimetres.
fn within(pdf: &std::path::Path, [left, top, width, height]: [u32; 4]) -> String {
    // 72 dots an inch: a dot is a point.
    let dots = [left, top, width, height].map(|mm| (f64::from(mm) * 72.0 / 25.4).round().to_string());
    let [x, y, w, h] = dots.each_ref().map(String::as_str);
    tool("pdftotext", &["-r", "72", "-x", x, "-y", y, "-W", w, "-H", h, "-f", "1", "-l", "1", pdf.to_str().unwrap(), "-"])
}

#[test]
fn a_batch_reads_back_by_tools_that_are_not_ours() {
    let (press, dir) = (Press::new(None).unwrap(), tempfile::tempdir().unwrap());
    // What the window shows of the sheet wherever it lies, and everything that it may show.
    for (window, always, ever) in
        [(Window::Naga3, [20, 12, 65, 24], [0, 0, 110, 57]), (Window::Dl, [20, 50, 80, 34], [10, 39, 100, 56])]
    {
        let pieces: Vec<_> = [1, 2].map(|serial| piece(&press, window, serial)).into();
        let batch = press.batch("batch-0001", &stationery(window), &pieces).unwrap();
        assert_eq!(batch.pages, [1, 1], "{window:?}");
        let pdf = dir.path().join(format!("{window:?}.pdf"));
        std::fs::write(&pdf, &batch.pdf).unwrap();
        for (at, piece) in (0..).zip(&pieces) {
            let page = at + 1;
            let text = dense(&words(&pdf, page, page));
            for expected in
                [&piece.number, &piece.sequence, &dense(&piece.address.text()), "0120-000-000", "1/1", "●確認済み", "◐可能性あり"]
            {
                assert!(
                    text.contains(&dense(expected)) || dense(expected).starts_with('〒'),
                    "{window:?} {page}: {expected}\n{text}"
                );
            }
        }
        assert_eq!(dense(&within(&pdf, always)), dense(&pieces[0].address.text()), "{window:?}");
        assert_eq!(dense(&within(&pdf, ever)), dense(&pieces[0].address.text()), "{window:?}: nothing else is seen");
        let fonts = tool("pdffonts", &[pdf.to_str().unwrap()]);
        assert!(fonts.lines().count() > 2 && fonts.lines().skip(2).all(|font| font.contains("yes yes yes")), "{fonts}");
        let picture = dir.path().join("page");
        tool("pdftoppm", &["-r", "150", "-png", pdf.to_str().unwrap(), picture.to_str().unwrap()]);
        let code = tool("zbarimg", &["--quiet", "--raw", dir.path().join("page-2.png").to_str().unwrap()]);
        assert_eq!(code.trim(), pieces[1].link());
        assert!(batch.pdf.len() < 400_000, "{} bytes", batch.pdf.len());
        assert_eq!(press.batch("batch-0001", &stationery(window), &pieces).unwrap().pdf, batch.pdf, "the same bytes again");
    }
}

#[test]
fn a_letter_of_several_pages_counts_them() {
    let (press, dir) = (Press::new(None).unwrap(), tempfile::tempdir().unwrap());
    let mut long = piece(&press, Window::Naga3, 1);
    long.lines.extend((0..40).map(|at| line(Paragraph, &format!("{at} {}", "記録から確かめた項目です。".repeat(8)))));
    let batch = press.batch("b", &stationery(Window::Naga3), &[piece(&press, Window::Naga3, 2), long]).unwrap();
    assert_eq!(batch.pages[0], 1);
    assert!(batch.pages[1] > 1);
    let pdf = dir.path().join("b.pdf");
    std::fs::write(&pdf, &batch.pdf).unwrap();
    for page in 1..=batch.pages[1] {
        assert!(dense(&words(&pdf, page + 1, page + 1)).contains(&format!("{page}/{}", batch.pages[1])));
    }
}

#[test]
fn every_language_and_every_word_is_set_as_it_is() {
    let (press, dir) = (Press::new(None).unwrap(), tempfile::tempdir().unwrap());
    let pieces: Vec<_> = Language::ALL
        .into_iter()
        .map(|language| {
            let to = Recipient { name: "O'Neil #x *y*", postal_code: "", address: "\"1\" \\ $a$", language, abroad: true };
            let address = AddressBlock::fit(&press, Window::Dl, "JP", &to).unwrap();
            let lines = vec![line(Paragraph, "#panic(\"x\") _a_ `b` <c> @d // e /* f */ [g] 你好 안내 お知らせ")];
            kintsugi_letter::Piece { language, address, lines, ..piece(&press, Window::Dl, 1) }
        })
        .collect();
    let batch = press.batch("b", &stationery(Window::Dl), &pieces).unwrap();
    let pdf = dir.path().join("b.pdf");
    std::fs::write(&pdf, &batch.pdf).unwrap();
    for page in 1..=5 {
        let text = dense(&words(&pdf, page, page));
        for expected in ["O'Neil#x*y*", "\"1\"\\$a$", "#panic(\"x\")_a_`b`<c>@d//e/*f*/[g]你好안내お知らせ"] {
            assert!(text.contains(expected), "{page}: {expected}\n{text}");
        }
    }
}

#[test]
fn a_digest_tells_person_address_and_text_apart() {
    let press = Press::new(None).unwrap();
    let one = piece(&press, Window::Naga3, 1);
    let mut others = [one.clone(), one.clone(), one.clone()];
    others[0].person = 2;
    others[1].address = piece(&press, Window::Naga3, 2).address;
    others[2].lines.pop();
    assert_eq!(one.digest(), piece(&press, Window::Naga3, 1).digest());
    assert!(others.iter().all(|other| other.digest() != one.digest()));
}

#[test]
fn fonts_that_are_not_there_are_named() {
    let error = Press::new(Some(std::path::Path::new("/nowhere"))).map(drop);
    // The system's are there in tests; the message is what counts.
    assert!(error.is_ok() || error.unwrap_err().to_string().contains("fonts-noto-cjk"));
}
