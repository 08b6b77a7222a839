//! What happens to notices when mail servers behave, and when they do not: nobody is missed, nobody is told twice,
//! and what is not known is called unknown.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kintsugi_case::{Language, MailSpec, NoticeNumber, NoticeState, Private};
use kintsugi_notify::{
    Credentials, Limits, Mail, NoticeContent, Outbox, Outcome, Progress, RunOptions, RunReport, Sender, Timeouts, Unsendable, run,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::people::{LINK, card, composer, ms, person};
use crate::servers::{MailServer, Manner};

/// An outbox in memory that checks what the store checks: no illegal change of state.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<BTreeMap<u64, (NoticeState, String)>>>);

impl Memory {
    pub(crate) fn with(count: u64) -> Self {
        Self(Arc::new(Mutex::new((1..=count).map(|serial| (serial, (NoticeState::Intended, String::new()))).collect())))
    }

    pub(crate) fn count(&self, state: NoticeState) -> usize {
        self.0.lock().unwrap().values().filter(|(is, _)| *is == state).count()
    }

    pub(crate) fn detail(&self, serial: u64) -> (NoticeState, String) {
        self.0.lock().unwrap()[&serial].clone()
    }

    fn become_(entry: &mut (NoticeState, String), next: NoticeState, detail: &str) {
        assert!(entry.0.may_become(next), "{:?} to {next:?}", entry.0);
        *entry = (next, detail.to_owned());
    }

    /// What the store does when a sender died: what was in its hand is unknown.
    fn reap(&self) {
        for entry in self.0.lock().unwrap().values_mut().filter(|(is, _)| *is == NoticeState::Sending) {
            Self::become_(entry, NoticeState::Unknown, "the sender died");
        }
    }
}

impl Outbox for Memory {
    type Letter = u64;
    type Error = Infallible;

    async fn lease(&mut self, after: u64, limit: usize) -> Result<Vec<u64>, Infallible> {
        let mut all = self.0.lock().unwrap();
        let waiting = all.range_mut(after + 1..).filter(|(_, (is, _))| *is == NoticeState::Intended).take(limit);
        Ok(waiting
            .map(|(serial, entry)| {
                Self::become_(entry, NoticeState::Sending, "");
                *serial
            })
            .collect())
    }

    fn serial(letter: &u64) -> u64 {
        *letter
    }

    async fn record(&mut self, outcomes: &[(u64, Outcome)]) -> Result<(), Infallible> {
        let mut all = self.0.lock().unwrap();
        for (serial, outcome) in outcomes {
            let (next, detail) = match outcome {
                Outcome::Accepted { reply } => (NoticeState::Accepted, reply),
                Outcome::Refused { reply } => (NoticeState::Refused, reply),
                Outcome::NotSent { why } => (NoticeState::Intended, why),
                Outcome::Unknown { why } => (NoticeState::Unknown, why),
                Outcome::Later { .. } => (NoticeState::Intended, &String::new()),
            };
            Self::become_(all.get_mut(serial).unwrap(), next, detail);
        }
        Ok(())
    }
}

pub(crate) fn to(serial: u64) -> String {
    format!("person{serial}@mail.example")
}

pub(crate) fn letter(serial: u64) -> Result<Mail, Unsendable> {
    let person = person("山田 太郎", &to(serial), Language::Ja);
    let exposed = [card("7", "Visa", "4242", 1)];
    let content =
        NoticeContent { number: NoticeNumber::new(2013, serial), person: &person, exposed: &exposed, link: LINK, earlier: None };
    composer().notice(&content, ms("2013-05-27T09:00:00+09:00"))
}

pub(crate) fn spec(urls: &[String]) -> MailSpec {
    MailSpec {
        from: "TABIDATA <notice@kakehashi.example>".into(),
        smtp: urls.to_vec(),
        portal: "https://kakehashi.example".into(),
        connections: 4,
        return_path: None,
        dkim: Vec::new(),
        bounces_tls: None,
        per_minute: None,
        per_domain_minute: None,
    }
}

const QUICK: Timeouts =
    Timeouts { connect: Duration::from_secs(5), command: Duration::from_millis(400), data: Duration::from_millis(400) };

pub(crate) fn quick(sessions: u16) -> RunOptions {
    RunOptions { pause: Duration::from_millis(10), open_pause: Duration::from_millis(5), ..RunOptions::new(sessions) }
}

pub(crate) async fn send_all(outbox: &Memory, urls: &[String], options: RunOptions) -> RunReport {
    let sender = Sender::new(&spec(urls), None, QUICK).unwrap();
    run(&mut outbox.clone(), &sender, options, |serial| letter(*serial), &mut |_| {}).await.unwrap()
}

async fn check(manner: Manner, letters: u64, sessions: u16) -> (Memory, MailServer, RunReport) {
    let (outbox, server) = (Memory::with(letters), MailServer::start(manner).await);
    let report = send_all(&outbox, &[server.url()], quick(sessions)).await;
    (outbox, server, report)
}

/// Each person exactly once.
fn everybody(letters: u64) -> Vec<String> {
    let mut all: Vec<String> = (1..=letters).map(to).collect();
    all.sort();
    all
}

#[tokio::test]
async fn everybody_is_told_once_over_a_few_sessions() {
    for manner in [Manner::Good, Manner::NoPipelining] {
        let (outbox, server, report) = check(manner, 120, 4).await;
        assert_eq!(report.sent, Progress { accepted: 120, ..Progress::default() });
        assert_eq!((report.left, report.stopped), (0, None));
        assert_eq!(server.recipients(), everybody(120));
        assert_eq!(outbox.count(NoticeState::Accepted), 120);
        assert!(server.sessions() <= 4, "{} sessions", server.sessions());
    }
}

#[tokio::test]
async fn a_message_arrives_byte_for_byte() {
    let (_, server, _) = check(Manner::Good, 1, 1).await;
    assert_eq!(&server.messages()[0], letter(1).unwrap().bytes.open());
}

#[tokio::test]
async fn an_absent_server_leaves_everything_to_be_sent() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let outbox = Memory::with(50);
    let report = send_all(&outbox, &[format!("smtp://127.0.0.1:{port}")], quick(4)).await;
    assert_eq!(outbox.count(NoticeState::Intended), 50);
    assert!(report.stopped.unwrap().starts_with("connect: "));
}

