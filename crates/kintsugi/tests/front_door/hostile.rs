//! An intruder who attacks the reader of the log: values as long, as deep and as strange as a request can carry. Nothing may
//! end the work, nothing of theirs may act on a terminal or in a spreadsheet, and what they took by ordinary means is found.

use std::fmt::Write as _;

use crate::desk::Desk;

/// Values of a parameter that is injected into SQL.
fn values() -> Vec<String> {
    let union = "-1 UNION SELECT name,email,2,3 FROM customers ";
    let deep = |open: &str, close: &str, times: usize| format!("{}1{}", open.repeat(times), close.repeat(times));
    vec![
        format!("{union}WHERE {}", deep("(", ")", 50_000)),
        format!("{union}WHERE {}", deep("(", ")", 300)),
        format!("-1 UNION SELECT {}", deep("(SELECT ", ")", 5_000)),
        format!("-1 UNION SELECT {},2,3,4 FROM customers", deep("HEX(", ")", 20_000)),
        format!("-1 UNION SELECT {},2,3,4 FROM customers", deep("CASE WHEN 1 THEN ", " END", 2_000)),
        format!("-1{}", " UNION SELECT 1,2,3,4".repeat(5_000)),
        format!("{union}{}", " UNION SELECT 1,2,3,4".repeat(2_000)),
        format!("{union}WHERE 1=1{}", " OR 1=1".repeat(7_000)),
        format!("{union}WHERE 1=1{}", " OR name=name".repeat(3_000)),
        format!("1 AND {}1", "NOT ".repeat(10_000)),
        format!("{union}WHERE name=CONCAT(1{})", ",1".repeat(20_000)),
        format!("1 AND {}1", "- ".repeat(20_000)),
        "1 AND (SELECT name FROM customers LIMIT 0,1) REGEXP 'a{1000}{1000}{1000}'".into(),
        "1 AND (SELECT name FROM customers LIMIT 0,1) REGEXP '('".into(),
        format!("1 AND (SELECT name FROM customers LIMIT 0,1) REGEXP '{}$'", "(.*)*".repeat(2_000)),
        format!("1 AND (SELECT name FROM customers LIMIT 0,1) LIKE '{}'", "%a".repeat(5_000)),
        "1 AND SLEEP(1000000000)".into(),
        "-1 UNION SELECT REPEAT('a',4000000000),LPAD('a',2000000000,'b'),SPACE(4000000000),4 FROM customers".into(),
        "1;ATTACH DATABASE 'evil.db' AS x;PRAGMA writable_schema=1;DROP TABLE customers".into(),
        "-1 UNION SELECT load_extension('x'),readfile('/etc/passwd'),randomblob(1000000000),4".into(),
        format!("-1 UNION SELECT 1,2,3,4 {}", "A".repeat(900_000)),
        "-1 UNION SELECT `=1+1`,`@x`,`\u{1b}[2J`,4 FROM `=evil()`".into(),
        "1' /*".repeat(20_000),
        format!("1 {} or 1=1", "/*!".repeat(20_000)),
        format!("1 or {}", "\"".repeat(99_999)),
        deep("{\"a\":", "}", 50_000),
    ]
}

/// A log of requests with these values, in queries, agents and names, lines cut and torn by other workers among them.
fn log() -> String {
    let mut log = String::new();
    let mut line = |at: usize, target: &str, agent: &str| {
        let (minute, second) = (17 + at / 60, at % 60);
        let _ = writeln!(
            log,
            "198.51.100.7 - - [21/Apr/2013:22:{minute:02}:{second:02} +0900] \"GET {target} HTTP/1.1\" 200 1058 \"@SUM(1)\" \"{agent}\""
        );
    };
    for (at, value) in values().iter().enumerate() {
        let coded: String = value.bytes().fold(String::new(), |mut text, byte| {
            let _ = if byte.is_ascii_alphanumeric() { write!(text, "{}", byte as char) } else { write!(text, "%{byte:02X}") };
            text
        });
        let agent = "\\x1b[2J\\x1b]0;owned\\x07=cmd|calc!A1\\x0d\\x0a198.51.100.1 - - [";
        line(at, &format!("/item?id={coded}"), agent);
        if coded.len() < 1_000_000 {
            line(at, &format!("/search?%1b[2J=1&=cmd()={coded}"), "x");
        }
    }
    line(60, &format!("/item?{}", (0..30_000).map(|at| format!("a{at}=1%27or%201&")).collect::<String>()), "x");
    line(61, &format!("/item?id={}27", "%25".repeat(100_000)), "x");
    // Two workers that write at once tear each other's lines.
    let (one, two) = (log.len() / 3, log.len() / 2);
    let torn = |at: usize| (at..).find(|at| log.is_char_boundary(*at)).unwrap_or(0);
    format!("{log}{}{}\n{}", &log[torn(one)..torn(one) + 70], &log[torn(two)..torn(two) + 90], &log[..40])
}

#[test]
fn nothing_that_a_request_can_carry_ends_the_work() {
    let desk = Desk::drill(120, 29);
    let exposures = |desk: &Desk| {
        let collected = desk.run(&["collect"]);
        let said = desk.run(&["--json", "scope"]);
        for said in [&collected, &said] {
            assert!((0..=1).contains(&said.code) && !said.err.contains("panicked"), "{} {}", said.code, said.err);
        }
        said.json()["result"]["exposures"].as_u64().expect("a number")
    };
    let before = exposures(&desk);
    std::fs::write(desk.case().join("weblog/access.log.0"), log()).unwrap();
    let after = exposures(&desk);
    assert!(before > 0 && after >= before, "what was found among ordinary requests: {before}, among these: {after}");
    let said = desk.run(&["replay"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.out.chars().any(|c| c.is_control() && c != '\n'), "control characters reach the terminal");
    assert!(!desk.case().join("evil.db").exists());
    for what in [&["export", "attack", "--format", "timesketch-csv"][..], &["export", "values", "--format", "csv"]] {
        let said = desk.run(what);
        assert_eq!(said.code, 0, "{what:?}: {}", said.err);
        let runs = |line: &str| line.split(',').any(|field| field.trim_matches('"').starts_with(['=', '@', '+']));
        assert!(!said.out.lines().any(runs), "{what:?}: a spreadsheet would run it");
        assert!(!said.out.chars().any(|c| c.is_control() && c != '\n' && c != '\r'), "{what:?} holds raw control characters");
    }
}
