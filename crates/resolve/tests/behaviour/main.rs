//! Records to persons through the front door.

mod joining;
mod owning;
mod town;
