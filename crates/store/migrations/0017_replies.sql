-- What people wrote back, for the desk to read, and what the desk answered.

CREATE TABLE reply (
    id AUTO_KEY,
    serial INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    message_hash BLOB NOT NULL UNIQUE,
    message BLOB NOT NULL
);
CREATE INDEX reply_by_notice ON reply (serial, id);

CREATE TABLE answer (
    id AUTO_KEY,
    reply INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    words BLOB NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX answer_by_reply ON answer (reply, id);
