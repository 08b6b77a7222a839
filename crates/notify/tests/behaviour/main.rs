//! Behaviour of `notify` through its front door: what people receive, and what happens when mail servers misbehave.

mod kinds;
mod listening;
mod mails;
mod parsed;
mod people;
mod postfix;
mod postfix_server;
mod sending;
mod servers;
