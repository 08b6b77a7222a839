//! Rows that could have been read where the place in an order names them and the pages do not agree with the rows that the
//! snapshot has there: the order on the server was another (its collation, its index), or rows came and went since. Then
//! every row of the table could have been the one, and is possible.

use std::collections::BTreeMap;

use kintsugi_case::{ColumnSet, Technique, Verdict};

use crate::conclusion::{Cells, Conclusion, Ground};
use crate::data::Data;
use crate::error::{Error, Result};
use crate::statement::Observation;

const ANOTHER: &str = "the statement names its record by the place in an order, and the pages do not fit the records that the snapshot has there: \
     it can have been any";

/// Shapes with the tables of which they may have read any row.
#[derive(Default)]
pub(crate) struct Widened(BTreeMap<(usize, usize), Wide>);

struct Wide {
    columns: ColumnSet,
    /// The first statement.
    observed: Observation,
    statements: u64,
}

impl Widened {
    /// Adds a statement of a shape that may have read these columns of any row of a table.
    pub(crate) fn add(&mut self, shape: usize, table: usize, columns: ColumnSet, observed: Observation) {
        let wide = self.0.entry((shape, table)).or_insert(Wide { columns: ColumnSet::default(), observed, statements: 0 });
        wide.columns = ColumnSet(wide.columns.0 | columns.0);
        wide.statements += 1;
    }

    /// Writes down every row: one exposure each.
    pub(crate) fn conclude(self, technique: Technique, data: &Data, into: &mut Conclusion<'_>) -> Result<()> {
        for ((shape, table), Wide { columns, observed, statements }) in self.0 {
            let ground = Ground { shape, table, technique, verdict: Verdict::Possible, reason: "" };
            let basis = into.open_basis(shape, into.summary(&ground, ANOTHER), statements);
            let rows = data.row_numbers(into.catalog.table(table));
            for row in rows.map_err(|source| Error::Prepare { doing: "listing the rows of a table", source })? {
                let cells = Cells { row, columns, observed, predicted_bytes: 0, agrees: false, literals: "" };
                into.put(basis, table, Verdict::Possible, &cells)?;
            }
        }
        Ok(())
    }
}
