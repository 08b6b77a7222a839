//! Bad input: shown with file, line and what to do, or counted and kept aside. Nothing panics.

use std::io::Write;

use crate::desk::{Desk, Said};

/// A drill whose evidence was changed, after `collect` and `scope`.
fn after(change: impl FnOnce(&Desk)) -> [Said; 2] {
    let desk = Desk::drill(200, 17);
    change(&desk);
    [desk.run(&["collect"]), desk.run(&["scope"])]
}

fn assert_no_panic(said: &[Said]) {
    for said in said {
        assert!((0..=2).contains(&said.code) && !said.err.contains("panicked"), "{} {}", said.code, said.err);
    }
}

fn overwrite(desk: &Desk, name: &str, bytes: &[u8]) {
    std::fs::write(desk.case().join(name), bytes).unwrap();
}

#[test]
fn a_typo_is_shown_with_line_column_and_what_was_meant() {
    let desk = Desk::drill(50, 1);
    desk.edit("[controller]", "[contoller]");
    let said = desk.run(&["check"]);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("case.toml:") && said.err.contains("did you mean `controller`?"), "{}", said.err);
}

#[test]
fn a_table_that_is_not_in_the_snapshot_is_named() {
    let desk = Desk::drill(50, 1);
    std::fs::remove_file(desk.case().join("snapshot/orders.csv")).unwrap();
    let said = desk.run(&["check"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("orders"), "{}", said.err);
}

#[test]
fn a_missing_column_is_named() {
    let desk = Desk::drill(50, 1);
    desk.edit_file("snapshot/cards.csv", "holder", "owner");
    let said = desk.run(&["check"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("holder"), "{}", said.err);
}

#[test]
fn a_changed_file_is_refused() {
    let desk = Desk::drill(50, 1);
    assert!(desk.run(&["collect"]).code <= 1);
    desk.edit_file("snapshot/customers.csv", "20", "19");
    let said = desk.run(&["collect"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("changed"), "{}", said.err);
    let log = desk.case().join("weblog/access.log");
    std::fs::OpenOptions::new().append(true).open(log).unwrap().write_all(b"one more line\n").unwrap();
    let said = desk.run(&["scope"]);
    assert_eq!(said.code, 2, "{}", said.out);
    assert!(said.err.contains("changed"), "{}", said.err);
}

#[test]
fn an_empty_log_and_binary_junk_are_read_as_what_they_are() {
    assert_no_panic(&after(|desk| overwrite(desk, "weblog/access.log", b"")));
    let junk: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert_no_panic(&after(|desk| overwrite(desk, "weblog/access.log", &junk)));
}

#[test]
fn a_line_of_ten_megabytes_is_counted_and_passed_over() {
    let said = after(|desk| {
        let mut text = std::fs::read(desk.case().join("weblog/access.log")).unwrap();
        text.extend(vec![b'A'; 10 << 20]);
        text.push(b'\n');
        overwrite(desk, "weblog/access.log", &text);
    });
    assert_no_panic(&said);
    assert_eq!(said[1].code, 1, "an unread line is a gap: {}{}", said[1].out, said[1].err);
}

#[test]
fn a_cut_gzip_is_read_as_far_as_it_goes() {
    let said = after(|desk| {
        let zipped = std::fs::read_dir(desk.case().join("weblog")).unwrap().flatten();
        let path = zipped.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|e| e == "gz")).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    });
    assert_no_panic(&said);
    assert_eq!(said[1].code, 1, "a cut file is a gap: {}{}", said[1].out, said[1].err);
}

#[test]
fn rows_that_do_not_fit_are_kept_aside_and_counted() {
    let desk = Desk::drill(200, 17);
    let path = desk.case().join("snapshot/items.csv");
    let mut text = std::fs::read_to_string(&path).unwrap();
    let first = text.lines().nth(1).unwrap().to_owned();
    text.push_str(&format!("{first}\n{first},one,too,many\n"));
    std::fs::write(path, text).unwrap();
    let said = desk.run(&["--json", "collect"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert_eq!(said.json()["result"]["kept_aside"], 2, "{}", said.out);
}

#[test]
fn commands_out_of_order_say_what_comes_first() {
    let desk = Desk::drill(50, 1);
    for (command, first) in [("scope", "collect"), ("resolve", "collect"), ("notify", "freeze"), ("remedy", "freeze")] {
        let said = desk.run(&[command]);
        assert_eq!(said.code, 2, "{command}: {}", said.out);
        assert!(said.err.contains(first), "{command}: {}", said.err);
    }
}

#[test]
fn a_template_with_an_unknown_field_stops_before_anything_is_sent() {
    let desk = Desk::drill(100, 2);
    for stage in ["collect", "scope", "resolve", "freeze"] {
        assert!(desk.run(&[stage]).code <= 1);
    }
    std::fs::create_dir_all(desk.case().join("templates")).unwrap();
    overwrite(&desk, "templates/notice.en.txt", b"Subject: {{numbr}}\n\nHello\n");
    let post = crate::desk::Post::open();
    let said = desk.run(&["notify", "--smtp", &post.url()]);
    assert_eq!((said.code, post.count()), (2, 0), "{}", said.err);
    assert!(said.err.contains("numbr") && said.err.contains("notice.en.txt:1"), "{}", said.err);
}
