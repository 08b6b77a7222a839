//! Query logs: one small log a format, and what no log can do to its reader.

use std::fmt::Write;
use std::path::Path;

use jiff::tz::TimeZone;
use kintsugi_evidence::{EvidenceKind, QueryLine, QueryLogFormat, detect_queries, parse_queries, read_queries};
use proptest::prelude::*;

use crate::folder::Folder;

fn shown(line: &QueryLine) -> String {
    let text = String::from_utf8_lossy(&line.text);
    let at = line.at_ms.map_or("-".into(), |at| jiff::Timestamp::from_millisecond(at).unwrap().to_string());
    let mut told = format!("{} {at} [{}] {} | {text}", line.line, line.connection, line.user);
    if !line.parameters.is_empty() {
        let list = line.parameters.iter().map(|value| value.as_ref().map(|value| String::from_utf8_lossy(value).into_owned()));
        write!(told, " | {:?}", list.collect::<Vec<_>>()).unwrap();
    }
    if let Some(error) = &line.error {
        write!(told, " | {:?} {} {}", error.kind(), error.code, error.message.open()).unwrap();
    }
    let figures = [("rows", line.rows_sent), ("bytes", line.bytes_sent), ("us", line.duration_us)];
    for (name, value) in figures.into_iter().filter_map(|(name, value)| Some((name, value?))) {
        write!(told, " | {value} {name}").unwrap();
    }
    told
}

/// Detects and reads a log in Japan, and compares what is read; `unread` lines are left over.
#[track_caller]
fn check(format: &str, log: &str, unread: u64, expected: &[&str]) {
    let lines: Vec<&[u8]> = log.lines().map(str::as_bytes).collect();
    let name = format.split(' ').next().unwrap();
    assert_eq!(detect_queries(&lines).map(QueryLogFormat::name), Some(name));
    let (mut found, zone) = (Vec::new(), TimeZone::get("Asia/Tokyo").unwrap());
    let report = parse_queries(&mut log.as_bytes(), format, &zone, &mut |line| found.push(line));
    assert_eq!((report.lines, report.unread_count, report.statements), (lines.len() as u64, unread, found.len() as u64));
    found.sort_by_key(|line| line.line);
    assert_eq!(found.iter().map(shown).collect::<Vec<_>>(), expected);
}

#[test]
fn general_log_of_mariadb() {
    let log = "mariadbd, Version: 10.11.19-MariaDB. started with:\nTcp port: 0  Unix socket: /run/my.sock\nTime\t\t    Id Command\tArgument\n\
        261122 18:53:53\t    14 Quit\t\n261122 18:53:54\t    15 Connect\tshop@localhost on shop using Socket\n\
        \t\t    15 Query\tSELECT 1\n\t\t    15 Query\tSELECT a\n  FROM t\n\n\t WHERE b=1\n261122  8:53:55\t    15 Init DB\tshop\n\t\t    15 Execute\tUPDATE t SET a=2\n";
    check(
        "mysql_general",
        log,
        0,
        &[
            "6 2026-11-22T09:53:54Z [15] shop | SELECT 1",
            "7 2026-11-22T09:53:54Z [15] shop | SELECT a\n  FROM t\n\n\t WHERE b=1",
            "12 2026-11-21T23:53:55Z [15] shop | UPDATE t SET a=2",
        ],
    );
}

#[test]
fn general_log_of_mysql_8_that_begins_in_the_middle() {
    let log = "  AND c=2\n2026-11-22T09:53:54.120000Z\t   15 Connect\tshop@localhost on  using Socket\n2026-11-22T18:53:54.123456+09:00\t   15 Query\tSELECT 'a\tb'\n";
    check("mysql_general", log, 1, &["3 2026-11-22T09:53:54.123Z [15] shop | SELECT 'a\tb'"]);
}

