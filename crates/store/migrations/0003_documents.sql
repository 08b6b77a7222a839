-- Documents as they were published, and which facts each of them states. Every version is kept.

CREATE TABLE document (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    language TEXT NOT NULL,
    published_at_ms INTEGER NOT NULL,
    published_by TEXT NOT NULL,
    note TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (name, version, language)
);

CREATE TABLE document_fact (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    language TEXT NOT NULL,
    fact INTEGER NOT NULL,
    PRIMARY KEY (name, version, language, fact)
);
