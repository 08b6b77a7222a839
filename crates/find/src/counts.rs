//! The figures of a scope: records stored and exposed, cells by meaning, persons by their strongest verdict.

use kintsugi_case::{ColumnSet, Exposure, FieldMeaning, Verdict};

use crate::conclusion::conclude;
use crate::{FindDb, Result, Table};

/// Records of one table, each by the strongest verdict of its cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCount {
    /// The source's name.
    pub source: String,
    /// The table.
    pub table: String,
    /// Records stored in the snapshot.
    pub stored: u64,
    /// Rows of the snapshot kept aside: a key that an earlier row has, or the wrong number of values.
    pub kept_aside: u64,
    /// Whether the table holds cells about which a person must be told.
    pub personal: bool,
    /// Records with a proved cell.
    pub proved: u64,
    /// Records with a possible cell and no proved one.
    pub possible: u64,
    /// Records whose touched cells are all excluded.
    pub excluded: u64,
}

/// Cells of one meaning, by strongest verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldCount {
    /// The meaning.
    pub meaning: FieldMeaning,
    /// Cells proved.
    pub proved: u64,
    /// Cells possible.
    pub possible: u64,
    /// Cells excluded.
    pub excluded: u64,
}

/// The figures of a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeCounts {
    /// Every snapshot table.
    pub tables: Vec<TableCount>,
    /// Every meaning of which a cell was touched, in [`FieldMeaning::ALL`] order.
    pub fields: Vec<FieldCount>,
    /// Persons in all.
    pub persons: u64,
    /// Persons of whom something was proved to be taken.
    pub persons_proved: u64,
    /// Persons of whom something was possibly, and nothing provably, taken.
    pub persons_possible: u64,
    /// Records with exposed (proved or possible) personal cells that belong to nobody known.
    pub records_without_owner: u64,
    /// Those cells.
    pub cells_without_owner: u64,
}

impl ScopeCounts {
    /// Persons to be told.
    pub const fn persons_affected(&self) -> u64 {
        self.persons_proved + self.persons_possible
    }
}

impl FindDb {
    /// Counts everything in one pass over the exposures: one byte of memory per person.
    pub fn counts(&self) -> Result<ScopeCounts> {
        let (persons, last) = self
            .one_row("SELECT count(*), ifnull(max(id), 0) FROM persons WHERE ? = 0", 0, |row| {
                Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
            })?
            .unwrap_or_default();
        let mut pass = Pass::new(self, usize::try_from(last).unwrap_or_default());
        self.exposed_rows(|exposures| pass.row(exposures))?;
        Ok(ScopeCounts { persons, ..pass.finish() })
    }
}

struct Pass<'a> {
    db: &'a FindDb,
    counts: ScopeCounts,
    /// By the person's number: the strongest verdict.
    strongest: Vec<Option<Verdict>>,
}

impl<'a> Pass<'a> {
    fn new(db: &'a FindDb, last_person: usize) -> Self {
        let fields = FieldMeaning::ALL.map(|meaning| FieldCount { meaning, proved: 0, possible: 0, excluded: 0 });
        let tables = db.tables().iter().map(empty_count).collect();
        let counts = ScopeCounts { tables, fields: fields.to_vec(), ..ScopeCounts::default() };
        Self { db, counts, strongest: vec![None; last_person + 1] }
    }

    fn row(&mut self, exposures: &[Exposure]) -> Result<()> {
        let (table, row) = (self.db.table(exposures[0].table)?, exposures[0].row);
        let personal = table.personal_columns();
        let (mut of_record, mut told) = (None, None);
        let mut told_cells = 0;
        for conclusion in conclude(exposures) {
            let verdict = conclusion.first.verdict;
            of_record = of_record.max(Some(verdict));
            self.count_cells(table, conclusion.columns, verdict);
            let of_person = ColumnSet(conclusion.columns.0 & personal.0);
            if verdict != Verdict::Excluded && !of_person.is_empty() {
                told = told.max(Some(verdict));
                told_cells += u64::from(of_person.len());
            }
        }
        let count = &mut self.counts.tables[table.id as usize - 1];
        of_record.into_iter().for_each(|verdict| add(verdict, 1, &mut count.proved, &mut count.possible, &mut count.excluded));
        if told.is_some() { self.count_owner(table.id, row, told, told_cells) } else { Ok(()) }
    }

    fn count_cells(&mut self, table: &Table, columns: ColumnSet, verdict: Verdict) {
        for meaning in columns.iter().filter_map(|at| table.columns.get(at)?.meaning) {
            let field = self.counts.fields.iter_mut().find(|field| field.meaning == meaning);
            field.into_iter().for_each(|f| add(verdict, 1, &mut f.proved, &mut f.possible, &mut f.excluded));
        }
    }

    fn count_owner(&mut self, table: u32, row: u64, verdict: Option<Verdict>, cells: u64) -> Result<()> {
        let owner = self.db.owner_of(table, row)?.and_then(|id| usize::try_from(id.0).ok());
        match owner.and_then(|at| self.strongest.get_mut(at)) {
            Some(strongest) => *strongest = verdict.max(*strongest),
            None => {
                self.counts.records_without_owner += 1;
                self.counts.cells_without_owner += cells;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> ScopeCounts {
        let persons = |verdict| self.strongest.iter().filter(|&&strongest| strongest == Some(verdict)).count() as u64;
        self.counts.persons_proved = persons(Verdict::Proved);
        self.counts.persons_possible = persons(Verdict::Possible);
        self.counts.fields.retain(|field| field.proved + field.possible + field.excluded > 0);
        self.counts
    }
}

fn empty_count(table: &Table) -> TableCount {
    TableCount {
        source: table.source.clone(),
        table: table.name.clone(),
        stored: table.rows,
        kept_aside: table.duplicates + table.misshapen,
        personal: !table.personal_columns().is_empty(),
        proved: 0,
        possible: 0,
        excluded: 0,
    }
}

fn add(verdict: Verdict, cells: u64, proved: &mut u64, possible: &mut u64, excluded: &mut u64) {
    match verdict {
        Verdict::Proved => *proved += cells,
        Verdict::Possible => *possible += cells,
        Verdict::Excluded => *excluded += cells,
    }
}
