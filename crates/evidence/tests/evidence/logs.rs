//! Logs: every packing and format, and every kind of bad input.

use kintsugi_evidence::{Glance, LogFormat, LogReport, read_line, scan_lines};

use crate::folder::{Folder, gzip, zstd};

fn line(n: u32) -> String {
    format!(
        "192.0.2.{} - - [22/Nov/2012:18:{:02}:{:02} +0900] \"GET /item?id={n} HTTP/1.1\" 200 28 \"-\" \"x\"\n",
        n % 250,
        n / 60 % 60,
        n % 60
    )
}

fn log(lines: u32) -> Vec<u8> {
    (1..=lines).map(line).collect::<String>().into_bytes()
}

fn folder(bytes: &[u8]) -> Folder {
    Folder::new()
        .source("mariadb", "")
        .evidence("weblog/*", "")
        .with("snapshot/items.csv", "id\n1\n")
        .with("weblog/access.log", bytes)
}

fn read(bytes: &[u8]) -> (LogReport, Vec<String>) {
    let folder = folder(bytes);
    folder.read_log("weblog/access.log").unwrap()
}

#[test]
fn every_packing_gives_the_same_lines() {
    let plain = log(5000);
    let (report, targets) = read(&plain);
    assert_eq!((report.lines, report.read, report.unread_count, report.truncated.clone()), (5000, 5000, 0, None));
    assert_eq!((report.format, targets[4999].as_str()), (Some(LogFormat::Combined), "/item?id=5000"));
    let two_members = [gzip(&plain[..1000]), gzip(&plain[1000..])].concat();
    for packed in [gzip(&plain), zstd(&plain), two_members, [zstd(&plain[..500]), zstd(&plain[500..])].concat()] {
        assert_eq!(read(&packed), (report.clone(), targets.clone()));
    }
}

#[test]
fn an_empty_log_is_a_log_without_lines() {
    for bytes in [vec![], gzip(b""), zstd(b"")] {
        let (report, targets) = read(&bytes);
        assert_eq!((report.lines, report.format, report.not_read, targets.len()), (0, None, None, 0));
    }
}

#[test]
fn a_cut_packing_gives_what_can_be_read() {
    let plain = log(20_000);
    for packed in [gzip(&plain), zstd(&plain)] {
        let (report, targets) = read(&packed[..packed.len() * 2 / 3]);
        assert!(report.read > 1000 && report.read < 20_000, "{}", report.read);
        assert_eq!((report.read, report.unread_count), (targets.len() as u64, 0));
        assert!(report.truncated.unwrap().starts_with("after line "));
    }
    let (report, _) = read(&[gzip(&plain), b"garbage behind".to_vec()].concat());
    assert_eq!(report.read, 20_000);
    assert!(report.truncated.is_some());
}

#[test]
fn junk_between_lines_is_counted_and_shown() {
    let mut bytes = vec![b'x'; 10 << 20];
    bytes.extend_from_slice(b"\n\x00\xff\xfe\x80junk\n\n");
    bytes.extend_from_slice(&log(3));
    let (report, targets) = read(&bytes);
    assert_eq!((report.lines, report.read, report.unread_count, targets.len()), (6, 3, 3, 3));
    let reasons: Vec<_> = report.unread.iter().map(|unread| (unread.line, unread.reason.as_str())).collect();
    assert_eq!(reasons, [(1, "longer than 1 MiB"), (2, "no client address"), (3, "empty line")]);
}

#[test]
fn other_formats_are_counted_not_failed() {
    let errors = "[Sun Nov 22 18:55:10.977126 2026] [mpm_event:notice] [pid 32:tid 32] AH00489\n".repeat(4);
    for (bytes, reason) in [
        (b"{\"time\":\"2026-11-22T18:57:08+09:00\"}\n".repeat(4).as_slice(), "JSON lines without requests"),
        (errors.as_bytes(), "error log of Apache"),
        (&[0u8, 159, 146, 150, b'\n'].repeat(4), "binary data, or packed in a way that is not read"),
        (b"one\ntwo\nthree\nfour\n", "no line looks like a request in a web server log"),
    ] {
        let (report, targets) = read(bytes);
        assert_eq!((report.not_read.as_deref(), report.lines, report.unread_count), (Some(reason), 4, 4));
        assert!(targets.is_empty() && report.format.is_none());
    }
}

#[test]
fn a_named_format_is_taken_at_its_word() {
    let folder = Folder::new()
        .source("mariadb", "")
        .evidence("weblog/a", "format = \"common\"")
        .evidence("weblog/b", "format = \"morse\"")
        .with("snapshot/items.csv", "id\n")
        .with("weblog/a", log(2))
        .with("weblog/b", log(2));
    assert_eq!(folder.read_log("weblog/a").unwrap().0.format, Some(LogFormat::Common));
    let (report, _) = folder.read_log("weblog/b").unwrap();
    assert_eq!((report.not_read.as_deref(), report.lines), (Some("unknown format morse"), 2));
}

