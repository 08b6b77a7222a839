//! Jobs that `serve` writes and a worker does: the look-up and mail behind "am I affected?", and sending what the desk
//! answers.

use kintsugi_case::{Language, Private};
use serde::{Deserialize, Serialize};

/// The kind of job under which a [`CheckJob`] is enqueued.
pub const CHECK_JOB: &str = "check";

/// The kind of job that sends an answer of the desk.
pub const ANSWER_JOB: &str = "answer";

/// Which answer a job of the kind [`ANSWER_JOB`] sends.
pub fn answer_of(payload: &Private<String>) -> Result<u64, AnswerJobError> {
    payload.open().parse().map_err(|_| AnswerJobError)
}

/// Why a payload names no answer. The payload is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload names no answer")]
pub struct AnswerJobError;

/// Somebody asked whether the owner of a mail address is affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckJob {
    /// The address as typed. Empty where nobody is to be written to (too many questions for one address, or no address):
    /// the job is written all the same, so that every question costs the same.
    pub mail: Private<String>,
    /// The language of the page on which it was asked.
    pub language: Language,
}

/// Why a payload is no [`CheckJob`]. The payload is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payload is no check job")]
pub struct CheckJobError;

#[derive(Serialize, Deserialize)]
struct Payload {
    mail: String,
    language: String,
}

impl CheckJob {
    /// The payload for the store, which seals it.
    pub fn to_payload(&self) -> Private<String> {
        let payload = Payload { mail: self.mail.open().clone(), language: self.language.tag().to_owned() };
        Private::new(serde_json::to_string(&payload).unwrap_or_default())
    }

    /// Reads a payload back.
    pub fn from_payload(payload: &Private<String>) -> Result<Self, CheckJobError> {
        let payload: Payload = serde_json::from_str(payload.open()).map_err(|_| CheckJobError)?;
        let language = Language::from_tag(&payload.language).ok_or(CheckJobError)?;
        Ok(Self { mail: Private::new(payload.mail), language })
    }
}

#[cfg(test)]
mod tests {
    use super::{CheckJob, CheckJobError, Language, Private};

    #[test]
    fn a_job_reads_back() {
        let job = CheckJob { mail: Private::new("a\"b@x.example".into()), language: Language::En };
        assert_eq!(CheckJob::from_payload(&job.to_payload()), Ok(job));
        assert_eq!(CheckJob::from_payload(&Private::new("{}".into())), Err(CheckJobError));
    }
}
