//! A disk that is full: every stage says so and leaves the case as it was, and once there is room the same command goes on
//! where it stopped.

use std::collections::BTreeSet;

use crate::desk::{Desk, Post};

#[test]
fn a_full_disk_is_named_and_once_there_is_room_nothing_is_lost_and_nobody_is_told_twice() {
    let desk = Desk::drill(2_000, 21);
    let post = Post::open();
    let run = ["--json", "run", "--smtp", &post.url()];
    let mut stopped_in = BTreeSet::new();
    let mut room = 8;
    let mut said = desk.run_with_room(room, &run);
    while said.code == 2 {
        assert!(said.err.contains("no room on the disk"), "{room} KiB: {}", said.err);
        assert!(said.err.contains("run the same command again"), "{room} KiB: {}", said.err);
        stopped_in.insert(said.err.lines().filter(|line| line.contains(" s  ")).count());
        room += room / 2;
        said = desk.run_with_room(room, &run);
    }
    assert!(stopped_in.len() >= 3, "the disk was full in different stages: {stopped_in:?}");
    assert!(stopped_in.contains(&5), "and while mails were sent: {stopped_in:?}");

    let said = desk.run(&run);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert_eq!(desk.exported("proved"), desk.truth(), "nothing is lost");
    let line = said.json()["result"]["stages"]["notify"].clone();
    let number = |name: &str| line[name].as_u64().unwrap();
    assert_eq!(line["holds"], true, "{line}");
    assert_eq!(number("waiting"), 0, "{line}");
    let ids = post.message_ids();
    let told: BTreeSet<_> = ids.iter().collect();
    assert_eq!(told.len(), ids.len(), "nobody was told twice");
    let missed = number("persons") - number("no_address") - told.len() as u64;
    assert!(missed <= number("unknown"), "{missed} persons missed that are not shown as unknown: {line}");
}
