//! How much rows and error texts in pages carried, where no snapshot tells what they were: the bytes of each page beyond the
//! smallest one of its endpoint, by the statement's shape. It is a bound, not a value: what the page itself shows beside the
//! rows is the same on every page, what it writes around each row is counted with them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use kintsugi_case::{EvidenceLine, Private};

use crate::catalog::Catalog;
use crate::conclusion::Conclusion;
use crate::dialect::Dialect;
use crate::error::Result;
use crate::investigation::Shape;
use crate::lexer::Literal;
use crate::named::{Named, named_by_intruder};
use crate::statement::Observation;
use crate::{Characters, RecoveredValue};

/// The pages of a source's statements.
#[derive(Default)]
pub(crate) struct Sizes {
    /// The smallest page, by endpoint and status.
    least: HashMap<(usize, u16), u64>,
    shapes: BTreeMap<(usize, u16), Sum>,
}

/// What the pages of a shape add up to.
struct Sum {
    first: EvidenceLine,
    last: EvidenceLine,
    pages: u64,
    bytes: u64,
    /// Statements that differ, by a digest of their literals.
    different: HashSet<u64>,
}

impl Sizes {
    /// Takes any page of an endpoint.
    pub(crate) fn page(&mut self, endpoint: usize, observed: &Observation) {
        let least = self.least.entry((endpoint, observed.status)).or_insert(u64::MAX);
        *least = observed.bytes.min(*least);
    }

    /// Takes a statement whose answer is text in its page.
    pub(crate) fn take(&mut self, shape: usize, literals: &[Literal], observed: &Observation) {
        let line = observed.line;
        let fresh = || Sum { first: line, last: line, pages: 0, bytes: 0, different: HashSet::new() };
        let sum = self.shapes.entry((shape, observed.status)).or_insert_with(fresh);
        sum.last = line;
        sum.pages += 1;
        sum.bytes += observed.bytes;
        sum.different.insert(BuildHasherDefault::<DefaultHasher>::default().hash_one(literals));
    }

    /// Hands over what the pages of each shape carried, table by table.
    pub(crate) fn conclude(self, shapes: &[Shape], dialect: Dialect, catalog: &Catalog, into: &mut Conclusion<'_>) -> Result<()> {
        for ((at, status), sum) in self.shapes {
            let shape = &shapes[at];
            let least = self.least.get(&(shape.endpoint, status)).copied().unwrap_or(0);
            let bytes = sum.bytes.saturating_sub(least * sum.pages);
            for named in named_by_intruder(&shape.sql, dialect).into_iter().filter(|_| bytes > 0) {
                into.value(sum.value(&named, bytes, catalog))?;
            }
        }
        Ok(())
    }
}

impl Sum {
    fn value(&self, named: &Named, bytes: u64, catalog: &Catalog) -> RecoveredValue {
        let table = catalog.find(&named.table).map(|at| catalog.table(at));
        let columns = if named.columns.is_empty() { "*".to_owned() } else { named.columns.join(", ") };
        RecoveredValue {
            source: table.map_or_else(String::new, |table| table.source.clone()),
            table: named.table.clone(),
            column: columns,
            meaning: None,
            row: format!("{} statements", self.different.len()),
            characters: Characters::Bytes(bytes),
            value: Private::new(String::new()),
            first: self.first,
            last: self.last,
        }
    }
}
