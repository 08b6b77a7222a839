//! What SQLite must learn to answer as MariaDB, MySQL and PostgreSQL do: string functions of theirs, and the length of
//! a value on a page.

use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Result};

type Body = fn(&Context<'_>) -> Result<Value>;

/// Name, number of arguments (-1: any) and body. A function that is not here fails, and its statement is not replayed.
const FUNCTIONS: [(&str, i32, Body); 20] = [
    ("text_len", 1, text_len),
    ("concat", -1, concat),
    ("concat_ws", -1, concat_ws),
    ("convert_text", 1, same),
    ("length", 1, bytes),
    ("octet_length", 1, bytes),
    ("char_length", 1, characters),
    ("character_length", 1, characters),
    ("if", 3, choose),
    ("left", 2, left),
    ("right", 2, right),
    ("mid", 3, mid),
    ("ord", 1, bytes_of_character),
    ("code_point", 1, code_point),
    ("ascii", 1, first_byte),
    ("chr", 1, character),
    ("lcase", 1, lower),
    ("repeat", 2, repeat),
    ("reverse", 1, reverse),
    ("elt", -1, element),
];

/// Teaches a connection the functions.
pub(crate) fn register(connection: &Connection) -> Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    for (name, arguments, body) in FUNCTIONS {
        connection.create_scalar_function(name, arguments, flags, body)?;
    }
    Ok(())
}

/// The bytes of a value as the server sends it to the page.
pub(crate) fn text_of(value: ValueRef<'_>) -> Option<Vec<u8>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into_bytes()),
        ValueRef::Real(number) => Some(number.to_string().into_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
    }
}

fn argument(context: &Context<'_>, at: usize) -> Option<Vec<u8>> {
    text_of(context.get_raw(at))
}

fn string(context: &Context<'_>, at: usize) -> Option<String> {
    argument(context, at).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn whole(context: &Context<'_>, at: usize) -> i64 {
    string(context, at).and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn length(count: usize) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Text where it is text, so that comparisons with columns hold.
fn value(bytes: Vec<u8>) -> Value {
    String::from_utf8(bytes).map_or_else(|error| Value::Blob(error.into_bytes()), Value::Text)
}

fn text_len(context: &Context<'_>) -> Result<Value> {
    let count = match context.get_raw(0) {
        ValueRef::Null => 0,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
        other => text_of(other).map_or(0, |bytes| bytes.len()),
    };
    Ok(length(count))
}

/// NULL if any piece is NULL (MySQL; SQLite's own leaves NULL out).
fn concat(context: &Context<'_>) -> Result<Value> {
    let mut all = Vec::new();
    for at in 0..context.len() {
        let Some(piece) = argument(context, at) else { return Ok(Value::Null) };
        all.extend(piece);
    }
    Ok(value(all))
}

fn concat_ws(context: &Context<'_>) -> Result<Value> {
    let Some(separator) = argument(context, 0) else { return Ok(Value::Null) };
    let pieces: Vec<_> = (1..context.len()).filter_map(|at| argument(context, at)).collect();
    Ok(value(pieces.join(&separator[..])))
}

fn same(context: &Context<'_>) -> Result<Value> {
    Ok(argument(context, 0).map_or(Value::Null, value))
}

fn bytes(context: &Context<'_>) -> Result<Value> {
    Ok(argument(context, 0).map_or(Value::Null, |bytes| length(bytes.len())))
}

fn characters(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| length(text.chars().count())))
}

fn choose(context: &Context<'_>) -> Result<Value> {
    let yes = match context.get_raw(0) {
        ValueRef::Null => false,
        _ => whole(context, 0) != 0,
    };
    Ok(argument(context, if yes { 1 } else { 2 }).map_or(Value::Null, value))
}

fn left(context: &Context<'_>) -> Result<Value> {
    let count = usize::try_from(whole(context, 1)).unwrap_or(0);
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.chars().take(count).collect())))
}

fn right(context: &Context<'_>) -> Result<Value> {
    let count = usize::try_from(whole(context, 1)).unwrap_or(0);
    let tail = |text: String| text.chars().skip(text.chars().count().saturating_sub(count)).collect();
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(tail(text))))
}

