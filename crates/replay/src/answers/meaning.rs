//! What two looks mean where neither a known answer nor the snapshot tells: a search narrows by its answers, so that read the
//! wrong way round they contradict each other. Both readings are tried on the questions of one statement; the one that
//! leaves values without contradiction is taken, and if both do, or neither, the answers stay unread.

use std::collections::{BTreeMap, HashMap};

use super::knowledge::{Knowledge, Standing};
use super::looks::{Look, Looks};
use super::values::Library;
use super::{Asked, Rows};
use crate::conclusion::unnumbered;
use crate::investigation::Shape;

/// Positions of values that a reading is tried on.
const POSITIONS_MAX: usize = 256;
/// Positions that must be determined before a reading is believed.
const DETERMINED_MIN: usize = 3;
/// How much of a group's pages the two looks must be.
const COVERED_MIN: f64 = 0.9;

/// Questions of one statement about one value each.
#[derive(Default)]
struct Group<'a> {
    shapes: Vec<usize>,
    values: Vec<Vec<&'a Asked>>,
    looks: BTreeMap<Look, usize>,
    /// Something else does not tell what all of them mean.
    unread: bool,
}

/// Learns what the looks of questions mean that nothing else tells.
pub(super) fn learn(looks: &mut Looks, rows: &Rows<'_>, shapes: &[Shape], library: &mut Library<'_>) -> rusqlite::Result<()> {
    for group in groups(looks, rows, shapes).values().filter(|group| group.unread) {
        let Some((one, other)) = group.two_looks() else { continue };
        let mut tried = Vec::new();
        for (yes, no) in [(one, other), (other, one)] {
            let meaning = HashMap::from([(yes, true), (no, false)]);
            group.shapes.iter().for_each(|shape| drop(looks.meanings.insert(*shape, meaning.clone())));
            tried.push((group.standings(looks, shapes, library)?, meaning));
        }
        let [(first, a), (second, b)] = &tried[..] else { continue };
        let meaning = match (first.is_consistent(), second.is_consistent()) {
            (true, false) => Some(a),
            (false, true) => Some(b),
            _ => None,
        };
        for shape in &group.shapes {
            match meaning {
                Some(meaning) => looks.meanings.insert(*shape, meaning.clone()),
                None => looks.meanings.remove(shape),
            };
        }
    }
    Ok(())
}

/// The questions whose answers show in the page, by endpoint and the statement around them.
fn groups<'a>(looks: &Looks, rows: &Rows<'a>, shapes: &'a [Shape]) -> BTreeMap<(usize, String), Group<'a>> {
    let mut groups: BTreeMap<(usize, String), Group<'_>> = BTreeMap::new();
    for questions in rows.values().flat_map(BTreeMap::values) {
        let mut touched: BTreeMap<(usize, String), Vec<&Asked>> = BTreeMap::new();
        for &asked in questions {
            let shape = &shapes[asked.shape];
            let Some((plan, _)) = shape.asks() else { continue };
            if !asked.expected.by_time() && asked.expected.differs() {
                touched.entry((shape.endpoint, unnumbered(&plan.text))).or_default().push(asked);
            }
        }
        for (key, questions) in touched {
            let endpoint = key.0;
            let group = groups.entry(key).or_default();
            for asked in &questions {
                *group.looks.entry(looks.look(endpoint, asked)).or_default() += 1;
                group.unread |= looks.read(&shapes[asked.shape], asked).is_none();
                if !group.shapes.contains(&asked.shape) {
                    group.shapes.push(asked.shape);
                }
            }
            group.values.push(questions);
        }
    }
    groups
}

/// How positions stand under a reading.
#[derive(Clone, Copy, Debug, Default)]
struct Standings {
    determined: usize,
    contradicted: usize,
}

impl Standings {
    /// Nearly everything fits: servers stumble now and then.
    fn is_consistent(self) -> bool {
        self.determined >= DETERMINED_MIN && self.contradicted * 20 <= self.determined
    }
}

impl Group<'_> {
    /// The two looks that nearly all pages have.
    fn two_looks(&self) -> Option<(Look, Look)> {
        let mut counted: Vec<(usize, Look)> = self.looks.iter().map(|(look, count)| (*count, *look)).collect();
        counted.sort_unstable_by(|a, b| b.cmp(a));
        let all: usize = counted.iter().map(|(count, _)| count).sum();
        let [(most, one), (fewer, other), ..] = counted[..] else { return None };
        ((most + fewer) as f64 >= COVERED_MIN * all as f64).then_some((one, other))
    }

    fn standings(&self, looks: &Looks, shapes: &[Shape], library: &mut Library<'_>) -> rusqlite::Result<Standings> {
        let mut standings = Standings::default();
        for questions in &self.values {
            let known = Knowledge::of(questions, false, shapes, looks, library)?;
            let positions: Vec<usize> = known.positions().collect();
            for at in positions {
                match known.standing(at, &[], library)? {
                    Standing::Known(_) => standings.determined += 1,
                    Standing::Contradicted => standings.contradicted += 1,
                    Standing::Open => {}
                }
            }
            if standings.determined + standings.contradicted >= POSITIONS_MAX {
                break;
            }
        }
        Ok(standings)
    }
}
