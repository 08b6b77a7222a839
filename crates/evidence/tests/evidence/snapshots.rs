//! Snapshots: the same rows whatever they were written as, and every kind of bad input.

use std::ops::ControlFlow;

use kintsugi_case::SourceSpec;
use kintsugi_evidence::{Error, Result, SnapshotReader, TableReport};
use proptest::prelude::*;

use crate::folder::{Folder, gzip, zstd};

fn open(folder: &Folder) -> Result<SnapshotReader> {
    folder.collect().unwrap();
    SnapshotReader::open(folder.path(), &source(folder), &folder.keys)
}

fn source(folder: &Folder) -> SourceSpec {
    folder.case().sources[0].clone()
}

/// The rows of a table, values with bars between them, and the report.
fn rows(folder: &Folder, table: &str) -> (Vec<String>, TableReport) {
    let reader = open(folder).unwrap();
    let mut rows = Vec::new();
    let report = reader.read_table(table, &mut |row| {
        rows.push(row.iter().map(|value| value.unwrap_or("NULL")).collect::<Vec<_>>().join("|"));
        ControlFlow::Continue(())
    });
    (rows, report.unwrap())
}

fn tables(folder: &Folder) -> Vec<String> {
    let reader = open(folder).unwrap();
    reader.tables().iter().map(|meta| format!("{}({})", meta.name, meta.columns.join(","))).collect()
}

fn aside(report: &TableReport) -> Vec<(u64, &str)> {
    report.kept_aside.iter().map(|row| (row.line, row.reason.as_str())).collect()
}

const ROWS: [&str; 4] = ["1|山田 花子|a'b", "2|NULL|", "3|表示\\N|x\ny", "4|\"q\"|z,w"];

fn csv() -> String {
    "id,name,note\n1,山田 花子,a'b\n2,\\N,\n3,表示\\N,\"x\ny\"\n4,\"\"\"q\"\"\",\"z,w\"\n".into()
}

/// What mariadb-dump writes, other statements around it.
fn mariadb() -> String {
    r#"/*M!999999\- enable the sandbox mode */
-- MariaDB dump; a comment with 'quotes
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `t`;
CREATE TABLE `t` (
  `id` int(11) NOT NULL DEFAULT 0 COMMENT 'a, (b)',
  `name` varchar(80) DEFAULT NULL,
  note text CHARACTER SET utf8mb4,
  PRIMARY KEY (`id`),
  KEY `name` (`name`,`note`(10)),
  CONSTRAINT `c` CHECK (`id` > 0)
) ENGINE=InnoDB;
LOCK TABLES `t` WRITE;
/*!40000 ALTER TABLE `t` DISABLE KEYS */;
INSERT INTO `t` VALUES
(1,'山田 花子','a\'b'),
(2,NULL,''),(3,'表示\\N','x\ny');
INSERT IGNORE INTO `t` (`note`,`id`,`name`) VALUES ('z,w',4,'\"q\"') ON DUPLICATE KEY UPDATE id=4;
CREATE TABLE `empty` (`x` int);
DELIMITER ;;
CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES (9,'no','no'); END ;;
DELIMITER ;
"#
    .into()
}

/// What pg_dump writes.
fn postgresql() -> String {
    "--\n-- PostgreSQL database dump\n--\n\\restrict abc\nSET standard_conforming_strings = on;\n\
     CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql AS $_$ BEGIN INSERT INTO public.t VALUES (9,'n','n'); END $_$;\n\
     CREATE TABLE public.t (\n    id integer DEFAULT nextval('public.s'::regclass) NOT NULL,\n    name character varying(80),\n    note text,\n    CONSTRAINT c CHECK ((id > 0))\n);\n\
     CREATE TABLE other.t (\n    \"Order\" integer\n);\n\
     COPY public.t (id, name, note) FROM stdin;\n1\t山田 花子\ta'b\n2\t\\N\t\n3\t表示\\\\N\tx\\ny\n\\.\n\n\
     INSERT INTO public.t (id, name, note) VALUES (4, '\"q\"', 'z,w'::text);\n\
     COPY other.t (\"Order\") FROM stdin;\n7\n\\.\n"
        .into()
}

