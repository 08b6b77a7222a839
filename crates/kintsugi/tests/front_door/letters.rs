//! Letters through the front door: from persons without mail to PDFs that tools which are not ours can read, back from the
//! print shop, out again to another address; and the statement as PDF.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::desk::{Desk, Post};
use crate::restored::PostgreSql;

/// A line of a batch's index.
#[derive(Clone, Debug)]
struct Line {
    sequence: String,
    pages: (u32, u32),
    notice: String,
    postal_code: String,
}

fn index(desk: &Desk, batch: u32) -> Vec<Line> {
    let text = std::fs::read_to_string(desk.case().join(format!("letters/batch-{batch:04}.index.csv"))).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next().unwrap(), "sequence,page_from,page_to,notice,postal_code,sha256");
    let of = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        Line {
            sequence: fields[0].into(),
            pages: (fields[1].parse().unwrap(), fields[2].parse().unwrap()),
            notice: fields[3].into(),
            postal_code: fields[4].into(),
        }
    };
    lines.map(of).collect()
}

fn pdf(desk: &Desk, batch: u32) -> PathBuf {
    desk.case().join(format!("letters/batch-{batch:04}.pdf"))
}

fn tool(name: &str, args: &[&str]) -> String {
    let output = Command::new(name).args(args).output().unwrap_or_else(|error| panic!("{name}: {error} (scripts/setup test)"));
    assert!(output.status.success(), "{name} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn words(pdf: &Path, page: u32) -> String {
    let page = page.to_string();
    tool("pdftotext", &["-layout", "-f", &page, "-l", &page, pdf.to_str().unwrap(), "-"])
}

/// A drill in which every third person has no mail address.
fn drill(records: u64, seed: u64) -> Desk {
    let desk = Desk::drill(records, seed);
    let path = desk.case().join("snapshot/customers.csv");
    let mut text = String::new();
    for (at, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
        let mut fields: Vec<&str> = line.split(',').collect();
        if at % 3 == 1 && !line.contains('"') {
            fields[3] = "";
        }
        text += &(fields.join(",") + "\n");
    }
    std::fs::write(&path, text).unwrap();
    desk
}

/// The count behind a name in what `notify` and `letters` say.
fn number(of: &serde_json::Value, name: &str) -> u64 {
    of[name].as_u64().unwrap_or_else(|| panic!("{name}: {of}"))
}

fn letters(desk: &Desk, args: &[&str]) -> serde_json::Value {
    let said = desk.run(&[&["--json", "letters"], args].concat());
    assert!(said.code <= 1, "{}{}", said.out, said.err);
    said.json()["result"].clone()
}

fn line_of(desk: &Desk, post: &Post) -> serde_json::Value {
    let line = desk.run(&["--json", "notify", "--smtp", &post.url()]).json()["result"].clone();
    assert_eq!(line["holds"], true, "{line}");
    line
}

fn holds(desk: &Desk) -> String {
    let said = desk.run(&["verify"]);
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said.out
}

/// A case that has told whom mail can reach.
fn told(desk: &Desk, post: &Post) -> serde_json::Value {
    let said = desk.run(&["run", "--smtp", &post.url()]);
    assert!(said.code <= 1, "{}", said.err);
    line_of(desk, post)
}

fn write(desk: &Desk, name: &str, bytes: &[u8]) -> String {
    let path = desk.root().join(name);
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn letters_are_made_read_back_by_other_tools_and_accounted_for() {
    let (desk, post) = (drill(120, 41), Post::open());
    desk.edit("[letters]\n", "[letters]\nbatch_max = 9\n");
    let before = told(&desk, &post);
    let made = letters(&desk, &[]);
    let (due, all) = (number(&before, "no_address"), number(&made["letters"], "made"));
    let aside = made["letters"]["kept_aside"].as_object().unwrap().values().map(|of| of.as_u64().unwrap()).sum::<u64>();
    assert_eq!(all + aside, due, "{made}");
    assert!(all > 9, "more than a batch: {made}");

    let mut seen = BTreeSet::new();
    let batches = u32::try_from(all.div_ceil(9)).unwrap();
    for batch in 1..=batches {
        let (lines, pdf) = (index(&desk, batch), pdf(&desk, batch));
        read_back(&desk, &lines, &pdf, batch);
        seen.extend(lines.into_iter().map(|line| line.notice));
    }
    assert_eq!(seen.len() as u64, all, "nobody is in two batches");
    let files = std::fs::read_dir(desk.case().join("letters")).unwrap().count();
    assert_eq!(files, 2 * batches as usize, "two files a batch, and nothing else");

    // Again: nothing new, the same files.
    let bytes = std::fs::read(pdf(&desk, 1)).unwrap();
    assert_eq!(number(&letters(&desk, &[])["letters"], "made"), 0);
    assert_eq!(std::fs::read(pdf(&desk, 1)).unwrap(), bytes);
    let after = line_of(&desk, &post);
    assert_eq!((number(&after, "batched"), number(&after, "no_address")), (all, aside), "{after}");
    let said = holds(&desk);
    assert!(said.contains(&format!("{all} say what they said when they were entered")), "{said}");
    assert!(said.contains(&format!("{batches} PDFs are as they were written")), "{said}");
}

/// One batch, by Poppler and ZBar: pages, sequence, fonts, codes; and nobody else can read it.
fn read_back(desk: &Desk, lines: &[Line], pdf: &Path, batch: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(pdf).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(pdf.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let shown = pdf.to_str().unwrap();
    let info = tool("pdfinfo", &[shown]);
    let pages: u32 = info.lines().find_map(|line| line.strip_prefix("Pages:")).unwrap().trim().parse().unwrap();
    assert_eq!(lines.last().unwrap().pages.1, pages);
    let fonts = tool("pdffonts", &[shown]);
    assert!(fonts.lines().count() > 2 && fonts.lines().skip(2).all(|font| font.contains("yes yes yes")), "{fonts}");
    let mut next = 1;
    for (place, line) in (1..).zip(lines) {
        assert_eq!((line.sequence.clone(), line.pages.0), (format!("{batch:04}-{place:06}"), next));
        next = line.pages.1 + 1;
        for page in line.pages.0..next {
            let text = words(pdf, page);
            assert!(text.contains(&line.sequence) && text.contains(&line.notice), "{page}: {text}");
        }
        let first = words(pdf, line.pages.0);
        assert!(first.contains(line.postal_code.trim_start_matches('〒')), "{}: {first}", line.postal_code);
    }
    // The codes of the first and the last letter, from a picture as a print shop would take it.
    for line in [&lines[0], &lines[lines.len() - 1]] {
        let (page, picture) = (line.pages.1.to_string(), desk.root().join("page"));
        let picture = picture.to_str().unwrap();
        tool("pdftoppm", &["-r", "150", "-png", "-singlefile", "-f", &page, "-l", &page, shown, picture]);
        let code = tool("zbarimg", &["--quiet", "--raw", &format!("{picture}.png")]);
        assert_eq!(code.trim(), format!("http://127.0.0.1:8080/verify?number={}", line.notice), "the drill's portal");
    }
}

#[test]
fn what_the_print_shop_returns_is_read_in_any_encoding_once() {
    let (desk, post) = (drill(60, 42), Post::open());
    told(&desk, &post);
    let made = number(&letters(&desk, &[])["letters"], "made");
    let lines = index(&desk, 1);
    assert!(lines.len() >= 6, "{made}");

    // As a Japanese office writes it: Shift_JIS, CRLF; numbers alone, sequences alone, and both.
    let mut text = String::from("sequence,notice,state,reason\r\n");
    for (at, line) in lines.iter().enumerate() {
        let (sequence, notice) = match at % 3 {
            0 => (line.sequence.as_str(), line.notice.as_str()),
            1 => ("", line.notice.as_str()),
            _ => (line.sequence.as_str(), ""),
        };
        text += &format!("{sequence},{notice},printed,\r\n");
    }
    text += &format!(",{},returned,転居先不明\r\n", lines[0].notice);
    text += &format!("{},,Returned,宛所に尋ねあたらず\r\n", lines[1].sequence);
    let stranger = kintsugi_case::NoticeNumber::new(2013, 999_999);
    text += &format!("0009-000009,,printed,\r\n,{stranger},printed,\r\n,K-2013-000001-0,printed,\r\n");
    text += "nonsense,,printed,\r\n,,printed,\r\n";
    text += &format!("{},{},printed,\r\n", lines[2].sequence, lines[3].notice);
    text += &format!(",{},burnt,\r\n", lines[4].notice);
    let file = write(&desk, "shop.csv", &encoding_rs::SHIFT_JIS.encode(&text).0);
    let said = letters(&desk, &["--returned", &file]);
    let counts = |said: &serde_json::Value| ["printed", "returned", "known"].map(|name| number(&said["letters"], name));
    assert_eq!(counts(&said), [lines.len() as u64, 2, 0], "{said}");
    let aside: Vec<String> = said["aside"].as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect();
    let first_wrong = lines.len() + 4;
    let expected = [
        "0009-000009 is no letter of this case",
        "is no letter of a batch of this case",
        "the last digit does not fit the others",
        "a sequence looks like 0001-000012",
        "neither a notice number nor a sequence",
        "is another letter than the sequence says",
        "the state is neither `printed` nor `returned`",
    ];
    assert_eq!(aside.len(), expected.len(), "{aside:#?}");
    for (at, (line, expected)) in aside.iter().zip(expected).enumerate() {
        assert!(line.starts_with(&format!("line {}: ", first_wrong + at)) && line.contains(expected), "{expected}: {line}");
    }
    let again = letters(&desk, &["--returned", &file]);
    assert_eq!(counts(&again), [0, 0, lines.len() as u64 + 2], "{again}");
    let line = line_of(&desk, &post);
    assert_eq!((number(&line, "returned"), number(&line, "printed")), (2, lines.len() as u64 - 2), "{line}");
    let history = ask(&desk, "SELECT detail FROM notice_event WHERE state = 'returned' ORDER BY sequence");
    assert_eq!(history, "print shop: returned: 転居先不明\nprint shop: returned: 宛所に尋ねあたらず\n");

    for (name, bytes, expected) in [
        ("head.csv", b"number,status\nK-1,printed\n".as_slice(), "`notice` or `sequence`, and `state`"),
        ("empty.csv", b"".as_slice(), "`notice` or `sequence`, and `state`"),
        ("binary.csv", b"\xff\xff\x00\xfe\xfe".as_slice(), "neither UTF-8 nor UTF-16"),
    ] {
        let said = desk.run(&["letters", "--returned", &write(&desk, name, bytes)]);
        assert!(said.code == 2 && said.err.contains(expected), "{name}: {}{}", said.out, said.err);
    }
    let missing = desk.run(&["letters", "--returned", "/nowhere/shop.csv"]);
    assert!(missing.code == 2 && missing.err.contains("/nowhere/shop.csv cannot be read"), "{}", missing.err);
    holds(&desk);
}

#[test]
fn a_letter_that_came_back_goes_out_again_to_the_address_that_was_given() {
    let (desk, post) = (drill(60, 43), Post::open());
    told(&desk, &post);
    readdress(&desk, &post);
}

#[test]
fn letters_on_postgresql() {
    let (desk, post, server) = (drill(60, 44), Post::open(), PostgreSql::start());
    server.create("letters");
    desk.edit("[mail]", &format!("[store]\nurl = \"{}\"\n\n[mail]", server.url("letters", "postgres")));
    told(&desk, &post);
    readdress(&desk, &post);
}

fn readdress(desk: &Desk, post: &Post) {
    letters(desk, &[]);
    let lines = index(desk, 1);
    let (one, other) = (&lines[0], &lines[1]);
    let shop = format!("\u{feff}notice,state,reason\n{},returned,moved\n", one.notice);
    letters(desk, &["--returned", &write(desk, "shop.csv", shop.as_bytes())]);
    let given = format!(
        "notice,postal_code,address\n{},150-0002,東京都渋谷区渋谷9-9-9\n{},150-0002,東京都渋谷区渋谷9-9-9\n{},1,\n",
        one.notice, other.notice, other.notice
    );
    let file = write(desk, "addresses.csv", given.as_bytes());
    let said = letters(desk, &["--addresses", &file]);
    assert_eq!(number(&said["letters"], "due"), 1, "{said}");
    let aside = said["aside"].to_string();
    assert!(aside.contains("stands at batched") && aside.contains("there is no address"), "{aside}");
    assert!(!aside.contains("渋谷"), "no address is repeated: {aside}");
    assert_eq!(number(&letters(desk, &["--addresses", &file])["letters"], "known"), 1);
    assert_eq!(number(&letters(desk, &[])["letters"], "made"), 1);
    let again = index(desk, 2);
    assert_eq!((again.len(), &again[0].notice), (1, &one.notice), "the same notice, another letter");
    let text: String = words(&pdf(desk, 2), 1).chars().filter(|c| !c.is_whitespace()).collect();
    assert!(text.contains("東京都渋谷区渋谷9-9-9") && text.contains("150-0002"), "{text}");
    let shop = format!("sequence,state\n{},printed\n{},printed\n", again[0].sequence, other.sequence);
    let said = letters(desk, &["--returned", &write(desk, "shop2.csv", shop.as_bytes())]);
    assert_eq!(number(&said["letters"], "printed"), 2, "{said}");
    line_of(desk, post);
    holds(desk);
}

#[test]
fn verify_sees_what_was_changed_behind_its_back() {
    let (desk, post) = (drill(60, 45), Post::open());
    told(&desk, &post);
    letters(&desk, &[]);
    let verify = || {
        let said = desk.run(&["verify"]);
        (said.code, said.out)
    };
    assert_eq!(verify().0, 0);
    let bytes = std::fs::read(pdf(&desk, 1)).unwrap();
    std::fs::write(pdf(&desk, 1), b"%PDF-1.7 of somebody else").unwrap();
    let (code, said) = verify();
    assert!(code == 1 && said.contains("batch-0001.pdf is not the file that was written for its batch"), "{said}");
    // The print shop has it; nobody needs it here.
    std::fs::remove_file(pdf(&desk, 1)).unwrap();
    assert_eq!(verify().0, 0);
    std::fs::write(pdf(&desk, 1), bytes).unwrap();
    // Other words since: what was said can no longer be composed, and that is said.
    desk.edit("phone = \"0120", "phone = \"0570");
    let (code, said) = verify();
    assert!(code == 0 && said.contains("templates or settings are others than when they were entered"), "{said}");
    desk.edit("phone = \"0570", "phone = \"0120");
    // A digest of another letter.
    ask(&desk, "UPDATE letter SET digest = (SELECT digest FROM letter WHERE piece = 2) WHERE piece = 1");
    let (code, said) = verify();
    let notice = &index(&desk, 1)[0].notice;
    let expected = format!("letter 1 of batch 1 ({notice}) is not what was entered: person, address or text");
    assert!(code == 1 && said.contains(&expected), "{said}");
}

/// Runs a statement past the program; the first column of what it returns, a line a row.
fn ask(desk: &Desk, sql: &str) -> String {
    let script =
        "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nfor row in c.execute(sys.argv[2]): print(row[0])\nc.commit()";
    tool("python3", &["-c", script, desk.case().join(".kintsugi/case.db").to_str().unwrap(), sql])
}
