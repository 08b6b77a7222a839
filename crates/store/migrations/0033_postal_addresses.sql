-- Postal addresses that were given after a version was frozen, and a letter for each address to which one went.

CREATE TABLE postal_address (
    person INTEGER NOT NULL,
    number INTEGER NOT NULL,
    given_at_ms INTEGER NOT NULL,
    given_by TEXT NOT NULL,
    address BLOB NOT NULL,
    PRIMARY KEY (person, number)
);

ALTER TABLE letter RENAME TO letter_before;

CREATE TABLE letter (
    serial INTEGER NOT NULL,
    address INTEGER NOT NULL DEFAULT 0,
    batch INTEGER NOT NULL,
    piece INTEGER NOT NULL,
    dated_ms INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (serial, address),
    UNIQUE (batch, piece)
);

INSERT INTO letter (serial, address, batch, piece, dated_ms, digest)
    SELECT serial, 0, batch, piece, dated_ms, digest FROM letter_before;

DROP TABLE letter_before;
