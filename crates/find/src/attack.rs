//! The picture of the attack, put down part by part by replay and read back as a whole, with what followed from each shape:
//! rows and cells, counted once for each actor.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kintsugi_case::{ActorLines, Attack, AttackPart, ColumnSet, EvidenceLine, Exposure, Haul, Outcome, ShownRow, Taken, Verdict};

use crate::conclusion::conclude;
use crate::key::text_of;
use crate::{Error, ExposureWriter, FindDb, Result};

impl ExposureWriter<'_> {
    /// Puts down a part of the picture.
    pub fn put_attack(&mut self, part: &AttackPart) -> Result<()> {
        let text = serde_json::to_string(part).unwrap_or_default();
        let put = self.connection.prepare_cached("INSERT INTO attack (part) VALUES (?)");
        put.and_then(|mut put| put.execute([text])).map_err(Error::write("a part of the picture of the attack"))?;
        Ok(())
    }
}

/// Rows by the line that shows them, and how many more depend on it.
pub type ShownRows = HashMap<EvidenceLine, (Vec<ShownRow>, u64)>;

impl FindDb {
    /// The picture of the attack; an empty one before `scope` ran. Gaps and names of files are for the caller to add.
    pub fn attack(&self) -> Result<Attack> {
        self.attack_with_rows(&BTreeSet::new(), 0).map(|(attack, _)| attack)
    }

    /// The picture, and in the same pass over the exposures the rows that depend on each of these lines: at most so many, and
    /// how many more there are; values masked.
    pub fn attack_with_rows(&self, lines: &BTreeSet<EvidenceLine>, most: usize) -> Result<(Attack, ShownRows)> {
        let mut read = Read::default();
        self.attack_parts(|part| read.add(part))?;
        read.attack.outcomes = self.outcomes(&read)?;
        read.lines.sort_by_key(|lines| (lines.first, lines.last));
        let (mut counted, mut shown) = (Counted::default(), ShownRows::new());
        self.exposed_rows(|exposures| {
            counted.row(exposures, &read.lines);
            exposures.iter().filter(|one| lines.contains(&one.line)).try_for_each(|one| self.show(one, most, &mut shown))
        })?;
        self.fill(&mut read.attack, counted)?;
        Ok((read.attack, shown))
    }

    fn show(&self, exposure: &Exposure, most: usize, shown: &mut ShownRows) -> Result<()> {
        let of_line = shown.entry(exposure.line).or_default();
        if of_line.0.len() < most {
            of_line.0.push(self.shown_row(exposure)?);
        } else {
            of_line.1 += 1;
        }
        Ok(())
    }

    /// The numbers of those who asked something that no honest value looks like.
    pub fn attack_intruders(&self) -> Result<BTreeSet<u32>> {
        let mut intruders = BTreeSet::new();
        self.attack_parts(|part| {
            if let AttackPart::Actor(actor) = part
                && actor.intruder
            {
                intruders.insert(actor.id);
            }
        })?;
        Ok(intruders)
    }

    /// The statements that were kept to be shown, by shape and time.
    pub fn attack_samples(&self) -> Result<Vec<kintsugi_case::AttackSample>> {
        let mut samples = Vec::new();
        self.attack_parts(|part| {
            if let AttackPart::Sample(sample) = part {
                samples.push(sample);
            }
        })?;
        samples.sort_by_key(|sample| (sample.shape, sample.moment.at_ms, sample.moment.line));
        Ok(samples)
    }

    /// Whose statement each line is: consecutive lines of one actor, in order.
    pub fn attack_lines(&self) -> Result<Vec<ActorLines>> {
        let mut read = Read::default();
        self.attack_parts(|part| read.add(part))?;
        read.lines.sort_by_key(|lines| (lines.first, lines.last));
        Ok(read.lines)
    }

