//! Cuts SQL text into tokens as the server would, and lifts the literals out, so that statements of one shape have one
//! text. What sqlparser 0.63 does not read (character sets, collations, `BINARY x`, `a MOD b`, unary `!`) is rewritten
//! here, where it is a matter of two tokens. Not here: what the text means (`plan`).

use std::fmt::Write as _;

use crate::dialect::Dialect;

/// A constant that a statement carries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Literal {
    /// A whole number.
    Integer(i64),
    /// A number with a point, an exponent, or more digits than fit.
    Decimal(String),
    /// A quoted string.
    Text(String),
    /// Bytes written in hexadecimal.
    Bytes(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Literal(Literal),
    Symbol(String),
}

/// A statement's shape and what stood in its places.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    /// The SQL with `?1`, `?2` … in place of literals.
    pub(crate) sql: String,
    /// The literals, in the order of the places.
    pub(crate) literals: Vec<Literal>,
}

/// Reads SQL text into its template; the error says why the server could not have read it either.
pub(crate) fn template(sql: &str, dialect: Dialect) -> Result<Template, &'static str> {
    let mut lexer = Lexer { rest: sql, dialect, tokens: Vec::new(), in_version_comment: false };
    lexer.run()?;
    let mut tokens = lexer.tokens;
    if tokens.windows(2).any(|pair| lacks_operand(&pair[0], &pair[1])) {
        return Err(NO_SQL);
    }
    if dialect == Dialect::MySql {
        tokens = plain(&tokens, 0);
    }
    // sqlparser reads "x" as a string where MySQL does; SQLite reads both signs.
    let quote = if dialect.double_quotes_are_strings() { '`' } else { '"' };
    Ok(lift(&tokens, quote))
}

/// Why a text is no statement on any server: it was refused before anything was read.
pub(crate) const NO_SQL: &str = "an operator stands without what it is to work on: no server reads it";

/// Whether an operator is followed by what cannot begin an operand in any dialect (`a + AS b`): a blank that became a plus.
fn lacks_operand(operator: &Token, next: &Token) -> bool {
    const RESERVED: [&str; 10] = ["AS", "FROM", "WHERE", "AND", "OR", "ORDER", "GROUP", "LIMIT", "UNION", "THEN"];
    let is_operator =
        matches!(operator, Token::Symbol(symbol) if matches!(symbol.as_str(), "+" | "-" | "/" | "=" | "<" | ">" | "||"));
    let is_end = match next {
        Token::Word(word) => RESERVED.iter().any(|reserved| word.eq_ignore_ascii_case(reserved)),
        Token::Symbol(symbol) => matches!(symbol.as_str(), ")" | ","),
        _ => false,
    };
    is_operator && is_end
}

struct Lexer<'a> {
    rest: &'a str,
    dialect: Dialect,
    tokens: Vec<Token>,
    /// Inside `/*! … */`, whose content MySQL runs.
    in_version_comment: bool,
}

