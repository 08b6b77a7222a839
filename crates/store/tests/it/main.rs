//! The store through its front door: one suite, on SQLite and on a PostgreSQL that the tests start themselves.

mod case;
mod documents;
mod killed;
mod letters;
mod postgres;
mod server;
mod sqlite;
mod suite;
