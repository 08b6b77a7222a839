//! Records in JSON: the objects of its arrays, one by one, or one object a line. Members within members get names with dots.

use std::fmt;
use std::io::{self, BufRead};

use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// Takes the name of the list and the members of a record.
type Each<'a> = dyn FnMut(&str, Vec<(String, Option<String>)>) + 'a;

/// Hands every record over until the text ends. What stands before a mistake is handed over.
pub(super) fn each_record(input: Box<dyn BufRead>, each: &mut Each<'_>) -> io::Result<()> {
    let mut input = input;
    loop {
        while input.fill_buf()?.first().is_some_and(|byte| byte.is_ascii_whitespace() || *byte == b',') {
            input.consume(1);
        }
        if input.fill_buf()?.is_empty() {
            return Ok(());
        }
        let mut deserializer = serde_json::Deserializer::from_reader(&mut input);
        Part { name: "", each }.deserialize(&mut deserializer).map_err(io::Error::other)?;
    }
}

/// A part of the text that may hold records: an array, or an object with arrays in it.
struct Part<'a, 'b> {
    name: &'a str,
    each: &'a mut Each<'b>,
}

impl<'de> DeserializeSeed<'de> for Part<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            record(self.name, item, self.each);
        }
        Ok(())
    }

    /// An object with values of its own is a record; one with arrays only names lists.
    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut own = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if let Some(value) = members.next_value_seed(Member { name: &name, each: self.each })? {
                own.insert(name, value);
            }
        }
        record(self.name, Value::Object(own), self.each);
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
}

/// A member of an object: an array is read as a list of its own; anything else is handed back.
struct Member<'a, 'b> {
    name: &'a str,
    each: &'a mut Each<'b>,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Option<Value>, A::Error> {
        Part { name: self.name, each: self.each }.visit_seq(items).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Option<Value>, A::Error> {
        let mut own = serde_json::Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if let Some(value) = members.next_value_seed(Member { name: &name, each: self.each })? {
                own.insert(name, value);
            }
        }
        Ok((!own.is_empty()).then_some(Value::Object(own)))
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(Some(Value::Null))
    }
    fn visit_bool<E>(self, value: bool) -> Result<Option<Value>, E> {
        Ok(Some(Value::Bool(value)))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Option<Value>, E> {
        Ok(Some(value.into()))
    }
    fn visit_str<E>(self, value: &str) -> Result<Option<Value>, E> {
        Ok(Some(Value::String(value.to_owned())))
    }
}

fn record(list: &str, item: Value, each: &mut Each<'_>) {
    let mut members = Vec::new();
    flatten(String::new(), item, &mut members, list, each);
    if !members.is_empty() {
        each(list, members);
    }
}

/// The members of a record. Objects in an array within it are records of their own (phpMyAdmin's `data`).
fn flatten(name: String, value: Value, members: &mut Vec<(String, Option<String>)>, list: &str, each: &mut Each<'_>) {
    match value {
        Value::Null => members.push((name, None)),
        Value::Bool(value) => members.push((name, Some(value.to_string()))),
        Value::Number(value) => members.push((name, Some(value.to_string()))),
        Value::String(value) => members.push((name, Some(value))),
        Value::Array(items) if items.iter().any(Value::is_object) => {
            let inner = if name.is_empty() || name == "data" { list.to_owned() } else { name };
            items.into_iter().for_each(|item| record(&inner, item, each));
        }
        Value::Array(items) => {
            for (at, item) in items.into_iter().enumerate() {
                flatten(format!("{name}[{at}]"), item, members, list, each);
            }
        }
        Value::Object(inner) => {
            for (member, value) in inner {
                let path = if name.is_empty() { member } else { format!("{name}.{member}") };
                flatten(path, value, members, list, each);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::each_record;

    /// Every record as `list: member=value …`.
    fn check(text: &'static str, expected: &[&str]) {
        let mut found = Vec::new();
        let _ = each_record(Box::new(text.as_bytes()), &mut |list, members| {
            let shown: Vec<String> =
                members.into_iter().map(|(name, value)| format!("{name}={}", value.unwrap_or_else(|| "NULL".into()))).collect();
            found.push(format!("{list}: {}", shown.join(" ")));
        });
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn records_are_the_objects_of_arrays_and_lines() {
        check("[{\"id\":1,\"n\":\"a\"},{\"id\":2,\"n\":null}]", &[": id=1 n=a", ": id=2 n=NULL"]);
        check("{\"id\":1}\n{\"id\":2,\"c\":{\"e\":true}}\n", &[": id=1", ": c.e=true id=2"]);
        check("{\"cards\":[{\"id\":1}],\"orders\":[{\"id\":2}]}", &["cards: id=1", "orders: id=2"]);
        check("[[1,\"a\"],[2,\"b\"]]", &[": [0]=1 [1]=a", ": [0]=2 [1]=b"]);
        check("{\"rows\":{\"data\":[{\"id\":1}]},\"n\":1}", &["data: id=1", ": n=1"]);
    }

    #[test]
    fn a_cut_text_gives_what_stands_before_the_cut() {
        check("[{\"id\":1},{\"id\":2},{\"id\"", &[": id=1", ": id=2"]);
        check("{\"id\":1}\n{\"id\":", &[": id=1"]);
    }
}
