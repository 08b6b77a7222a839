//! The timeline of an attack as SVG: for each actor a lane, in it a row for each phase, over a time from which idle hours are
//! cut. Where the time is cut, a seam of gold joins it; where no log tells anything, the paper is hatched. No script, no
//! colour that words do not say as well; the same drawing stands by itself and in a page ([`style`]).

use std::fmt::Write as _;

use kintsugi_case::{Actor, Attack, Phase, Verdict};

use super::words::{Word, length, say, verdict, with};
use super::{About, counted, number, plain, span, written};

/// Actors drawn.
const ACTORS_MAX: usize = 6;
/// Pieces that the time is cut into.
const PIECES_MAX: usize = 6;
/// A time without statements that is shorter is drawn as it is, milliseconds.
const IDLE_MS_MIN: i64 = 10 * 60_000;
const WIDTH: f64 = 1200.0;
const LEFT: f64 = 208.0;
const RIGHT: f64 = 1084.0;
const TOP: f64 = 96.0;
const ROW: f64 = 30.0;
const LANE_HEAD: f64 = 52.0;
const LANE_FOOT: f64 = 18.0;
const SEAM: f64 = 34.0;
const PIECE_MIN: f64 = 56.0;
/// Width of a bar.
const BAR: f64 = 4.0;

/// A drawing: what stands inside `<svg>`, and how large it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Title, description and shapes.
    pub body: String,
    /// In user units.
    pub width: u32,
    /// Likewise.
    pub height: u32,
    /// What it shows, in words.
    pub text: String,
}

impl Timeline {
    /// A file of its own.
    pub fn file(&self) -> String {
        let Self { body, width, height, .. } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-labelledby=\"attack-title attack-text\" class=\"attack\">\n<style>{}{STANDALONE}</style>\n\
             <rect class=\"paper\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n",
            style()
        )
    }
}

/// The colours by themselves: in a page they come from its own sheet.
const STANDALONE: &str = "\n.attack{--paper:#fbfaf7;--surface:#fff;--ink:#1c1b19;--ink-2:#57534b;--line:#dcd7cc;--gold:#765a14;\
--gold-soft:#efe5cb;--seal:#98301f;--leaf:#1f6147;font-family:system-ui,\"Hiragino Sans\",\"Noto Sans JP\",\"Noto Sans CJK JP\",\
Meiryo,sans-serif}\n@media(prefers-color-scheme:dark){.attack{--paper:#161513;--surface:#1f1d1a;--ink:#f1eee7;--ink-2:#b5afa3;\
--line:#3a3731;--gold:#d9b45b;--gold-soft:#3a311a;--seal:#f0988a;--leaf:#86c9a9}}\n";

/// How its parts look, by the names of the design's colours.
pub fn style() -> &'static str {
    ".attack .paper{fill:var(--surface)}.attack text{fill:var(--ink-2);font-size:13px;font-variant-numeric:tabular-nums;paint-order:stroke;stroke:var(--surface);stroke-width:4px;stroke-linejoin:round}\
.attack .title{fill:var(--ink);font-size:21px;font-weight:650}.attack .who{fill:var(--ink);font-size:15px;font-weight:650}\
.attack .no{fill:var(--gold);font-size:15px;font-weight:650}.attack .small{font-size:12px}.attack .count{fill:var(--ink);font-weight:600}\
.attack .ground{stroke:var(--line);stroke-width:1}.attack .axis{stroke:var(--ink-2);stroke-width:1}.attack .tick{stroke:var(--line);stroke-width:1}\
.attack .bar{fill:var(--ink-2)}.attack .data{fill:var(--gold)}.attack .seam{fill:none;stroke:var(--gold);stroke-width:1.8;stroke-linejoin:round}\
.attack .idle{fill:var(--gold);font-size:12px}.attack .proved{fill:var(--seal);font-weight:600}.attack .possible{fill:var(--gold);font-weight:600}\
.attack .excluded{fill:var(--leaf);font-weight:600}.attack .lane{stroke:var(--ink-2);stroke-width:1;opacity:.35}\
.attack .hatch{stroke:var(--line);stroke-width:3}.attack .gap{fill:url(#attack-hatch)}"
}

