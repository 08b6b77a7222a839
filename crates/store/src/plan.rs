//! Plans of what is to be told, and approvals: a plan names the scope version, the hash of everything that makes the words,
//! and how many notices of which kind there are; a second person approves exactly that. What is told later is compared
//! with it, so that any change voids the approval.

use std::fmt::Write as _;

use kintsugi_case::{Channel, Language, NoticeKind, PersonId, PersonProfile, Urgency, Verdict};
use kintsugi_vault::Purpose;
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::database::Alone;
use crate::error::During;
use crate::rows::{Columns, Insert, as_i64, storable};
use crate::{Error, Result, Store, sealed};

/// How many notices of one sort a version has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanLine {
    /// What they are to their persons.
    pub kind: NoticeKind,
    /// In which language.
    pub language: Language,
    /// The strongest verdict; none for persons who are cleared.
    pub verdict: Option<Verdict>,
    /// Whether they go by mail; else the person has no mail address.
    pub by_mail: bool,
    /// How many.
    pub notices: u64,
}

/// What is to be told: everything that an approval covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanContent {
    /// The scope version.
    pub scope_version: u32,
    /// Its digest.
    pub scope_digest: String,
    /// The way, and the occasion.
    pub channel: Channel,
    /// Names and SHA-256 of what makes the words: the templates, and the settings that stand in every mail.
    pub words: Vec<(String, String)>,
    /// The counts.
    pub lines: Vec<PlanLine>,
}

impl PlanContent {
    /// The canonical text: one line each, in a stated order.
    pub fn text(&self) -> String {
        let mut text = format!("scope {} {}\n", self.scope_version, self.scope_digest);
        if self.channel != Channel::Mail {
            let _ = writeln!(text, "occasion {}", self.channel.name());
        }
        for (name, hash) in &self.words {
            let _ = writeln!(text, "words {name} {hash}");
        }
        for line in &self.lines {
            let verdict = line.verdict.map_or("none", Verdict::name);
            let way = if line.by_mail { "mail" } else { "no_address" };
            let _ = writeln!(text, "notices {} {} {verdict} {way} {}", line.kind.name(), line.language.tag(), line.notices);
        }
        text
    }

    /// SHA-256 of [`PlanContent::text`], lower-case hex.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.text().as_bytes()))
    }

    /// What differs in `now` from this: one sentence each, for staff.
    pub fn changes_to(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        if (self.scope_version, &self.scope_digest) != (now.scope_version, &now.scope_digest) {
            changes.push(format!("the scope version was {} and is {}", self.scope_version, now.scope_version));
        }
        for (name, hash) in &now.words {
            let before = self.words.iter().find(|(known, _)| known == name).map(|(_, hash)| hash);
            if before != Some(hash) {
                changes.push(format!("{name} is different"));
            }
        }
        let gone = self.words.iter().filter(|(name, _)| !now.words.iter().any(|(known, _)| known == name));
        changes.extend(gone.map(|(name, _)| format!("{name} is gone")));
        if self.lines != now.lines {
            let sum = |content: &Self| content.lines.iter().map(|line| line.notices).sum::<u64>();
            changes.push(format!("the counts are different: {} notices were planned, there are {}", sum(self), sum(now)));
        }
        changes
    }
}

/// A plan as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// From 1, rising.
    pub number: u32,
    /// When.
    pub planned_at_ms: i64,
    /// By whom.
    pub planned_by: String,
    /// The digest of its content.
    pub digest: String,
    /// Its content.
    pub content: PlanContent,
    /// What staff see besides: edge classes and the forecast, as the planner's program wrote them (name, value).
    pub remarks: Vec<(String, String)>,
    /// The approval, where there is one that holds.
    pub approval: Option<Approval>,
}

/// A second person's approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// When.
    pub at_ms: i64,
    /// By whom.
    pub by: String,
}

/// Why a plan was not approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotApproved {
    /// Whoever planned cannot approve.
    SamePerson,
    /// It is not the newest plan, its digest is another one, or a newer scope version is frozen.
    Overtaken,
    /// It is approved already.
    Already,
}

/// A notice of a version with the person it goes to, for previews and counts.
#[derive(Clone, Debug)]
pub struct PlannedNotice {
    /// Its place in the case.
    pub serial: u64,
    /// To whom.
    pub person: PersonId,
    /// What it is to them.
    pub kind: NoticeKind,
    /// How they are addressed and reached.
    pub profile: PersonProfile,
    /// Whether another person of the version who gets a notice has the same mail address.
    pub shares_address: bool,
}

