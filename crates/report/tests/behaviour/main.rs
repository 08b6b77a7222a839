//! Behaviour of `report` through its front door: the statement word for word, what stops it, and the chains.

mod chains;
mod chronicles;
mod facts;
mod statements;