#[test]
fn slow_log_of_mariadb() {
    let log = "mariadbd, Version: 10.11.19-MariaDB. started with:\nTime\t\t    Id Command\tArgument\n# Time: 261122 19:51:08\n# User@Host: shop[shop] @ localhost []\n\
        # Thread_id: 15  Schema: shop  QC_hit: No\n# Query_time: 0.000063  Lock_time: 0.000000  Rows_sent: 0  Rows_examined: 0\n# Rows_affected: 0  Bytes_sent: 11\n\
        use `shop`;\nSET timestamp=1795344668;\nSET NAMES utf8mb4;\n# User@Host: shop[shop] @ localhost []\n# Thread_id: 16  Schema: shop  QC_hit: No\n\
        # Query_time: 1.500238  Lock_time: 0.000078  Rows_sent: 45  Rows_examined: 45\n# Rows_affected: 0  Bytes_sent: 6521\n# Full_scan: Yes  Full_join: No  Tmp_table: No  Tmp_table_on_disk: No\n\
        SET timestamp=1795344670;\nSELECT id -- '\n# a comment of its own\nFROM items;\n# User@Host: shop[shop] @ localhost []\n# Thread_id: 16  Schema: shop  QC_hit: No\n# Query_time: 0.000238  Lock_time: 0.000078  Rows_sent: 45  Rows_examined: 45\n# administrator command: Quit;\n";
    check(
        "mysql_slow",
        log,
        0,
        &[
            "10 2026-11-22T10:51:08Z [15] shop | SET NAMES utf8mb4 | 0 rows | 11 bytes | 63 us",
            "17 2026-11-22T10:51:10Z [16] shop | SELECT id -- '\n# a comment of its own\nFROM items | 45 rows | 6521 bytes | 1500238 us",
        ],
    );
}

#[test]
fn slow_log_of_mysql_8_with_extra_fields() {
    let log = "# Time: 2026-11-22T09:53:54.123456Z\n# User@Host: shop[shop] @ localhost []  Id:    15\n# Query_time: 0.000228  Lock_time: 0.000001 Rows_sent: 1  Rows_examined: 1 Thread_id: 15 Errno: 1064 Killed: 0 Bytes_received: 0 Bytes_sent: 359\n\
        SET timestamp=1795341234;\nselect 1;\n";
    check("mysql_slow", log, 0, &["5 2026-11-22T09:53:54Z [15] shop | select 1 | Syntax 1064  | 1 rows | 359 bytes | 228 us"]);
}

#[test]
fn server_audit_of_mariadb() {
    let log = "20261122 18:55:12,vm,shop,localhost,16,0,CONNECT,shop,,0\n20261122 18:55:12,vm,shop,localhost,16,86,QUERY,shop,'SELECT \\'it\\\\s, 1\\',\\n2',1064\n\
        20261122 18:55:12,vm,shop,localhost,16,87,READ,shop,items,\n20261122 18:55:13,vm,shop,localhost,16,88,QUERY,shop,'SELECT id FROM secret',1142\n20261122 18:55:13,vm,shop,localhost,16,88,QUERY,shop,'cut he\n";
    check(
        "mariadb_audit",
        log,
        1,
        &[
            "2 2026-11-22T09:55:12Z [16] shop | SELECT 'it\\s, 1',\n2 | Syntax 1064 ",
            "4 2026-11-22T09:55:13Z [16] shop | SELECT id FROM secret | AccessDenied 1142 ",
        ],
    );
}

#[test]
fn postgresql_to_stderr() {
    let log = "2026-11-22 18:58:31.605 JST [28] LOG:  database system was shut down at 2026-11-22 18:58:31 JST\n\
        2026-11-22 18:58:35.096 JST [48] shop@shop LOG:  statement: SELECT title FROM news WHERE id=12\n\
        2026-11-22 18:58:35.151 JST [49] shop@shop LOG:  statement: SELECT 1\n\t, 2\n\
        2026-11-22 18:58:35.333 JST [49] shop@shop LOG:  execute <unnamed>: SELECT id FROM orders WHERE a=$1 AND b=$2\n\
        2026-11-22 18:58:35.333 JST [49] shop@shop DETAIL:  parameters: $1 = 'O''Brien, $2 = 5', $2 = NULL\n\
        2026-11-22 18:58:35.400 JST [48] shop@shop LOG:  statement: SELECT CAST(name AS int) FROM t\n\
        2026-11-22 18:58:35.401 JST [48] shop@shop ERROR:  invalid input syntax for type integer: \"STATEMENT:  x\" at character 8\n\
        2026-11-22 18:58:35.401 JST [48] shop@shop STATEMENT:  SELECT CAST(name AS int) FROM t\n\
        2026-11-22 18:58:35.500 JST [48] shop@shop ERROR:  permission denied for table staff\n\
        2026-11-22 18:58:35.500 JST [48] shop@shop STATEMENT:  SELECT * FROM staff\n";
    check(
        "postgresql_stderr",
        log,
        0,
        &[
            "2 2026-11-22T09:58:35.096Z [48] shop | SELECT title FROM news WHERE id=12",
            "3 2026-11-22T09:58:35.151Z [49] shop | SELECT 1\n, 2",
            "5 2026-11-22T09:58:35.333Z [49] shop | SELECT id FROM orders WHERE a=$1 AND b=$2 | [Some(\"O'Brien, $2 = 5\"), None]",
            "7 2026-11-22T09:58:35.4Z [48] shop | SELECT CAST(name AS int) FROM t | Value  invalid input syntax for type integer: \"STATEMENT:  x\" at character 8",
            "10 2026-11-22T09:58:35.5Z [48] shop | SELECT * FROM staff | AccessDenied  permission denied for table staff",
        ],
    );
}