impl Lexer<'_> {
    fn run(&mut self) -> Result<(), &'static str> {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\0' || c == '\u{b}');
            let Some(first) = self.rest.chars().next() else { return Ok(()) };
            if self.comment(first) {
                continue;
            }
            self.token(first)?;
        }
    }

    /// Skips a comment, if one stands here.
    fn comment(&mut self, first: char) -> bool {
        if self.in_version_comment && self.rest.starts_with("*/") {
            self.rest = &self.rest[2..];
            self.in_version_comment = false;
            return true;
        }
        let mysql = self.dialect == Dialect::MySql;
        let dashes = self.rest.strip_prefix("--");
        // A trailing `--+` was meant to be `-- `, and is where the plus was decoded on the way.
        let begins = |after: &str| !mysql || after.is_empty() || after == "+" || after.starts_with(|c: char| c <= ' ');
        if first == '#' && mysql || dashes.is_some_and(begins) {
            self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at + 1..]);
            return true;
        }
        if mysql && let Some(after) = self.rest.strip_prefix("/*!").or_else(|| self.rest.strip_prefix("/*M!")) {
            let (version, inside) = version(after);
            if version <= VERSION_MAX {
                self.rest = inside;
                self.in_version_comment = true;
                return true;
            }
        }
        if let Some(inside) = self.rest.strip_prefix("/*") {
            self.rest = behind_comment(inside, self.dialect == Dialect::PostgreSql);
            return true;
        }
        false
    }

    fn token(&mut self, first: char) -> Result<(), &'static str> {
        match first {
            '\'' => self.string('\''),
            '$' if self.dialect == Dialect::PostgreSql && self.dollar_quoted() => Ok(()),
            '\\' if self.dialect == Dialect::MySql && self.rest.starts_with("\\N") => {
                self.tokens.push(Token::Word("NULL".into()));
                self.rest = &self.rest[2..];
                Ok(())
            }
            '"' if self.dialect.double_quotes_are_strings() => self.string('"'),
            '"' => self.quoted('"', '"'),
            '`' => self.quoted('`', '`'),
            '[' if self.dialect == Dialect::Sqlite => self.quoted('[', ']'),
            '0'..='9' => {
                self.number();
                Ok(())
            }
            '.' if self.rest[1..].starts_with(|c: char| c.is_ascii_digit()) && !self.after_name() => {
                self.number();
                Ok(())
            }
            c if c.is_alphabetic() || matches!(c, '_' | '@' | '$') => self.word(),
            _ => {
                self.symbol(first);
                Ok(())
            }
        }
    }

    fn after_name(&self) -> bool {
        matches!(self.tokens.last(), Some(Token::Word(_) | Token::Quoted(_)))
    }

    fn string(&mut self, quote: char) -> Result<(), &'static str> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1).peekable();
        let is_escape_string = matches!(self.tokens.last(), Some(Token::Word(word)) if word.eq_ignore_ascii_case("e"));
        let escapes = self.dialect.escapes_by_backslash() || self.dialect == Dialect::PostgreSql && is_escape_string;
        while let Some((at, c)) = chars.next() {
            if c == '\\' && escapes {
                text.push(chars.next().map_or('\\', |(_, escaped)| unescaped(escaped)));
            } else if c != quote {
                text.push(c);
            } else if chars.next_if(|&(_, next)| next == quote).is_some() {
                text.push(quote);
            } else {
                self.rest = &self.rest[at + 1..];
                self.push_string(text);
                return Ok(());
            }
        }
        Err("a string does not end")
    }

    /// `_utf8mb4'x'`, `N'x'` and `E'x'` are the string; `x'41'` is the bytes.
    fn push_string(&mut self, text: String) {
        let literal = match self.tokens.last() {
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("x") => hex(&text).map(Literal::Bytes),
            Some(Token::Word(word)) if is_introducer(word) => Some(Literal::Text(text.clone())),
            // 'a' 'b' is 'ab'.
            Some(Token::Literal(Literal::Text(before))) if self.dialect == Dialect::MySql => {
                Some(Literal::Text(format!("{before}{text}")))
            }
            _ => {
                self.tokens.push(Token::Literal(Literal::Text(text)));
                return;
            }
        };
        self.tokens.pop();
        self.tokens.push(Token::Literal(literal.unwrap_or(Literal::Text(text))));
    }

    /// `$$text$$` and `$tag$text$tag$`, if one stands here whole.
    fn dollar_quoted(&mut self) -> bool {
        let Some(end) = self.rest[1..].find('$') else { return false };
        let tag = &self.rest[..end + 2];
        let is_tag =
            tag[1..=end].chars().all(|c| c.is_alphanumeric() || c == '_') && !tag[1..].starts_with(|c: char| c.is_ascii_digit());
        let body = &self.rest[tag.len()..];
        match body.find(tag).filter(|_| is_tag) {
            None => false,
            Some(close) => {
                self.tokens.push(Token::Literal(Literal::Text(body[..close].to_owned())));
                self.rest = &body[close + tag.len()..];
                true
            }
        }
    }

    fn quoted(&mut self, open: char, close: char) -> Result<(), &'static str> {
        let body = &self.rest[open.len_utf8()..];
        let end = body.find(close).ok_or("a quoted name does not end")?;
        self.tokens.push(Token::Quoted(body[..end].to_owned()));
        self.rest = &body[end + close.len_utf8()..];
        Ok(())
    }

    fn number(&mut self) {
        let hexadecimal = self.rest.strip_prefix("0x").or_else(|| self.rest.strip_prefix("0X"));
        if let Some(digits) = hexadecimal.filter(|_| self.dialect != Dialect::PostgreSql) {
            let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
            if let Some(bytes) = hex(&digits[..length]).filter(|bytes| !bytes.is_empty()) {
                self.introduced(Literal::Bytes(bytes));
                self.rest = &digits[length..];
                return;
            }
        }
        let length = number_length(self.rest.as_bytes());
        let text = &self.rest[..length];
        let literal = text.parse().map_or_else(|_| Literal::Decimal(text.to_owned()), Literal::Integer);
        self.tokens.push(Token::Literal(literal));
        self.rest = &self.rest[length..];
    }

    /// `_utf8 0x41`: the name of the character set is no part of the value.
    fn introduced(&mut self, literal: Literal) {
        if matches!(self.tokens.last(), Some(Token::Word(word)) if word.starts_with('_') && is_introducer(word)) {
            self.tokens.pop();
        }
        self.tokens.push(Token::Literal(literal));
    }

    fn word(&mut self) -> Result<(), &'static str> {
        let end = self.rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '@' | '$'))).unwrap_or(self.rest.len());
        self.tokens.push(Token::Word(self.rest[..end].to_owned()));
        self.rest = &self.rest[end..];
        Ok(())
    }

    fn symbol(&mut self, first: char) {
        const LONG: [&str; 11] = [":=", "<=>", "<=", ">=", "<>", "!=", "||", "&&", "::", "<<", ">>"];
        let symbol = LONG.iter().find(|long| self.rest.starts_with(**long)).map_or(&self.rest[..first.len_utf8()], |long| long);
        self.tokens.push(Token::Symbol(symbol.to_owned()));
        self.rest = &self.rest[symbol.len()..];
    }
}

