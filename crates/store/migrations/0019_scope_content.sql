-- The seal over what the store holds of a scope version.

CREATE TABLE scope_content (
    scope_version INTEGER NOT NULL PRIMARY KEY,
    things INTEGER NOT NULL,
    seal BLOB NOT NULL
);