#[test]
fn postgresql_prefixes() {
    for (prefix, expected) in [
        ("2026-11-22 18:58:35.096 JST [48] shop@shop ", "2026-11-22T09:58:35.096Z [48] shop"),
        ("2026-11-22 09:58:35 UTC [48-12] ", "2026-11-22T09:58:35Z [48] "),
        ("2026-11-22 09:58:35 UTC:10.0.0.1(5432):shop@shop:[48]:", "2026-11-22T09:58:35Z [48] shop"),
        ("1795341515.096 6b02bd76.2f ", "2026-11-22T09:58:35.096Z [6b02bd76.2f] "),
        ("[48] user=shop,db=shop,app=php,client=::1 ", "- [48] shop"),
        ("2026-11-22 18:58:35 JST [48]: [3-1] user=shop,db=shop ", "2026-11-22T09:58:35Z [48] shop"),
    ] {
        check("postgresql_stderr", &format!("{prefix}LOG:  statement: SELECT 1\n"), 0, &[&format!("1 {expected} | SELECT 1")]);
    }
    let coded = "2026-11-22 18:58:35 JST [48] 42501 ERROR:  x\n2026-11-22 18:58:35 JST [48] 42501 STATEMENT:  SELECT 2\n";
    check("postgresql_stderr", coded, 0, &["1 2026-11-22T09:58:35Z [48]  | SELECT 2 | AccessDenied 42501 x"]);
}

#[test]
fn postgresql_tells_a_statement_once() {
    let log = "2026-11-22 18:58:35 JST [48] LOG:  statement: SELECT 1\n2026-11-22 18:58:35 JST [48] LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,public.t,SELECT 1,<none>,7\n\
        2026-11-22 18:58:35 JST [48] LOG:  duration: 0.304 ms\n2026-11-22 18:58:36 JST [48] LOG:  AUDIT: SESSION,2,1,READ,SELECT,,,\"SELECT 'a,\"\"b'\",<none>\n\
        2026-11-22 18:58:36 JST [48] LOG:  AUDIT: SESSION,3,1,READ,SELECT,,,\"SELECT 'a,\"\"b'\",<none>\n2026-11-22 18:58:37 JST [49] LOG:  duration: 12.5 ms  statement: SELECT 3\n";
    check(
        "postgresql_stderr",
        log,
        0,
        &[
            "1 2026-11-22T09:58:35Z [48]  | SELECT 1 | 7 rows | 304 us",
            "4 2026-11-22T09:58:36Z [48]  | SELECT 'a,\"b'",
            "5 2026-11-22T09:58:36Z [48]  | SELECT 'a,\"b'",
            "6 2026-11-22T09:58:37Z [49]  | SELECT 3 | 12500 us",
        ],
    );
}

const CSV: &str = "2026-11-22 19:00:00.896 JST,,,25,,6b02bd20.19,1,,2026-11-22 19:00:00 JST,,0,LOG,00000,\"ending log output to stderr\",,\"Future log output will go to log destination \"\"csvlog\"\".\",,,,,,,\"\",\"postmaster\",,0\n\
    2026-11-22 19:00:03.507 JST,\"shop\",\"shop\",94,\"[local]\",6b02bd23.5e,1,\"idle\",2026-11-22 19:00:03 JST,4/4,0,LOG,00000,\"statement: SELECT 'a'\n, \"\"b\"\"\",,,,,,,,,\"\",\"client backend\",,0\n\
    2026-11-22 19:00:03.508 JST,\"shop\",\"shop\",94,\"[local]\",6b02bd23.5e,1,\"idle\",2026-11-22 19:00:03 JST,4/4,0,ERROR,42601,\"syntax error at or near \"\"Brien\"\"\",,,,,,\"SELECT 'O'Brien'\",59,,\"\",\"client backend\",,0\n";

