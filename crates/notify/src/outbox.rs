//! The run: takes notices out of an outbox, sends them over several sessions, writes down how each ended.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::pace::{Limits, Pace};
use crate::smtp::{Broken, Session};
use crate::{Mail, Outcome, Sender, Unsendable};

/// The outbox's clock and ours may differ by so much: a turn is looked for a little later.
const TURN_MARGIN: Duration = Duration::from_millis(20);
/// Turns of put-back letters are gathered for so long.
const TURNS_TOGETHER: Duration = Duration::from_secs(1);
/// A wish to stop is seen within this.
const STOP_SEEN_WITHIN: Duration = Duration::from_millis(500);
/// No more letters are leased than go within this: a lease must outlast them.
const IN_HAND_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Outcomes written down in one go, at most.
const RECORDED_TOGETHER_MAX: usize = 512;

/// Where notices wait. `lease` marks them as being sent before it gives them out; `record` writes down how they ended.
pub trait Outbox {
    /// What is leased: enough to compose the mail from.
    type Letter: Send + Sync + 'static;
    /// Why the outbox failed.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The next letters with a serial above `after`, at most `limit`, in rising order, now marked as being sent.
    fn lease(&mut self, after: u64, limit: usize) -> impl Future<Output = Result<Vec<Self::Letter>, Self::Error>> + Send;

    /// The serial of a letter: its place in the outbox, from 1.
    fn serial(letter: &Self::Letter) -> u64;

    /// Writes down how these ended.
    fn record(&mut self, outcomes: &[(u64, Outcome)]) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// The bounds of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Sessions at the same time.
    pub sessions: u16,
    /// Letters leased at the same time: as many become unknown, at most, when the run is killed.
    pub letters_in_hand_max: usize,
    /// How often the letters that were not sent are tried in this run.
    pub passes_max: u32,
    /// The pause before they are tried again.
    pub pause: Duration,
    /// How often a session that cannot be opened is tried before it is given up; the pause doubles each time.
    pub open_attempts_max: u32,
    /// The first pause between these.
    pub open_pause: Duration,
    /// The pace.
    pub limits: Limits,
    /// Set it, and nothing more is leased: what is in hand is finished, but for what waits for its turn.
    pub stop: Arc<AtomicBool>,
}

impl RunOptions {
    /// The usual bounds for so many sessions.
    pub fn new(sessions: u16) -> Self {
        Self {
            sessions: sessions.max(1),
            letters_in_hand_max: usize::from(sessions.max(1)) * 16,
            passes_max: 2,
            pause: Duration::from_secs(5),
            open_attempts_max: 4,
            open_pause: Duration::from_millis(250),
            limits: Limits::default(),
            stop: Arc::default(),
        }
    }

    /// The same at this pace.
    pub fn paced(self, limits: Limits) -> Self {
        let goes = limits.within(IN_HAND_WITHIN).map_or(usize::MAX, |mails| usize::try_from(mails).unwrap_or(usize::MAX));
        Self { limits, letters_in_hand_max: self.letters_in_hand_max.min(goes).max(1), ..self }
    }
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Taken by the server.
    pub accepted: u64,
    /// Refused for good.
    pub refused: u64,
    /// Not sent, to be tried again.
    pub not_sent: u64,
    /// No answer after the data.
    pub unknown: u64,
    /// Put back until the turn of their domain; each time counts.
    pub later: u64,
}

impl Progress {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Accepted { .. } => &mut self.accepted,
            Outcome::Refused { .. } => &mut self.refused,
            Outcome::NotSent { .. } => &mut self.not_sent,
            Outcome::Unknown { .. } => &mut self.unknown,
            Outcome::Later { .. } => &mut self.later,
        } += 1;
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// The counts; a letter that was not sent in one pass and sent in the next counts in both.
    pub sent: Progress,
    /// Letters that were not sent in the last pass: they wait for the next run.
    pub left: u64,
    /// Why the run stopped before the outbox was empty.
    pub stopped: Option<String>,
    /// The last reason for which a letter was not sent, or is unknown.
    pub last_trouble: Option<String>,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub enum RunError<E: std::error::Error + 'static> {
    /// The outbox could not be read or written.
    #[error("the outbox failed")]
    Outbox(#[source] E),
    /// Every session ended without being asked to: a mistake in the program, not of the server.
    #[error("the sessions ended by themselves; letters in hand stay marked as being sent")]
    SessionsLost,
}

