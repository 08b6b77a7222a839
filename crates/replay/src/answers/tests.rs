//! Blind questions as a search asks them, answered by a small server: what is proved, partial, excluded or left open.

use kintsugi_case::Shows;

use crate::tests::{FRAME, Line, PAGE, PEOPLE, check_lines, values, values_alone};

/// The page of the item with its row, and without.
const WITH: u64 = PAGE + FRAME + 7;

/// How a statement is put around a condition, and how its answer shows.
#[derive(Clone, Copy)]
struct Way {
    around: fn(&str) -> String,
    /// Status, bytes and milliseconds for yes and for no.
    yes: (u16, u64, u64),
    no: (u16, u64, u64),
}

const BY_PAGE: Way = Way { around: |condition| format!("5+AND+{condition}"), yes: (200, WITH, 1), no: (200, PAGE, 1) };

impl Way {
    fn line(&self, condition: &str, answer: bool) -> Line {
        let (status, bytes, took_ms) = if answer { self.yes } else { self.no };
        let target = format!("/item?id={}", (self.around)(&condition.replace(' ', "+")));
        Line { target, status, bytes, took_ms: Some(took_ms) }
    }

    /// Two conditions whose answers the tool knows beforehand, as often as it likes to be sure.
    fn probes(&self) -> Vec<Line> {
        (1..=4).flat_map(|n| [self.line(&format!("{n}={n}"), true), self.line(&format!("{n}={}", n + 1), false)]).collect()
    }

    /// A search for the characters of a person's name, from the first to the one after the last.
    fn search(&self, place: usize, up_to: usize) -> Vec<Line> {
        let name: Vec<char> = PEOPLE[place].1.chars().collect();
        (1..=up_to).flat_map(|at| self.search_character(place, at, name.get(at - 1).copied())).collect()
    }

    fn search_character(&self, place: usize, at: usize, real: Option<char>) -> Vec<Line> {
        let bytes = real.map_or(0, |c| c.to_string().bytes().fold(0_u64, |code, byte| code << 8 | u64::from(byte)));
        let (mut low, mut high, mut lines) = (0, 0x00FF_FFFF_u64, Vec::new());
        while low < high {
            let middle = u64::midpoint(low, high);
            let condition = format!("ORD(MID((SELECT name FROM people ORDER BY id LIMIT {place},1),{at},1))>{middle}");
            lines.push(self.line(&condition, bytes > middle));
            if bytes > middle { low = middle + 1 } else { high = middle }
        }
        lines
    }
}

fn check(ways: &[Vec<Line>], expected: &str) -> Vec<kintsugi_case::BasisSummary> {
    check_lines(Shows::Rows, &ways.concat(), expected)
}

#[test]
fn a_value_whose_every_character_was_asked_for_is_proved() {
    let bases = check(&[BY_PAGE.probes(), BY_PAGE.search(0, 4), BY_PAGE.search(2, 3)], "11 name proved\n13 name proved");
    assert_eq!(bases[0].technique.name(), "boolean_blind");
    assert_eq!(bases[0].statements, 24 * 7);
}

#[test]
fn a_search_that_stopped_gives_a_part() {
    check(&[BY_PAGE.probes(), BY_PAGE.search(0, 2)], "11 name possible");
}

#[test]
fn without_probes_the_snapshot_tells_which_look_means_yes() {
    check(&[BY_PAGE.search(1, 7)], "12 name proved");
}

#[test]
fn polarity_is_read_from_the_statement() {
    let inverted =
        Way { around: |condition| format!("-7+OR+NOT+({condition})+AND+id=5"), yes: (200, PAGE, 1), no: (200, WITH, 1) };
    check(&[inverted.probes(), inverted.search(0, 4)], "11 name proved");
}

#[test]
fn a_server_that_waits_answers_by_its_time() {
    let slow = Way {
        around: |condition| format!("5+AND+(SELECT+1+FROM+(SELECT(SLEEP(2-(IF({condition},0,2)))))x)"),
        yes: (200, WITH, 2003),
        no: (200, WITH, 2),
    };
    let bases = check(&[slow.search(0, 4)], "11 name proved");
    assert_eq!(bases[0].technique.name(), "time_blind");
}

#[test]
fn answers_that_are_all_alike_or_refused_exclude() {
    let dead = Way { yes: (200, WITH, 1), no: (200, WITH, 1), ..BY_PAGE };
    check(&[BY_PAGE.probes(), dead.search(0, 4)], "11 name excluded");
    let refused = Way { yes: (403, 99, 1), no: (403, 99, 1), ..BY_PAGE };
    check(&[BY_PAGE.probes(), refused.search(0, 4)], "11 name excluded");
}