/// What SQLite's .dump writes.
fn sqlite_dump() -> String {
    r#"PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, note TEXT);
INSERT INTO t VALUES(1,'山田 花子','a''b');
INSERT INTO "t" VALUES(2,NULL,'');
INSERT INTO t VALUES(3,'表示\N',replace('x\ny','\n',char(10)));
INSERT INTO t VALUES(4,'"q"','z,'||'w');
CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO t VALUES(9,CASE WHEN 1 THEN 'n' END,'n'); END;
COMMIT;
"#
    .into()
}

fn sqlite_file() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch(&sqlite_dump().replace("PRAGMA foreign_keys=OFF;", "PRAGMA journal_mode=WAL;")).unwrap();
    drop(database);
    std::fs::read(path).unwrap()
}

fn check(dbms: &str, name: &str, bytes: &[u8]) {
    for (ending, packed) in [("", bytes.to_vec()), (".gz", gzip(bytes)), (".zst", zstd(bytes))] {
        let folder = Folder::new().source(dbms, "").with(&format!("snapshot/{name}{ending}"), packed);
        let (found, report) = rows(&folder, "t");
        assert_eq!(
            (found.as_slice(), report.rows, report.kept_aside_count),
            (&ROWS.map(str::to_owned)[..], 4, 0),
            "{name}{ending}"
        );
        assert!(tables(&folder).contains(&"t(id,name,note)".to_owned()));
    }
}

#[test]
fn the_same_rows_come_out_of_every_format() {
    check("mariadb", "t.csv", csv().as_bytes());
    check("mariadb", "dump.sql", mariadb().as_bytes());
    check("postgresql", "dump.sql", postgresql().as_bytes());
    check("sqlite", "dump.sql", sqlite_dump().as_bytes());
    check("sqlite", "shop.db", &sqlite_file());
}

#[test]
fn tables_are_found_with_their_columns() {
    let folder = Folder::new().source("mariadb", "").with("snapshot/dump.sql", mariadb());
    assert_eq!(tables(&folder), ["empty(x)", "t(id,name,note)"]);
    let folder = Folder::new().source("postgresql", "").with("snapshot/dump.sql", postgresql());
    assert_eq!(tables(&folder), ["other.t(Order)", "t(id,name,note)"]);
    assert_eq!(rows(&folder, "other.t").0, ["7"]);
    let folder = Folder::new().source("sqlite", "").with("snapshot/dump.sql", "INSERT INTO u VALUES(1,2),(3,4);");
    assert_eq!((tables(&folder), rows(&folder, "u").0), (vec!["u(column1,column2)".into()], vec!["1|2".into(), "3|4".into()]));
}

#[test]
fn japanese_encodings_are_decoded_and_damage_is_kept_aside() {
    let spec = |encoding: &str| format!("csv = {{ encoding = \"{encoding}\" }}");
    for (name, encoding) in [("shift_jis", encoding_rs::SHIFT_JIS), ("euc-jp", encoding_rs::EUC_JP)] {
        let (bytes, ..) = encoding.encode("id,name\n1,表示ソ\n2,①②\n");
        let folder = Folder::new().source("mariadb", &spec(name)).with("snapshot/t.csv", bytes);
        assert_eq!(rows(&folder, "t").0, ["1|表示ソ", "2|①②"], "{name}");
        let (bytes, ..) = encoding.encode("CREATE TABLE t (id int, name text); INSERT INTO t VALUES (1,'表示ソ'),(2,'構成');");
        let folder = Folder::new().source("mariadb", &spec(name)).with("snapshot/dump.sql", bytes);
        assert_eq!(rows(&folder, "t").0, ["1|表示ソ", "2|構成"], "{name}");
    }
    for encoding in ["shift_jis", "utf-8", "euc-jp"] {
        let folder = Folder::new().source("mariadb", &spec(encoding)).with("snapshot/t.csv", b"id,name\n1,\xff\xfe\n2,b\n");
        let (found, report) = rows(&folder, "t");
        assert_eq!((found, aside(&report)), (vec!["2|b".into()], vec![(2, "bytes that are no text in the declared encoding")]));
    }
}

