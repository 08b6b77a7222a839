//! PostgreSQL's XML functions, by which an intruder makes one text of many rows: XMLELEMENT, XMLFOREST, XMLCONCAT (XMLAGG is an
//! aggregate). Their names are no expressions and sqlparser does not know them, so they become strings before it reads.
//!
//! Not here: attributes, processing instructions, and what makes XML of a table by its name (`query_to_xml`).
//! <https://www.postgresql.org/docs/current/functions-xml.html>

use sqlparser::ast::{Expr, Function};
use sqlparser::tokenizer::{Token, TokenWithSpan, Word};

use super::columns::How;
use super::render::{Rendered, arguments, name_of};
use super::rewrite::{Level, Outcome, Rewriter, not_followed};

/// Whether a function makes XML of values, and is not an aggregate.
pub(super) fn makes_xml(name: &str) -> bool {
    matches!(name, "xmlelement" | "xmlforest" | "xmlconcat")
}

/// Whether an expression's value is XML already: it is not escaped once more.
fn is_xml(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_xml(inner),
        Expr::Function(function) => {
            let name = name_of(function);
            makes_xml(&name) || name == "xmlagg"
        }
        _ => false,
    }
}

impl Rewriter<'_> {
    pub(super) fn xml(&mut self, call: &Function, level: &mut Level<'_>) -> Outcome<Rendered> {
        self.words.only_here("XML")?;
        let name = name_of(call);
        let values = arguments(call).into_iter().map(|value| self.xml_value(value, level)).collect::<Outcome<Vec<_>>>()?;
        let list = |values: &[Rendered]| values.iter().map(|value| value.sql.clone()).collect::<Vec<_>>().join(", ");
        let sql = match (name.as_str(), &values[..]) {
            ("xmlelement", [_, ..]) => format!("kintsugi_element({})", list(&values)),
            ("xmlforest", [_, _, ..]) => {
                let elements = values.chunks(2).map(|pair| format!("kintsugi_leaf({})", list(pair)));
                format!("concat_present({})", elements.collect::<Vec<_>>().join(", "))
            }
            ("xmlconcat", [_, ..]) => format!("concat_present({})", list(&values)),
            _ => return not_followed("XML without a name"),
        };
        let pieces: Vec<(&Rendered, How)> = values.iter().map(|value| (value, How::Whole)).collect();
        Ok(Rendered::of(sql, &pieces))
    }

    fn xml_value(&mut self, value: &Expr, level: &mut Level<'_>) -> Outcome<Rendered> {
        let mut rendered = self.render(value, level)?;
        let is_name = matches!(value, Expr::Value(value) if matches!(value.value, sqlparser::ast::Value::SingleQuotedString(_)));
        if !is_name && !is_xml(value) {
            rendered.sql = format!("kintsugi_xml_text({})", rendered.sql);
        }
        Ok(rendered)
    }
}

/// The names of elements as strings: `XMLELEMENT(NAME r, a)` as `XMLELEMENT('r', a)`, `XMLFOREST(a, b AS c)` as
/// `XMLFOREST('a', a, 'c', b)`. Everything else stays as it is.
pub(super) fn with_names_as_strings(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    if !tokens.iter().any(|token| function(&token.token).is_some()) {
        return tokens;
    }
    let tokens: Vec<TokenWithSpan> = tokens.into_iter().filter(|one| !matches!(one.token, Token::Whitespace(_))).collect();
    let (mut out, mut at) = (Vec::with_capacity(tokens.len()), 0);
    while let Some(token) = tokens.get(at) {
        let opens = tokens.get(at + 1).is_some_and(|next| next.token == Token::LParen);
        match function(&token.token).filter(|_| opens) {
            Some(Makes::Element) if let Some(name) = element_name(&tokens[at + 2..]) => {
                out.extend([token.clone(), tokens[at + 1].clone(), string(&name)]);
                at += 4;
            }
            Some(Makes::Forest) if let Some(arguments) = forest(&tokens[at + 2..]) => {
                out.extend([token.clone(), tokens[at + 1].clone()]);
                at += 2 + arguments.iter().map(|one| one.length).sum::<usize>();
                for (number, one) in arguments.into_iter().enumerate() {
                    let comma = (number > 0).then(|| TokenWithSpan::wrap(Token::Comma));
                    out.extend(comma.into_iter().chain([string(&one.name), TokenWithSpan::wrap(Token::Comma)]));
                    out.extend(with_names_as_strings(one.value));
                }
            }
            _ => {
                out.push(token.clone());
                at += 1;
            }
        }
    }
    out
}