#[tokio::test]
async fn the_next_server_takes_over_from_an_absent_one() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (outbox, server) = (Memory::with(10), MailServer::start(Manner::Good).await);
    send_all(&outbox, &[format!("smtp://127.0.0.1:{port}"), server.url()], quick(2)).await;
    assert_eq!(outbox.count(NoticeState::Accepted), 10);
}

#[tokio::test]
async fn a_server_that_says_nothing_leaves_everything_to_be_sent() {
    let (outbox, _, report) = check(Manner::Silent, 5, 2).await;
    assert_eq!(outbox.count(NoticeState::Intended), 5);
    assert_eq!(report.stopped.unwrap(), "greeting: no answer in time");
}

#[tokio::test]
async fn silence_after_the_final_dot_is_unknown_and_not_tried_again() {
    let (outbox, server, report) = check(Manner::SilentAfterDot, 2, 2).await;
    assert_eq!(outbox.count(NoticeState::Unknown), 2);
    assert_eq!(server.recipients(), everybody(2));
    assert_eq!(report.last_trouble.unwrap(), "final dot: no answer in time");
}

#[tokio::test]
async fn one_refused_recipient_touches_nobody_else() {
    for manner in [Manner::Refuses(to(7)), Manner::RefusesAndWaits(to(7))] {
        let (outbox, server, _) = check(manner, 20, 1).await;
        assert_eq!((outbox.count(NoticeState::Accepted), outbox.count(NoticeState::Refused)), (19, 1));
        assert_eq!(outbox.detail(7), (NoticeState::Refused, "RCPT: 550 5.1.1 <recipient> unknown".into()));
        assert!(!server.recipients().contains(&to(7)));
        assert_eq!(server.sessions(), 1, "the session goes on");
    }
}

#[tokio::test]
async fn a_refused_sender_is_not_held_against_the_recipients() {
    let (outbox, ..) = check(Manner::RefusesSender, 3, 1).await;
    assert_eq!(outbox.count(NoticeState::Intended), 3);
    assert_eq!(outbox.detail(1).1, "MAIL: 550 we do not know you");
}

#[tokio::test]
async fn a_session_closed_before_the_final_dot_left_nothing_behind() {
    let (outbox, server, _) = check(Manner::ClosesAtData, 3, 1).await;
    assert_eq!((outbox.count(NoticeState::Intended), server.recipients().len()), (3, 0));
}

#[tokio::test]
async fn a_session_closed_within_the_data_is_never_called_accepted() {
    let (outbox, server, _) = check(Manner::ClosesWithinData, 3, 1).await;
    let sure = outbox.count(NoticeState::Intended) + outbox.count(NoticeState::Unknown);
    assert_eq!((sure, server.recipients().len()), (3, 0));
}

