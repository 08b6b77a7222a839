//! What a shape is about, from what its fragment means: whose tables it names decides, not the tool that wrote it.

use kintsugi_case::{Phase, Technique};

use crate::catalog::Catalog;
use crate::investigation::{Channel, Shape};

/// What servers tell about themselves: their tables, versions, names and rights.
const OF_THE_SERVER: [&str; 22] = [
    "information_schema",
    "pg_catalog",
    "pg_class",
    "pg_tables",
    "pg_user",
    "pg_shadow",
    "pg_database",
    "sqlite_master",
    "sqlite_schema",
    "sqlite_version",
    "mysql.",
    "version(",
    "@@",
    "user(",
    "database(",
    "schema(",
    "current_user",
    "session_user",
    "system_user",
    "current_database",
    "current_schema",
    "current_setting",
];

/// What makes a server slow on purpose.
const WAITING: [&str; 7] = ["sleep(", "benchmark(", "waitfor", "generate_series", "randomblob", "zeroblob", "dbms_pipe"];

/// What a shape is about, by its text alone.
pub(super) fn of(shape: &Shape, injected: &str, catalog: &Catalog) -> Phase {
    let text = injected.to_lowercase().replace(" (", "(");
    let asks_the_server = OF_THE_SERVER.iter().any(|word| text.contains(word));
    match shape.channel() {
        Ok(Channel::Metadata) => Phase::Schema,
        _ if asks_the_server && (text.contains("_schema") || text.contains("pg_") || text.contains("sqlite_")) => Phase::Schema,
        _ if !catalog.named_in(injected).is_empty() => Phase::Data,
        _ if asks_the_server => Phase::Schema,
        _ if ["union", "order by", "group by"].iter().any(|words| text.contains(words)) => Phase::Columns,
        _ => Phase::Probing,
    }
}

/// The same when all is known: what took rows was about data, and what only counted rows was not.
pub(super) fn settled(phase: Phase, injected: &str, took_rows: bool) -> Phase {
    let counts = || injected.to_lowercase().replace(" (", "(").contains("count(");
    match phase {
        _ if took_rows => Phase::Data,
        Phase::Data if counts() => Phase::Schema,
        other => other,
    }
}

/// How the answers to a shape leave, where nothing followed that says it.
pub(super) fn technique(shape: &Shape, injected: &str) -> Option<Technique> {
    let text = injected.to_lowercase().replace(" (", "(");
    let waits = WAITING.iter().any(|word| text.contains(word));
    match shape.channel() {
        _ if text.contains("union") && !waits => Some(Technique::Union),
        Ok(Channel::ErrorText(_)) => Some(Technique::ErrorBased),
        _ if waits => Some(Technique::TimeBlind),
        Ok(Channel::Answers(_) | Channel::Metadata) => Some(Technique::BooleanBlind),
        _ => None,
    }
}
