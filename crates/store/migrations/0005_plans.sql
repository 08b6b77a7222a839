-- What a notice is, plans of what is to be told, and the second person's approval of them.

ALTER TABLE notice ADD COLUMN kind TEXT NOT NULL DEFAULT 'first';
ALTER TABLE notice ADD COLUMN resend INTEGER NOT NULL DEFAULT 0;

CREATE TABLE plan (
    number INTEGER NOT NULL PRIMARY KEY,
    planned_at_ms INTEGER NOT NULL,
    planned_by TEXT NOT NULL,
    scope_version INTEGER NOT NULL,
    digest TEXT NOT NULL,
    body TEXT NOT NULL
);

CREATE TABLE approval (
    plan INTEGER NOT NULL PRIMARY KEY,
    approved_at_ms INTEGER NOT NULL,
    approved_by TEXT NOT NULL,
    digest TEXT NOT NULL,
    seal BLOB NOT NULL
);
