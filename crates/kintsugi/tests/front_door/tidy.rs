//! Rules of the house that a program can check. Exceptions are listed by name, here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our crates each crate may name. What is not listed is forbidden.
const EDGES: &[(&str, &[&str])] = &[
    ("case", &[]),
    ("vault", &["case"]),
    ("evidence", &["case", "vault"]),
    ("find", &["case", "vault"]),
    ("replay", &["case", "evidence", "find", "vault"]),
    ("restored", &["case", "replay"]),
    ("scope", &["case", "evidence", "find", "replay", "vault"]),
    ("resolve", &["case", "find", "vault"]),
    ("report", &["case"]),
    ("store", &["case", "vault"]),
    ("remedy", &["case", "vault"]),
    ("notify", &["case"]),
    ("letter", &["case"]),
    ("mailbox", &[]),
    ("serve", &["case", "notify", "remedy", "report", "store", "vault"]),
    ("drill", &[]),
];

/// Libraries that only these crates may carry.
const CARRIED_BY: &[(&str, &[&str])] = &[
    ("sqlx", &["restored", "store"]),
    ("rusqlite", &["evidence", "find", "replay", "scope"]),
    ("sqlparser", &["replay"]),
    ("parquet", &["evidence"]),
    ("axum", &["serve", "mailbox"]),
    ("typst", &["letter"]),
    ("lettre", &["notify"]),
    ("age", &["vault"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let skipped = ["target", "node_modules", ".git", "demo", "demo.truth", "test-results"];
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() && !skipped.contains(&name.as_str()) {
            found.extend(files(&path, ending));
        } else if path.is_file() && name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The dependencies of a crate (not those of its tests).
fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[").find_map(|part| part.strip_prefix("dependencies]")).unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn crates_know_only_whom_they_may_know() {
    for (name, allowed) in EDGES {
        for dependency in dependencies(name) {
            if let Some(ours) = dependency.strip_prefix("kintsugi-") {
                assert!(allowed.contains(&ours), "{name} must not know {ours}");
            }
        }
    }
    let listed: BTreeSet<_> = EDGES.iter().map(|(name, _)| (*name).to_owned()).chain(["kintsugi".to_owned()]).collect();
    let there: BTreeSet<_> =
        fs::read_dir(root().join("crates")).unwrap().flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    assert_eq!(listed, there, "every crate stands in EDGES");
}

#[test]
fn heavy_libraries_stay_behind_their_wall() {
    for (library, carriers) in CARRIED_BY {
        for (name, _) in EDGES {
            assert!(carriers.contains(name) || !dependencies(name).contains(*library), "{library} has no place in {name}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for path in files(&root().join("crates"), ".rs") {
        let text = fs::read_to_string(&path).unwrap();
        let first = text.lines().find(|line| !line.is_empty() && !line.starts_with("#!")).unwrap_or_default();
        assert!(first.starts_with("//!"), "{} does not begin with //!", path.display());
    }
}

#[test]
fn nothing_is_unsafe() {
    for path in files(&root().join("crates"), ".rs") {
        let word = ["un", "safe "].concat();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.lines().any(|line| line.trim_start().starts_with(&word)), "{}", path.display());
    }
}

#[test]
fn no_card_number_is_written_down() {
    let endings = [".rs", ".md", ".toml", ".html", ".ftl", ".snap", ".json", ".csv", ".txt", ".sql", ".js", ".ts"];
    for path in endings.iter().flat_map(|ending| files(&root(), ending)) {
        if path.ends_with("package-lock.json") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        for (at, line) in text.lines().enumerate() {
            let found = line.split(|c: char| !c.is_ascii_digit()).find(|run| is_card_number(run));
            assert!(found.is_none(), "{}:{} holds a Luhn-valid number", path.display(), at + 1);
        }
    }
}

/// A Luhn-valid run of 14 to 19 digits with a card's first digit (3 to 6), no all-zero tail as in round figures.
fn is_card_number(run: &str) -> bool {
    (14..=19).contains(&run.len()) && matches!(run.as_bytes()[0], b'3'..=b'6') && kintsugi_case::Pan::parse(run).is_ok()
}

/// Reasons of what is proved: nothing is left to settle.
const PROOFS: &[&str] = &[
    "every character of the value follows from the answers",
    "the page had exactly the size",
    "the page had the size that these values give it, within what values that are not known allow",
    "the query log has the error message with the value",
    "the sign-in found this row: the session that followed asked with its value",
    "the session of a sign-in without the password was shown this row",
    "the answer was as long as the record's values need",
    "the file that was found holds the record",
    "the file holds the record, and the server sent all of it",
    "the file's first bytes hold the record",
];

/// Sentences in constants that are no reasons.
const NO_REASONS: &[&str] = &["a column of the page's own query", "a question about rows, whose answer is not a row"];

/// The sentences that engines and rules give for reasons: in constants, beside a verdict, or by a closed list.
fn reasons(text: &str) -> Vec<String> {
    let marks = ["const ", "Possible, ", "Excluded, ", "Proved, ", "Self::"];
    let lines: Vec<&str> = text.split("#[cfg(test)]").next().unwrap_or_default().lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |at| lines[at]);
        let marked =
            marks.iter().any(|mark| line.contains(mark)) || before.contains("&str =") || before.trim_end().ends_with("=> {");
        let sentence = line.split('"').nth(1).filter(|_| marked).unwrap_or_default();
        if sentence.starts_with(|c: char| c.is_ascii_lowercase()) && sentence.split(' ').count() > 4 && !line.contains('!') {
            found.push(sentence.to_owned());
        }
    }
    found
}

#[test]
fn every_reason_for_a_doubt_says_what_would_settle_it() {
    let places = [
        "replay/src/rows.rs",
        "replay/src/rows",
        "replay/src/query",
        "replay/src/rollback/unclear.rs",
        "replay/src/answers",
        "replay/src/error_text.rs",
        "replay/src/login.rs",
        "replay/src/elsewhere.rs",
        "scope/src",
    ];
    let mut seen = 0;
    for place in places {
        let path = root().join("crates").join(place);
        let paths = if path.is_dir() { files(&path, ".rs") } else { vec![path] };
        for reason in
            paths.iter().filter(|path| !path.ends_with("tests.rs")).flat_map(|path| reasons(&fs::read_to_string(path).unwrap()))
        {
            let known = PROOFS.iter().chain(NO_REASONS).any(|known| reason.starts_with(known));
            seen += 1;
            assert!(known || kintsugi_case::Doubt::known(&reason).is_some(), "crates/case/src/doubt.rs does not know: {reason}");
            let said = kintsugi_report::reason(&reason, kintsugi_case::Language::Ja);
            assert!(
                NO_REASONS.contains(&reason.as_str()) || !said.is_ascii(),
                "crates/report/src/reason.rs has no Japanese for: {reason}"
            );
        }
    }
    assert!(seen > 30, "{seen}");
}

#[test]
fn the_readme_speaks_of_commands_that_exist() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let targets = readme.match_indices("make ").map(|(at, _)| &readme[at + 5..]);
    for target in targets.filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next()).filter(|t| !t.is_empty()) {
        let known = makefile.lines().any(|line| line.starts_with(&format!("{target}:")));
        assert!(known || !["demo", "test", "bench", "lint"].contains(&target), "make {target}");
    }
    assert!(readme.contains("make demo") && readme.contains("make test"));
}