/// Draws it; none where no intruder asked anything.
pub fn timeline(attack: &Attack, about: &About<'_>) -> Option<Timeline> {
    let ranked: Vec<&Actor> = attack.ranked().into_iter().take(ACTORS_MAX).collect();
    let (first, last) = attack.span(ranked.first().map(|_| None)?)?;
    let scale = Scale::of(attack, &ranked);
    let height = TOP + ranked.iter().map(|actor| lane_height(attack, actor)).sum::<f64>() + 56.0;
    let (statements, language) = (number(about.language, counted(attack).0), about.language);
    let when = span(first.at_ms, last.at_ms, about.zone);
    let values = [plain(about.title), when, statements, attack.intruders().count().to_string()];
    let text = with(Word::TimelineText, language, &values.each_ref().map(String::as_str));
    let mut drawing = Drawing { out: String::new(), attack, about, scale };
    drawing.head(&ranked, &text);
    drawing.gaps(height - 56.0);
    drawing.axis(height - 56.0);
    // Under the words: these keep a rim of paper, so that a seam passes behind them.
    drawing.seams(height - 56.0);
    let mut y = TOP;
    for (place, actor) in ranked.iter().enumerate() {
        drawing.lane(place + 1, actor, y);
        y += lane_height(attack, actor);
    }
    Some(Timeline { body: drawing.out, width: WIDTH as u32, height: height as u32, text })
}

fn phases_of(attack: &Attack, actor: &Actor) -> Vec<Phase> {
    Phase::ALL.into_iter().filter(|phase| attack.groups_of(actor.id, *phase).next().is_some()).collect()
}

fn got_nothing(attack: &Attack, actor: &Actor) -> bool {
    !attack.hauls.iter().any(|haul| haul.actor == Some(actor.id) && haul.verdict > Verdict::Excluded)
}

/// How far somebody came who got nothing, and how many phases lie before: all names together would run into the bars.
fn furthest(phases: &[Phase], language: kintsugi_case::Language) -> String {
    let name = phases.last().map_or("", |phase| phase.label(language));
    if phases.len() > 1 { format!("{name} +{}", phases.len() - 1) } else { name.to_owned() }
}

/// The rows of an actor's lane; of those who got nothing one row is enough, and stands in the head.
fn rows_of(attack: &Attack, actor: &Actor) -> Vec<Phase> {
    if got_nothing(attack, actor) { Vec::new() } else { phases_of(attack, actor) }
}

fn lane_height(attack: &Attack, actor: &Actor) -> f64 {
    LANE_HEAD + ROW * rows_of(attack, actor).len() as f64 + LANE_FOOT
}

/// A time that is drawn without a cut.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Piece {
    from_ms: i64,
    to_ms: i64,
    x: f64,
    width: f64,
}

/// Time to place.
#[derive(Debug, PartialEq)]
struct Scale {
    pieces: Vec<Piece>,
}

impl Scale {
    fn of(attack: &Attack, actors: &[&Actor]) -> Self {
        let of_actors = attack.groups.iter().filter(|group| actors.iter().any(|actor| actor.id == group.actor));
        let times = of_actors.flat_map(|group| {
            let ends = (group.first.at_ms, group.last.at_ms);
            group.times.iter().map(move |(at, _)| ((*at).clamp(ends.0, ends.1), (at + group.span_ms).clamp(ends.0, ends.1)))
        });
        let mut times: Vec<(i64, i64)> = times.collect();
        times.sort_unstable();
        Self::over(&times)
    }

    /// Pieces around these times: the longest idle times are cut out.
    fn over(times: &[(i64, i64)]) -> Self {
        let mut busy: Vec<(i64, i64)> = Vec::new();
        for &(from, to) in times {
            match busy.last_mut() {
                Some(last) if from - last.1 < IDLE_MS_MIN => last.1 = last.1.max(to),
                _ => busy.push((from, to)),
            }
        }
        while busy.len() > PIECES_MAX {
            let idle = |at: usize| busy[at + 1].0 - busy[at].1;
            let shortest = (0..busy.len() - 1).min_by_key(|at| idle(*at)).unwrap_or(0);
            busy[shortest].1 = busy[shortest + 1].1;
            busy.remove(shortest + 1);
        }
        let whole: i64 = busy.iter().map(|(from, to)| to - from + 1000).sum();
        let seams = SEAM * busy.len().saturating_sub(1) as f64;
        let free = RIGHT - LEFT - seams - PIECE_MIN * busy.len() as f64;
        let mut x = LEFT;
        let piece = |(from_ms, to_ms): (i64, i64)| {
            let width = PIECE_MIN + free * (to_ms - from_ms + 1000) as f64 / whole.max(1) as f64;
            let piece = Piece { from_ms, to_ms, x, width };
            x += width + SEAM;
            piece
        };
        Self { pieces: busy.into_iter().map(piece).collect() }
    }

