//! The ways in which a server's error message shows a value: which call makes it, what stands before and after the value,
//! and where the server cuts it. A table of rows; to add a way, add a row, or an arm of [`Channel`] where the server looks at
//! the value first (docs/adding-a-technique.md).
//!
//! Sources: the messages of MariaDB 10.11 and PostgreSQL 15 as these servers give them (`tests.rs` holds what was seen);
//! those of MySQL from its list of messages (share/messages_to_clients.txt).

use crate::dialect::Dialect;

/// One way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Channel {
    /// EXTRACTVALUE, UPDATEXML: the rest of the path from the first thing that is no XPath.
    XPath,
    /// A conversion that fails (PostgreSQL): the type's name as messages spell it.
    Cast(String),
    /// The value as it is, between two constants.
    Quoted(&'static Quoted),
}

/// A message that quotes a value.
#[derive(Debug, PartialEq)]
pub(crate) struct Quoted {
    /// Functions that raise it, in lower case.
    functions: &'static [&'static str],
    /// Which of their arguments is shown, from 0.
    argument: usize,
    /// The server's words before the value. Where versions differ, only their length is off, which the page's constant takes in.
    before: &'static str,
    /// After it.
    after: &'static str,
    /// Where it may be cut.
    cuts: &'static [Cut],
    dialect: Dialect,
}

/// Where a message is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Nowhere.
    None,
    /// At so many bytes, between characters.
    Bytes(usize),
    /// Likewise, the last three of them dots if anything was cut.
    Dots(usize),
}

const XPATH_CUTS: [Cut; 2] = [Cut::Dots(32), Cut::Bytes(32)];
const DUPLICATE_CUTS: [Cut; 4] = [Cut::Dots(64), Cut::Bytes(64), Cut::Dots(192), Cut::Bytes(192)];
const NO_CUT: [Cut; 1] = [Cut::None];

/// The key of a grouping that is computed twice (`FLOOR(RAND(0)*2)`) collides with itself.
static DUPLICATE_KEY: Quoted = Quoted {
    functions: &[],
    argument: 0,
    before: "Duplicate entry '",
    after: "' for key 'group_key'",
    cuts: &DUPLICATE_CUTS,
    dialect: Dialect::MySql,
};

/// A number beyond its type is shown with the expression that gave it, subqueries replaced by their values (MySQL 5.5 to 5.7).
static OUT_OF_RANGE: Quoted = Quoted {
    functions: &["exp", "cot", "pow", "power"],
    argument: 0,
    before: "DOUBLE value is out of range in 'exp(~((select '",
    after: "' from dual)))'",
    cuts: &NO_CUT,
    dialect: Dialect::MySql,
};

static QUOTED: [Quoted; 11] = [
    Quoted {
        functions: &["gtid_subset", "gtid_subtract"],
        argument: 0,
        before: "Malformed GTID set specification '",
        after: "'.",
        cuts: &[Cut::Bytes(200), Cut::None],
        dialect: Dialect::MySql,
    },
    Quoted {
        functions: &["uuid_to_bin"],
        argument: 0,
        before: "Incorrect string value: '",
        after: "' for function uuid_to_bin",
        cuts: &[Cut::Bytes(128), Cut::None],
        dialect: Dialect::MySql,
    },
    Quoted {
        functions: &["st_latfromgeohash", "st_longfromgeohash", "st_pointfromgeohash"],
        argument: 0,
        before: "Incorrect geohash value: '",
        after: "' for function ST_LATFROMGEOHASH",
        cuts: &[Cut::Bytes(128), Cut::None],
        dialect: Dialect::MySql,
    },
    Quoted {
        functions: &["polygon", "multipoint", "multipolygon", "linestring", "multilinestring", "geometrycollection"],
        argument: 0,
        before: "Illegal non geometric '(select `b`.`x` from (select '",
        after: "' AS `x`) `b`)' value found during parsing",
        cuts: &NO_CUT,
        dialect: Dialect::MySql,
    },
    Quoted {
        functions: &["json_keys", "json_valid_text"],
        argument: 0,
        before: "Invalid JSON text in argument 1 to function json_keys: \"Invalid value.\" at position 0 in '",
        after: "'.",
        cuts: &[Cut::Bytes(64), Cut::None],
        dialect: Dialect::MySql,
    },
    Quoted {
        functions: &["name_const"],
        argument: 0,
        before: "Duplicate column name '",
        after: "'",
        cuts: &[Cut::Bytes(192), Cut::None],
        dialect: Dialect::MySql,
    },
    Quoted {
        functions: &["current_setting", "set_config"],
        argument: 0,
        before: "unrecognized configuration parameter \"",
        after: "\"",
        cuts: &NO_CUT,
        dialect: Dialect::PostgreSql,
    },
    Quoted {
        functions: &["pg_read_file", "pg_read_binary_file", "pg_stat_file"],
        argument: 0,
        before: "could not open file \"",
        after: "\" for reading: No such file or directory",
        cuts: &NO_CUT,
        dialect: Dialect::PostgreSql,
    },
    Quoted {
        functions: &["query_to_xml", "query_to_xmlschema", "query_to_xml_and_xmlschema", "cursor_to_xml"],
        argument: 0,
        before: "syntax error at or near \"",
        after: "\"",
        cuts: &NO_CUT,
        dialect: Dialect::PostgreSql,
    },
    Quoted {
        functions: &["json_extract", "json_type", "json_insert", "json_set", "json_replace", "json_remove", "json_array_length"],
        argument: 1,
        before: "JSON path error near '",
        after: "'",
        cuts: &NO_CUT,
        dialect: Dialect::Sqlite,
    },
    Quoted {
        functions: &["lo_import"],
        argument: 0,
        before: "could not open server file \"",
        after: "\": No such file or directory",
        cuts: &NO_CUT,
        dialect: Dialect::PostgreSql,
    },
];

