//! The console: what staff see. One file per page, its template beside it.

pub(crate) mod answer;
pub(crate) mod attack;
pub(crate) mod audit;
pub(crate) mod decide;
pub(crate) mod evidence;
pub(crate) mod facts;
pub(crate) mod notices;
pub(crate) mod person;
pub(crate) mod persons;
pub(crate) mod plan;
pub(crate) mod rail;
pub(crate) mod replies;
pub(crate) mod rights;
pub(crate) mod scope;
pub(crate) mod sending;
pub(crate) mod sign_in;
pub(crate) mod stand;
pub(crate) mod statement;
pub(crate) mod statements;
pub(crate) mod why;

pub(crate) use rail::Rail;
