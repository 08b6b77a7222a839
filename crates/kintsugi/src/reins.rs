//! What holds a run of sending up: Ctrl-C ends it; a pause, which staff can set from anywhere, interrupts it until they let
//! it go on. Not here: what a pause is (`kintsugi_store::Pause`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kintsugi_store::{Pause, Store};
use tokio::task::JoinSet;

use crate::progress;

/// A pause, and its end, are seen within this.
const LOOKED_EVERY: Duration = Duration::from_secs(1);

/// Watches over a run until dropped.
pub(crate) struct Reins {
    store: Store,
    /// Tells the run to finish what it has in hand.
    stop: Arc<AtomicBool>,
    /// Whether it is for good.
    ended: Arc<AtomicBool>,
    _watchers: JoinSet<()>,
}

impl Reins {
    /// Sets `stop` when the run must finish what it has in hand.
    pub(crate) fn new(store: Store, stop: Arc<AtomicBool>) -> Self {
        let (ended, mut watchers) = (Arc::<AtomicBool>::default(), JoinSet::new());
        watchers.spawn(end_at_signal(Arc::clone(&stop), Arc::clone(&ended)));
        watchers.spawn(stop_at_pause(Arc::clone(&stop), store.clone()));
        Self { store, stop, ended, _watchers: watchers }
    }

    /// Whether the run was interrupted and must begin again: after the pause, which this waits for.
    pub(crate) async fn interrupted(&self) -> Result<bool, kintsugi_store::Error> {
        let Some(pause) = self.store.paused().await? else {
            return Ok(self.stop.swap(false, Ordering::Relaxed) && !self.has_ended());
        };
        progress::line(&format!("  {}. Waiting until `kintsugi notify resume`; Ctrl-C ends", said(&pause)));
        while !self.has_ended() && self.store.paused().await?.is_some() {
            tokio::time::sleep(LOOKED_EVERY).await;
        }
        self.stop.store(self.has_ended(), Ordering::Relaxed);
        Ok(!self.has_ended())
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// A pause in words.
pub(crate) fn said(pause: &Pause) -> String {
    format!("sending is paused by {} ({})", pause.who, pause.reason)
}

async fn end_at_signal(stop: Arc<AtomicBool>, ended: Arc<AtomicBool>) {
    if tokio::signal::ctrl_c().await.is_ok() {
        progress::line("  stopping: what is in hand is finished first");
        ended.store(true, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
    }
}

/// A store that is away is the run's own trouble.
async fn stop_at_pause(stop: Arc<AtomicBool>, store: Store) {
    loop {
        tokio::time::sleep(LOOKED_EVERY).await;
        if matches!(store.paused().await, Ok(Some(_))) {
            stop.store(true, Ordering::Relaxed);
        }
    }
}
