//! Behaviour of `notify` through its front door: what people receive, and what happens when mail servers misbehave.

mod mails;
mod people;
mod sending;
mod servers;
