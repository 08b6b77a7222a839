//! The literals of a statement, written into its shape as the server reads them. Whatever a text holds, it stays one literal.

use crate::dialect::Dialect;
use crate::lexer::Literal;

/// A shape with its literals in their places (`?1`, `?2` …); `None` where one cannot be written for this server.
pub(super) fn filled(sql: &str, literals: &[Literal], dialect: Dialect) -> Option<String> {
    let mut text = String::with_capacity(sql.len() + 16 * literals.len());
    let mut rest = sql;
    while let Some(at) = rest.find(['?', '\'', '"', '`']) {
        text.push_str(&rest[..at]);
        let (sign, after) = (&rest[at..=at], &rest[at + 1..]);
        if sign == "?" {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let place: usize = after[..digits].parse().ok()?;
            text.push_str(&written(literals.get(place.checked_sub(1)?)?, dialect)?);
            rest = &after[digits..];
        } else {
            let end = after.find(sign)? + 1;
            text.push_str(sign);
            text.push_str(&after[..end]);
            rest = &after[end..];
        }
    }
    text.push_str(rest);
    Some(text)
}

fn written(literal: &Literal, dialect: Dialect) -> Option<String> {
    match literal {
        // Brackets keep `-` before a negative number from becoming a comment.
        Literal::Integer(number) if *number < 0 => Some(format!("({number})")),
        Literal::Integer(number) => Some(number.to_string()),
        Literal::Decimal(text) => {
            let numeric = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
            numeric.then(|| text.clone())
        }
        Literal::Text(text) if text.contains('\0') => None,
        Literal::Text(text) if dialect.escapes_by_backslash() => {
            Some(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
        }
        Literal::Text(text) => Some(format!("'{}'", text.replace('\'', "''"))),
        Literal::Bytes(bytes) if bytes.is_empty() => Some("''".into()),
        Literal::Bytes(bytes) if dialect == Dialect::MySql => {
            Some(bytes.iter().fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}")))
        }
        Literal::Bytes(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::filled;
    use crate::dialect::Dialect::{MySql, PostgreSql};
    use crate::lexer::Literal::{Bytes, Decimal, Integer, Text};

    #[test]
    fn a_literal_stays_one_literal_whatever_it_holds() {
        let check = |sql: &str, literals: &[_], dialect, expected: Option<&str>| {
            assert_eq!(filled(sql, literals, dialect).as_deref(), expected, "{sql}");
        };
        let two = [Integer(-5), Text("a'; DROP TABLE x; -- \\".into())];
        check("SELECT ?1, ?2", &two, MySql, Some("SELECT (-5), 'a''; DROP TABLE x; -- \\\\'"));
        check("SELECT ?1, ?2", &two, PostgreSql, Some("SELECT (-5), 'a''; DROP TABLE x; -- \\'"));
        check("SELECT `a?1`, ?1", &[Bytes(b"q~".to_vec())], MySql, Some("SELECT `a?1`, 0x717e"));
        check("SELECT \"a?1\", ?1", &[Decimal("1.5".into())], PostgreSql, Some("SELECT \"a?1\", 1.5"));
        check("SELECT ?1", &[Bytes(b"q".to_vec())], PostgreSql, None);
        check("SELECT ?1", &[Text("a\0b".into())], MySql, None);
        check("SELECT ?2", &[Integer(1)], MySql, None);
        check("SELECT 'open, ?1", &[Integer(1)], MySql, None);
    }
}