#[test]
fn bad_rows_are_kept_aside_with_their_line() {
    let text = "id,name\n1,a\n2,b,c\n3\n\n4,\"d\"x\n5,\"e\nf\"\n6,g\n";
    let folder = Folder::new().source("mariadb", "").with("snapshot/t.csv", text);
    let (found, report) = rows(&folder, "t");
    assert_eq!((found, report.rows, report.kept_aside_count), (vec!["1|a".into(), "5|e\nf".into(), "6|g".into()], 3, 3));
    assert_eq!(
        aside(&report),
        [
            (3, "3 values where the table has 2 columns"),
            (4, "1 values where the table has 2 columns"),
            (6, "text behind a closing quote")
        ]
    );
    assert_eq!(report.kept_aside[0].file, "snapshot/t.csv");
    let text =
        "CREATE TABLE t (id int, name text);\nINSERT INTO t VALUES\n(1,'a'),\n(2,NOW()),\n(3,'b','c'),\n(4,1+1),\n(5,'e');\n";
    let folder = Folder::new().source("mariadb", "").with("snapshot/dump.sql", text);
    let (found, report) = rows(&folder, "t");
    assert_eq!(found, ["1|a", "5|e"]);
    let expression = "a value is an expression that is not read";
    assert_eq!(aside(&report), [(4, expression), (5, "3 values where the table has 2 columns"), (6, expression)]);
}

#[test]
fn values_of_every_kind() {
    let check = |dbms: &str, values: &str, expected: &str| {
        let folder = Folder::new().source(dbms, "").with("snapshot/dump.sql", format!("INSERT INTO t VALUES ({values});"));
        assert_eq!(rows(&folder, "t").0, [expected], "{values}");
    };
    check(
        "mariadb",
        r#"-1.50,0xCAFE,X'41',TRUE,'a\0\Z\%\_\q',_binary 'x',_utf8mb4'y'"#,
        "-1.50|0xCAFE|0x41|1|a\0\u{1a}\\%\\_q|x|y",
    );
    check("postgresql", r"1::int, E'a\nb\'', 'c\', true, NULL::text, '{1,2}'::integer[], 'x' ", "1|a\nb'|c\\|t|NULL|{1,2}|x");
    check(
        "sqlite",
        r"1.0,X'00ff',unistr('a\u000ab'),replace(replace('a\nb\r','\r',char(13)),'\n',char(10))",
        "1.0|0x00ff|a\nb|a\nb\r",
    );
    let bytes = b"INSERT INTO t VALUES (1,_binary '\xff\x00\\0');".to_vec();
    let folder = Folder::new().source("mariadb", "").with("snapshot/dump.sql", bytes);
    assert_eq!(rows(&folder, "t").0, ["1|0xFF0000"]);
}

#[test]
fn files_of_tables_win_over_a_dump() {
    let folder = Folder::new()
        .source("mariadb", "[source.tables.t]\nkey = [\"id\"]")
        .with("snapshot/t.csv", "id\n1\n")
        .with("snapshot/dump.sql", mariadb())
        .with("snapshot/README", "hello");
    let reader = open(&folder).unwrap();
    assert_eq!(tables(&folder), ["t(id)"]);
    assert_eq!(
        reader.notes(),
        ["dump.sql is not read: every table has a file of its own", "README is not read: no table, dump or database by its name"]
    );
    let folder = folder.toml("[source.tables.empty]\n");
    assert_eq!(tables(&folder), ["empty(x)", "t(id)"]);
    assert_eq!(open(&folder).unwrap().notes()[0], "table t is not read from dump.sql: another file has it");
}