    /// Where a moment lies; none where its time was cut out.
    fn x(&self, at_ms: i64) -> Option<f64> {
        let piece = self.pieces.iter().find(|piece| (piece.from_ms..=piece.to_ms.max(piece.from_ms) + 999).contains(&at_ms))?;
        Some(piece.x + piece.width * (at_ms - piece.from_ms) as f64 / (piece.to_ms - piece.from_ms + 1000) as f64)
    }
}

struct Drawing<'a> {
    out: String,
    attack: &'a Attack,
    about: &'a About<'a>,
    scale: Scale,
}

impl Drawing<'_> {
    fn head(&mut self, ranked: &[&Actor], text: &str) {
        let language = self.about.language;
        let heading = say(Word::Timeline, language);
        let list = ranked.iter().enumerate().map(|(place, actor)| self.words_of(place + 1, actor));
        let described = std::iter::once(text.to_owned()).chain(list).collect::<Vec<_>>().join(" ");
        let _ = writeln!(self.out, "<title id=\"attack-title\">{}</title>", escaped(heading));
        let _ = writeln!(self.out, "<desc id=\"attack-text\">{}</desc>", escaped(&described));
        self.out.push_str(
            "<defs><pattern id=\"attack-hatch\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" \
             patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0v8\"/></pattern></defs>\n",
        );
        self.text(32.0, 44.0, "title", heading);
        self.text(32.0, 68.0, "", text);
    }

    /// `Actor 1, 203.0.113.0/24: 8,813 statements. proved 13,000 cells`
    fn words_of(&self, place: usize, actor: &Actor) -> String {
        let language = self.about.language;
        let statements = number(language, self.attack.volume(actor.id, None).statements);
        let values =
            [place.to_string(), self.name_of(actor), statements, self.took(actor).map_or_else(String::new, |(_, took)| took)];
        with(Word::ActorText, language, &values.each_ref().map(String::as_str))
    }

    fn name_of(&self, actor: &Actor) -> String {
        match actor.networks.as_slice() {
            [] => say(Word::QueryLogAlone, self.about.language).to_owned(),
            [one] => plain(one),
            [one, more @ ..] => format!("{} +{}", plain(one), more.len()),
        }
    }

    /// The strongest that an actor got.
    fn took(&self, actor: &Actor) -> Option<(Verdict, String)> {
        let language = self.about.language;
        let one = Verdict::ALL.into_iter().find(|one| self.attack.cells_of(actor.id, *one) > 0)?;
        let cells = with(Word::Cells, language, &[&number(language, self.attack.cells_of(actor.id, one))]);
        Some((one, format!("{} {} {cells}", one.mark(), verdict(one, language))))
    }

    fn lane(&mut self, place: usize, actor: &Actor, top: f64) {
        let words = self.words_of(place, actor);
        let _ = writeln!(self.out, "<g><title>{}</title>", escaped(&words));
        let _ = writeln!(self.out, "<path class=\"lane\" d=\"M32 {:.1}H1168\"/>", top + 2.0);
        self.text(32.0, top + 28.0, "no", &place.to_string());
        let name = self.name_of(actor);
        self.text(52.0, top + 28.0, "who", &name);
        let agent = actor.agents.first().map_or(String::new(), |agent| short(&plain(agent), 92));
        self.text(LEFT, top + 28.0, "small", &agent);
        if let Some((one, took)) = self.took(actor) {
            let _ = writeln!(
                self.out,
                "<text class=\"{}\" x=\"1168\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                one.name(),
                top + 28.0,
                escaped(&took)
            );
        }
        if got_nothing(self.attack, actor) {
            let phases = phases_of(self.attack, actor);
            let name = furthest(&phases, self.about.language);
            self.text(52.0, top + 50.0, "small", &name);
            self.standing(actor, &phases, top + 60.0, "bar");
            self.count_at(top + 60.0, self.attack.volume(actor.id, None).statements);
        }
        for (row, phase) in rows_of(self.attack, actor).into_iter().enumerate() {
            self.row(actor, phase, top + LANE_HEAD + ROW * row as f64);
        }
        self.out.push_str("</g>\n");
    }

    /// The statements of one phase as bars that stand on a line.
    fn row(&mut self, actor: &Actor, phase: Phase, top: f64) {
        let ground = top + ROW - 6.0;
        self.text(52.0, ground, "", phase.label(self.about.language));
        let class = if phase == Phase::Data { "data" } else { "bar" };
        self.standing(actor, &[phase], ground, class);
        self.count_at(ground, self.attack.volume(actor.id, Some(phase)).statements);
    }

    /// Bars of an actor's statements on a line, the highest as high as a row.
    fn standing(&mut self, actor: &Actor, phases: &[Phase], ground: f64, class: &str) {
        for piece in self.scale.pieces.clone() {
            let _ = writeln!(self.out, "<path class=\"ground\" d=\"M{:.1} {ground:.1}h{:.1}\"/>", piece.x, piece.width);
        }
        let bars = self.bars(actor, phases);
        let most = bars.iter().map(|(_, count)| *count).fold(f64::MIN_POSITIVE, f64::max);
        let mut path = String::new();
        for (x, count) in bars {
            let height = ((ROW - 9.0) * count / most).max(2.0);
            let _ = write!(path, "M{x:.1} {:.1}h{:.1}v{height:.1}h-{:.1}z", ground - height, BAR - 1.0, BAR - 1.0);
        }
        let _ = writeln!(self.out, "<path class=\"{class}\" d=\"{path}\"/>");
    }

    fn count_at(&mut self, ground: f64, statements: u64) {
        let statements = number(self.about.language, statements);
        let _ = writeln!(self.out, "<text class=\"count\" x=\"1168\" y=\"{ground:.1}\" text-anchor=\"end\">{statements}</text>");
    }

    /// Statements by the place of their bar; those of a span lie evenly in it.
    fn bars(&self, actor: &Actor, phases: &[Phase]) -> Vec<(f64, f64)> {
        let mut bars: std::collections::BTreeMap<i64, f64> = std::collections::BTreeMap::new();
        for (group, _) in phases.iter().flat_map(|phase| self.attack.groups_of(actor.id, *phase)) {
            for &(at, count) in &group.times {
                let begins = at.clamp(group.first.at_ms, group.last.at_ms);
                let Some(x) = self.scale.x(begins) else { continue };
                let end = self.scale.x(begins + group.span_ms - 1).unwrap_or(x).max(x);
                let (first, last) = ((x / BAR) as i64, ((end - 0.01).max(x) / BAR) as i64);
                (first..=last).for_each(|place| *bars.entry(place).or_default() += count as f64 / (last - first + 1) as f64);
            }
        }
        bars.into_iter().map(|(place, count)| (place as f64 * BAR, count)).collect()
    }

    /// Hours under the lanes.
    fn axis(&mut self, bottom: f64) {
        let zone = self.about.zone;
        let mut day = String::new();
        for piece in self.scale.pieces.clone() {
            let _ = writeln!(self.out, "<path class=\"axis\" d=\"M{:.1} {bottom:.1}h{:.1}\"/>", piece.x, piece.width);
            let begins = written(piece.from_ms, zone, "%Y-%m-%d");
            if begins != day {
                let _ =
                    writeln!(self.out, "<text class=\"count\" x=\"{:.1}\" y=\"{:.1}\">{begins}</text>", piece.x, bottom + 40.0);
                day = begins;
            }
            let step = step(&piece);
            let mut at = (piece.from_ms + step - 1).div_euclid(step) * step;
            let mut free = piece.x - 1.0;
            for (at_ms, exact) in std::iter::once((piece.from_ms, true)).chain(std::iter::from_fn(|| {
                let next = (at <= piece.to_ms).then_some((at, false));
                at += step;
                next
            })) {
                let Some(x) = self.scale.x(at_ms).filter(|x| *x >= free && *x + 36.0 <= piece.x + piece.width + SEAM) else {
                    continue;
                };
                let form = if step < 60_000 || exact && piece.to_ms - piece.from_ms < 60_000 { "%H:%M:%S" } else { "%H:%M" };
                let _ = writeln!(self.out, "<path class=\"tick\" d=\"M{x:.1} {TOP:.1}V{:.1}\"/>", bottom + 5.0);
                let label = written(at_ms, zone, form);
                self.text(x, bottom + 20.0, "small", &label);
                free = x + 58.0;
            }
        }
        let name = written(self.scale.pieces.first().map_or(0, |piece| piece.from_ms), zone, "%Z");
        self.text(52.0, bottom + 20.0, "small", &name);
    }

    /// Where idle time was cut out, a crack mended with gold, and how long it was.
    fn seams(&mut self, bottom: f64) {
        for pair in self.scale.pieces.clone().windows(2) {
            let middle = pair[0].x + pair[0].width + SEAM / 2.0;
            let mut path = format!("M{middle:.1} {:.1}", TOP + 4.0);
            let (mut y, mut side) = (TOP + 4.0, 0);
            const STEPS: [(f64, f64); 6] = [(-5.0, 17.0), (4.0, 9.0), (-2.0, 21.0), (6.0, 12.0), (-4.0, 8.0), (1.0, 19.0)];
            while y < bottom {
                let (dx, dy) = STEPS[side % STEPS.len()];
                y = (y + dy).min(bottom + 4.0);
                let _ = write!(path, "L{:.1} {y:.1}", middle + dx);
                side += 1;
            }
            let _ = writeln!(self.out, "<path class=\"seam\" d=\"{path}\"/>");
            let idle = length(pair[1].from_ms - pair[0].to_ms, self.about.language);
            let _ = writeln!(
                self.out,
                "<text class=\"idle\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                TOP - 6.0,
                escaped(&idle)
            );
        }
    }

    /// Times without any log line.
    fn gaps(&mut self, bottom: f64) {
        for gap in &self.attack.gaps {
            for piece in self.scale.pieces.clone() {
                let (from, to) = (gap.from_ms.max(piece.from_ms), gap.to_ms.min(piece.to_ms));
                let (Some(x), Some(end)) = (self.scale.x(from), self.scale.x(to)) else { continue };
                if from >= to || end - x < 3.0 {
                    continue;
                }
                let words =
                    format!("{}: {}", say(Word::NoLog, self.about.language), span(gap.from_ms, gap.to_ms, self.about.zone));
                let _ = writeln!(
                    self.out,
                    "<g><title>{}</title><rect class=\"gap\" x=\"{x:.1}\" y=\"{TOP:.1}\" width=\"{:.1}\" height=\"{:.1}\"/></g>",
                    escaped(&words),
                    end - x,
                    bottom - TOP
                );
                self.text(x + 2.0, bottom - 4.0, "small", say(Word::NoLog, self.about.language));
            }
        }
    }

    fn text(&mut self, x: f64, y: f64, class: &str, text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(self.out, "<text{class} x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text));
    }
}

