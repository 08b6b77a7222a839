//! find.db through its front door.

mod loading;
mod persons;
mod scope;
mod shop;