/// Positions count from 1, from the end where negative; 0 gives nothing.
fn mid(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let (from, count) = (whole(context, 1), usize::try_from(whole(context, 2)).unwrap_or(0));
    let characters: Vec<char> = text.chars().collect();
    let start = match from {
        0 => characters.len(),
        1.. => usize::try_from(from - 1).unwrap_or(usize::MAX),
        _ => characters.len().saturating_sub(usize::try_from(-from).unwrap_or(usize::MAX)),
    };
    Ok(Value::Text(characters.into_iter().skip(start).take(count).collect()))
}

fn first_byte(context: &Context<'_>) -> Result<Value> {
    Ok(argument(context, 0).map_or(Value::Null, |bytes| Value::Integer(bytes.first().map_or(0, |byte| i64::from(*byte)))))
}

/// MySQL's ORD: the bytes of the first character as one number.
fn bytes_of_character(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let first: String = text.chars().take(1).collect();
    Ok(Value::Integer(first.bytes().fold(0, |number, byte| number << 8 | i64::from(byte))))
}

/// PostgreSQL's ASCII: the code point of the first character, 0 of no character.
fn code_point(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    Ok(Value::Integer(text.chars().next().map_or(0, |first| i64::from(u32::from(first)))))
}

fn character(context: &Context<'_>) -> Result<Value> {
    let character = u32::try_from(whole(context, 0)).ok().and_then(char::from_u32);
    Ok(character.map_or(Value::Null, |character| Value::Text(character.into())))
}

/// The longest text that REPEAT makes, bytes: a tool asks for a few thousand; an intruder who asks for more gets NULL, as
/// beyond `max_allowed_packet`.
const REPEATED_BYTES_MAX: usize = 1 << 20;

fn repeat(context: &Context<'_>) -> Result<Value> {
    let Some(text) = string(context, 0) else { return Ok(Value::Null) };
    let count = usize::try_from(whole(context, 1)).unwrap_or(0);
    let fits = text.len().checked_mul(count).is_some_and(|bytes| bytes <= REPEATED_BYTES_MAX);
    Ok(if fits { Value::Text(text.repeat(count)) } else { Value::Null })
}

fn reverse(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.chars().rev().collect())))
}

/// `ELT(2, a, b)` is b; NULL where there is none.
fn element(context: &Context<'_>) -> Result<Value> {
    let at = usize::try_from(whole(context, 0)).unwrap_or(0);
    if at == 0 || at >= context.len() { Ok(Value::Null) } else { Ok(argument(context, at).map_or(Value::Null, value)) }
}

fn lower(context: &Context<'_>) -> Result<Value> {
    Ok(string(context, 0).map_or(Value::Null, |text| Value::Text(text.to_lowercase())))
}

#[cfg(test)]
mod tests {
    fn check(sql: &str, expected: &str) {
        let connection = rusqlite::Connection::open_in_memory().expect("memory");
        super::register(&connection).expect("functions");
        let found = connection.query_row(&format!("SELECT {sql}"), [], |row| Ok(super::text_of(row.get_ref(0)?)));
        let text = found.expect("a value").map_or("NULL".into(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(text, expected, "{sql}");
    }

    #[test]
    fn strings_are_those_of_the_server() {
        check("CONCAT('a', 1, NULL)", "NULL");
        check("CONCAT('a', 1, 'é')", "a1é");
        check("CONCAT_WS('-', 'a', NULL, 2)", "a-2");
        check("IFNULL(CAST(NULL AS CHAR), ' ')", " ");
        check("LENGTH('é')", "2");
        check("CHAR_LENGTH('é')", "1");
        check("MID('abcdef', 2, 3)", "bcd");
        check("MID('abcdef', -2, 3)", "ef");
        check("IF(1>2, 'a', 'b')", "b");
        check("ORD('a')", "97");
        check("ORD('é')", "50089");
        check("CODE_POINT('é')", "233");
        check("CODE_POINT('')", "0");
        check("text_len('日本')", "6");
        check("text_len(NULL)", "0");
        check("CHAR(65, 66)", "AB");
        check("REPEAT('é', 3)", "ééé");
        check("REPEAT('x', 99999999)", "NULL");
        check("REVERSE('aé')", "éa");
        check("ELT(2, 'a', 'b')", "b");
        check("ELT(3, 'a', 'b')", "NULL");
    }
}
