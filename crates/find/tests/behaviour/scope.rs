//! Exposures go in and come out as cells, figures and a digest.

use kintsugi_case::{BasisSummary, EvidenceId, Exposure, FieldMeaning, Technique, Verdict};
use kintsugi_find::{Error, FieldCount, FindDb, ScopeCounts};

use crate::shop::{Shop, basis, exposure};

const PROVED: Verdict = Verdict::Proved;
const POSSIBLE: Verdict = Verdict::Possible;
const EXCLUDED: Verdict = Verdict::Excluded;

fn bases() -> Vec<BasisSummary> {
    vec![basis(1, Technique::Union, PROVED), basis(2, Technique::Window, POSSIBLE), basis(3, Technique::Union, EXCLUDED)]
}

/// Cards: 0 id, 1 customer_id, 2 pan, 3 exp, 4 cvv, 5 holder. The first card was taken twice, the second failed.
fn taken(cards: u32) -> Vec<Exposure> {
    vec![
        exposure(cards, 3, &[2, 5], POSSIBLE, 2, 0),
        exposure(cards, 1, &[2, 3], PROVED, 1, 30),
        exposure(cards, 1, &[2, 5], POSSIBLE, 2, 0),
        exposure(cards, 1, &[2], PROVED, 1, 20),
        exposure(cards, 2, &[2, 3], EXCLUDED, 3, 25),
    ]
}

fn exported(db: &FindDb) -> Vec<String> {
    let mut lines = Vec::new();
    db.export_exposures(|cell| {
        let c = cell.cell;
        let line = cell.line.line;
        lines.push(format!(
            "{}.{} {} {} {} basis {} {}..{} line {line}",
            c.source,
            c.table,
            c.key,
            c.column,
            cell.verdict.name(),
            cell.basis.id.0,
            cell.first_at_ms,
            cell.last_at_ms
        ));
        Ok::<(), Error>(())
    })
    .unwrap();
    lines
}

#[test]
fn each_cell_is_exported_once_with_its_strongest_verdict() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&bases(), &taken(cards));
    assert_eq!(
        exported(&shop.db),
        [
            "shop.cards 501 pan proved basis 1 20000..30000 line 20",
            "shop.cards 501 exp proved basis 1 30000..30000 line 30",
            "shop.cards 501 holder possible basis 2 0..0 line 0",
            "shop.cards 502 pan excluded basis 3 25000..25000 line 25",
            "shop.cards 502 exp excluded basis 3 25000..25000 line 25",
            "shop.cards 503 pan possible basis 2 0..0 line 0",
            "shop.cards 503 holder possible basis 2 0..0 line 0",
        ]
    );
}

#[test]
fn all_bases_of_a_row_are_kept() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&bases(), &taken(cards));
    let kept: Vec<(u32, u64)> =
        shop.db.exposures_of(cards, 1).unwrap().iter().map(|exposure| (exposure.basis.0, exposure.line.line)).collect();
    assert_eq!(kept, [(1, 20), (1, 30), (2, 0)]);
    assert_eq!(shop.db.bases().unwrap(), bases());
    let mut all = Vec::new();
    shop.db
        .exposures(|exposure| {
            all.push(exposure);
            Ok::<(), Error>(())
        })
        .unwrap();
    let mut expected = taken(cards);
    expected.sort_by_key(|e| (e.table, e.row, e.basis, e.line));
    assert_eq!(all, expected);
}

#[test]
fn records_cells_and_persons_are_counted_by_verdict() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&bases(), &taken(cards));
    shop.persons();
    let counts = shop.db.counts().unwrap();
    let of_cards = &counts.tables[0];
    assert_eq!((of_cards.stored, of_cards.proved, of_cards.possible, of_cards.excluded), (3, 1, 1, 1));
    let field = |meaning, proved, possible, excluded| FieldCount { meaning, proved, possible, excluded };
    assert_eq!(
        counts.fields,
        [
            field(FieldMeaning::CardNumber, 1, 1, 1),
            field(FieldMeaning::CardExpiry, 1, 0, 1),
            field(FieldMeaning::CardHolder, 0, 2, 0),
        ]
    );
    let persons = |c: &ScopeCounts| (c.persons, c.persons_proved, c.persons_possible, c.records_without_owner);
    assert_eq!(persons(&counts), (2, 1, 1, 0));
}

