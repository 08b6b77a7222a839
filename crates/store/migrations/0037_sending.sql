-- Whether sending is paused: who paused it or let it go on, and why. The newest row holds.

CREATE TABLE sending (
    sequence AUTO_KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    paused INTEGER NOT NULL,
    reason TEXT NOT NULL
);
