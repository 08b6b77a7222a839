-- The picture of the attack as of a scope version, and a few of its statements. Sealed: they hold what the intruder asked for.

CREATE TABLE attack_picture (
    scope_version INTEGER NOT NULL PRIMARY KEY,
    picture BLOB NOT NULL
);

CREATE TABLE attack_statement (
    scope_version INTEGER NOT NULL,
    shape INTEGER NOT NULL,
    place INTEGER NOT NULL,
    statement BLOB NOT NULL,
    PRIMARY KEY (scope_version, shape, place)
);