    fn attack_parts(&self, mut each: impl FnMut(AttackPart)) -> Result<()> {
        let mut read = || {
            // Made by an earlier version that drew no picture.
            let there = "SELECT count(*) FROM sqlite_schema WHERE name = 'attack'";
            if self.connection.query_row(there, [], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(());
            }
            let mut select = self.connection.prepare("SELECT part FROM attack ORDER BY place")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                if let Ok(part) = serde_json::from_str(row.get_ref(0)?.as_str()?) {
                    each(part);
                }
            }
            Ok(())
        };
        read().map_err(Error::read("the picture of the attack"))
    }

    fn shown_row(&self, exposure: &Exposure) -> Result<ShownRow> {
        let table = self.table(exposure.table)?;
        let columns: Vec<&crate::Column> = exposure.columns.iter().filter_map(|at| table.columns.get(at)).collect();
        let names: Vec<String> = columns.iter().map(|column| crate::quoted(&column.name)).collect();
        let query = format!("SELECT {} FROM {} WHERE {} = ?", names.join(", "), table.sql_name(), table.row_name());
        let lengths = self.one_row(&query, exposure.row, |row| {
            (0..names.len()).map(|at| Ok(text_of(row.get_ref(at)?).map(|text| text.chars().count()))).collect()
        })?;
        let lengths: Vec<Option<usize>> = lengths.unwrap_or_default();
        let cells = columns.iter().zip(lengths).map(|(column, length)| (column.name.clone(), masked(column, length)));
        let (key, cells) = (self.key_text(exposure.table, exposure.row)?, cells.collect());
        Ok(ShownRow { table: table.name.clone(), key, verdict: exposure.verdict, cells })
    }

    fn outcomes(&self, read: &Read) -> Result<Vec<Outcome>> {
        let outcome = |basis: kintsugi_case::BasisSummary| Outcome {
            basis: basis.id.0,
            shape: read.links.get(&basis.id.0).copied(),
            rule: basis.rule,
            technique: basis.technique,
            table: basis.table,
            verdict: basis.verdict,
            reason: basis.reason,
            statements: basis.statements,
            agreeing: basis.agreeing,
            columns: Vec::new(),
            taken: Vec::new(),
        };
        Ok(self.bases()?.into_iter().map(outcome).collect())
    }

    fn fill(&self, attack: &mut Attack, counted: Counted) -> Result<()> {
        attack.cells = counted.cells;
        for ((actor, table, place), haul) in counted.hauls {
            let table = self.table(table)?;
            let columns = haul.columns.iter().filter_map(|at| table.columns.get(at)).map(|column| column.name.clone()).collect();
            let (verdict, name) = (Verdict::ALL[place], table.name.clone());
            attack.hauls.push(Haul { actor, table: name, verdict, rows: haul.rows, cells: haul.cells, columns });
        }
        let mut columns: HashMap<u32, (u32, ColumnSet)> = HashMap::new();
        for ((basis, actor), taken) in counted.taken {
            let Some(outcome) = attack.outcomes.iter_mut().find(|outcome| outcome.basis == basis) else { continue };
            let known = columns.entry(basis).or_insert((taken.table, ColumnSet::default()));
            known.1 = ColumnSet(known.1.0 | taken.columns.0);
            outcome.taken.push(Taken { actor, ..taken.taken });
        }
        for outcome in &mut attack.outcomes {
            let Some((table, columns)) = columns.get(&outcome.basis) else { continue };
            let table = self.table(*table)?;
            outcome.columns = columns.iter().filter_map(|at| table.columns.get(at)).map(|column| column.name.clone()).collect();
        }
        Ok(())
    }
}

/// A value as a page may show it: as many dots as it has characters, for card data always four.
fn masked(column: &crate::Column, length: Option<usize>) -> String {
    const SHOWN_MAX: usize = 16;
    match (length, column.meaning.is_some_and(kintsugi_case::FieldMeaning::is_card_secret)) {
        (None, _) => "NULL".into(),
        (Some(_), true) => "••••".into(),
        (Some(length), false) => "•".repeat(length.min(SHOWN_MAX)),
    }
}

/// The actor of a line, among runs of lines in order of which no two share a line.
pub fn actor_of(lines: &[ActorLines], line: EvidenceLine) -> Option<u32> {
    let after = lines.partition_point(|run| run.first <= line);
    let run = lines[..after].last()?;
    (run.first.evidence == line.evidence && run.last >= line.line).then_some(run.actor)
}

#[derive(Default)]
struct Read {
    attack: Attack,
    lines: Vec<ActorLines>,
    /// The shape of each basis.
    links: HashMap<u32, u32>,
}

