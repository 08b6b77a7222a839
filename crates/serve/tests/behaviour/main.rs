//! Portal, API and console through their front doors: real sockets, a real store, a made-up case.

#[path = "../../examples/gallery/made_up.rs"]
mod made_up;

mod answers;
mod api;
mod browser;
mod console;
mod portal;