/// What a message shows of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    /// The whole message.
    pub(crate) message: String,
    /// Characters of the text that it leaves out at the beginning.
    pub(crate) from: usize,
    /// Characters of the text up to which it shows it.
    pub(crate) to: usize,
}

impl Channel {
    /// The way of a function, and which of its arguments is shown.
    pub(crate) fn of_function(name: &str, dialect: Dialect) -> Option<(Self, usize)> {
        let name = name.to_ascii_lowercase();
        if dialect == Dialect::MySql && matches!(name.as_str(), "extractvalue" | "updatexml") {
            return Some((Self::XPath, 1));
        }
        let named = |row: &&Quoted| row.dialect == dialect && row.functions.contains(&name.as_str());
        let row = QUOTED.iter().chain(std::iter::once(&OUT_OF_RANGE)).find(named)?;
        Some((Self::Quoted(row), row.argument))
    }

    /// The way of a grouping key.
    pub(crate) const fn duplicate_key() -> Self {
        Self::Quoted(&DUPLICATE_KEY)
    }

    /// The way of arithmetic beyond its type.
    pub(crate) const fn out_of_range() -> Self {
        Self::Quoted(&OUT_OF_RANGE)
    }

    /// The way of a conversion to a type, where the conversion can fail and its error shows the text (PostgreSQL).
    pub(crate) fn of_type(data_type: &str) -> Option<Self> {
        let lower = data_type.to_ascii_lowercase();
        let name = match lower.split(['(', ' ', '[']).next().unwrap_or_default() {
            _ if lower.ends_with("[]") => return None,
            "int" | "integer" | "int4" => "integer",
            "bigint" | "int8" => "bigint",
            "smallint" | "int2" => "smallint",
            "numeric" | "decimal" | "dec" => "numeric",
            "real" | "float4" => "real",
            "double" | "float" | "float8" => "double precision",
            "bool" | "boolean" => "boolean",
            other @ ("uuid" | "date" | "timestamp" | "time" | "interval" | "money" | "inet" | "cidr" | "oid" | "tid"
            | "point" | "macaddr") => other,
            _ => return None,
        };
        Some(Self::Cast(name.to_owned()))
    }

    /// Whether any text at all raises the error; a conversion succeeds on texts that are of the type.
    pub(crate) const fn is_conversion(&self) -> bool {
        matches!(self, Self::Cast(_))
    }

    /// Where the server may cut.
    pub(crate) fn cuts(&self) -> &'static [Cut] {
        match self {
            Self::XPath => &XPATH_CUTS,
            Self::Cast(_) => &NO_CUT,
            Self::Quoted(row) => row.cuts,
        }
    }

    /// The message about a text; `None` where there is none, as the text is what the server wanted.
    pub(crate) fn shown(&self, text: &str, cut: Cut) -> Option<Shown> {
        let (before, after) = match self {
            Self::XPath => ("XPATH syntax error: '", "'"),
            Self::Cast(name) => return cast(name, text),
            Self::Quoted(row) => (row.before, row.after),
        };
        let from = if *self == Self::XPath { no_xpath(text)? } else { 0 };
        let rest: String = text.chars().skip(from).collect();
        let (kept, dots) = cut.apply(&rest);
        let to = from + kept.chars().count();
        Some(Shown { message: format!("{before}{kept}{dots}{after}"), from, to })
    }
}

impl Cut {
    /// What is kept, and what stands in the place of the rest.
    fn apply(self, text: &str) -> (&str, &'static str) {
        match self {
            Self::Bytes(max) if text.len() > max => (&text[..boundary(text, max)], ""),
            Self::Dots(max) if text.len() > max => (&text[..boundary(text, max.saturating_sub(3))], "..."),
            _ => (text, ""),
        }
    }
}