enum Makes {
    Element,
    Forest,
}

fn function(token: &Token) -> Option<Makes> {
    let Token::Word(word) = token else { return None };
    match word.value.to_ascii_lowercase().as_str() {
        "xmlelement" => Some(Makes::Element),
        "xmlforest" => Some(Makes::Forest),
        _ => None,
    }
}

/// `NAME r`
fn element_name(tokens: &[TokenWithSpan]) -> Option<String> {
    match tokens {
        [TokenWithSpan { token: Token::Word(word), .. }, TokenWithSpan { token: Token::Word(name), .. }, ..]
            if word.value.eq_ignore_ascii_case("name") =>
        {
            Some(folded(name))
        }
        _ => None,
    }
}

/// An element of a forest.
struct Argument {
    name: String,
    value: Vec<TokenWithSpan>,
    /// How many tokens it takes, with the comma that ends it.
    length: usize,
}

/// What stands between the brackets, up to the one that closes them; none where an element has no name.
fn forest(tokens: &[TokenWithSpan]) -> Option<Vec<Argument>> {
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, token) in tokens.iter().enumerate() {
        match &token.token {
            Token::LParen => depth += 1,
            Token::RParen if depth > 0 => depth -= 1,
            Token::RParen => {
                found.push(argument(&tokens[start..at], at - start)?);
                return Some(found);
            }
            Token::Comma if depth == 0 => {
                found.push(argument(&tokens[start..at], at + 1 - start)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

fn argument(tokens: &[TokenWithSpan], length: usize) -> Option<Argument> {
    match tokens {
        [value @ .., TokenWithSpan { token: Token::Word(word), .. }, name]
            if word.value.eq_ignore_ascii_case("as") && !value.is_empty() =>
        {
            Some(Argument { name: name_in(name)?, value: value.to_vec(), length })
        }
        [column] | [_, TokenWithSpan { token: Token::Period, .. }, column] => {
            Some(Argument { name: name_in(column)?, value: tokens.to_vec(), length })
        }
        _ => None,
    }
}

fn name_in(token: &TokenWithSpan) -> Option<String> {
    if let Token::Word(word) = &token.token { Some(folded(word)) } else { None }
}

/// Names that are not quoted are lower case.
fn folded(word: &Word) -> String {
    if word.quote_style.is_some() { word.value.clone() } else { word.value.to_lowercase() }
}

fn string(text: &str) -> TokenWithSpan {
    TokenWithSpan::wrap(Token::SingleQuotedString(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::query;
    use crate::dialect::Dialect;

    #[test]
    fn names_become_strings() {
        let check = |sql: &str, expected: &str| {
            let read = query(sql, Dialect::PostgreSql).map(|query| query.to_string());
            assert_eq!(read.as_deref(), Ok(expected), "{sql}");
        };
        check("SELECT xmlelement(name R, a || b) FROM t", "SELECT xmlelement('r', a || b) FROM t");
        check("SELECT XMLAGG(XMLELEMENT(NAME \"R\", a)) FROM t", "SELECT XMLAGG(XMLELEMENT('R', a)) FROM t");
        check("SELECT xmlforest(t.a, f(b, 1) AS X) FROM t", "SELECT xmlforest('a', t.a, 'x', f(b, 1)) FROM t");
        check(
            "SELECT xmlforest(xmlelement(name r, a) as b) FROM t WHERE name = 1",
            "SELECT xmlforest('b', xmlelement('r', a)) FROM t WHERE name = 1",
        );
        check("SELECT name, xmlelement FROM t", "SELECT name, xmlelement FROM t");
    }
}
