//! TELL over HTTP: the portal for the people concerned, the console for staff, and the API for the merchant's engineers.
//!
//! Pages are rendered on the server and work without script. Every address is in `routes`; every page is one file beside
//! its template. Nothing here runs a stage: what has to be done is written down as a job ([`CheckJob`]) and a worker does
//! it. Nothing here knows the clock: [`Site`] carries it.
//!
//! Start with [`Site`], then [`portal`] and [`console`]; [`listen`] serves either on a socket.

mod answer_desk;
mod api;
mod asset;
mod chart;
mod console;
mod evidence;
mod failure;
mod form_token;
mod frame;
mod guard;
mod job;
mod limit;
mod listen;
mod password;
mod portal;
mod publish;
mod routes;
mod session;
mod site;
mod standing;
mod visitor;
mod words;

pub use answer_desk::{AnswerDesk, CurrentDesk};
pub use evidence::{EvidenceFile, LogRead};
pub use job::{ANSWER_JOB, AnswerJobError, CHECK_JOB, CheckJob, CheckJobError, answer_of};
pub use listen::listen;
pub use password::{PasswordError, hash_password, password_fits};
pub use publish::{Overtaken, PublishError, STATEMENT, citations, overtaken, publish, published_version};
pub use routes::{console, portal};
pub use site::{Limits, Options, Site};