#[test]
fn exposed_records_that_belong_to_nobody_are_counted() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&bases(), &taken(cards));
    let counts = shop.db.counts().unwrap();
    assert_eq!((counts.persons, counts.records_without_owner, counts.cells_without_owner), (0, 2, 5));
}

#[test]
fn the_same_scope_has_the_same_digest_in_whatever_order_it_came() {
    let digest = |order: fn(&mut Vec<Exposure>)| {
        let mut shop = Shop::filled();
        let mut exposures = taken(shop.table("cards"));
        order(&mut exposures);
        shop.scope(&bases(), &exposures);
        shop.persons();
        shop.db.digest().unwrap()
    };
    let first = digest(|_| ());
    assert_eq!(first.len(), 64);
    assert_eq!(first, digest(|exposures| exposures.reverse()));
    assert_ne!(first, digest(|exposures| drop(exposures.pop())));
    assert_ne!(first, digest(|exposures| exposures[0].literals.push('0')));
}

#[test]
fn the_digest_covers_the_persons() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&bases(), &taken(cards));
    let without = shop.db.digest().unwrap();
    shop.persons();
    let with = shop.db.digest().unwrap();
    assert_ne!(without, with);
    assert_eq!(FindDb::open_read_only(&shop.path()).unwrap().digest().unwrap(), with);
}

#[test]
fn a_run_that_is_not_finished_changes_nothing() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&bases(), &taken(cards));
    let before = exported(&shop.db);
    let mut writer = shop.db.begin_scope().unwrap();
    writer.push(&exposure(cards, 2, &[2], PROVED, 1, 1)).unwrap();
    drop(writer);
    assert_eq!(exported(&shop.db), before);
    shop.scope(&[], &[]);
    assert!(exported(&shop.db).is_empty() && shop.db.bases().unwrap().is_empty());
}

#[test]
fn readers_stand_beside_the_writer() {
    let mut shop = Shop::filled();
    let (cards, path) = (shop.table("cards"), shop.path());
    let early = FindDb::open_read_only(&path);
    drop(early);
    let mut writer = shop.db.begin_scope().unwrap();
    let reader = FindDb::open_read_only(&path).unwrap();
    for line in 0..5_000 {
        writer.push(&exposure(cards, 1, &[2], PROVED, 1, line)).unwrap();
    }
    assert_eq!(reader.key_text(cards, 1).unwrap(), "501");
    assert!(reader.exposures_of(cards, 1).unwrap().is_empty());
    assert_eq!(writer.finish().unwrap(), 5_000);
    assert_eq!(reader.exposures_of(cards, 1).unwrap().len(), 5_000);
}

#[test]
fn log_reports_are_kept_with_the_run() {
    let mut shop = Shop::filled();
    let mut writer = shop.db.begin_scope().unwrap();
    writer.put_log_report(EvidenceId(2), r#"{"lines":10}"#).unwrap();
    writer.put_log_report(EvidenceId(1), "{}").unwrap();
    writer.put_log_report(EvidenceId(2), r#"{"lines":11}"#).unwrap();
    writer.finish().unwrap();
    let reports = shop.db.log_reports().unwrap();
    assert_eq!(reports, [(EvidenceId(1), "{}".to_owned()), (EvidenceId(2), r#"{"lines":11}"#.to_owned())]);
}

#[test]
fn an_export_without_the_basis_is_refused() {
    let mut shop = Shop::filled();
    let cards = shop.table("cards");
    shop.scope(&[], &[exposure(cards, 1, &[2], PROVED, 9, 1)]);
    let told = shop.db.export_exposures(|_| Ok::<(), Error>(())).unwrap_err();
    assert_eq!(told.to_string(), "there is no basis number 9");
}