#[test]
fn one_lost_answer_leaves_a_character_open() {
    let mut lines = BY_PAGE.search(0, 4);
    lines.retain(|line| !line.target.ends_with(",2,1))>110"));
    check(&[BY_PAGE.probes(), lines], "11 name possible");
}

#[test]
fn the_answers_give_the_value_by_themselves() {
    let found = values(Shows::Rows, &[BY_PAGE.probes(), BY_PAGE.search(0, 4), BY_PAGE.search(2, 1)].concat());
    assert_eq!(found, "people.name ORDER BY id LIMIT 0,1: Ann (complete)\npeople.name ORDER BY id LIMIT 2,1: 佐 (1-1)\n");
}

/// What the names of the first and the third person give, searched for without a snapshot.
const BOTH: &str = "people.name ORDER BY id LIMIT 0,1: Ann (complete)\npeople.name ORDER BY id LIMIT 2,1: 佐 (1-1)\n";

#[test]
fn without_a_snapshot_the_statements_name_table_column_and_row() {
    let searches = [BY_PAGE.search(0, 4), BY_PAGE.search(2, 1)].concat();
    let probed = [BY_PAGE.probes(), searches.clone()].concat();
    assert_eq!(values_alone(true, &probed), BOTH);
    assert_eq!(values_alone(false, &probed), BOTH, "nobody wrote down the page's SQL");
    assert_eq!(values_alone(true, &searches), BOTH, "nothing but the answers tells which look means yes");
}

#[test]
fn without_a_snapshot_polarity_is_read_from_the_statement_or_from_the_answers() {
    let inverted = Way { around: |condition| format!("-7+OR+NOT+({condition})"), yes: (200, PAGE, 1), no: (200, WITH, 1) };
    assert_eq!(values_alone(true, &[inverted.probes(), inverted.search(0, 4), inverted.search(2, 1)].concat()), BOTH);
    let chosen = Way { around: |condition| format!("(CASE+WHEN+{condition}+THEN+0+ELSE+5+END)"), ..inverted };
    assert_eq!(values_alone(true, &[chosen.search(0, 4), chosen.search(2, 1)].concat()), BOTH);
}

#[test]
fn without_a_snapshot_a_value_that_answers_leave_open_stays_open() {
    let dead = Way { yes: (200, WITH, 1), no: (200, WITH, 1), ..BY_PAGE };
    assert_eq!(values_alone(true, &dead.search(0, 4)), "people.name ORDER BY id LIMIT 0,1:  (none)\n");
    let first = values_alone(true, &[BY_PAGE.probes(), BY_PAGE.search(0, 2)].concat());
    assert_eq!(first, "people.name ORDER BY id LIMIT 0,1: An (1-2)\n");
}

#[test]
fn what_a_page_repeats_of_the_question_is_taken_off() {
    let mut lines = [BY_PAGE.probes(), BY_PAGE.search(0, 4)].concat();
    for line in &mut lines {
        let value = line.target["/item?id=".len()..].replace('+', " ");
        line.bytes += 2 * value.chars().map(|c| if matches!(c, '<' | '>') { 4 } else { 1 }).sum::<u64>();
    }
    check_lines(Shows::Rows, &lines, "11 name proved");
    assert_eq!(values_alone(true, &lines), "people.name ORDER BY id LIMIT 0,1: Ann (complete)\n");
}

#[test]
fn sizes_that_spread_around_two_are_read_and_those_that_only_spread_are_named() {
    let spread = |by: u64| {
        let mut lines = [BY_PAGE.probes(), BY_PAGE.search(0, 4)].concat();
        // As compressed pages do: a few bytes more or less, whatever the question.
        lines.iter_mut().enumerate().for_each(|(at, line)| line.bytes += (at as u64 * 7919) % by);
        lines
    };
    check_lines(Shows::Rows, &spread(20), "11 name proved");
    let bases = check_lines(Shows::Rows, &spread(300), "11 name possible");
    assert!(bases[0].reason.contains("as those of compressed pages do"), "{}", bases[0].reason);
}