/// Approved plans among which that of an occasion is looked for.
const APPROVED_MAX: u32 = 100;

impl Store {
    /// The notices of a version, counted by what an approval names.
    pub async fn plan_lines(&self, scope: u32, channel: Channel) -> Result<Vec<PlanLine>> {
        let sql = "SELECT n.kind AS kind, p.language AS language, COALESCE(p.verdict, '') AS verdict, \
                   CASE WHEN p.mail_index IS NULL THEN 0 ELSE 1 END AS by_mail, COUNT(*) AS n FROM notice n \
                   JOIN person p ON p.id = n.person AND p.scope_version = n.scope_version WHERE n.scope_version = $1 \
                   AND n.channel = $2 GROUP BY 1, 2, 3, 4";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(channel.name());
        let rows = query.fetch_all(self.reader()).await.during("count what is planned")?;
        let mut lines = rows.iter().map(line).collect::<Result<Vec<_>>>()?;
        lines.sort_by_key(|line| (line.kind, line.language, std::cmp::Reverse(line.verdict), !line.by_mail));
        Ok(lines)
    }

    /// How many affected persons of a version are of each urgency, most urgent first; those frozen before there were
    /// urgencies are of none.
    pub async fn urgencies(&self, scope: u32) -> Result<Vec<(Option<Urgency>, u64)>> {
        let sql = "SELECT urgency, COUNT(*) AS n FROM person WHERE scope_version = $1 AND verdict IN ('proved', 'possible') \
                   GROUP BY urgency ORDER BY urgency";
        let query = sqlx::query(sql).bind(i64::from(scope));
        let rows = query.fetch_all(self.reader()).await.during("count how urgent notices are")?;
        let ranked = |rank: u32| Urgency::ALL.into_iter().find(|urgency| urgency.rank() == rank);
        rows.iter().map(|row| Ok((ranked(row.small("urgency")?), row.count("n")?))).collect()
    }

    /// Writes a plan down, unless the newest one is the same and from the same person; gives its number.
    pub async fn put_plan(&self, content: &PlanContent, by: &str, remarks: &[(String, String)], now_ms: i64) -> Result<u32> {
        let operation = "write down a plan";
        let newest = self.newest_plan().await?;
        if let Some(plan) = newest.as_ref().filter(|plan| (&plan.digest, plan.planned_by.as_str()) == (&content.digest(), by)) {
            return Ok(plan.number);
        }
        let mut transaction = self.begin_alone(Alone::Approve, operation).await?;
        let last = sqlx::query("SELECT COALESCE(MAX(number), 0) AS n FROM plan").fetch_one(&mut *transaction).await;
        let number = last.during(operation)?.small("n")? + 1;
        let mut insert: Insert<6> =
            Insert::new("INSERT INTO plan (number, planned_at_ms, planned_by, scope_version, digest, body)");
        let (digest, body) = (content.digest(), body(content, remarks));
        let by = storable(by);
        insert.push([number.into(), now_ms.into(), (&by).into(), content.scope_version.into(), (&digest).into(), (&body).into()]);
        insert.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(number)
    }

    /// The newest plan.
    pub async fn newest_plan(&self) -> Result<Option<PlanRecord>> {
        Ok(self.plans_where("1 = 1", 1).await?.pop())
    }

    /// The newest plan of this occasion that has an approval which holds.
    pub async fn approved_plan(&self, channel: Channel) -> Result<Option<PlanRecord>> {
        let found = self.plans_where("a.approved_by IS NOT NULL", APPROVED_MAX).await?;
        let newest = found.into_iter().find(|plan| plan.content.channel == channel);
        Ok(newest.filter(|plan| plan.approval.is_some()))
    }

    async fn plans_where(&self, condition: &'static str, limit: u32) -> Result<Vec<PlanRecord>> {
        let sql = format!(
            "SELECT p.number AS number, p.planned_at_ms AS planned_at_ms, p.planned_by AS planned_by, p.digest AS digest, \
             p.body AS body, a.approved_at_ms AS approved_at_ms, a.approved_by AS approved_by, a.digest AS approved_digest, \
             a.seal AS seal FROM plan p LEFT JOIN approval a ON a.plan = p.number WHERE {condition} \
             ORDER BY p.number DESC LIMIT {limit}"
        );
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(self.reader()).await.during("read plans")?;
        rows.iter().map(|row| self.plan(row)).collect()
    }