/// Versions after `/*!` up to which a server that is in use runs what follows: MySQL writes 90100 for 9.1, MariaDB 110400
/// for 11.4. What is meant for later ones is a comment to all.
const VERSION_MAX: u32 = 199_999;

/// The version after `/*!` (five digits or six; fewer are no version) and what follows it.
fn version(text: &str) -> (u32, &str) {
    let digits = text.bytes().take(6).take_while(u8::is_ascii_digit).count();
    if digits < 5 {
        return (0, text);
    }
    let number = text[..digits].parse().unwrap_or(0);
    // Five digits are MySQL's, where 99999 is for no server.
    (if digits == 5 && number > 99_000 { u32::MAX } else { number }, &text[digits..])
}

/// What follows a comment of which the opening is gone. PostgreSQL's hold one another.
fn behind_comment(inside: &str, nests: bool) -> &str {
    let (mut rest, mut depth) = (inside, 1_usize);
    while let Some(end) = rest.find("*/") {
        depth += if nests { rest[..end].matches("/*").count() } else { 0 };
        depth -= 1;
        rest = &rest[end + 2..];
        if depth == 0 {
            return rest;
        }
    }
    ""
}

/// What MySQL makes of the character after a backslash.
const fn unescaped(c: char) -> char {
    match c {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        '0' => '\0',
        'b' => '\u{8}',
        'Z' => '\u{1a}',
        other => other,
    }
}

fn is_introducer(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "n" | "e" | "_utf8" | "_utf8mb4" | "_utf8mb3" | "_latin1" | "_binary" | "_ascii" | "_sjis" | "_cp932" | "_ujis" | "_gbk"
    )
}