/// A search by waiting of which the log has no durations; each character is confirmed at last.
fn silent(place: usize) -> Vec<Line> {
    let slow = Way {
        around: |condition| format!("5+AND+(SELECT+1+FROM+(SELECT(SLEEP(2-(IF({condition},0,2)))))x)"),
        yes: (200, WITH, 2003),
        no: (200, WITH, 2),
    };
    let name: Vec<char> = PEOPLE[place].1.chars().collect();
    let mut lines = Vec::new();
    for at in 1..=name.len() + 1 {
        let real = name.get(at - 1).copied();
        lines.extend(slow.search_character(place, at, real));
        let code = real.map_or(0, u32::from);
        let asked = format!("ORD(MID((SELECT name FROM people ORDER BY id LIMIT {place},1),{at},1))!={code}");
        lines.push(slow.line(&asked, false));
    }
    lines.iter_mut().for_each(|line| line.took_ms = None);
    lines
}

#[test]
fn what_was_asked_next_tells_answers_that_the_log_does_not_show() {
    let bases = check_lines(Shows::Rows, &silent(0), "11 name proved");
    assert!(bases[0].reason.starts_with("the log does not show the answers, but"), "{}", bases[0].reason);
    assert_eq!(values_alone(true, &silent(0)), "people.name ORDER BY id LIMIT 0,1: Ann (complete)\n");
    let mut unconfirmed = silent(0);
    unconfirmed.retain(|line| !line.target.contains("!="));
    check_lines(Shows::Rows, &unconfirmed, "11 name possible");
}

/// A number that neither the server nor SQLite has.
const NO_NUMBER: &str = "ABS(-9223372036854775807-1)";

/// Some questions with answers as a search has them.
fn questions(condition: impl Fn(u64) -> String) -> Vec<Line> {
    (60..80).map(|number| BY_PAGE.line(&condition(number), number < 65)).collect()
}

#[test]
fn values_that_cannot_be_had_are_possible_with_the_reason() {
    let unknown = format!("(SELECT name FROM people WHERE id<{NO_NUMBER} LIMIT 0,1)");
    let asked = questions(|number| format!("ORD(MID({unknown},1,1))>{number}"));
    let everyone = PEOPLE.map(|(id, ..)| format!("{id} name possible")).join("\n");
    let bases = check(&[BY_PAGE.probes(), asked.clone()], &everyone);
    assert_eq!(bases[0].reason, "what the questions ask for could not be worked out: integer overflow");
    assert_eq!(bases[0].statements, 20);
    // What else was asked is found as it was without them.
    let bases = check(&[BY_PAGE.probes(), asked, BY_PAGE.search(0, 4)], &format!("11 name proved\n{everyone}"));
    assert_eq!(bases[0].statements, 24 * 4);
}

#[test]
fn values_without_an_end_are_possible_with_the_reason() {
    let tables: Vec<String> = ('a'..='i').map(|alias| format!("people {alias}")).collect();
    let endless = format!("(SELECT a.name FROM {} LIMIT 7,1)", tables.join(","));
    let asked = questions(|number| format!("ORD(MID({endless},1,1))>{number}"));
    let bases = check(&[BY_PAGE.probes(), asked], &PEOPLE.map(|(id, ..)| format!("{id} name possible")).join("\n"));
    assert!(bases[0].reason.ends_with("it joins tables without an end"), "{}", bases[0].reason);
}

#[test]
fn a_question_that_cannot_be_worked_out_rules_nothing_out() {
    let name = "(SELECT name FROM people ORDER BY id LIMIT 0,1)";
    for unclear in [format!("ORD(MID({name},1,1))*{NO_NUMBER}>"), format!("ORD(MID({name},{NO_NUMBER},1))>")] {
        let asked = questions(|number| format!("{unclear}{number}"));
        let bases = check(&[BY_PAGE.probes(), asked.clone()], "11 name possible");
        assert!(bases[0].reason.contains("could not be worked out"), "{}", bases[0].reason);
        check(&[BY_PAGE.probes(), BY_PAGE.search(0, 4), asked], "11 name proved");
    }
}

#[test]
fn a_search_that_ran_out_of_characters_to_look_at_stays_open() {
    // Bit by bit behind a bound: of the hundreds of characters that are left only some could be looked at.
    let name = "ORD(MID((SELECT name FROM people ORDER BY id LIMIT 2,1),1,1))";
    let code = "佐".bytes().fold(0_u64, |code, byte| code << 8 | u64::from(byte));
    let bounds = [(code - 2000, true), (code + 4000, false)].map(|(bound, yes)| BY_PAGE.line(&format!("{name}>{bound}"), yes));
    let bits = (0..5).map(|bit| BY_PAGE.line(&format!("{name}%26{}", 1_u64 << bit), code >> bit & 1 == 1));
    let found = values_alone(true, &[BY_PAGE.probes(), bounds.to_vec(), bits.collect()].concat());
    assert_eq!(found, "people.name ORDER BY id LIMIT 2,1:  (none)\n");
}