/// Time between two marks of the axis, milliseconds: so that a dozen stand on a whole width.
fn step(piece: &Piece) -> i64 {
    const STEPS: [i64; 14] = [1, 5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 21_600, 43_200, 86_400, 604_800];
    let wanted = (piece.to_ms - piece.from_ms) as f64 / (piece.width / 72.0).max(1.0);
    STEPS.into_iter().map(|seconds| seconds * 1000).find(|step| *step as f64 >= wanted).unwrap_or(2_592_000_000)
}

fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most).collect::<String>() + "…" }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{IDLE_MS_MIN, PIECES_MAX, RIGHT, Scale, escaped};

    #[test]
    fn idle_hours_are_cut_and_the_rest_fills_the_width() {
        let scale = Scale::over(&[(0, 60_000), (90_000, 120_000), (IDLE_MS_MIN * 9, IDLE_MS_MIN * 9 + 30_000)]);
        assert_eq!(scale.pieces.len(), 2);
        let last = scale.pieces[1];
        assert!((last.x + last.width - RIGHT).abs() < 0.01);
        assert!(scale.x(IDLE_MS_MIN * 5).is_none() && scale.x(60_500).is_some());
    }

    #[test]
    fn there_are_never_more_pieces_than_have_room() {
        let times: Vec<(i64, i64)> =
            (0..100).map(|at| (at * IDLE_MS_MIN * (2 + at % 7), at * IDLE_MS_MIN * (2 + at % 7) + 1000)).collect();
        let mut times = times;
        times.sort_unstable();
        assert_eq!(Scale::over(&times).pieces.len(), PIECES_MAX);
    }

    #[test]
    fn names_of_phases_end_before_the_bars_begin() {
        use kintsugi_case::{Language, Phase};
        for language in Language::ALL {
            for (at, phase) in Phase::ALL.iter().enumerate() {
                for name in [super::furthest(&Phase::ALL[..=at], language), phase.label(language).to_owned()] {
                    // At 13 units a letter of Latin takes some 7, one of Japanese all.
                    let width: f64 = name.chars().map(|c| if c.is_ascii() { 7.2 } else { 13.0 }).sum();
                    assert!(52.0 + width < super::LEFT, "{name}");
                }
            }
        }
    }

    #[test]
    fn what_the_intruder_wrote_is_no_markup() {
        assert_eq!(escaped("<script>\"&"), "&lt;script&gt;&quot;&amp;");
    }
}
