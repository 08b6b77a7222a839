-- Letters in batches, and statements as PDF.

CREATE TABLE letter_batch (
    number INTEGER NOT NULL PRIMARY KEY,
    scope_version INTEGER NOT NULL,
    settings TEXT NOT NULL,
    begun_at_ms INTEGER NOT NULL,
    written_at_ms INTEGER NOT NULL DEFAULT 0,
    pages INTEGER NOT NULL DEFAULT 0,
    digest TEXT NOT NULL DEFAULT ''
);

CREATE TABLE letter (
    serial INTEGER NOT NULL PRIMARY KEY,
    batch INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    dated_ms INTEGER NOT NULL,
    digest TEXT NOT NULL,
    UNIQUE (batch, piece)
);

CREATE TABLE document_paper (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    language TEXT NOT NULL,
    made_at_ms INTEGER NOT NULL,
    digest TEXT NOT NULL,
    pdf BLOB NOT NULL,
    PRIMARY KEY (name, version, language)
);