impl Read {
    fn add(&mut self, part: AttackPart) {
        match part {
            AttackPart::Actor(actor) => self.attack.actors.push(actor),
            AttackPart::Shape(shape) => self.attack.shapes.push(shape),
            AttackPart::Group(group) => self.attack.groups.push(group),
            AttackPart::Lines(lines) => self.lines.push(lines),
            AttackPart::Basis { shape, basis } => drop(self.links.insert(basis, shape)),
            AttackPart::Sample(_) => {}
        }
    }
}

/// Cells by verdict, and what each actor got on each basis.
#[derive(Default)]
struct Counted {
    cells: [u64; 3],
    taken: BTreeMap<(u32, Option<u32>), TakenOf>,
    /// By actor, table and the verdict's place in [`Verdict::ALL`].
    hauls: BTreeMap<(Option<u32>, u32, usize), HaulOf>,
}

#[derive(Default)]
struct HaulOf {
    columns: ColumnSet,
    rows: u64,
    cells: u64,
}

struct TakenOf {
    table: u32,
    columns: ColumnSet,
    taken: Taken,
}

impl Counted {
    fn row(&mut self, exposures: &[Exposure], lines: &[ActorLines]) {
        for conclusion in conclude(exposures) {
            self.cells[place(conclusion.first.verdict)] += u64::from(conclusion.columns.len());
        }
        self.hauls(exposures, lines);
        let mut of_row: BTreeMap<(u32, Option<u32>), (ColumnSet, i64, i64)> = BTreeMap::new();
        for exposure in exposures {
            let key = (exposure.basis.0, actor_of(lines, exposure.line));
            let at = exposure.at_ms;
            let known = of_row.entry(key).or_insert((ColumnSet::default(), at, at));
            *known = (ColumnSet(known.0.0 | exposure.columns.0), known.1.min(at), known.2.max(at));
        }
        for (key, (columns, first, last)) in of_row {
            let empty = || TakenOf { table: exposures[0].table, columns: ColumnSet::default(), taken: Taken::default() };
            let of = self.taken.entry(key).or_insert_with(empty);
            of.columns = ColumnSet(of.columns.0 | columns.0);
            let taken = &mut of.taken;
            taken.first_at_ms = if taken.rows == 0 { first } else { taken.first_at_ms.min(first) };
            taken.last_at_ms = taken.last_at_ms.max(last);
            taken.rows += 1;
            taken.cells += u64::from(columns.len());
        }
    }
}

impl Counted {
    /// What each actor got of a row.
    fn hauls(&mut self, exposures: &[Exposure], lines: &[ActorLines]) {
        let mut by_actor: BTreeMap<Option<u32>, Vec<Exposure>> = BTreeMap::new();
        for exposure in exposures {
            by_actor.entry(actor_of(lines, exposure.line)).or_default().push(exposure.clone());
        }
        for (actor, exposures) in by_actor {
            let mut of_row: BTreeMap<usize, ColumnSet> = BTreeMap::new();
            for conclusion in conclude(&exposures) {
                let known = of_row.entry(place(conclusion.first.verdict)).or_default();
                *known = ColumnSet(known.0 | conclusion.columns.0);
            }
            for (place, columns) in of_row {
                let haul = self.hauls.entry((actor, exposures[0].table, place)).or_default();
                haul.columns = ColumnSet(haul.columns.0 | columns.0);
                haul.rows += 1;
                haul.cells += u64::from(columns.len());
            }
        }
    }
}

/// A verdict's place in [`Verdict::ALL`].
fn place(verdict: Verdict) -> usize {
    Verdict::ALL.iter().position(|one| *one == verdict).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::actor_of;
    use kintsugi_case::{ActorLines, EvidenceId, EvidenceLine};

    #[test]
    fn a_line_belongs_to_the_run_that_holds_it() {
        let line = |evidence, line| EvidenceLine { evidence: EvidenceId(evidence), line };
        let run = |first, last, actor| ActorLines { first: line(1, first), last, actor };
        let runs = [run(1, 4, 1), run(5, 7, 2), run(8, 90, 1), run(100, 200, 3)];
        let found = [3, 6, 8, 90, 91, 150].map(|at| actor_of(&runs, line(1, at)));
        assert_eq!(found, [Some(1), Some(2), Some(1), Some(1), None, Some(3)]);
        assert_eq!(actor_of(&runs, line(2, 6)), None);
    }
}
