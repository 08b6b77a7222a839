//! Corrections: what a person's notice said, against what is true of them in a later scope version. Whom to tell is
//! planned in `outbox`; the words are `kintsugi-notify`'s.

use std::collections::{BTreeMap, BTreeSet};

use kintsugi_case::{Conservation, ExposedRecord, FieldMeaning, NoticeKind, NoticeNumber, PersonId, Verdict};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};

use crate::error::During;
use crate::outbox::{LEFT, TOLD_BEFORE};
use crate::rows::{Cell, Columns, Marks, arguments, as_i64, fields_of};
use crate::{Result, Store};

/// Persons of one look-up.
const PERSONS_MAX: usize = 500;

/// What an earlier notice told a person.
#[derive(Clone, Debug)]
pub struct ToldBefore {
    /// Its number.
    pub number: NoticeNumber,
    /// When it came to where it stands: when the mail server took it, as far as is known.
    pub at_ms: i64,
    /// What it said was, or may have been, taken.
    pub exposed: Vec<ExposedRecord>,
}

/// How surely each field of each record was said to be taken.
type Answer = BTreeMap<(String, FieldMeaning), Verdict>;

/// What a new answer is to somebody who was given an earlier one.
fn kind_of(before: &Answer, now: &Answer) -> NoticeKind {
    if now.is_empty() {
        return NoticeKind::Cleared;
    }
    let rose = now.iter().any(|(what, verdict)| before.get(what).is_none_or(|was| was < verdict));
    let fell = before.iter().any(|(what, was)| now.get(what).is_none_or(|verdict| verdict < was));
    match (rose, fell) {
        (true, false) => NoticeKind::More,
        (false, true) => NoticeKind::Less,
        _ => NoticeKind::Changed,
    }
}

/// The notice that told each of these persons something before this version, or may have: the newest that left.
pub(crate) struct Earlier {
    pub(crate) serial: u64,
    pub(crate) scope_version: u32,
    pub(crate) at_ms: i64,
    pub(crate) told: Vec<u8>,
}

/// What the newest notices that left before `scope` are, of persons in this range of numbers.
pub(crate) async fn earlier_page(
    connection: &mut AnyConnection,
    scope: u32,
    (after, last): (u64, u64),
) -> Result<BTreeMap<PersonId, Earlier>> {
    let sql = format!(
        "SELECT person, serial, scope_version, changed_at_ms, told FROM notice WHERE person > $1 AND person <= $2 \
         AND scope_version < $3 AND channel = 'mail' AND state IN {LEFT} ORDER BY person, serial"
    );
    let query = sqlx::query(AssertSqlSafe(sql)).bind(as_i64(after)).bind(as_i64(last)).bind(i64::from(scope));
    let rows = query.fetch_all(connection).await.during("read what persons were told")?;
    // The newest comes last and stays.
    rows.iter().map(|row| Ok((PersonId(row.count("person")?), earlier(row)?))).collect()
}

fn earlier(row: &AnyRow) -> Result<Earlier> {
    Ok(Earlier {
        serial: row.count("serial")?,
        scope_version: row.small("scope_version")?,
        at_ms: row.int("changed_at_ms")?,
        told: row.bytes("told")?,
    })
}

/// What each of these persons is to be told, by what they were told before.
pub(crate) async fn kinds(
    connection: &mut AnyConnection,
    scope: u32,
    told: &BTreeMap<PersonId, Earlier>,
    persons: &[PersonId],
) -> Result<BTreeMap<PersonId, NoticeKind>> {
    let mut by_version: BTreeMap<u32, Vec<PersonId>> = BTreeMap::new();
    for person in persons {
        if let Some(earlier) = told.get(person) {
            by_version.entry(earlier.scope_version).or_default().push(*person);
        }
    }
    let mut kinds = BTreeMap::new();
    for (version, persons) in by_version {
        for some in persons.chunks(PERSONS_MAX) {
            let before = answers(connection, version, some).await?;
            let now = answers(connection, scope, some).await?;
            let of = |answers: &BTreeMap<PersonId, Answer>, person| answers.get(person).cloned().unwrap_or_default();
            kinds.extend(some.iter().map(|person| (*person, kind_of(&of(&before, person), &of(&now, person)))));
        }
    }
    Ok(kinds)
}

/// What a version says of these persons: the strongest verdict of each personal field of each record, excluded ones left out.
async fn answers(connection: &mut AnyConnection, scope: u32, persons: &[PersonId]) -> Result<BTreeMap<PersonId, Answer>> {
    let marks = Marks::of(connection);
    let sql = format!(
        "SELECT person, source, source_table, record_key, fields, verdict FROM exposed_record WHERE scope_version = {} \
         AND verdict <> 'excluded' AND person IN ({})",
        marks.one(1),
        marks.list(2, persons.len())
    );
    let cells = std::iter::once(scope.into()).chain(persons.iter().map(|person| Cell::from(person.0)));
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments(cells).during("read what persons were told")?);
    let mut found: BTreeMap<PersonId, Answer> = BTreeMap::new();
    for row in query.fetch_all(connection).await.during("read what persons were told")? {
        let record = [row.text("source")?, row.text("source_table")?, row.text("record_key")?].join("\u{1f}");
        let verdict = row.verdict("verdict")?;
        let answer = found.entry(PersonId(row.count("person")?)).or_default();
        for field in fields_of(&row.text("fields")?)?.into_iter().filter(|field| field.is_personal()) {
            let known = answer.entry((record.clone(), field)).or_insert(verdict);
            *known = verdict.max(*known);
        }
    }
    Ok(found)
}

