//! Blind questions as a search asks them, answered by a small server: what is proved, partial, excluded or left open.

use kintsugi_case::Shows;

use crate::tests::{FRAME, Line, PAGE, PEOPLE, check_lines, values};

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