#[test]
fn a_snapshot_is_read_from_custody_only() {
    let folder = Folder::new().source("mariadb", "").with("snapshot/t.csv", "id\n1\n");
    let open = || SnapshotReader::open(folder.path(), &source(&folder), &folder.keys);
    assert!(matches!(open(), Err(Error::NotCollected { .. })));
    folder.collect().unwrap();
    let reader = open().unwrap();
    folder.put("snapshot/t.csv", "id\n2\n");
    assert!(matches!(reader.read_table("t", &mut |_| ControlFlow::Continue(())), Err(Error::Changed { .. })));
    assert!(matches!(reader.read_table("t", &mut |_| ControlFlow::Break(())), Err(Error::Changed { .. })));
    assert!(matches!(open(), Err(Error::Changed { .. })));
    assert!(matches!(reader.read_table("u", &mut |_| ControlFlow::Continue(())), Err(Error::NoTable { .. })));
}

#[test]
fn a_cut_dump_gives_the_rows_that_can_be_read() {
    let many: String = (1..=20_000).map(|n| format!("({n},'name {n}','{}'),\n", n * 7919 % 10_007)).collect();
    let text = format!("CREATE TABLE t (id int, name text, note text);\nINSERT INTO t VALUES\n{many}(0,'','');\n");
    let packed = gzip(text.as_bytes());
    for bytes in [packed[..packed.len() / 2].to_vec(), text.as_bytes()[..text.len() / 2].to_vec()] {
        let folder = Folder::new().source("mariadb", "").with("snapshot/dump.sql", bytes);
        let (found, report) = rows(&folder, "t");
        assert!(found.len() > 5_000 && found.len() < 15_000, "{}", found.len());
        assert!(report.truncated.unwrap().starts_with("after line "));
    }
}

#[test]
fn a_broken_database_is_told() {
    for (name, bytes) in [("shop.db", &b"SQLite format 3\0junk"[..]), ("t.parquet", b"PAR1junkPAR1"), ("t.parquet", b"")] {
        let folder = Folder::new().source("sqlite", "").with(&format!("snapshot/{name}"), bytes);
        assert!(matches!(open(&folder), Err(Error::Snapshot { .. })), "{name}");
    }
    let mut damaged = sqlite_file();
    let middle = damaged.len() / 2;
    damaged[middle..].fill(0xff);
    let folder = Folder::new().source("sqlite", "").with("snapshot/shop.db", damaged);
    let _ = open(&folder).map(|reader| reader.read_table("t", &mut |_| ControlFlow::Continue(())));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_dump_makes_it_panic(bytes in proptest::collection::vec(prop_oneof![
        Just(b"INSERT INTO t VALUES (".to_vec()), Just(b"CREATE TABLE t (".to_vec()), Just(b"COPY t FROM stdin;\n".to_vec()),
        Just(b"'".to_vec()), Just(b"\\".to_vec()), Just(b")".to_vec()), Just(b",".to_vec()), Just(b";".to_vec()),
        Just(b"$$".to_vec()), Just(b"/*".to_vec()), Just(b"--".to_vec()), Just(b"char(".to_vec()), Just(b"\n".to_vec()),
        Just(b"||".to_vec()), Just(b"::".to_vec()), Just(b"`".to_vec()), Just(b"_binary ".to_vec()), Just(b"1".to_vec()),
        any::<Vec<u8>>(),
    ], 0..30), dbms in prop_oneof![Just("mariadb"), Just("postgresql"), Just("sqlite")]) {
        let folder = Folder::new().source(dbms, "").with("snapshot/dump.sql", bytes.concat());
        if let Ok(reader) = open(&folder) {
            for meta in reader.tables() {
                reader.read_table(&meta.name, &mut |row| {
                    assert_eq!(row.len(), meta.columns.len());
                    ControlFlow::Continue(())
                }).unwrap();
            }
        }
    }
}