/// Sends what waits in the outbox: pass after pass over it, until nothing is left that could be sent, or no server
/// answers. `compose` is called on the sessions' own tasks.
pub async fn run<O: Outbox>(
    outbox: &mut O,
    sender: &Sender,
    options: RunOptions,
    compose: impl Fn(&O::Letter) -> Result<Mail, Unsendable> + Send + Sync + 'static,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<RunReport, RunError<O::Error>> {
    let compose: Arc<Compose<O::Letter>> = Arc::new(compose);
    let (mut report, pace) = (RunReport::default(), Pace::new(options.limits, Instant::now()));
    let (mut passes_left, mut due) = (options.passes_max.max(1), Due::default());
    loop {
        let before = report.sent;
        one_pass(outbox, sender, &options, &(Arc::clone(&compose), pace.clone()), progress, &mut report, &mut due).await?;
        report.left = report.sent.not_sent - before.not_sent;
        passes_left -= u32::from(passes_left > 0 && report.left > 0);
        let again = (report.left > 0 && passes_left > 0).then(|| Instant::now() + options.pause);
        let Some(at) = again.into_iter().chain(due.next(Instant::now())).min().filter(|_| report.stopped.is_none()) else {
            return Ok(report);
        };
        wait_until(at, &options.stop).await;
        if options.stop.load(Ordering::Relaxed) {
            return Ok(report);
        }
    }
}

/// When the last of the put-back letters has its turn.
#[derive(Debug, Default)]
struct Due(Option<Instant>);

impl Due {
    fn add(&mut self, outcome: &Outcome) {
        if let Outcome::Later { wait } = outcome {
            self.0 = self.0.max(Some(Instant::now() + *wait + TURN_MARGIN));
        }
    }

    /// When to look again for letters whose turn has come; none when the last turn was given.
    fn next(&self, now: Instant) -> Option<Instant> {
        self.0.filter(|last| *last > now).map(|last| last.min(now + TURNS_TOGETHER))
    }
}

/// Waits, unless it is asked to stop.
async fn wait_until(at: Instant, stop: &AtomicBool) {
    while Instant::now() < at && !stop.load(Ordering::Relaxed) {
        tokio::time::sleep_until(at.min(Instant::now() + STOP_SEEN_WITHIN)).await;
    }
}

type Compose<L> = dyn Fn(&L) -> Result<Mail, Unsendable> + Send + Sync;

/// What a session tells the run.
enum Event<L> {
    Ended(u64, Outcome),
    /// The session cannot be opened; the letter goes back to the others.
    Retired(L, String),
}

async fn one_pass<O: Outbox>(
    outbox: &mut O,
    sender: &Sender,
    options: &RunOptions,
    (compose, pace): &(Arc<Compose<O::Letter>>, Pace),
    progress: &mut (dyn FnMut(Progress) + Send),
    report: &mut RunReport,
    due: &mut Due,
) -> Result<(), RunError<O::Error>> {
    let mut hand = Hand::<O::Letter>::start(sender, options, (compose, pace), O::serial);
    let (mut after, mut drained) = (0, false);
    loop {
        let wanted = options.letters_in_hand_max.max(1).saturating_sub(hand.count);
        if !drained && wanted > options.letters_in_hand_max / 2 {
            let stop = options.stop.load(Ordering::Relaxed) || report.stopped.is_some();
            let letters = if stop { Vec::new() } else { outbox.lease(after, wanted).await.map_err(RunError::Outbox)? };
            drained = letters.is_empty();
            after = letters.last().map_or(after, O::serial);
            letters.into_iter().for_each(|letter| hand.give(letter));
        }
        if hand.count == 0 && drained {
            hand.end().await;
            return Ok(());
        }
        let outcomes = hand.outcomes::<O>(report).await?;
        if !outcomes.is_empty() {
            outbox.record(&outcomes).await.map_err(RunError::Outbox)?;
            for (_, outcome) in &outcomes {
                report.sent.count(outcome);
                due.add(outcome);
            }
            report.last_trouble = outcomes.iter().rev().find_map(|(_, outcome)| trouble(outcome)).or(report.last_trouble.take());
            progress(report.sent);
        }
    }
}

fn trouble(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::NotSent { why } | Outcome::Unknown { why } => Some(why.clone()),
        Outcome::Accepted { .. } | Outcome::Refused { .. } | Outcome::Later { .. } => None,
    }
}

/// The sessions, and the letters in their hands.
struct Hand<L> {
    letters: mpsc::UnboundedSender<L>,
    queue: Arc<Mutex<mpsc::UnboundedReceiver<L>>>,
    events: mpsc::UnboundedReceiver<Event<L>>,
    sessions: JoinSet<()>,
    alive: u16,
    count: usize,
}