impl Store {
    /// What these persons were told before this version.
    pub(crate) async fn told_before(
        &self,
        scope: u32,
        persons: &BTreeSet<PersonId>,
        year: u16,
    ) -> Result<BTreeMap<PersonId, ToldBefore>> {
        let (Some(first), Some(last)) = (persons.first(), persons.last()) else { return Ok(BTreeMap::new()) };
        let mut connection = self.reader().acquire().await.during("read what persons were told")?;
        let mut found = earlier_page(&mut connection, scope, (first.0.saturating_sub(1), last.0)).await?;
        found.retain(|person, _| persons.contains(person));
        drop(connection);
        let mut by_version: BTreeMap<u32, Vec<PersonId>> = BTreeMap::new();
        found.iter().for_each(|(person, earlier)| by_version.entry(earlier.scope_version).or_default().push(*person));
        let mut told = BTreeMap::new();
        for (version, persons) in by_version {
            let mut exposed = self.exposed_of(self.reader(), version, &persons).await?;
            for person in persons {
                let mut exposed = exposed.remove(&person).unwrap_or_default();
                exposed.retain(|record| record.verdict > Verdict::Excluded);
                let Earlier { serial, at_ms, .. } = found[&person];
                told.insert(person, ToldBefore { number: NoticeNumber::new(year, serial), at_ms, exposed });
            }
        }
        Ok(told)
    }

    /// Where the persons stand who were told before and of whom nothing is concerned in this version any more: each is
    /// owed a correction. Counted like [`Store::conservation`].
    pub async fn conservation_of_cleared(&self, scope: u32) -> Result<Conservation> {
        let sql = format!(
            "SELECT COALESCE(n.state, (SELECT b.state FROM notice b WHERE b.serial = ({TOLD_BEFORE})), '') AS state, \
             COUNT(*) AS n FROM person p LEFT JOIN notice n ON n.person = p.id AND n.scope_version = p.scope_version \
             AND n.channel = 'mail' WHERE p.scope_version = $1 AND COALESCE(p.verdict, '') NOT IN ('proved', 'possible') \
             AND EXISTS (SELECT 1 FROM notice o WHERE o.person = p.id AND o.channel = 'mail' AND o.scope_version < $1 \
             AND o.state IN {LEFT}) GROUP BY 1"
        );
        self.conservation_by(sql, scope).await
    }

    /// Persons who were told before and are not in this version at all: merged into others, or gone from the source.
    /// Nothing is sent to them by itself; the plan names their number.
    pub async fn told_and_gone(&self, scope: u32) -> Result<u64> {
        let sql = format!(
            "SELECT COUNT(DISTINCT n.person) AS n FROM notice n WHERE n.scope_version < $1 AND n.state IN {LEFT} \
             AND NOT EXISTS (SELECT 1 FROM person p WHERE p.scope_version = $1 AND p.id = n.person)"
        );
        let query = sqlx::query(AssertSqlSafe(sql)).bind(i64::from(scope));
        query.fetch_one(self.reader()).await.during("count who is gone")?.count("n")
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::FieldMeaning::{CardCode, CardNumber};
    use kintsugi_case::NoticeKind::{Changed, Cleared, Less, More};
    use kintsugi_case::Verdict::{Possible, Proved};
    use kintsugi_case::{FieldMeaning, NoticeKind, Verdict};

    use super::kind_of;

    fn check(before: &[(FieldMeaning, Verdict)], now: &[(FieldMeaning, Verdict)], expected: NoticeKind) {
        let answer = |of: &[(FieldMeaning, Verdict)]| of.iter().map(|(field, v)| (("1".to_owned(), *field), *v)).collect();
        assert_eq!(kind_of(&answer(before), &answer(now)), expected, "{before:?} {now:?}");
    }

    #[test]
    fn a_correction_says_in_which_direction() {
        check(&[(CardNumber, Possible)], &[(CardNumber, Proved)], More);
        check(&[(CardNumber, Proved)], &[(CardNumber, Proved), (CardCode, Possible)], More);
        check(&[(CardNumber, Proved), (CardCode, Possible)], &[(CardNumber, Proved)], Less);
        check(&[(CardNumber, Proved)], &[(CardNumber, Possible)], Less);
        check(&[(CardNumber, Proved)], &[(CardCode, Proved)], Changed);
        check(&[(CardNumber, Proved)], &[], Cleared);
        check(&[], &[(CardNumber, Possible)], More);
    }
}