fn boundary(text: &str, max: usize) -> usize {
    (0..=max).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// PostgreSQL's words about a text that is no value of the type; `None` where it is one.
fn cast(name: &str, text: &str) -> Option<Shown> {
    let to = text.chars().count();
    let syntax = format!("invalid input syntax for type {name}: \"{text}\"");
    let range = format!("value \"{text}\" is out of range for type {name}");
    let trimmed = text.trim();
    let digits = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let fits = match name {
        "integer" => trimmed.parse::<i32>().is_ok(),
        "bigint" => trimmed.parse::<i64>().is_ok(),
        "smallint" => trimmed.parse::<i16>().is_ok(),
        "oid" => trimmed.parse::<u32>().is_ok(),
        "numeric" | "real" | "double precision" | "money" => trimmed.parse::<f64>().is_ok(),
        "boolean" => ["t", "f", "true", "false", "y", "n", "yes", "no", "on", "off", "1", "0"]
            .contains(&trimmed.to_ascii_lowercase().as_str()),
        _ => false,
    };
    let ranged = whole && matches!(name, "integer" | "bigint" | "smallint" | "oid");
    (!fits).then_some(Shown { message: if ranged { range } else { syntax }, from: 0, to })
}

/// How many characters at the beginning the server reads as XPath before it stumbles; `None` where it reads all of them.
/// A name, a number, a path of them: what a value alone may well be. A mark in front of the value stops it at once.
fn no_xpath(text: &str) -> Option<usize> {
    let characters: Vec<char> = text.chars().collect();
    let (mut at, mut before) = (0, Before::Nothing);
    while at < characters.len() {
        let start = at;
        let c = characters[at];
        let token = match c {
            c if c.is_whitespace() && before != Before::Nothing => {
                at += 1;
                continue;
            }
            c if c.is_alphabetic() || c == '_' => {
                while characters.get(at).is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')) {
                    at += 1;
                }
                Before::Operand
            }
            c if c.is_ascii_digit() => {
                while characters.get(at).is_some_and(|c| c.is_ascii_digit() || *c == '.') {
                    at += 1;
                }
                Before::Operand
            }
            '/' if before != Before::Operator => {
                at += 1;
                Before::Slash
            }
            '.' | '*' if before != Before::Operand => {
                at += 1;
                Before::Operand
            }
            '+' | '-' | '*' | '|' | '=' | '<' | '>' if before == Before::Operand => {
                at += 1;
                Before::Operator
            }
            _ => return Some(start),
        };
        if token == Before::Operand && before == Before::Operand {
            return Some(start);
        }
        before = token;
    }
    None
}

#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Operand,
    Operator,
    Slash,
}

#[cfg(test)]
mod tests {
    use super::{Channel, Cut};

    fn check(channel: &Channel, cut: Cut, text: &str, expected: &str) {
        let shown = channel.shown(text, cut).map_or("no error".into(), |shown| shown.message);
        assert_eq!(shown, expected, "{text}");
    }

    /// Each line was seen on MariaDB 10.11.19.
    #[test]
    fn a_path_is_shown_from_where_it_is_none_and_cut_at_whole_characters() {
        let check = |text: &str, expected: &str| {
            let expected = if expected.is_empty() { "no error".into() } else { format!("XPATH syntax error: '{expected}'") };
            check(&Channel::XPath, Cut::Dots(32), text, &expected);
        };
        check(&format!("~{}", "x".repeat(31)), &format!("~{}", "x".repeat(31)));
        check(&format!("~{}", "x".repeat(32)), &format!("~{}...", "x".repeat(28)));
        check("~佐藤花子佐藤花子佐藤花子佐藤花子", "~佐藤花子佐藤花子佐...");
        check("a~b", "~b");
        check("abc@x.y", "@x.y");
        check("123abc", "abc");
        check("12-3 4", "4");
        check(":x y", ":x y");
        check("/x y", "y");
        check(".x y", "x y");
        check("\\x y", "\\x y");
        check("\nx y", "\nx y");
        check("^$x y", "^$x y");
        check("佐藤 abc", "abc");
        check("4111-1111 x", "x");
        check("short", "");
    }

    /// Seen on PostgreSQL 15.
    #[test]
    fn a_conversion_shows_what_is_not_of_its_type() {
        let integer = Channel::of_type("INT").expect("a type");
        check(&integer, Cut::None, "b'q\"<x>", "invalid input syntax for type integer: \"b'q\"<x>\"");
        check(&integer, Cut::None, "41111", "no error");
        check(&integer, Cut::None, "4111111111", "value \"4111111111\" is out of range for type integer");
        check(
            &Channel::of_type("NUMERIC(10)").expect("a type"),
            Cut::None,
            "~1~",
            "invalid input syntax for type numeric: \"~1~\"",
        );
        assert_eq!((Channel::of_type("TEXT"), Channel::of_type("VARCHAR(100)")), (None, None));
    }

    /// Seen on MariaDB 10.11.19.
    #[test]
    fn a_duplicate_key_is_cut_at_sixty_four_bytes() {
        let key = Channel::duplicate_key();
        check(&key, Cut::Dots(64), "~short~1", "Duplicate entry '~short~1' for key 'group_key'");
        let long = format!("Duplicate entry '{}...' for key 'group_key'", "a".repeat(61));
        check(&key, Cut::Dots(64), &"a".repeat(251), &long);
    }
}