#[tokio::test]
async fn a_session_closed_after_the_final_dot_is_unknown_and_not_tried_again() {
    let (outbox, server, _) = check(Manner::ClosesAfterDot, 3, 1).await;
    assert_eq!(outbox.count(NoticeState::Unknown), 3);
    assert_eq!(server.recipients(), everybody(3));
    send_all(&outbox, &[server.url()], quick(1)).await;
    assert_eq!(server.recipients(), everybody(3), "a second run sends nothing again");
}

#[tokio::test]
async fn what_is_put_off_is_tried_again_in_the_next_pass() {
    let (outbox, server, report) = check(Manner::Greylists, 10, 2).await;
    assert_eq!((outbox.count(NoticeState::Accepted), report.sent.not_sent, report.left), (10, 10, 0));
    assert_eq!(server.recipients(), everybody(10));
}

#[tokio::test]
async fn a_server_that_puts_everything_off_ends_the_run() {
    let (outbox, _, report) = check(Manner::Busy, 300, 2).await;
    assert_eq!((outbox.count(NoticeState::Intended), report.left, report.sent.not_sent), (300, 300, 600));
    assert_eq!(report.last_trouble.unwrap(), "RCPT: 451 come back later");
}

#[tokio::test]
async fn sessions_that_servers_end_are_opened_anew() {
    for manner in [Manner::ClosesEvery(5), Manner::TooMany(5)] {
        let (outbox, server, report) = check(manner, 42, 2).await;
        assert_eq!((outbox.count(NoticeState::Accepted), report.sent.not_sent), (42, 0));
        assert_eq!(server.recipients(), everybody(42));
    }
}

#[tokio::test]
async fn a_server_that_lets_in_few_sessions_is_served_by_few() {
    let (outbox, server, report) = check(Manner::Sessions(2), 60, 6).await;
    assert_eq!((outbox.count(NoticeState::Accepted), report.stopped), (60, None));
    assert_eq!(server.recipients(), everybody(60));
}

#[tokio::test]
async fn a_person_without_a_usable_address_is_refused_here() {
    let (mut outbox, server) = (Memory::with(2), MailServer::start(Manner::Good).await);
    let sender = Sender::new(&spec(&[server.url()]), None, QUICK).unwrap();
    let compose = |serial: &u64| if *serial == 1 { Err(Unsendable::Address) } else { letter(*serial) };
    run(&mut outbox, &sender, quick(1), compose, &mut |_| {}).await.unwrap();
    assert_eq!((outbox.detail(1).0, outbox.detail(2).0), (NoticeState::Refused, NoticeState::Accepted));
}

#[tokio::test]
async fn a_run_that_is_asked_to_stop_finishes_what_is_in_hand() {
    let (mut outbox, server) = (Memory::with(500), MailServer::start(Manner::Good).await);
    let sender = Sender::new(&spec(&[server.url()]), None, QUICK).unwrap();
    let options = RunOptions { letters_in_hand_max: 20, ..quick(2) };
    let stop = Arc::clone(&options.stop);
    let mut progress = |_| stop.store(true, Ordering::Relaxed);
    run(&mut outbox, &sender, options.clone(), |serial| letter(*serial), &mut progress).await.unwrap();
    assert_eq!(outbox.count(NoticeState::Sending), 0);
    assert!(outbox.count(NoticeState::Intended) > 0);
    assert_eq!(server.recipients().len(), outbox.count(NoticeState::Accepted));
}

#[tokio::test]
async fn a_run_at_the_pace_of_the_desk_has_little_in_hand_and_stops_at_once() {
    let (mut outbox, server) = (Memory::with(500), MailServer::start(Manner::Good).await);
    let sender = Sender::new(&spec(&[server.url()]), None, QUICK).unwrap();
    let options = quick(4).paced(Limits { per_hour: Some(120), ..Limits::default() });
    assert_eq!(options.letters_in_hand_max, 10, "as many as go in five minutes");
    let stop = Arc::clone(&options.stop);
    let mut progress = |_| stop.store(true, Ordering::Relaxed);
    run(&mut outbox, &sender, options, |serial| letter(*serial), &mut progress).await.unwrap();
    let counts = [NoticeState::Accepted, NoticeState::Sending, NoticeState::Intended].map(|state| outbox.count(state));
    assert_eq!(counts, [1, 0, 499], "who waits for their turn is put back");
}

