//! The form of a text: a dump, JSON, or lines with a delimiter.

use kintsugi_case::Dbms;

/// How a text holds its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A dump, of this system where it says so.
    Sql(Option<Dbms>),
    /// One JSON text, or one a line.
    Json,
    /// Lines with values between this byte.
    Delimited(u8),
}

/// Lines by which the delimiter is told.
const LINES_MAX: usize = 200;

impl Form {
    /// By the beginning of the text.
    pub(super) fn of(head: &str) -> Self {
        let start = head.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
        if start.starts_with('{') || (start.starts_with('[') && start[1..].trim_start().starts_with(['{', '[', ']'])) {
            return Self::Json;
        }
        if head.lines().any(is_sql) { Self::Sql(dbms(head)) } else { Self::Delimited(delimiter(head)) }
    }

    /// For people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sql(_) => "a SQL dump",
            Self::Json => "JSON",
            Self::Delimited(_) => "a list",
        }
    }
}

fn is_sql(line: &str) -> bool {
    let starts = |words: &str| line.get(..words.len()).is_some_and(|start| start.eq_ignore_ascii_case(words));
    starts("INSERT INTO ") || starts("REPLACE INTO ") || starts("CREATE TABLE ") || (starts("COPY ") && line.ends_with("stdin;"))
}

fn dbms(head: &str) -> Option<Dbms> {
    let has = |text: &str| head.contains(text);
    if has("PostgreSQL database dump") || head.lines().any(|line| line.starts_with("COPY ") && line.ends_with("stdin;")) {
        Some(Dbms::PostgreSql)
    } else if has("MariaDB dump") || has("MySQL dump") || has("INTO `") || has("TABLE `") {
        Some(Dbms::MariaDb)
    } else if has("PRAGMA foreign_keys") {
        Some(Dbms::Sqlite)
    } else {
        None
    }
}

/// The byte that divides most lines into equally many values; a comma where none does.
fn delimiter(head: &str) -> u8 {
    let lines: Vec<&str> = head.lines().filter(|line| !line.is_empty()).take(LINES_MAX).collect();
    let fitness = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| outside_quotes(line, delimiter)).collect();
        let mut sorted = counts.clone();
        sorted.sort_unstable();
        let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
        if usual == 0 { 0 } else { counts.iter().filter(|&&count| count == usual).count() * 100 + usual.min(50) }
    };
    let best = [b',', b'\t', b';', b'|', b':'].into_iter().rev().max_by_key(|&delimiter| fitness(delimiter));
    best.filter(|&delimiter| fitness(delimiter) > 0).unwrap_or(b',')
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|&byte| {
            quoted ^= byte == b'"';
            byte == delimiter && !quoted
        })
        .count()
}

/// What a file is whose bytes are no text.
pub(super) fn not_text(head: &[u8]) -> Option<&'static str> {
    match head {
        [b'S', b'Q', b'L', b'i', b't', b'e', b' ', b'f', ..] => Some("a SQLite database: name it as a snapshot, or dump it"),
        [b'P', b'A', b'R', b'1', ..] => Some("a Parquet file"),
        [b'P', b'K', 3, 4, ..] => Some("a zip archive or a spreadsheet: unpack it, or save it as CSV"),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some("a 7z archive: unpack it"),
        [b'B', b'Z', b'h', ..] => Some("packed with bzip2: unpack it"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => Some("packed with xz: unpack it"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Dbms, Form};

    #[test]
    fn the_text_tells_its_form() {
        for (text, expected) in [
            ("id,name\n1,\"a;b\"\n", Form::Delimited(b',')),
            ("id;name\n1;a,b\n2;c\n", Form::Delimited(b';')),
            ("a\tb\tc\n1\t2\t3\n", Form::Delimited(b'\t')),
            ("a@b.example:2013:x\nc@d.example:2014:y\n", Form::Delimited(b':')),
            ("a@b.example\nc@d.example\n", Form::Delimited(b',')),
            (" {\"a\": 1}\n{\"a\": 2}\n", Form::Json),
            ("[{\"a\": 1}]", Form::Json),
            ("[error] no json\n", Form::Delimited(b',')),
            ("-- x\nINSERT INTO `cards` VALUES (1);\n", Form::Sql(Some(Dbms::MariaDb))),
            ("COPY public.cards (id) FROM stdin;\n1\n\\.\n", Form::Sql(Some(Dbms::PostgreSql))),
            ("CREATE TABLE cards (id);\n", Form::Sql(None)),
        ] {
            assert_eq!(Form::of(text), expected, "{text}");
        }
    }
}
