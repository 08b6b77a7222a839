//! What lies in `find.db`. Tables of the program have no dot in their name; snapshot tables always have one:
//!
//! | table | one row per | written by |
//! | --- | --- | --- |
//! | `"SOURCE.TABLE"` | record; rowid = its number in file order from 1; columns as in the source, no declared type | load |
//! | `snapshot_tables`, `snapshot_columns`, `snapshot_references` | table, column, foreign key: the case file's view of them | load |
//! | `kept_aside` | row whose key an earlier row already had | load |
//! | `log_reports` | log that was read: what of it could not be | replay |
//! | `bases` | rule and shape of statement | scope |
//! | `exposures` | row touched by one statement or rule | scope |
//! | `attack` | part of the picture of the attack: an actor, a shape, what one asked in the other | replay |
//! | `persons`, `person_records` | person; record of a person, with the fact that links it | resolve |
//!
//! In a snapshot table canonical integers (no leading zero, no plus sign, within 64 bits) are INTEGER, everything else is
//! TEXT, NULL is NULL. A card number column holds the vault's token and has two hidden columns `NAME__last4` and
//! `NAME__brand` after the source's own; a security code column holds `present` or NULL.

/// The layout's number, kept in `PRAGMA user_version`.
pub(crate) const VERSION: i64 = 1;

/// Makes every table of the program. Indexes come after the rows: [`EXPOSURE_INDEX`], [`PERSON_INDEX`].
pub(crate) const SCHEMA: &str = "
CREATE TABLE snapshot_tables (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, name TEXT NOT NULL, key_columns TEXT NOT NULL,
    stored INTEGER NOT NULL, duplicates INTEGER NOT NULL, misshapen INTEGER NOT NULL,
    person_table TEXT, person_column TEXT, UNIQUE (source, name)) STRICT;
CREATE TABLE snapshot_columns (
    tbl INTEGER NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL, meaning TEXT, PRIMARY KEY (tbl, place)) STRICT, WITHOUT ROWID;
CREATE TABLE snapshot_references (
    tbl INTEGER NOT NULL, place INTEGER NOT NULL, target_table TEXT NOT NULL, target_column TEXT NOT NULL,
    PRIMARY KEY (tbl, place)) STRICT, WITHOUT ROWID;
CREATE TABLE kept_aside (
    tbl INTEGER NOT NULL, rownumber INTEGER NOT NULL, first_row INTEGER NOT NULL, PRIMARY KEY (tbl, rownumber)) STRICT, WITHOUT ROWID;
CREATE TABLE log_reports (evidence INTEGER PRIMARY KEY, report TEXT NOT NULL) STRICT;
CREATE TABLE bases (
    id INTEGER PRIMARY KEY, technique TEXT NOT NULL, rule TEXT NOT NULL, shape TEXT NOT NULL, endpoint TEXT NOT NULL,
    tbl TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, statements INTEGER NOT NULL, agreeing INTEGER NOT NULL) STRICT;
CREATE TABLE exposures (
    tbl INTEGER NOT NULL, rownumber INTEGER NOT NULL, columns INTEGER NOT NULL, verdict INTEGER NOT NULL, basis INTEGER NOT NULL,
    evidence INTEGER NOT NULL, line INTEGER NOT NULL, at_ms INTEGER NOT NULL, observed INTEGER NOT NULL,
    predicted INTEGER NOT NULL, literals TEXT NOT NULL) STRICT;
CREATE TABLE attack (place INTEGER PRIMARY KEY, part TEXT NOT NULL) STRICT;
CREATE TABLE persons (id INTEGER PRIMARY KEY, language TEXT NOT NULL) STRICT;
CREATE TABLE person_records (
    person INTEGER NOT NULL, tbl INTEGER NOT NULL, rownumber INTEGER NOT NULL, link INTEGER NOT NULL,
    other_tbl INTEGER NOT NULL, other_row INTEGER NOT NULL) STRICT;
";

/// The order in which exposures are read: table, row, basis, then the evidence line.
pub(crate) const EXPOSURE_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS exposures_by_row ON exposures (tbl, rownumber, basis, evidence, line);";

/// The two ways to ask for a person: by number (everything about the link is in the index) and by record.
pub(crate) const PERSON_INDEX: &str = "
CREATE INDEX IF NOT EXISTS person_records_by_person
    ON person_records (person, tbl, rownumber, link, other_tbl, other_row);
CREATE UNIQUE INDEX IF NOT EXISTS person_records_by_row ON person_records (tbl, rownumber, person);
";