#[test]
fn postgresql_csvlog() {
    let expected = [
        "2 2026-11-22T10:00:03.507Z [6b02bd23.5e] shop | SELECT 'a'\n, \"b\"",
        "4 2026-11-22T10:00:03.508Z [6b02bd23.5e] shop | SELECT 'O'Brien' | Syntax 42601 syntax error at or near \"Brien\"",
    ];
    check("postgresql_csv", CSV, 0, &expected);
    // A log that begins in the middle of a record.
    let begun = format!("half of a text\",,,0\n{CSV}");
    check(
        "postgresql_csv",
        &begun,
        3,
        &["5 2026-11-22T10:00:03.508Z [6b02bd23.5e] shop | SELECT 'O'Brien' | Syntax 42601 syntax error at or near \"Brien\""],
    );
}

#[test]
fn postgresql_jsonlog() {
    let log = r#"{"timestamp":"2026-11-22 10:01:27.669 UTC","user":"shop","dbname":"shop","pid":47,"session_id":"6b02bd76.2f","line_num":25,"error_severity":"LOG","message":"execute <unnamed>: SELECT $1","detail":"parameters: $1 = '304'"}
{"timestamp":"2026-11-22 10:01:28.669 UTC","user":"shop","pid":47,"session_id":"6b02bd76.2f","error_severity":"ERROR","state_code":"22P02","message":"invalid input syntax for type integer: \"x\"","statement":"SELECT id FROM orders WHERE id='x'"}
{"timestamp":"2026-11-22 10:0
"#;
    check(
        "postgresql_json",
        log,
        1,
        &[
            "1 2026-11-22T10:01:27.669Z [6b02bd76.2f] shop | SELECT $1 | [Some(\"304\")]",
            "2 2026-11-22T10:01:28.669Z [6b02bd76.2f] shop | SELECT id FROM orders WHERE id='x' | Value 22P02 invalid input syntax for type integer: \"x\"",
        ],
    );
}

#[test]
fn applications_that_write_text() {
    let log = "2026-11-22T19:02:13.337+09:00 [93568] SQL: SELECT title FROM news\n WHERE id=6\n2026-11-22T19:02:13.400+09:00 [93568] started\n\
        D, [2026-11-22 19:02:14.000 #12] DEBUG -- :   Item Load (0.3ms)  SELECT * FROM items\n2026-11-22 19:02:15,250 pid=77 query=UPDATE items SET price=1\n";
    check(
        "application_sql",
        log,
        0,
        &[
            "1 2026-11-22T10:02:13.337Z [93568]  | SELECT title FROM news\n WHERE id=6",
            "4 2026-11-22T10:02:14Z []  | SELECT * FROM items | 300 us",
            "5 2026-11-22T10:02:15.25Z [77]  | UPDATE items SET price=1",
        ],
    );
}

#[test]
fn applications_that_write_json() {
    let log = "{\"ts\":\"2026-11-22T10:02:13Z\",\"sql\":\"SELECT 1\",\"rows\":3,\"duration_ms\":0.5,\"params\":[1,null,\"a\"]}\n{\"ts\":1795341733.25,\"db\":{\"statement\":\"SELECT 2\"},\"error\":\"no such table: x\"}\n{\"ts\":\"2026-11-22T10:02:13Z\",\"message\":\"hello\"}\n";
    check(
        "application_sql_json",
        log,
        0,
        &[
            "1 2026-11-22T10:02:13Z []  | SELECT 1 | [Some(\"1\"), None, Some(\"a\")] | 3 rows | 500 us",
            "2 2026-11-22T10:02:13.25Z []  | SELECT 2 | Name  no such table: x",
        ],
    );
    let declared = "{\"when\":\"2026-11-22 19:02:13\",\"sql\":\"SELECT 0\",\"q\":\"SELECT 1\",\"who\":{\"id\":7}}\n";
    check("application_sql_json time=when sql=q connection=who.id", declared, 0, &["1 2026-11-22T10:02:13Z [7]  | SELECT 1"]);
}

#[test]
fn web_logs_are_no_query_logs() {
    for line in [
        r#"192.0.2.1 - - [22/Nov/2012:18:00:00 +0900] "GET /item?id=1%20UNION%20SELECT%201 HTTP/1.1" 200 28 "-" "x""#,
        r#"{"time":"2026-11-22T18:57:08+09:00","request":"GET /?q=SELECT 1 HTTP/1.1","status":200}"#,
        "2026-11-22 19:00:00 GET /items id=1+UNION+SELECT+1 - 80 - 192.0.2.1 Mozilla 200 0 0 15",
        "[Sun Nov 22 18:55:10.977126 2026] [mpm_event:notice] [pid 32:tid 32] AH00489",
        "2026/11/22 19:52:24 [notice] 1#1: signal process started",
        "--0a5d3b4e-A--",
    ] {
        assert_eq!(detect_queries(&[line.as_bytes()]), None, "{line}");
    }
}

#[test]
fn custody_tells_a_query_log_from_a_web_log() {
    let folder = Folder::new()
        .source("postgresql", "")
        .evidence("dblog/*", "timezone = \"Asia/Tokyo\"")
        .with("snapshot/items.csv", "id\n1\n")
        .with("dblog/postgresql.csv", CSV)
        .with("dblog/empty.log", "");
    let entry = folder.entry("dblog/postgresql.csv");
    assert_eq!((entry.kind, entry.format.as_str()), (EvidenceKind::QueryLog, "postgresql_csv"));
    assert_eq!(folder.entry("dblog/empty.log").kind, EvidenceKind::Log);
    let mut lines = Vec::new();
    let report = read_queries(folder.path(), &entry, &folder.keys, &mut |line| lines.push(line)).unwrap();
    assert_eq!((report.path.as_str(), report.lines, report.read, lines.len()), ("dblog/postgresql.csv", 4, 4, 2));
}

#[test]
fn what_a_log_says_cannot_be_printed_by_accident() {
    let mut lines = Vec::new();
    parse_queries(&mut CSV.as_bytes(), "postgresql_csv", &TimeZone::UTC, &mut |line| lines.push(line));
    let printed = format!("{lines:?}");
    assert!(!printed.contains("Brien") && !printed.contains("SELECT"), "{printed}");
}

#[test]
fn a_statement_of_many_megabytes_is_cut_and_counted() {
    let mut log = "261122 18:53:53\t    14 Query\tSELECT '".to_owned();
    for _ in 0..40 {
        log.push_str(&"x".repeat(100_000));
        log.push('\n');
    }
    log.push_str("261122 18:53:54\t    14 Query\tSELECT 2\n");
    let mut lines = Vec::new();
    let report = parse_queries(&mut log.as_bytes(), "mysql_general", &TimeZone::UTC, &mut |line| lines.push(line));
    assert_eq!((report.cut, report.statements, report.unread_count), (1, 2, 0));
    assert!(lines[0].cut && lines[0].text.len() <= 1 << 20);
}

/// Pieces of every format, so that what chance puts together comes near to them.
const PIECES: [&str; 24] = [
    "2026-11-22 18:58:35.096 JST ",
    "[48] ",
    "shop@shop ",
    "LOG:  ",
    "ERROR:  ",
    "STATEMENT:  ",
    "statement: ",
    "execute x: ",
    "AUDIT: SESSION,1,",
    "261122 18:53:53\t",
    "\t\t    15 ",
    "Query\t",
    "Connect\t",
    "# Time: 261122 19:51:08",
    "# User@Host: ",
    "SET timestamp=",
    "20261122 18:55:12,",
    "QUERY,",
    "'",
    "\\",
    "\"",
    ",",
    "{\"timestamp\":\"",
    "\n",
];

fn junk() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => (0..PIECES.len()).prop_map(|at| PIECES[at].as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
        1 => Just(b"SELECT 1".to_vec()),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_line_is_counted_once_and_nothing_panics(bytes in junk()) {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        let _ = detect_queries(&lines);
        for format in QueryLogFormat::ALL {
            let mut found = 0;
            let report = parse_queries(&mut bytes.as_slice(), format.name(), &TimeZone::UTC, &mut |_| found += 1);
            prop_assert_eq!(report.lines, report.read + report.unread_count, "{}", format.name());
            prop_assert_eq!(report.statements, found);
            prop_assert!(report.statements <= report.lines);
        }
    }
}

/// The first lines of logs that real servers wrote.
#[test]
fn logs_of_real_servers() {
    for (name, format, statements, unread) in
        [("mariadb_general.log.zst", "mysql_general", 13, 0), ("mariadb_slow.log.zst", "mysql_slow", 2, 0)]
    {
        let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap();
        let bytes = zstd::decode_all(bytes.as_slice()).unwrap();
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        assert_eq!(detect_queries(&lines).map(QueryLogFormat::name), Some(format));
        let report = parse_queries(&mut bytes.as_slice(), format, &TimeZone::UTC, &mut |_| ());
        assert_eq!((report.statements, report.unread_count), (statements, unread), "{name}");
    }
}
