//! The picture in a terminal: who, when, in which phases, by which statements, what came of it, and what would settle the
//! doubts. It fits the width that it is given, makes sense without colour, and shows nothing of the intruder's raw.

use std::fmt::Write as _;

use kintsugi_case::{Actor, Attack, AttackGroup, AttackShape, Language, Outcome, Phase, Verdict, Volume};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::words::{Word, say, technique, verdict, with};
use super::{About, bytes, counted, number, plain, settle, span};
use crate::reason;

/// Actors shown one by one; those who got nothing beyond these are one line.
const ACTORS_MAX: usize = 6;
/// Shapes shown of a phase.
const SHAPES_MAX: usize = 3;
/// Lines of a statement shown.
const STATEMENT_LINES_MAX: usize = 3;
/// Doubts shown.
const DOUBTS_MAX: usize = 6;
/// No narrower than this, and no wider: a line that is too long is not read.
const WIDTH: std::ops::RangeInclusive<usize> = 60..=120;

/// The terminal.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Columns.
    pub width: usize,
    /// Whether it shows colours.
    pub colour: bool,
}

/// Draws the picture.
pub fn picture(attack: &Attack, about: &About<'_>, screen: Screen) -> String {
    let width = screen.width.clamp(*WIDTH.start(), *WIDTH.end()) - 2;
    let mut page = Page { text: String::new(), width, colour: screen.colour, language: about.language };
    page.head(attack, about);
    let ranked = attack.ranked();
    for (place, actor) in ranked.iter().take(ACTORS_MAX).enumerate() {
        page.actor(place + 1, actor, attack, about);
    }
    page.others(attack, &ranked);
    page.without_statement(attack);
    page.doubts(attack, about);
    page.text
}

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plain,
    Strong,
    Faint,
    Gold,
    Of(Verdict),
}

impl Look {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Strong => "1",
            Self::Faint => "2",
            Self::Gold | Self::Of(Verdict::Possible) => "33",
            Self::Of(Verdict::Proved) => "31",
            Self::Of(Verdict::Excluded) => "32",
        }
    }
}

type Piece<'a> = (Look, &'a str);

struct Page {
    text: String,
    width: usize,
    colour: bool,
    language: Language,
}

impl Page {
    fn head(&mut self, attack: &Attack, about: &About<'_>) {
        let as_of = with(Word::AsOf, self.language, &[&super::written(about.as_of_ms, about.zone, "%Y-%m-%d %H:%M %Z")]);
        let (title, heading) = (plain(about.title), say(Word::Attack, self.language));
        self.ends(0, &[(Look::Strong, heading), (Look::Plain, "  "), (Look::Plain, &title)], &[(Look::Faint, &as_of)]);
        self.seam();
        let Some((first, last)) = attack.span(None).filter(|_| attack.intruders().next().is_some()) else {
            return self.wrapped(0, 0, Look::Plain, say(Word::Nothing, self.language));
        };
        let (of_intruders, ..) = counted(attack);
        let when = span(first.at_ms, last.at_ms, about.zone);
        let statements = super::words::statements(of_intruders, self.language);
        self.ends(0, &[(Look::Plain, &when)], &[(Look::Plain, &statements)]);
        let cells: Vec<String> = Verdict::ALL.iter().zip(attack.cells).map(|(one, cells)| self.of_verdict(*one, cells)).collect();
        let looks = Verdict::ALL.map(Look::Of);
        let line = [(looks[0], cells[0].as_str()), (Look::Plain, "   "), (looks[1], &cells[1]), (Look::Plain, "   ")];
        self.line(0, &[&line[..], &[(looks[2], cells[2].as_str())]].concat());
    }

    /// `● proved 545,560 cells`
    fn of_verdict(&self, one: Verdict, cells: u64) -> String {
        let cells = with(Word::Cells, self.language, &[&number(self.language, cells)]);
        format!("{} {} {cells}", one.mark(), verdict(one, self.language))
    }

