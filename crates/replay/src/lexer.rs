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
    if dialect == Dialect::MySql {
        tokens = plain(tokens);
    }
    // sqlparser reads "x" as a string where MySQL does; SQLite reads both signs.
    let quote = if dialect.double_quotes_are_strings() { '`' } else { '"' };
    Ok(lift(&tokens, quote))
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
        let line = first == '#' && mysql
            || dashes.is_some_and(|after| !mysql || after.is_empty() || after.starts_with(|c: char| c <= ' '));
        if line {
            self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at + 1..]);
            return true;
        }
        if mysql && self.rest.starts_with("/*!") {
            self.rest = self.rest[3..].trim_start_matches(|c: char| c.is_ascii_digit());
            self.in_version_comment = true;
            return true;
        }
        if self.rest.starts_with("/*") {
            self.rest = self.rest[2..].find("*/").map_or("", |at| &self.rest[at + 4..]);
            return true;
        }
        false
    }

    fn token(&mut self, first: char) -> Result<(), &'static str> {
        match first {
            '\'' => self.string('\''),
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
        while let Some((at, c)) = chars.next() {
            if c == '\\' && self.dialect.escapes_by_backslash() {
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
            _ => {
                self.tokens.push(Token::Literal(Literal::Text(text)));
                return;
            }
        };
        self.tokens.pop();
        self.tokens.push(Token::Literal(literal.unwrap_or(Literal::Text(text))));
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
        const LONG: [&str; 10] = ["<=>", "<=", ">=", "<>", "!=", "||", "&&", "::", "<<", ">>"];
        let symbol = LONG.iter().find(|long| self.rest.starts_with(**long)).map_or(&self.rest[..first.len_utf8()], |long| long);
        self.tokens.push(Token::Symbol(symbol.to_owned()));
        self.rest = &self.rest[symbol.len()..];
    }
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
    matches!(word.to_ascii_lowercase().as_str(), "n" | "e" | "_utf8" | "_utf8mb4" | "_utf8mb3" | "_latin1" | "_binary" | "_ascii")
}

fn hex(digits: &str) -> Option<Vec<u8>> {
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

/// MySQL's tokens in words that sqlparser and SQLite read too.
fn plain(tokens: Vec<Token>) -> Vec<Token> {
    let mut out: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let next = tokens.get(at + 1);
        let Some(word) = upper(&tokens[at]) else {
            out.push(plain_symbol(&tokens[at]));
            at += 1;
            continue;
        };
        match word.as_str() {
            "CHARACTER" if next.and_then(upper).as_deref() == Some("SET") => at += 3,
            "CHARSET" | "COLLATE" => at += 2,
            "USING" if matches!(tokens.get(at + 2), Some(Token::Symbol(close)) if close == ")") => at += 2,
            "PROCEDURE" => break,
            "BINARY" if out.last().and_then(upper).as_deref() != Some("AS") => at += 1,
            "MOD" if ends_operand(out.last()) => {
                out.push(Token::Symbol("%".into()));
                at += 1;
            }
            "CONVERT" if is_open(next) => at = convert(&tokens, at, &mut out),
            _ => {
                out.push(tokens[at].clone());
                at += 1;
            }
        }
    }
    out
}

/// `CONVERT(x, CHAR)` is `convert_text(x)`, as is `CONVERT(x USING y)`. Gives where to go on.
fn convert(tokens: &[Token], at: usize, out: &mut Vec<Token>) -> usize {
    out.push(Token::Word("convert_text".into()));
    let (mut depth, mut comma, mut end) = (0_usize, None, tokens.len());
    for (place, token) in tokens.iter().enumerate().skip(at + 1) {
        match token {
            Token::Symbol(symbol) if symbol == "(" => depth += 1,
            Token::Symbol(symbol) if symbol == ")" => depth -= 1,
            Token::Symbol(symbol) if symbol == "," && depth == 1 => comma = Some(place),
            _ => {}
        }
        if depth == 0 {
            end = place;
            break;
        }
    }
    let Some(comma) = comma else { return at + 1 };
    out.extend(plain(tokens[at + 1..comma].to_vec()));
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
        check("a MOD 2 && !b || BINARY c", "a % ?1 AND NOT b OR c");
    }

    #[test]
    fn places_of_columns_belong_to_the_shape() {
        check("SELECT 1 ORDER BY 3", "SELECT ?1 ORDER BY 3");
        check("CAST(a AS VARCHAR(10000))", "CAST(a AS VARCHAR(10000))");
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