#[tokio::test]
async fn a_run_that_is_killed_misses_nobody_and_tells_nobody_twice() {
    let (outbox, server) = (Memory::with(400), MailServer::start(Manner::Good).await);
    let sender = Sender::new(&spec(&[server.url()]), None, QUICK).unwrap();
    let options = RunOptions { letters_in_hand_max: 16, ..quick(2) };
    let mut killed = outbox.clone();
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let mut progress = move |at: Progress| assert!(told.send(at.accepted).is_ok());
    tokio::select! {
        _ = run(&mut killed, &sender, options, |serial| letter(*serial), &mut progress) => {}
        () = async { while tells.recv().await.is_some_and(|accepted| accepted < 100) {} } => {}
    }
    outbox.reap();
    let unknown = outbox.count(NoticeState::Unknown);
    assert!(unknown <= 16, "{unknown}");
    send_all(&outbox, &[server.url()], quick(2)).await;
    assert_eq!(outbox.count(NoticeState::Accepted) + unknown, 400);
    let mut taken = server.recipients();
    taken.dedup();
    assert_eq!(taken.len(), server.recipients().len(), "nobody twice");
    let told = |serial: &u64| taken.contains(&to(*serial)) || outbox.detail(*serial).0 == NoticeState::Unknown;
    assert!((1..=400).all(|serial| told(&serial)), "nobody missed");
}

#[tokio::test]
async fn a_password_goes_only_where_it_is_safe() {
    let server = MailServer::start(Manner::Auth("AGRlc2sAczNjcmV0".into())).await;
    let credentials = Credentials { user: "desk".into(), password: Private::new("s3cret".into()) };
    let sender = Sender::new(&spec(&[server.url()]), Some(credentials), QUICK).unwrap();
    assert!(matches!(sender.send(&letter(1).unwrap()).await, Outcome::Accepted { .. }));
    let without = Sender::new(&spec(&[server.url()]), None, QUICK).unwrap();
    assert!(matches!(without.send(&letter(1).unwrap()).await, Outcome::NotSent { .. }));
}

fn acceptor() -> (tokio_rustls::TlsAcceptor, CertificateDer<'static>) {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("tls/cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    (Arc::new(config).into(), certificate)
}

#[tokio::test]
async fn tls_is_checked_and_never_left_out() {
    let (acceptor, certificate) = acceptor();
    let secure = MailServer::start_tls(Manner::Good, acceptor).await;
    let url = format!("smtps://localhost:{}", secure.port);
    let trusting = Sender::trusting(&spec(std::slice::from_ref(&url)), None, QUICK, [certificate]).unwrap();
    assert!(matches!(trusting.send(&letter(1).unwrap()).await, Outcome::Accepted { .. }));
    let stranger = Sender::trusting(&spec(&[url]), None, QUICK, []).unwrap();
    assert!(matches!(stranger.send(&letter(1).unwrap()).await, Outcome::NotSent { why } if why.starts_with("TLS: ")));
    let plain = MailServer::start(Manner::Good).await;
    let demanding = spec(&[format!("smtp+starttls://127.0.0.1:{}", plain.port)]);
    let outcome = Sender::trusting(&demanding, None, QUICK, []).unwrap().send(&letter(1).unwrap()).await;
    assert_eq!(outcome, Outcome::NotSent { why: "the server offers no STARTTLS, and nothing is sent without it".into() });
    assert!(plain.recipients().is_empty());
}

/// 50,000 persons at one domain that takes a mail a second stand before 300 at domains of their own.
#[tokio::test]
async fn fast_domains_do_not_wait_for_a_slow_one() {
    const SLOW: u64 = 50_000;
    const FAST: u64 = 300;
    let (outbox, server) = (Memory::with(SLOW + FAST), MailServer::start(Manner::Good).await);
    let sender = Sender::new(&spec(&[server.url()]), None, QUICK).unwrap();
    let mut options = quick(4);
    options.limits.per_domain_minute = Some(60);
    let (stop, one) = (options.stop.clone(), letter(1).unwrap());
    let compose = move |serial: &u64| {
        let domain = if *serial > SLOW { format!("fast{serial}.example") } else { "slow.example".to_owned() };
        Ok(Mail { to: Private::new(format!("person{serial}@{domain}")), ..one.clone() })
    };
    let fast = outbox.clone();
    let mut until_told = move |_| {
        let all = fast.0.lock().unwrap();
        if all.range(SLOW + 1..).all(|(_, (state, _))| *state == NoticeState::Accepted) {
            stop.store(true, Ordering::Relaxed);
        }
    };
    run(&mut outbox.clone(), &sender, options, compose, &mut until_told).await.unwrap();
    let told = outbox.count(NoticeState::Accepted) as u64;
    assert!((FAST..SLOW / 10).contains(&told), "{told}: the fast ones are told while nearly all slow ones wait");
    assert_eq!(outbox.count(NoticeState::Intended) as u64, SLOW + FAST - told, "nobody is lost");
    assert!((SLOW + 1..=SLOW + FAST).all(|serial| outbox.detail(serial).0 == NoticeState::Accepted));
}
