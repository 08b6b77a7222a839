//! Whether notices go out now, and the form that pauses sending or lets it go on. Whoever acts says why (rule 17).

use axum::Form;
use axum::extract::State;
use axum::response::Redirect;
use serde::Deserialize;

use super::rail::moment;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 300;

/// A pause as pages show it.
#[derive(Clone, Debug)]
pub(crate) struct Paused {
    /// Since when, in words.
    pub(crate) since: String,
    /// By whom.
    pub(crate) who: String,
    /// Why.
    pub(crate) reason: String,
}

impl Paused {
    /// The pause that holds now.
    pub(crate) async fn now(site: &Site) -> Result<Option<Self>, Failure> {
        let pause = site.store.paused().await?;
        Ok(pause.map(|pause| Self { since: moment(site, pause.at_ms), who: pause.who, reason: pause.reason }))
    }
}

/// The form.
#[derive(Deserialize)]
pub(crate) struct TurnForm {
    token: String,
    turn: Turn,
    #[serde(default)]
    reason: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Turn {
    Pause,
    Resume,
}

/// `POST /plan/sending`: pauses, or lets go on. Twice is once.
pub(crate) async fn turn(State(site): State<Site>, session: Session, Form(form): Form<TurnForm>) -> Result<Redirect, Failure> {
    if !session.fits(&site, &form.token) {
        return Err(Failure::Form);
    }
    let reason: String = form.reason.trim().chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect();
    if reason.is_empty() {
        return Ok(Redirect::to("/plan?fault=reason#sending"));
    }
    let now_ms = site.now_ms();
    match form.turn {
        Turn::Pause => site.store.pause_sending(&session.who, &reason, now_ms).await?,
        Turn::Resume => site.store.resume_sending(&session.who, &reason, now_ms).await?,
    };
    Ok(Redirect::to("/plan#sending"))
}
