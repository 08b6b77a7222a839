//! Where the case stands, as the console shows it. What a frozen scope version holds never changes, so it is counted once
//! a version; the conservation line is counted anew, at most every few seconds.

use std::sync::{Arc, Mutex, PoisonError};

use kintsugi_case::{Attack, BasisSummary, Conservation, ScopeVersion, Verdict};
use kintsugi_store::ScopeCounts;

use crate::failure::Failure;
use crate::site::Site;

/// How old a conservation line may be.
const CONSERVATION_AGE_MS: i64 = 3000;

/// The newest scope version and what it holds.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) scope: ScopeVersion,
    pub(crate) counts: ScopeCounts,
    pub(crate) bases: Vec<BasisSummary>,
    /// Records taken (proved) by the hour in which the request was: (start of the hour, milliseconds since 1970 UTC, records).
    pub(crate) hours: Vec<(i64, u64)>,
    /// The picture of the attack, where the version has one.
    pub(crate) attack: Option<Attack>,
}

impl Standing {
    /// Persons with this strongest verdict.
    pub(crate) fn persons(&self, verdict: Verdict) -> u64 {
        count(&self.counts.persons_by_verdict, verdict)
    }

    /// Records with this strongest verdict.
    pub(crate) fn records(&self, verdict: Verdict) -> u64 {
        count(&self.counts.records_by_verdict, verdict)
    }

    /// Persons who must be told.
    pub(crate) fn affected(&self) -> u64 {
        self.persons(Verdict::Proved) + self.persons(Verdict::Possible)
    }
}

fn count(counts: &[(Verdict, u64)], verdict: Verdict) -> u64 {
    counts.iter().find(|(one, _)| *one == verdict).map_or(0, |(_, count)| *count)
}

/// What was counted already.
#[derive(Default)]
pub(crate) struct Cache {
    standing: Mutex<Option<Arc<Standing>>>,
    conservation: Mutex<Option<(i64, u32, Conservation)>>,
}

impl Cache {
    /// The newest scope version; `None` while none is frozen.
    pub(crate) async fn standing(&self, site: &Site) -> Result<Option<Arc<Standing>>, Failure> {
        let Some(scope) = site.store.newest_scope().await? else { return Ok(None) };
        let kept = self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(kept) = kept.filter(|kept| kept.scope == scope) {
            return Ok(Some(kept));
        }
        let standing = Arc::new(Standing {
            counts: site.store.scope_counts(scope.number).await?,
            bases: site.store.bases(scope.number).await?,
            attack: site.store.attack(scope.number).await?,
            hours: site.store.records_by_hour(scope.number).await?,
            scope,
        });
        *self.standing.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&standing));
        Ok(Some(standing))
    }

    /// The conservation line of a scope version.
    pub(crate) async fn conservation(&self, site: &Site, scope: u32) -> Result<Conservation, Failure> {
        let now_ms = site.now_ms();
        let kept = *self.conservation.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, _, line)) = kept.filter(|(at, of, _)| *of == scope && (0..CONSERVATION_AGE_MS).contains(&(now_ms - at))) {
            return Ok(line);
        }
        let line = site.store.conservation(scope).await?;
        *self.conservation.lock().unwrap_or_else(PoisonError::into_inner) = Some((now_ms, scope, line));
        Ok(line)
    }
}