    fn actor(&mut self, place: usize, actor: &Actor, attack: &Attack, about: &About<'_>) {
        self.text.push('\n');
        let networks = plain(&listed(&actor.networks, 3));
        let name = if networks.is_empty() { say(Word::QueryLogAlone, self.language).to_owned() } else { networks };
        let count = super::words::statements(attack.volume(actor.id, None).statements, self.language);
        let label = format!("{place}  ");
        self.ends(0, &[(Look::Gold, &label), (Look::Strong, &name)], &[(Look::Plain, &count)]);
        let agent = plain(&listed(&actor.agents, 1));
        let agent = if agent.is_empty() { say(Word::NoAgent, self.language).to_owned() } else { agent };
        self.wrapped_at_most(3, 3, Look::Faint, &agent, 2);
        self.line(3, &[(Look::Faint, &self.known(actor, attack, about))]);
        self.hauls(actor, attack);
        self.phases(actor, attack);
        // Of those who got nothing it is enough to know what they were about.
        if place > 1 && !attack.hauls.iter().any(|haul| haul.actor == Some(actor.id)) {
            return;
        }
        for phase in [Phase::Data, Phase::Schema, Phase::Columns, Phase::Probing] {
            self.shapes(actor, attack, phase);
        }
    }

    /// Sessions, addresses and the time of an actor.
    fn known(&self, actor: &Actor, attack: &Attack, about: &About<'_>) -> String {
        let mut known = Vec::new();
        if let Some((first, last)) = attack.span(Some(actor.id)) {
            known.push(span(first.at_ms, last.at_ms, about.zone));
        }
        if actor.addresses.len() > 1 {
            known.push(with(Word::Addresses, self.language, &[&actor.addresses.len().to_string()]));
        }
        if !actor.sessions.is_empty() {
            known.push(with(Word::Session, self.language, &[&listed(&actor.sessions, 2)]));
        }
        known.join(" · ")
    }

    fn hauls(&mut self, actor: &Actor, attack: &Attack) {
        let mut any = false;
        for haul in attack.hauls.iter().filter(|haul| haul.actor == Some(actor.id)) {
            any = true;
            let (table, [cells, rows]) = (plain(&haul.table), [haul.cells, haul.rows].map(|count| number(self.language, count)));
            let took = with(Word::CellsOfRows, self.language, &[&table, &cells, &rows]);
            let mark = format!("{} {} ", haul.verdict.mark(), verdict(haul.verdict, self.language));
            let columns = format!("  {}", plain(&haul.columns.join(", ")));
            let room = self.width.saturating_sub(3 + mark.width() + took.width());
            self.line(3, &[(Look::Of(haul.verdict), &mark), (Look::Plain, &took), (Look::Faint, &cut(&columns, room))]);
        }
        if !any {
            self.line(3, &[(Look::Faint, say(Word::TookNothing, self.language))]);
        }
    }