    fn plan(&self, row: &AnyRow) -> Result<PlanRecord> {
        let (content, remarks) = read_body(&row.text("body")?).ok_or(Error::Value { what: "plan" })?;
        let mut plan = PlanRecord {
            number: row.small("number")?,
            planned_at_ms: row.int("planned_at_ms")?,
            planned_by: row.text("planned_by")?,
            digest: row.text("digest")?,
            content,
            remarks,
            approval: None,
        };
        if let Some(by) = row.maybe_text("approved_by")? {
            let at_ms = row.maybe_int("approved_at_ms")?.unwrap_or_default();
            let sealed = row.bytes("seal")? == self.approval_seal(plan.number, &plan.digest, &by, at_ms);
            let same = row.text("approved_digest")? == plan.digest && plan.digest == plan.content.digest();
            let other = !same_person(&by, &plan.planned_by);
            plan.approval = (sealed && same && other).then_some(Approval { at_ms, by });
        }
        Ok(plan)
    }

    /// Approves the newest plan, which must be this one and of this digest, as somebody else than who planned it.
    pub async fn approve_plan(
        &self,
        number: u32,
        digest: &str,
        by: &str,
        now_ms: i64,
    ) -> Result<std::result::Result<(), NotApproved>> {
        let operation = "approve a plan";
        let mut transaction = self.begin_alone(Alone::Approve, operation).await?;
        let (newest, scope) = (self.newest_plan().await?, crate::scope::newest(&mut transaction).await?);
        let Some(plan) = newest.filter(|plan| plan.number == number && plan.digest == digest) else {
            return Ok(Err(NotApproved::Overtaken));
        };
        if scope.is_none_or(|scope| scope.number != plan.content.scope_version) {
            return Ok(Err(NotApproved::Overtaken));
        }
        if same_person(by, &plan.planned_by) {
            return Ok(Err(NotApproved::SamePerson));
        }
        if plan.approval.is_some() {
            return Ok(Err(NotApproved::Already));
        }
        let by = storable(by);
        let mut insert: Insert<5> = Insert::new("INSERT INTO approval (plan, approved_at_ms, approved_by, digest, seal)");
        let seal = self.approval_seal(number, digest, &by, now_ms);
        insert.push([number.into(), now_ms.into(), (&by).into(), digest.into(), seal.into()]);
        insert.write_all(&mut transaction, operation).await?;
        transaction.commit().await.during(operation)?;
        Ok(Ok(()))
    }

    /// Keyed, so that whoever can write to the database but lacks the case key cannot approve.
    fn approval_seal(&self, number: u32, digest: &str, by: &str, at_ms: i64) -> Vec<u8> {
        self.keys.blind_index(Purpose::Audit, &format!("approval\0{number}\0{digest}\0{by}\0{at_ms}")).to_vec()
    }

    /// Up to `limit` notices of a version after this serial, with their persons.
    pub async fn planned_notices(&self, (scope, channel): (u32, Channel), after: u64, limit: u32) -> Result<Vec<PlannedNotice>> {
        let sql = "SELECT n.serial AS serial, n.person AS person, n.kind AS kind, p.profile AS profile, p.language AS language, \
                   CASE WHEN p.mail_index IS NOT NULL AND EXISTS (SELECT 1 FROM person o JOIN notice m ON m.person = o.id \
                   AND m.scope_version = o.scope_version WHERE o.mail_index = p.mail_index AND o.scope_version = p.scope_version \
                   AND o.id <> p.id) THEN 1 ELSE 0 END AS shared FROM notice n JOIN person p ON p.id = n.person \
                   AND p.scope_version = n.scope_version WHERE n.scope_version = $1 AND n.serial > $2 AND n.channel = $4 \
                   ORDER BY n.serial LIMIT $3";
        let query = sqlx::query(sql).bind(i64::from(scope)).bind(as_i64(after)).bind(i64::from(limit)).bind(channel.name());
        let rows = query.fetch_all(self.reader()).await.during("read what is planned")?;
        rows.iter().map(|row| self.planned_notice(row)).collect()
    }

