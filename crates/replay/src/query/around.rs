//! The text of an endpoint's SQL around its parameter: applications paste values between fixed pieces, so the pieces say
//! what was pasted, whatever it did to the statement.

/// An endpoint's SQL, cut at its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Around {
    /// Other spellings that an application uses by DBMS stand beside each other.
    spellings: Vec<Vec<String>>,
    /// Which gap between the pieces is the parameter.
    at: usize,
    bound: bool,
}

impl Around {
    /// `None` where the SQL has no parameter, or nothing before it to know it by.
    pub(crate) fn of(sql: &str) -> Option<Self> {
        let bound = !sql.contains("{p}");
        let (pieces, at) = if bound { (sql.split('?').map(str::to_owned).collect(), 0) } else { pasted(sql)? };
        let known = pieces.len() > 1 && pieces[0].trim().len() >= 8;
        let other = pieces.iter().map(|piece| piece.replace(" LIKE ", " ILIKE ")).collect();
        known.then_some(Self { spellings: vec![pieces, other], at, bound })
    }

    /// The value in a statement; `parameter` is the first that was bound to it.
    pub(crate) fn value(&self, text: &str, parameter: Option<&str>) -> Option<String> {
        let text = text.trim().trim_end_matches(';');
        self.spellings
            .iter()
            .find_map(|pieces| if self.bound { bound(pieces, text, parameter) } else { self.between(pieces, text) })
    }

    /// Whether a statement begins as those of the endpoint do.
    pub(crate) fn begins(&self, text: &str) -> bool {
        self.spellings.iter().any(|pieces| text.trim_start().starts_with(pieces[0].as_str()))
    }

    /// Pieces before the parameter are looked for from the front, those behind it from the end: what an intruder pastes
    /// cannot come before the former, and not behind the latter.
    fn between(&self, pieces: &[String], text: &str) -> Option<String> {
        let mut rest = text.strip_prefix(pieces[0].as_str())?;
        for piece in &pieces[1..=self.at] {
            let found = rest.find(piece.as_str())?;
            rest = &rest[found + piece.len()..];
        }
        let last = pieces.len() - 1;
        let mut rest = rest.strip_suffix(pieces[last].as_str()).or_else(|| rest.strip_suffix(pieces[last].trim_end()))?;
        for piece in pieces[self.at + 1..last].iter().rev() {
            rest = &rest[..rest.rfind(piece.as_str())?];
        }
        Some(rest.to_owned())
    }
}

/// The pieces around `{names}`, and which of the gaps is `{p}`.
fn pasted(sql: &str) -> Option<(Vec<String>, usize)> {
    let (mut pieces, mut at, mut rest) = (Vec::new(), None, sql);
    while let Some((open, close)) = rest.find('{').and_then(|open| Some((open, open + rest[open..].find('}')?))) {
        if &rest[open..=close] == "{p}" {
            at = Some(pieces.len());
        }
        pieces.push(rest[..open].to_owned());
        rest = &rest[close + 1..];
    }
    pieces.push(rest.to_owned());
    Some((pieces, at?))
}

/// A value that was bound: `$1`, `?`, `:name` with the value beside it, or the literal that a driver put in.
fn bound(pieces: &[String], text: &str, parameter: Option<&str>) -> Option<String> {
    let rest = text.strip_prefix(pieces[0].as_str())?;
    let place = match pieces.get(1).map(|piece| piece.trim()) {
        Some(piece) if !piece.is_empty() => &rest[..rest.find(piece)?],
        _ => rest,
    };
    let place = place.trim();
    if place.starts_with(['$', '?', ':', '@']) {
        return parameter.map(str::to_owned);
    }
    let literal = place.strip_prefix('\'').and_then(|inner| inner.strip_suffix('\''));
    literal.map(str::to_owned).or_else(|| place.parse::<f64>().is_ok().then(|| place.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::Around;

    fn check(sql: &str, text: &str, parameter: Option<&str>, expected: Option<&str>) {
        assert_eq!(Around::of(sql).and_then(|around| around.value(text, parameter)).as_deref(), expected, "{text}");
    }

    #[test]
    fn pasted_values_are_found_whatever_they_do() {
        let login = "SELECT id FROM customers WHERE email='{p}' AND phone='{phone}'";
        let text = |value: &str| format!("SELECT id FROM customers WHERE email='{value}' AND phone='x'");
        for value in ["a@example.jp", "' or 1=1 -- ", "' AND phone='y' -- ", ""] {
            check(login, &text(value), None, Some(value));
        }
        check(login, "SELECT id FROM orders WHERE id='1'", None, None);
        check(
            "SELECT a FROM items WHERE n LIKE '%{p}%' ORDER BY a",
            "SELECT a FROM items WHERE n ILIKE '%x%' ORDER BY a",
            None,
            Some("x"),
        );
        check("SELECT a FROM t WHERE x='{y}' AND id={p}", "SELECT a FROM t WHERE x='1' AND id=2 OR 1=1", None, Some("2 OR 1=1"));
    }

    #[test]
    fn bound_values_stand_beside_the_statement() {
        let mine = "SELECT id FROM orders WHERE customer_id=? ORDER BY id";
        check(mine, "SELECT id FROM orders WHERE customer_id=$1 ORDER BY id", Some("7"), Some("7"));
        check(mine, "SELECT id FROM orders WHERE customer_id=7 ORDER BY id", None, Some("7"));
        check(mine, "SELECT id FROM orders WHERE customer_id='7' ORDER BY id;", None, Some("7"));
        check(mine, "SELECT id FROM orders WHERE customer_id=$1 ORDER BY id", None, None);
        check("SELECT 1", "SELECT 1", None, None);
    }
}
