//! Rules that speak of no statement: records fetched by their number (`access`) and files that were found (`file`).
//!
//! Not here: how a rule is applied (`scope`), what replay is told (`case_file`).

use std::fmt;
use std::ops::Range;

/// A column that a rule names, and where it stands in the case file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnName {
    /// The table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// Where the name stands in the text.
    pub span: Range<usize>,
}

/// Records fetched by their number: whoever fetched those of many persons is no customer reading their own.
#[derive(Clone, Debug)]
pub struct AccessRule {
    /// The source; the only one, where the rule names none.
    pub source: String,
    /// The request that fetches a record.
    pub request: RequestPattern,
    /// Cells that the answer shows: of the record itself and of those that it refers to.
    pub exposes: Vec<ColumnName>,
    /// Cells of which the answer shows only a part, such as the last four digits.
    pub parts: Vec<ColumnName>,
    /// An actor who reads fewer persons than this reads their own.
    pub persons_per_actor_min: u64,
    /// Where the rule's request stands in the text.
    pub span: Range<usize>,
}

/// A dump or list that was found, to be matched to our own records.
#[derive(Clone, Debug)]
pub struct FileRule {
    /// The source; the only one, where the rule names none.
    pub source: String,
    /// Glob, relative to the case folder.
    pub evidence: String,
    /// The path under which our server gave it out; `None` where it was found in the intruder's hands.
    pub served_at: Option<String>,
    /// Where `evidence` stands in the text.
    pub span: Range<usize>,
}

/// `GET /api/orders/{orders.id}.json`: a request in whose address cells of a record stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPattern {
    /// `GET`
    pub method: String,
    /// The path, in pieces.
    pub path: Vec<Piece>,
    /// The query's parameters that must be there, by name; others may be there too.
    pub query: Vec<(String, Vec<Piece>)>,
}

/// A piece of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands there as it is.
    Text(String),
    /// `{orders.id}`: the value of this column.
    Cell {
        /// The table.
        table: String,
        /// Its column.
        column: String,
    },
}

impl RequestPattern {
    /// Reads `METHOD /path?name={table.column}`. The error says what is missing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (method, address) = text.split_once(' ').ok_or("a request is a method and an address")?;
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let parameter = |part: &str| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            Ok((name.to_owned(), pieces(value)?))
        };
        let query = query.split('&').filter(|part| !part.is_empty()).map(parameter).collect::<Result<_, String>>()?;
        let pattern = Self { method: method.to_ascii_uppercase(), path: pieces(path)?, query };
        match pattern.table() {
            None => Err("no record is named in the address".into()),
            Some(table) if pattern.cells().any(|(other, _)| other != table) => Err("cells of two tables name one record".into()),
            Some(_) => Ok(pattern),
        }
    }

    /// The table whose record the address names.
    pub fn table(&self) -> Option<&str> {
        self.cells().next().map(|(table, _)| table)
    }

    /// (table, column) of every cell in the address, in its order.
    pub fn cells(&self) -> impl Iterator<Item = (&str, &str)> {
        let pieces = self.path.iter().chain(self.query.iter().flat_map(|(_, value)| value));
        pieces.filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Cell { table, column } => Some((table.as_str(), column.as_str())),
        })
    }
}

impl fmt::Display for RequestPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.method)?;
        self.path.iter().try_for_each(|piece| piece.fmt(f))?;
        for (at, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}=", if at == 0 { '?' } else { '&' })?;
            value.iter().try_for_each(|piece| piece.fmt(f))?;
        }
        Ok(())
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Cell { table, column } => write!(f, "{{{table}.{column}}}"),
        }
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a `{` is not closed")?;
        let (table, column) = name.split_once('.').ok_or_else(|| format!("`{{{name}}}` names a column without its table"))?;
        if !before.is_empty() {
            found.push(Piece::Text(before.to_owned()));
        } else if matches!(found.last(), Some(Piece::Cell { .. })) {
            return Err("nothing stands between two cells".into());
        }
        found.push(Piece::Cell { table: table.to_owned(), column: column.to_owned() });
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest.to_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Piece, RequestPattern};

    /// The pieces of a pattern, or what is wrong with it.
    fn shown(text: &str) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Cell { table, column } => format!("<{table} {column}>"),
        };
        let all = |pieces: &[Piece]| pieces.iter().map(piece).collect::<Vec<_>>().join("|");
        match RequestPattern::parse(text) {
            Ok(pattern) => {
                let query: Vec<String> = pattern.query.iter().map(|(name, value)| format!(" {name}={}", all(value))).collect();
                format!("{} {}{}", pattern.method, all(&pattern.path), query.concat())
            }
            Err(reason) => reason,
        }
    }

    #[test]
    fn a_request_names_the_cells_of_one_record() {
        for (text, expected) in [
            ("GET /api/orders/{orders.id}.json", "GET /api/orders/|<orders id>|.json"),
            ("get /order?no={orders.id}&view=full", "GET /order no=<orders id> view=full"),
            ("GET /o/{orders.year}-{orders.no}", "GET /o/|<orders year>|-|<orders no>"),
            ("/orders/{orders.id}", "a request is a method and an address"),
            ("GET /orders/5", "no record is named in the address"),
            ("GET /{a.id}/{b.id}", "cells of two tables name one record"),
            ("GET /{a.id", "a `{` is not closed"),
            ("GET /{id}", "`{id}` names a column without its table"),
            ("GET /{a.x}{a.y}", "nothing stands between two cells"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