    fn planned_notice(&self, row: &AnyRow) -> Result<PlannedNotice> {
        let person = PersonId(row.count("person")?);
        Ok(PlannedNotice {
            serial: row.count("serial")?,
            person,
            kind: kind(row)?,
            profile: sealed::open_profile(&self.keys, person, &row.bytes("profile")?, row.language("language")?)?,
            shares_address: row.int("shared")? == 1,
        })
    }
}

/// Names are compared as people read them.
fn same_person(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// What a row's notice is to its person.
pub(crate) fn kind(row: &AnyRow) -> Result<NoticeKind> {
    NoticeKind::from_name(&row.text("kind")?).ok_or(Error::Value { what: "kind of notice" })
}

fn line(row: &AnyRow) -> Result<PlanLine> {
    let verdict = row.text("verdict")?;
    Ok(PlanLine {
        kind: kind(row)?,
        language: row.language("language")?,
        verdict: (!verdict.is_empty()).then(|| row.verdict("verdict")).transpose()?,
        by_mail: row.int("by_mail")? == 1,
        notices: row.count("n")?,
    })
}

/// The canonical text, then the remarks.
fn body(content: &PlanContent, remarks: &[(String, String)]) -> String {
    let one_line = |text: &str| text.replace(['\n', '\t'], " ");
    let remarks = remarks.iter().map(|(name, value)| format!("remark {}\t{}\n", one_line(name), one_line(value)));
    content.text() + &remarks.collect::<String>()
}

fn read_body(text: &str) -> Option<(PlanContent, Vec<(String, String)>)> {
    let (words, lines) = (Vec::new(), Vec::new());
    let mut content = PlanContent { scope_version: 0, scope_digest: String::new(), channel: Channel::Mail, words, lines };
    let mut remarks = Vec::new();
    for line in text.lines() {
        let (sort, rest) = line.split_once(' ')?;
        match sort {
            "scope" => {
                let (number, digest) = rest.split_once(' ')?;
                (content.scope_version, content.scope_digest) = (number.parse().ok()?, digest.to_owned());
            }
            "occasion" => content.channel = Channel::from_name(rest)?,
            "words" => content.words.push(rest.rsplit_once(' ').map(|(name, hash)| (name.to_owned(), hash.to_owned()))?),
            "notices" => content.lines.push(read_line(rest)?),
            "remark" => remarks.push(rest.split_once('\t').map(|(name, value)| (name.to_owned(), value.to_owned()))?),
            _ => return None,
        }
    }
    Some((content, remarks))
}

fn read_line(text: &str) -> Option<PlanLine> {
    let [kind, language, verdict, way, notices] = <[&str; 5]>::try_from(text.split(' ').collect::<Vec<_>>()).ok()?;
    Some(PlanLine {
        kind: NoticeKind::from_name(kind)?,
        language: Language::from_tag(language)?,
        verdict: Verdict::from_name(verdict),
        by_mail: way == "mail",
        notices: notices.parse().ok()?,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{PlanContent, PlanLine, body, read_body};
    use kintsugi_case::{Language, NoticeKind, Verdict};

    fn content() -> PlanContent {
        let line = |kind, verdict, notices| PlanLine { kind, language: Language::Ja, verdict, by_mail: true, notices };
        PlanContent {
            channel: kintsugi_case::Channel::Mail,
            scope_version: 2,
            scope_digest: "ab".into(),
            words: vec![("notice.ja.txt".into(), "01".into()), ("settings of the case file".into(), "02".into())],
            lines: vec![line(NoticeKind::First, Some(Verdict::Proved), 7), line(NoticeKind::Cleared, None, 1)],
        }
    }

    #[test]
    fn a_plan_reads_back() {
        let remarks = vec![("no name".to_owned(), "3\nof 7".to_owned())];
        let read = read_body(&body(&content(), &remarks)).unwrap();
        assert_eq!(read, (content(), vec![("no name".into(), "3 of 7".into())]));
        assert_eq!(read.0.digest(), content().digest());
    }

    #[test]
    fn every_change_is_named() {
        let mut now = content();
        now.scope_version = 3;
        now.words[0].1 = "03".into();
        now.words.remove(1);
        now.lines[0].notices = 8;
        assert_eq!(
            content().changes_to(&now),
            [
                "the scope version was 2 and is 3",
                "notice.ja.txt is different",
                "settings of the case file is gone",
                "the counts are different: 8 notices were planned, there are 9"
            ]
        );
        assert!(content().changes_to(&content()).is_empty());
    }
}