pub(crate) fn hex(digits: &str) -> Option<Vec<u8>> {
    let padded = if digits.len().is_multiple_of(2) { digits.to_owned() } else { format!("0{digits}") };
    let pairs = padded.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn number_length(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        end += digits(end);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = if end + 1 + sign <= bytes.len() { digits(end + 1 + sign) } else { 0 };
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    end
}

/// Calls in calls that are rewritten; deeper ones stay as they are written.
const DEPTH_MAX: usize = 32;
/// Tokens of a call that are looked at for its end.
const CALL_TOKENS_MAX: usize = 4096;

/// MySQL's tokens in words that sqlparser and SQLite read too.
fn plain(tokens: &[Token], depth: usize) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let next = tokens.get(at + 1);
        let Some(word) = upper(&tokens[at]) else {
            at += symbol(tokens, at, &mut out);
            continue;
        };
        match word.as_str() {
            "CHARACTER" if next.and_then(upper).as_deref() == Some("SET") => at += 3,
            "CHARSET" | "COLLATE" => at += 2,
            "USING" if matches!(tokens.get(at + 2), Some(Token::Symbol(close)) if close == ")") => at += 2,
            // `PROCEDURE ANALYSE()` changes what a page shows, not what a statement reads, unless it holds a statement.
            "PROCEDURE" if !tokens[at..].iter().any(|token| upper(token).as_deref() == Some("SELECT")) => break,
            "BINARY" if out.last().and_then(upper).as_deref() != Some("AS") => at += 1,
            "MOD" if ends_operand(out.last()) => {
                out.push(Token::Symbol("%".into()));
                at += 1;
            }
            "CONVERT" if is_open(next) && depth < DEPTH_MAX => at = convert(tokens, at, depth, &mut out),
            "CHAR" | "UNHEX" if is_open(next) && out.last().and_then(upper).as_deref() != Some("AS") => {
                at = constant(&word, tokens, at, &mut out);
            }
            _ if is_hint(&word) && out.last().and_then(upper).as_deref() == Some("SELECT") => at += 1,
            _ => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    out
}

/// Words after SELECT that change how it is run, not what it gives.
fn is_hint(word: &str) -> bool {
    const HINTS: [&str; 8] = [
        "HIGH_PRIORITY",
        "STRAIGHT_JOIN",
        "SQL_CACHE",
        "SQL_NO_CACHE",
        "SQL_CALC_FOUND_ROWS",
        "SQL_BIG_RESULT",
        "SQL_SMALL_RESULT",
        "SQL_BUFFER_RESULT",
    ];
    HINTS.contains(&word)
}

/// A token that is no word; gives how many tokens it took.
fn symbol(tokens: &[Token], at: usize, out: &mut Vec<Token>) -> usize {
    let is = |at: usize, text: &str| matches!(tokens.get(at), Some(Token::Symbol(symbol)) if symbol == text);
    // `{x expr}` is `expr`.
    if is(at, "{") && matches!(tokens.get(at + 1), Some(Token::Word(_) | Token::Quoted(_))) {
        return 2;
    }
    if is(at, "}") {
        return 1;
    }
    // `!a = b` is `(NOT a) = b`; before brackets and calls it ends with them anyway.
    if is(at, "!")
        && matches!(tokens.get(at + 1), Some(Token::Literal(_) | Token::Quoted(_) | Token::Word(_)))
        && !is_open(tokens.get(at + 2))
    {
        let (open, close) = (Token::Symbol("(".into()), Token::Symbol(")".into()));
        out.extend([open, Token::Word("NOT".into()), tokens[at + 1].clone(), close]);
        return 2;
    }
    out.push(plain_symbol(&tokens[at]));
    1
}

/// `CHAR(97,98)` and `UNHEX('6162')` are the text. Gives where to go on.
fn constant(word: &str, tokens: &[Token], at: usize, out: &mut Vec<Token>) -> usize {
    let is = |at: usize, text: &str| matches!(tokens.get(at), Some(Token::Symbol(symbol)) if symbol == text);
    let (mut bytes, mut place) = (Vec::new(), at + 2);
    let end = loop {
        match (word, tokens.get(place)) {
            ("CHAR", Some(Token::Literal(Literal::Integer(number @ 0..=0xffff_ffff)))) => {
                let all = (*number as u32).to_be_bytes();
                let first = all.iter().position(|byte| *byte != 0).unwrap_or(3);
                bytes.extend_from_slice(&all[first..]);
            }
            ("CHAR", Some(Token::Literal(Literal::Bytes(few)))) if few.len() <= 4 => bytes.extend_from_slice(few),
            ("UNHEX", Some(Token::Literal(Literal::Text(digits)))) => match hex(digits) {
                Some(read) => bytes.extend(read),
                None => break None,
            },
            _ => break None,
        }
        if is(place + 1, ")") {
            break Some(place + 2);
        }
        let uses = matches!(tokens.get(place + 1), Some(Token::Word(word)) if word.eq_ignore_ascii_case("using"));
        if uses && is(place + 3, ")") {
            break Some(place + 4);
        }
        if word != "CHAR" || !is(place + 1, ",") {
            break None;
        }
        place += 2;
    };
    match end {
        Some(end) => {
            out.push(Token::Literal(
                String::from_utf8(bytes).map_or_else(|error| Literal::Bytes(error.into_bytes()), Literal::Text),
            ));
            end
        }
        None => {
            out.push(tokens[at].clone());
            at + 1
        }
    }
}

/// `CONVERT(x, CHAR)` is `convert_text(x)`, as is `CONVERT(x USING y)`. Gives where to go on.
fn convert(tokens: &[Token], at: usize, depth: usize, out: &mut Vec<Token>) -> usize {
    out.push(Token::Word("convert_text".into()));
    let (mut open, mut comma, mut end) = (0_usize, None, None);
    for (place, token) in tokens.iter().enumerate().skip(at + 1).take(CALL_TOKENS_MAX) {
        match token {
            Token::Symbol(symbol) if symbol == "(" => open += 1,
            Token::Symbol(symbol) if symbol == ")" => open -= 1,
            Token::Symbol(symbol) if symbol == "," && open == 1 => comma = Some(place),
            _ => {}
        }
        if open == 0 {
            end = Some(place);
            break;
        }
    }
    let (Some(comma), Some(end)) = (comma, end) else { return at + 1 };
    out.extend(plain(&tokens[at + 1..comma], depth + 1));
    end
}

fn is_open(token: Option<&Token>) -> bool {
    matches!(token, Some(Token::Symbol(open)) if open == "(")
}

fn upper(token: &Token) -> Option<String> {
    if let Token::Word(word) = token { Some(word.to_ascii_uppercase()) } else { None }
}

fn plain_symbol(token: &Token) -> Token {
    match token {
        Token::Symbol(symbol) if symbol == "&&" => Token::Word("AND".into()),
        Token::Symbol(symbol) if symbol == "||" => Token::Word("OR".into()),
        Token::Symbol(symbol) if symbol == "!" => Token::Word("NOT".into()),
        other => other.clone(),
    }
}

fn ends_operand(token: Option<&Token>) -> bool {
    match token {
        Some(Token::Literal(_) | Token::Quoted(_)) => true,
        Some(Token::Symbol(close)) => close == ")",
        Some(word @ Token::Word(_)) => !matches!(upper(word).as_deref(), Some("SELECT" | "AND" | "OR" | "WHERE" | "NOT")),
        None => false,
    }
}

/// Writes the tokens out again with numbered places for literals. Numbers that name a column (`ORDER BY 3`) or size a
/// type (`CHAR(50)`) belong to the shape.
fn lift(tokens: &[Token], quote: char) -> Template {
    let mut template = Template { sql: String::new(), literals: Vec::new() };
    let mut before = String::new();
    for (at, token) in tokens.iter().enumerate() {
        if !template.sql.is_empty() && !glued(tokens, at) {
            template.sql.push(' ');
        }
        match token {
            Token::Word(word) => template.sql.push_str(&cased(word, tokens.get(at + 1))),
            Token::Symbol(symbol) => template.sql.push_str(symbol),
            Token::Quoted(name) => {
                let _ = write!(template.sql, "{quote}{name}{quote}");
            }
            Token::Literal(Literal::Integer(number)) if before == "BY" || sizes_a_type(tokens, at) => {
                let _ = write!(template.sql, "{number}");
            }
            Token::Literal(literal) => {
                template.literals.push(literal.clone());
                let _ = write!(template.sql, "?{}", template.literals.len());
            }
        }
        before = upper(token).unwrap_or_default();
    }
    template
}

/// Keywords and calls in capitals, names in small letters: how a hand or a tool writes them makes no other shape.
fn cased(word: &str, next: Option<&Token>) -> String {
    if is_open(next) || is_keyword(word) { word.to_ascii_uppercase() } else { word.to_lowercase() }
}

/// Names with dots and calls are written without blanks, as people do.
fn glued(tokens: &[Token], at: usize) -> bool {
    let is = |token: Option<&Token>, text: &str| matches!(token, Some(Token::Symbol(symbol)) if symbol == text);
    let before = at.checked_sub(1).and_then(|at| tokens.get(at));
    let here = tokens.get(at);
    is(here, ".")
        || is(before, ".")
        || is(here, ",")
        || is(here, ")")
        || is(before, "(")
        || is(here, "::")
        || is(before, "::")
        || is(here, "(") && matches!(before, Some(Token::Word(word)) if !stands_apart(word))
}

/// Keywords before which a bracket is no call.
fn stands_apart(word: &str) -> bool {
    const APART: [&str; 14] =
        ["AND", "OR", "NOT", "IN", "FROM", "WHERE", "WHEN", "THEN", "ELSE", "SELECT", "ALL", "AS", "EXISTS", "UNION"];
    APART.iter().any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 62] = [
        "ALL",
        "AND",
        "AS",
        "ASC",
        "BETWEEN",
        "BY",
        "CASE",
        "CAST",
        "CHAR",
        "CROSS",
        "DECIMAL",
        "DESC",
        "DISTINCT",
        "DIV",
        "DUAL",
        "ELSE",
        "END",
        "ESCAPE",
        "EXISTS",
        "FETCH",
        "FIRST",
        "FOR",
        "FROM",
        "GROUP",
        "HAVING",
        "IN",
        "INNER",
        "INT",
        "INTEGER",
        "INTERVAL",
        "INTO",
        "IS",
        "JOIN",
        "LEFT",
        "LIKE",
        "LIMIT",
        "MOD",
        "NATURAL",
        "NCHAR",
        "NEXT",
        "NOT",
        "NULL",
        "NUMERIC",
        "OFFSET",
        "ON",
        "ONLY",
        "OR",
        "ORDER",
        "OUTER",
        "REGEXP",
        "RIGHT",
        "ROWS",
        "SELECT",
        "SEPARATOR",
        "SIGNED",
        "TEXT",
        "THEN",
        "UNION",
        "UNSIGNED",
        "USING",
        "VARCHAR",
        "WHEN",
    ];
    const MORE: [&str; 3] = ["WHERE", "WITH", "XOR"];
    KEYWORDS.iter().chain(&MORE).any(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn sizes_a_type(tokens: &[Token], at: usize) -> bool {
    let word = |back: usize| at.checked_sub(back).and_then(|at| tokens.get(at)).and_then(upper);
    match word(2).as_deref() {
        Some("VARCHAR" | "NVARCHAR" | "NCHAR" | "DECIMAL" | "NUMERIC") => is_open(tokens.get(at - 1)),
        Some("CHAR") => word(3).as_deref() == Some("AS"),
        _ => false,
    }
}

impl Literal {
    /// The literal as people read it in a list; bytes in hexadecimal.
    pub(crate) fn shown(&self) -> String {
        match self {
            Self::Integer(number) => number.to_string(),
            Self::Decimal(text) | Self::Text(text) => text.clone(),
            Self::Bytes(bytes) => bytes.iter().fold("0x".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Literal, template};
    use crate::dialect::Dialect;

    fn check(sql: &str, expected: &str) -> Vec<Literal> {
        let template = template(sql, Dialect::MySql).expect("the text can be read");
        assert_eq!(template.sql, expected);
        template.literals
    }

    #[test]
    fn literals_are_lifted_and_comments_dropped() {
        let literals =
            check("SELECT a FROM t WHERE id=-5 AND b='x''y\\'z' -- - rest", "SELECT a FROM t WHERE id = - ?1 AND b = ?2");
        assert_eq!(literals, [Literal::Integer(5), Literal::Text("x'y'z".into())]);
        check("SELECT/**/1,/*!50000 2*/#end\n,3", "SELECT ?1, ?2, ?3");
    }

    #[test]
    fn character_sets_and_collations_are_dropped() {
        check("IFNULL(CAST(`exp` AS CHAR CHARACTER SET utf8mb4),0x20)", "IFNULL(CAST(`exp` AS CHAR), ?1)");
        check("CONVERT(CONCAT(0x41,'b') USING utf8mb4) COLLATE utf8mb4_bin,NULL", "CONVERT_TEXT(CONCAT(?1, ?2)), NULL");
        check("CONVERT(a, CHAR(5)),b", "CONVERT_TEXT(a), b");
        check("a MOD 2 && !b || BINARY c", "a % ?1 AND (NOT b) OR c");
    }

    #[test]
    fn evasions_read_as_the_server_reads_them() {
        check("5 UNION/*!50000SELECT*//*!12345a*/FROM/*!99999 x*/t", "?1 UNION SELECT a FROM t");
        check("5 /*!or*/ /*M!100500 1*/--+", "?1 OR ?2");
        check("1e0UNION SELECT\x0b\u{a0}1.UNION(SELECT 2)", "?1 UNION SELECT ?2 UNION (SELECT ?3)");
        check("\\NUNION SELECT{x 1}", "NULL UNION SELECT ?1");
        check("SELECT SQL_CACHE STRAIGHT_JOIN a", "SELECT a");
        check("!a=1 AND !(b) AND !SLEEP(1)", "(NOT a) = ?1 AND NOT (b) AND NOT SLEEP(?2)");
        assert_eq!(check("CHAR(97,0x62),UNHEX('6364')", "?1, ?2"), [Literal::Text("ab".into()), Literal::Text("cd".into())]);
        assert_eq!(check("'ad' 'min'", "?1"), [Literal::Text("admin".into())]);
        check("CAST(a AS CHAR(5)),CHAR(b)", "CAST(a AS CHAR(5)), CHAR(b)");
    }

    #[test]
    fn strings_of_postgresql() {
        let read = |sql: &str| template(sql, Dialect::PostgreSql).map(|t| (t.sql, t.literals));
        let text = |text: &str| vec![Literal::Text(text.into())];
        assert_eq!(read("a=$$x'y$$"), Ok(("a = ?1".into(), text("x'y"))));
        assert_eq!(read("a=$t$x$t$--+"), Ok(("a = ?1".into(), text("x"))));
        assert_eq!(read(r"a=E'x\'y'"), Ok(("a = ?1".into(), text("x'y"))));
        assert_eq!(read("a/* /* */ */b"), Ok(("a b".into(), vec![])));
    }

    #[test]
    fn depth_costs_neither_the_stack_nor_the_day() {
        for text in ["CONVERT(", "(", "/*!", "CHAR(1,", "/*", "'", "$a", "{x ", "!"] {
            let _ = template(&text.repeat(200_000 / text.len()), Dialect::MySql);
            let _ = template(&text.repeat(200_000 / text.len()), Dialect::PostgreSql);
        }
    }

    #[test]
    fn places_of_columns_belong_to_the_shape() {
        check("SELECT 1 ORDER BY 3", "SELECT ?1 ORDER BY 3");
        check("CAST(a AS VARCHAR(10000))", "CAST(a AS VARCHAR(10000))");
    }

    #[test]
    fn an_operator_needs_an_operand() {
        let read = |sql: &str| template(sql, Dialect::MySql).is_ok();
        assert!(!read("SELECT CAST(a+AS+CHAR)") && !read("SELECT+1+FROM+t") && !read("SELECT f(a+)"));
        assert!(read("SELECT COUNT(*) FROM t WHERE -a = +b AND c LIKE 'x' ORDER BY d"));
    }

    #[test]
    fn what_does_not_end_is_said() {
        assert_eq!(template("SELECT 'O", Dialect::MySql), Err("a string does not end"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_cut(text in "\\PC{0,60}") {
            for dialect in [Dialect::MySql, Dialect::PostgreSql, Dialect::Sqlite] {
                let _ = template(&text, dialect);
            }
        }
    }
}