impl<L: Send + Sync + 'static> Hand<L> {
    fn start(sender: &Sender, options: &RunOptions, (compose, pace): (&Arc<Compose<L>>, &Pace), serial: fn(&L) -> u64) -> Self {
        let (letters, queue) = mpsc::unbounded_channel();
        let (told, events) = mpsc::unbounded_channel();
        let queue = Arc::new(Mutex::new(queue));
        let mut sessions = JoinSet::new();
        for _ in 0..options.sessions.max(1) {
            let worker = Worker {
                sender: sender.clone(),
                options: options.clone(),
                compose: Arc::clone(compose),
                pace: pace.clone(),
                queue: Arc::clone(&queue),
                told: told.clone(),
                serial,
            };
            sessions.spawn(worker.work());
        }
        Self { letters, queue, events, sessions, alive: options.sessions.max(1), count: 0 }
    }

    fn give(&mut self, letter: L) {
        self.count += 1;
        // It fails only when every session is gone, which `outcomes` reports.
        let _ = self.letters.send(letter);
    }

    /// Waits for what the sessions tell; several at once where several wait.
    async fn outcomes<O: Outbox<Letter = L>>(
        &mut self,
        report: &mut RunReport,
    ) -> Result<Vec<(u64, Outcome)>, RunError<O::Error>> {
        let mut events = Vec::new();
        if self.events.recv_many(&mut events, RECORDED_TOGETHER_MAX).await == 0 {
            return Err(RunError::SessionsLost);
        }
        let mut outcomes = Vec::with_capacity(events.len());
        let mut returned = VecDeque::new();
        for event in events {
            match event {
                Event::Ended(serial, outcome) => outcomes.push((serial, outcome)),
                Event::Retired(letter, why) => {
                    self.alive -= 1;
                    report.stopped = (self.alive == 0).then(|| why.clone()).or(report.stopped.take());
                    report.last_trouble = Some(why);
                    returned.push_back(letter);
                }
            }
        }
        if self.alive == 0 {
            let mut queue = self.queue.lock().await;
            returned.extend(std::iter::from_fn(|| queue.try_recv().ok()));
            let why = report.stopped.clone().unwrap_or_default();
            outcomes.extend(returned.drain(..).map(|letter| (O::serial(&letter), Outcome::NotSent { why: why.clone() })));
        }
        for letter in returned {
            let _ = self.letters.send(letter);
        }
        self.count -= outcomes.len();
        Ok(outcomes)
    }

    /// Lets the sessions say goodbye.
    async fn end(mut self) {
        drop(self.letters);
        while self.sessions.join_next().await.is_some() {}
    }
}

/// One session after the other, one letter at a time.
struct Worker<L> {
    sender: Sender,
    options: RunOptions,
    compose: Arc<Compose<L>>,
    pace: Pace,
    queue: Arc<Mutex<mpsc::UnboundedReceiver<L>>>,
    told: mpsc::UnboundedSender<Event<L>>,
    serial: fn(&L) -> u64,
}

impl<L> Worker<L> {
    async fn work(self) {
        let mut session = None;
        while let Some(letter) = self.next().await {
            let event = match self.send(&letter, &mut session).await {
                Ok(outcome) => Event::Ended((self.serial)(&letter), outcome),
                Err(broken) => Event::Retired(letter, broken.to_string()),
            };
            let retired = matches!(event, Event::Retired(..));
            if self.told.send(event).is_err() || retired {
                return;
            }
        }
        if let Some(session) = session {
            session.quit().await;
        }
    }

    async fn next(&self) -> Option<L> {
        self.queue.lock().await.recv().await
    }

    /// Composes and sends one letter; an error means that no session can be opened. Servers end sessions after some mails
    /// or some idle time: a letter that met such an end and certainly was not handed over gets one fresh session.
    async fn send(&self, letter: &L, session: &mut Option<Session>) -> Result<Outcome, Broken> {
        let mail = match (self.compose)(letter) {
            Ok(mail) => mail,
            Err(unsendable) => return Ok(Outcome::Refused { reply: unsendable.to_string() }),
        };
        if let Err(wait) = self.pace.domain(mail.to.open(), Instant::now()) {
            return Ok(Outcome::Later { wait });
        }
        let mail = match self.sender.signed(mail) {
            Ok(mail) => mail,
            Err(error) => return Ok(Outcome::NotSent { why: error.to_string() }),
        };
        let turn = self.pace.turn(Instant::now());
        if !turn.is_zero() {
            wait_until(Instant::now() + turn, &self.options.stop).await;
            if self.options.stop.load(Ordering::Relaxed) {
                return Ok(Outcome::Later { wait: Duration::ZERO });
            }
        }
        loop {
            let mut open = match session.take() {
                Some(open) => open,
                None => self.open().await?,
            };
            let used_before = open.tried > 0;
            let outcome = open.deliver(&mail).await;
            *session = Some(open).filter(Session::is_usable);
            if !(used_before && session.is_none() && matches!(outcome, Outcome::NotSent { .. })) {
                return Ok(outcome);
            }
        }
    }

    /// Opens a session, trying again where the server answered quickly that it cannot now.
    async fn open(&self) -> Result<Session, Broken> {
        let mut pause = self.options.open_pause;
        for _ in 1..self.options.open_attempts_max {
            match self.sender.open().await {
                Err(broken) if !matches!(broken, Broken::Late { .. }) => tokio::time::sleep(pause).await,
                ended => return ended,
            }
            pause *= 2;
        }
        self.sender.open().await
    }
}