    /// A line for each phase: how many, and when, as a row of small bars over the actor's time.
    fn phases(&mut self, actor: &Actor, attack: &Attack) {
        let Some((first, last)) = attack.span(Some(actor.id)) else { return };
        let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.label(self.language)).collect();
        let widest = names.iter().map(|name| name.width()).max().unwrap_or(0);
        let bars = self.width.saturating_sub(3 + widest + 12 + 12 + 4).min(64);
        self.text.push('\n');
        for (phase, name) in Phase::ALL.into_iter().zip(names) {
            let volume = attack.volume(actor.id, Some(phase));
            if volume.statements == 0 {
                continue;
            }
            let groups: Vec<&AttackGroup> = attack.groups_of(actor.id, phase).map(|(group, _)| group).collect();
            let label = format!("{name}{}", " ".repeat(widest - name.width()));
            let count = format!("{:>11} ", number(self.language, volume.statements));
            let drawn = bars_of(&groups, (first.at_ms, last.at_ms), bars);
            let size = format!(" {:>10}", bytes(volume.bytes));
            let look = if phase == Phase::Data { Look::Gold } else { Look::Plain };
            self.line(3, &[(Look::Plain, &label), (Look::Strong, &count), (look, &drawn), (Look::Faint, &size)]);
        }
    }

    fn shapes(&mut self, actor: &Actor, attack: &Attack, phase: Phase) {
        let mut groups: Vec<(&AttackGroup, &AttackShape)> = attack.groups_of(actor.id, phase).collect();
        if groups.is_empty() {
            return;
        }
        let cells = |group: &AttackGroup| Verdict::ALL.map(|one| taken(attack, group, one));
        groups.sort_by_key(|(group, _)| std::cmp::Reverse((cells(group), group.volume.statements)));
        self.text.push('\n');
        self.line(3, &[(Look::Strong, phase.label(self.language))]);
        let shown = if phase == Phase::Data { SHAPES_MAX + 2 } else { SHAPES_MAX };
        for (group, shape) in groups.iter().take(shown) {
            self.shape(group, shape, attack);
        }
        let rest: u64 = groups.iter().skip(shown).map(|(group, _)| group.volume.statements).sum();
        if rest > 0 {
            let counts = [(groups.len() - shown) as u64, rest].map(|count| number(self.language, count));
            let more = with(Word::MoreShapes, self.language, &[&counts[0], &counts[1]]);
            self.line(5, &[(Look::Faint, &more)]);
        }
    }

    fn shape(&mut self, group: &AttackGroup, shape: &AttackShape, attack: &Attack) {
        let sql = plain(shape.injected());
        if sql.is_empty() {
            let unread = with(Word::Unread, self.language, &[&plain(&shape.open)]);
            self.wrapped_at_most(5, 7, Look::Plain, &unread, STATEMENT_LINES_MAX);
        } else {
            self.wrapped_at_most(5, 7, Look::Plain, &sql, STATEMENT_LINES_MAX);
        }
        self.line(7, &[(Look::Faint, &self.facts(group, shape))]);
        let mut outcomes: Vec<&Outcome> = attack.outcomes_of(shape.id).collect();
        outcomes.sort_by_key(|outcome| std::cmp::Reverse((outcome.verdict, outcome.cells())));
        for outcome in outcomes.into_iter().take(SHAPES_MAX) {
            self.outcome(outcome, group.actor);
        }
        let (first, last) = (attack.place(group.first.line), attack.place(group.last.line));
        let places = if first == last { plain(&first) } else { format!("{} … {}", plain(&first), plain(&last)) };
        self.line(7, &[(Look::Faint, &cut(&places, self.width.saturating_sub(7)))]);
    }

    /// `GET /items id · 109,112 statements · 48.2 MB · rows in the page (UNION)`
    fn facts(&self, group: &AttackGroup, shape: &AttackShape) -> String {
        let Volume { statements, refused, bytes: sent } = group.volume;
        let mut facts = vec![plain(&shape.endpoint)];
        facts.push(super::words::statements(statements, self.language));
        if refused > 0 {
            facts.push(with(Word::Refused, self.language, &[&number(self.language, refused)]));
        }
        facts.push(bytes(sent));
        facts.extend(shape.technique.map(|one| technique(one, self.language).to_owned()));
        cut(&facts.join(" · "), self.width.saturating_sub(7))
    }

    fn outcome(&mut self, outcome: &Outcome, actor: u32) {
        let of_actor = outcome.taken.iter().filter(|taken| taken.actor == Some(actor));
        let (cells, rows) = of_actor.fold((0, 0), |sum, taken| (sum.0 + taken.cells, sum.1 + taken.rows));
        if cells == 0 {
            return;
        }
        let table = plain(&outcome.table);
        let took = with(Word::CellsOfRows, self.language, &[&table, &number(self.language, cells), &number(self.language, rows)]);
        let mark = format!("{} {} ", outcome.verdict.mark(), verdict(outcome.verdict, self.language));
        self.line(7, &[(Look::Of(outcome.verdict), &mark), (Look::Plain, &took)]);
        let agree = [outcome.agreeing, outcome.statements].map(|count| number(self.language, count));
        let agree = with(Word::Agree, self.language, &[&agree[0], &agree[1]]);
        self.wrapped_at_most(9, 9, Look::Faint, &format!("{} ({agree})", plain(&reason(&outcome.reason, self.language))), 2);
    }

    /// Those beyond the first few, and honest clients whose values came out as statements.
    fn others(&mut self, attack: &Attack, ranked: &[&Actor]) {
        let (_, values, clients) = counted(attack);
        let rest = ranked.get(ACTORS_MAX..).unwrap_or_default();
        if !rest.is_empty() {
            let statements: u64 = rest.iter().map(|actor| attack.volume(actor.id, None).statements).sum();
            let counts = [rest.len() as u64, statements].map(|count| number(self.language, count));
            self.text.push('\n');
            self.wrapped(0, 0, Look::Plain, &with(Word::MoreActors, self.language, &[&counts[0], &counts[1]]));
        }
        if clients > 0 {
            let counts = [clients, values].map(|count| number(self.language, count));
            self.text.push('\n');
            self.wrapped(0, 0, Look::Faint, &with(Word::Others, self.language, &[&counts[0], &counts[1]]));
        }
    }

    /// What rules without statements found.
    fn without_statement(&mut self, attack: &Attack) {
        let of_rules: Vec<&Outcome> =
            attack.outcomes.iter().filter(|outcome| outcome.shape.is_none() && outcome.cells() > 0).collect();
        if of_rules.is_empty() {
            return;
        }
        self.text.push('\n');
        self.line(0, &[(Look::Strong, say(Word::WithoutStatement, self.language))]);
        for outcome in of_rules {
            let [cells, rows] = [outcome.cells(), outcome.rows()].map(|count| number(self.language, count));
            let took = with(Word::CellsOfRows, self.language, &[&plain(&outcome.table), &cells, &rows]);
            let mark = format!("{} {} ", outcome.verdict.mark(), verdict(outcome.verdict, self.language));
            self.line(3, &[(Look::Of(outcome.verdict), &mark), (Look::Plain, &took)]);
            let why = plain(&reason(&outcome.reason, self.language));
            self.wrapped_at_most(5, 5, Look::Faint, &format!("{}: {why}", plain(&outcome.rule)), 2);
        }
    }

    fn doubts(&mut self, attack: &Attack, about: &About<'_>) {
        let doubts = settle(attack, self.language, about.zone);
        if doubts.is_empty() {
            return;
        }
        self.text.push('\n');
        self.line(0, &[(Look::Strong, say(Word::Settle, self.language))]);
        for doubt in doubts.iter().take(DOUBTS_MAX) {
            let cells = with(Word::Cells, self.language, &[&number(self.language, doubt.cells)]);
            let mark = format!("{} {} ", doubt.verdict.mark(), verdict(doubt.verdict, self.language));
            let tables = format!("  {}", plain(&doubt.tables.join(", ")));
            self.line(3, &[(Look::Of(doubt.verdict), &mark), (Look::Plain, &cells), (Look::Faint, &tables)]);
            self.wrapped_at_most(5, 5, Look::Faint, &plain(&doubt.reason), 2);
            for (_, words) in &doubt.by {
                self.wrapped(5, 7, Look::Plain, &format!("→ {words}"));
            }
        }
    }

    /// The gold seam under the heading.
    fn seam(&mut self) {
        let seam: String = "─".repeat(self.width);
        self.line(0, &[(Look::Gold, &seam)]);
    }

    fn line(&mut self, indent: usize, pieces: &[Piece<'_>]) {
        self.text.push_str(&" ".repeat(indent));
        pieces.iter().for_each(|piece| self.piece(*piece));
        let end = self.text.trim_end_matches(' ').len();
        self.text.truncate(end);
        self.text.push('\n');
    }

    fn piece(&mut self, (look, text): Piece<'_>) {
        match (self.colour, look.code()) {
            (true, code) if !code.is_empty() => {
                let _ = write!(self.text, "\u{1b}[{code}m{text}\u{1b}[0m");
            }
            _ => self.text.push_str(text),
        }
    }

    /// A line with something at each end; on two lines where one has no room.
    fn ends(&mut self, indent: usize, left: &[Piece<'_>], right: &[Piece<'_>]) {
        let width = |pieces: &[Piece<'_>]| pieces.iter().map(|(_, text)| text.width()).sum::<usize>();
        let used = indent + width(left) + width(right);
        if used + 2 > self.width {
            self.line(indent, left);
            return self.line(indent + 3, right);
        }
        let gap = " ".repeat(self.width - used);
        self.line(indent, &[left, &[(Look::Plain, gap.as_str())], right].concat());
    }

    fn wrapped(&mut self, indent: usize, hanging: usize, look: Look, text: &str) {
        self.wrapped_at_most(indent, hanging, look, text, usize::MAX);
    }

    /// Text over several lines, at most so many.
    fn wrapped_at_most(&mut self, indent: usize, hanging: usize, look: Look, text: &str, lines_max: usize) {
        let lines = wrap(text, self.width.saturating_sub(indent), self.width.saturating_sub(hanging));
        let cut_short = lines.len() > lines_max;
        for (at, line) in lines.iter().take(lines_max).enumerate() {
            let indent = if at == 0 { indent } else { hanging };
            if cut_short && at + 1 == lines_max {
                let short = cut(&format!("{line} …………"), (self.width - indent).min(line.width() + 2));
                self.line(indent, &[(look, &short)]);
            } else {
                self.line(indent, &[(look, line)]);
            }
        }
    }
}

fn taken(attack: &Attack, group: &AttackGroup, one: Verdict) -> u64 {
    let of_shape = attack.outcomes_of(group.shape).filter(|outcome| outcome.verdict == one);
    of_shape.flat_map(|outcome| &outcome.taken).filter(|taken| taken.actor == Some(group.actor)).map(|taken| taken.cells).sum()
}

/// The first few of a list, and how many more there are.
fn listed(list: &[String], shown: usize) -> String {
    let mut text = list.iter().take(shown).cloned().collect::<Vec<_>>().join(", ");
    if list.len() > shown {
        let _ = write!(text, " +{}", list.len() - shown);
    }
    text
}

/// Statements over time as a row of bars; a span in which there was one is never empty.
fn bars_of(groups: &[&AttackGroup], (from_ms, to_ms): (i64, i64), width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let whole = (to_ms - from_ms + 1).max(1);
    let mut sums = vec![0_u64; width];
    for group in groups {
        for &(at, count) in &group.times {
            let place = (at.max(from_ms) - from_ms).saturating_mul(width as i64) / whole;
            if let Some(sum) = usize::try_from(place).ok().and_then(|place| sums.get_mut(place)) {
                *sum += count;
            }
        }
    }
    let most = sums.iter().copied().max().unwrap_or(0).max(1);
    sums.iter().map(|&sum| if sum == 0 { '·' } else { BARS[((sum * 8).div_ceil(most) - 1).min(7) as usize] }).collect()
}

/// The text in no more columns than these.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let fits = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= width
    };
    let kept: String = text.chars().take_while(fits).collect();
    kept.trim_end().to_owned() + "…"
}

/// Lines of no more columns than these, broken at blanks, or anywhere where a word is too long or has no blanks.
fn wrap(text: &str, first: usize, others: usize) -> Vec<String> {
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split_inclusive(' ') {
        let room = if lines.is_empty() { first } else { others };
        if used + word.trim_end().width() > room && !line.is_empty() && word.trim_end().width() <= others {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
            used = 0;
        }
        for c in word.chars() {
            let room = if lines.is_empty() { first } else { others };
            let wide = c.width().unwrap_or(0);
            if used + wide > room && c != ' ' {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
            }
            line.push(c);
            used += wide;
        }
    }
    if !line.trim_end().is_empty() {
        lines.push(line.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::{cut, wrap};

    #[test]
    fn lines_keep_to_their_width_in_any_script() {
        let text = "UNION SELECT CONCAT(a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p) FROM 顧客情報テーブルの長い名前 LIMIT ?, ?";
        for width in [10, 24, 40] {
            let lines = wrap(text, width, width);
            assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
        assert_eq!(cut("顧客情報", 5), "顧客…");
        assert_eq!(cut("abc", 3), "abc");
    }
}
