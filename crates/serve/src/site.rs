//! What every page needs: the store, the case, the keys, the clock, and how strict to be.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRef;
use axum_extra::extract::cookie::Key;
use kintsugi_case::CaseFile;
use kintsugi_store::Store;
use kintsugi_vault::{Keys, Purpose};

use crate::answer_desk::CurrentDesk;
use crate::evidence::EvidenceFile;
use crate::limit::Limiters;
use crate::standing::Cache;

/// How a site is reached and how strict it is.
#[derive(Clone, Debug)]
pub struct Options {
    /// Answer to loopback names besides the controller's domain. For the demo and for tests.
    pub loopback: bool,
    /// Cookies only over TLS, and HSTS. Off only where the listener is on loopback.
    pub secure: bool,
    /// Reverse proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<IpAddr>,
    /// How often one client may ask.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self { loopback: false, secure: true, proxies: Vec::new(), limits: Limits::default() }
    }
}

/// How often one client may ask, per ten minutes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// "Am I affected?" by one client.
    pub checks: u32,
    /// "Am I affected?" for one address, by anybody. Past it, the answer stays the same and no mail is sent.
    pub checks_for_one_address: u32,
    /// Notice numbers looked up, and personal links opened, by one client.
    pub look_ups: u32,
    /// Attempts to sign in, by one client and for one name.
    pub sign_ins: u32,
    /// Requests to the API with a wrong key, by one client.
    pub wrong_keys: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { checks: 20, checks_for_one_address: 3, look_ups: 120, sign_ins: 10, wrong_keys: 30 }
    }
}

/// A case as the listeners see it. Cheap to clone.
#[derive(Clone)]
pub struct Site {
    pub(crate) store: Store,
    pub(crate) case: Arc<CaseFile>,
    pub(crate) keys: Keys,
    pub(crate) evidence: Arc<[EvidenceFile]>,
    pub(crate) clock: fn() -> i64,
    pub(crate) options: Arc<Options>,
    pub(crate) limiters: Arc<Limiters>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) cookie_key: Key,
    /// What writes answers.
    pub(crate) answers: CurrentDesk,
}

impl Site {
    /// A site over a case. `evidence` is what the custody manifest and the log reports say; `clock` gives milliseconds
    /// since 1970 UTC.
    pub fn new(
        store: Store,
        case: CaseFile,
        keys: Keys,
        evidence: Vec<EvidenceFile>,
        clock: fn() -> i64,
        options: Options,
    ) -> Self {
        let cookie_key = Key::from(&[keys.subkey(Purpose::Session), keys.subkey(Purpose::FormToken)].concat());
        Self {
            store,
            case: Arc::new(case),
            keys,
            evidence: evidence.into(),
            clock,
            limiters: Arc::new(Limiters::new(&options.limits)),
            options: Arc::new(options),
            cache: Arc::default(),
            cookie_key,
            answers: CurrentDesk::default(),
        }
    }

    /// The same site with a desk that answers what people wrote back.
    #[must_use]
    pub fn answering(self, desk: CurrentDesk) -> Self {
        Self { answers: desk, ..self }
    }

    pub(crate) fn now_ms(&self) -> i64 {
        (self.clock)()
    }
}

impl FromRef<Site> for Key {
    fn from_ref(site: &Site) -> Self {
        site.cookie_key.clone()
    }
}