#[test]
fn only_wanted_lines_are_handed_over_and_all_are_counted() {
    let folder = folder(&log(1000));
    let entry = folder.entry("weblog/access.log");
    let mut found = Vec::new();
    let wanted = |line: &Glance<'_>| line.raw.windows(6).any(|window| window == b"id=77 ");
    let report = scan_lines(folder.path(), &entry, &folder.keys, &wanted, &mut |line| found.push(line.line)).unwrap();
    assert_eq!((report.read, found), (1000, vec![77]));
    let raw = read_line(folder.path(), &entry, &folder.keys, 77).unwrap();
    assert_eq!(raw, line(77).trim_end().as_bytes());
    assert!(read_line(folder.path(), &entry, &folder.keys, 1001).is_err());
    assert!(read_line(folder.path(), &entry, &folder.keys, 0).is_err());
}

#[test]
fn long_silences_are_told() {
    let day = |day: u32| format!("h - - [{day:02}/Nov/2012:18:00:00 +0900] \"GET / HTTP/1.1\" 200 28 \"-\" \"x\"\n");
    let (report, _) = read([day(1), day(2), day(2), day(9)].concat().as_bytes());
    let days: Vec<_> = report.gaps.iter().map(|gap| (gap.to_ms - gap.from_ms) / 86_400_000).collect();
    assert_eq!(days, [1, 7]);
    assert_eq!(report.last_at_ms.unwrap() - report.first_at_ms.unwrap(), 8 * 86_400_000);
}

#[test]
fn a_forged_line_stays_a_field_of_the_line_that_carries_it() {
    // What a client sends as CR LF is escaped by servers; read back, it is part of the target and no line.
    let forged = r#"192.0.2.1 - - [22/Nov/2012:18:00:01 +0900] "GET /\x0D\x0A198.51.100.1 - - [22/Nov/2012:18:00:00 +0900] \x22GET /admin HTTP/1.1\x22 200 1 HTTP/1.1" 404 5 "-" "\x1b[2J""#;
    let (report, targets) = read(format!("{forged}\n").as_bytes());
    assert_eq!((report.lines, report.read), (1, 1));
    assert!(targets[0].starts_with("/\r\n198.51.100.1") && targets[0].ends_with("200 1"), "{targets:?}");
    // A carriage return alone ends no line either.
    let (report, _) = read(format!("{}\rx\n", line(1).trim_end()).as_bytes());
    assert_eq!(report.lines, 1);
}

#[test]
fn a_parameter_of_a_megabyte_is_read_or_counted() {
    let long = |bytes: usize| {
        format!("192.0.2.1 - - [22/Nov/2012:18:00:01 +0900] \"GET /i?q={} HTTP/1.1\" 200 5 \"-\" \"x\"\n", "(".repeat(bytes))
    };
    let (report, targets) = read((long(1_000_000) + &long(1 << 20) + &line(1)).as_bytes());
    assert_eq!((report.read, report.unread_count, targets[0].len()), (2, 1, 1_000_005));
}

#[test]
fn deep_json_costs_nothing() {
    let deep = format!(
        "{{\"time\":\"2026-11-22T18:57:09Z\",\"x\":{}{},\"method\":\"GET\",\"uri\":\"/\",\"status\":200}}\n",
        "[".repeat(200_000),
        "]".repeat(200_000)
    );
    let (report, _) = read(deep.as_bytes());
    assert_eq!((report.format, report.read), (Some(LogFormat::Json), 1));
}

#[test]
fn a_mistake_in_a_given_format_is_shown_with_what_was_meant() {
    let folder = |format: &str| {
        Folder::new()
            .source("mariadb", "")
            .evidence("weblog/a", &format!("format = '{format}'"))
            .with("snapshot/t.csv", "id\n")
            .with("weblog/a", "192.0.2.1 [22/Nov/2012:18:00:01 +0900] \"GET /i HTTP/1.1\" 200\n")
    };
    let wrong = folder(r#"nginx: $remote_adr [$time_local] "$request" $status"#);
    let mistakes = kintsugi_evidence::check_files(wrong.path(), &wrong.case());
    assert_eq!(mistakes[0].help, "did you mean `$remote_addr`?");
    let right = folder(r#"nginx: $remote_addr [$time_local] "$request" $status"#);
    assert_eq!(right.read_log("weblog/a").unwrap().0.format, Some(LogFormat::Declared));
}

#[test]
fn a_record_behind_one_that_was_cut_is_read_with_its_empty_lines() {
    let head = "--0a5d3b4e-A--\n[22/Nov/2026:19:53:16 +0900] id 198.18.0.1 1 127.0.0.1 80\n--0a5d3b4e-B--\nGET /cut HTTP/1.1\nHost: a\n\n";
    let whole = head.replace("0a5d3b4e", "2a0b3e41").replace("/cut", "/whole") + "--2a0b3e41-Z--\n";
    let mut shown = Vec::new();
    let log = format!("{head}{whole}");
    let report = kintsugi_evidence::read_bytes("modsecurity", log.as_bytes(), &mut |line| {
        shown.push((line.line, String::from_utf8_lossy(line.target).into_owned()));
    });
    assert_eq!(shown, [(10, "/whole".to_owned())]);
    assert_eq!((report.lines, report.read, report.unread_count), (13, 7, 6), "every line is accounted for");
}
