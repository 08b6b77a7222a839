-- The tables of the live store, for both databases. docs/data.md says who writes, reads and erases each.
-- Written for SQLite. For PostgreSQL three words are replaced: INTEGER by BIGINT, BLOB by BYTEA, and AUTO_KEY
-- (a number that is never given twice) by an identity column; see src/database.rs.
-- Times are milliseconds since 1970 UTC. Booleans are 0 and 1.

CREATE TABLE scope_version (
    number INTEGER NOT NULL PRIMARY KEY,
    frozen_at_ms INTEGER NOT NULL,
    digest TEXT NOT NULL,
    signature TEXT NOT NULL,
    public_key TEXT NOT NULL,
    case_year INTEGER NOT NULL
);

CREATE TABLE basis (
    scope_version INTEGER NOT NULL,
    id INTEGER NOT NULL,
    technique TEXT NOT NULL,
    rule TEXT NOT NULL,
    shape TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    source_table TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    statements INTEGER NOT NULL,
    agreeing INTEGER NOT NULL,
    PRIMARY KEY (scope_version, id)
);

CREATE TABLE person (
    scope_version INTEGER NOT NULL,
    id INTEGER NOT NULL,
    profile BLOB NOT NULL,
    mail_index BLOB,
    language TEXT NOT NULL,
    verdict TEXT,
    records INTEGER NOT NULL,
    exposed INTEGER NOT NULL,
    told BLOB NOT NULL,
    PRIMARY KEY (scope_version, id)
);
CREATE INDEX person_by_mail ON person (mail_index, scope_version) WHERE mail_index IS NOT NULL;
CREATE INDEX person_by_verdict ON person (scope_version, verdict, id);

CREATE TABLE person_record (
    scope_version INTEGER NOT NULL,
    person INTEGER NOT NULL,
    place INTEGER NOT NULL,
    source TEXT NOT NULL,
    source_table TEXT NOT NULL,
    record_key TEXT NOT NULL,
    linked_by TEXT NOT NULL,
    PRIMARY KEY (scope_version, person, place)
);

CREATE TABLE exposed_record (
    scope_version INTEGER NOT NULL,
    person INTEGER NOT NULL,
    place INTEGER NOT NULL,
    source TEXT NOT NULL,
    source_table TEXT NOT NULL,
    record_key TEXT NOT NULL,
    fields TEXT NOT NULL,
    source_columns TEXT NOT NULL,
    verdict TEXT NOT NULL,
    basis INTEGER NOT NULL,
    evidence INTEGER NOT NULL,
    line INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    observed_bytes INTEGER NOT NULL,
    predicted_bytes INTEGER NOT NULL,
    detail BLOB NOT NULL,
    PRIMARY KEY (scope_version, person, place)
);

CREATE TABLE fact (
    sequence INTEGER NOT NULL PRIMARY KEY,
    batch INTEGER NOT NULL,
    recorded_at_ms INTEGER NOT NULL,
    name TEXT NOT NULL,
    value_kind TEXT NOT NULL,
    value TEXT NOT NULL,
    as_of TEXT NOT NULL,
    source TEXT NOT NULL,
    query TEXT NOT NULL,
    scope_version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    replaces INTEGER NOT NULL
);
CREATE INDEX fact_by_name ON fact (name, sequence);

CREATE TABLE notice (
    serial INTEGER NOT NULL PRIMARY KEY,
    person INTEGER NOT NULL,
    scope_version INTEGER NOT NULL,
    channel TEXT NOT NULL,
    state TEXT NOT NULL,
    told BLOB NOT NULL,
    link_hash BLOB NOT NULL,
    planned_at_ms INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    retry_at_ms INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT '',
    lease_until_ms INTEGER NOT NULL DEFAULT 0,
    hold_who TEXT NOT NULL DEFAULT '',
    hold_reason TEXT NOT NULL DEFAULT '',
    hold_until_ms INTEGER NOT NULL DEFAULT 0,
    UNIQUE (person, scope_version, channel)
);
CREATE UNIQUE INDEX notice_by_link ON notice (link_hash);
CREATE INDEX notice_by_state ON notice (scope_version, state, serial);
CREATE INDEX notice_in_hand ON notice (lease_until_ms) WHERE state = 'sending';
CREATE INDEX notice_held ON notice (hold_until_ms) WHERE state = 'held';

CREATE TABLE notice_event (
    sequence AUTO_KEY,
    serial INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX notice_event_by_notice ON notice_event (serial, sequence);

CREATE TABLE person_right (
    id INTEGER NOT NULL PRIMARY KEY,
    person INTEGER NOT NULL,
    remedy TEXT NOT NULL,
    amount INTEGER NOT NULL,
    currency TEXT NOT NULL,
    issued_at_ms INTEGER NOT NULL,
    usable_until_ms INTEGER,
    code_hash BLOB NOT NULL,
    redeemed_at_ms INTEGER,
    redeemed_by TEXT NOT NULL DEFAULT '',
    order_ref TEXT NOT NULL DEFAULT '',
    UNIQUE (person, remedy)
);
CREATE UNIQUE INDEX person_right_by_code ON person_right (code_hash);

CREATE TABLE redeem_request (
    request_key BLOB NOT NULL PRIMARY KEY,
    request_hash BLOB NOT NULL,
    at_ms INTEGER NOT NULL,
    answer TEXT NOT NULL,
    person_right INTEGER NOT NULL,
    answer_at_ms INTEGER NOT NULL
);

CREATE TABLE job (
    id AUTO_KEY,
    kind TEXT NOT NULL,
    payload BLOB NOT NULL,
    free_at_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    worker TEXT NOT NULL DEFAULT ''
);
CREATE INDEX job_by_time ON job (free_at_ms, id);

CREATE TABLE access_link (
    id AUTO_KEY,
    person INTEGER NOT NULL,
    code_hash BLOB UNIQUE,
    expires_at_ms INTEGER NOT NULL
);
CREATE INDEX access_link_by_end ON access_link (expires_at_ms);

CREATE TABLE staff (
    name TEXT NOT NULL PRIMARY KEY,
    password_hash TEXT NOT NULL,
    generation INTEGER NOT NULL,
    changed_at_ms INTEGER NOT NULL
);

CREATE TABLE api_key (
    name TEXT NOT NULL PRIMARY KEY,
    secret_hash BLOB NOT NULL UNIQUE,
    created_at_ms INTEGER NOT NULL
);

CREATE TABLE audit (
    sequence INTEGER NOT NULL PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    hash TEXT NOT NULL
);
