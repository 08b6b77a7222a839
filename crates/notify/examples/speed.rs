//! How fast mails are composed on one core, and composed and sent to a sink on this machine. For `make bench`:
//! `cargo run --release -p kintsugi-notify --example speed -- CASE.toml`
//! With more words, for `scripts/bench-mail`, into a server that runs already, signed with a key:
//! `speed CASE.toml SMTP-URL KEY.pem MAILS SESSIONS SAMPLE.eml` (the sample is one mail as composed).
#![allow(clippy::print_stdout, reason = "its output is the result")]

use std::convert::Infallible;
use std::time::Instant;

use kintsugi_case::{
    BasisId, CaseFile, EvidenceLine, ExposedRecord, FieldMeaning, Language, NoticeNumber, PersonProfile, Private, ScopeVersion,
    Verdict,
};
use kintsugi_notify::{
    Composer, FactBook, Mail, NoticeContent, Outbox, Outcome, RunOptions, Sender, Signer, Templates, Timeouts, Unsendable, run,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const COMPOSED: u64 = 20_000;
const SENT: u64 = 50_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the case file is missing")?;
    let case = CaseFile::parse(&std::fs::read_to_string(path)?).map_err(|_| "the case file has mistakes")?;
    let scope =
        ScopeVersion { number: 1, frozen_at_ms: 0, digest: String::new(), signature: String::new(), public_key: String::new() };
    let composer = Composer::new(&case, Templates::parse(&[], FactBook::default())?, &scope, &[], None)?;
    let words: Vec<String> = std::env::args().skip(2).collect();
    if let [url, key, mails, sessions, sample] = words.as_slice() {
        std::fs::write(sample, letter(&composer, 1)?.bytes.open())?;
        let signer = Signer::new("kakehashi.example", [("k1".to_owned(), Private::new(std::fs::read_to_string(key)?))])?;
        let work = into_server(case, composer, url, signer, mails.parse()?, sessions.parse()?);
        return tokio::runtime::Runtime::new()?.block_on(work);
    }
    let begun = Instant::now();
    for serial in 1..=COMPOSED {
        letter(&composer, serial)?;
    }
    println!("composed {:.0} mails/s on one core", COMPOSED as f64 / begun.elapsed().as_secs_f64());
    tokio::runtime::Runtime::new()?.block_on(sending(case, composer))
}

fn letter(composer: &Composer, serial: u64) -> Result<Mail, Unsendable> {
    use FieldMeaning as Is;
    let email = Private::new(format!("person{serial}@mail.example"));
    let person =
        PersonProfile { name: Private::new("髙橋 花子".into()), email, language: Language::Ja, ..Default::default() };
    let exposed = [ExposedRecord {
        source: "shop".into(),
        table: "cards".into(),
        key: serial.to_string(),
        fields: vec![Is::CardNumber, Is::CardExpiry, Is::CardCode, Is::CardHolder, Is::PersonPostalCode, Is::PersonAddress],
        columns: String::new(),
        verdict: Verdict::Proved,
        basis: BasisId(1),
        line: EvidenceLine::default(),
        at_ms: 1_366_305_245_000,
        observed_bytes: 1,
        predicted_bytes: 1,
        literals: String::new(),
        card_brand: "Visa".into(),
        card_last4: "4242".into(),
        service_brand: "TABIDATA".into(),
        service_used_on: "2012-08-03".into(),
    }];
    let link = "https://kakehashi.example/n/7KQMX2VD94HTR6WE7KQMX2VD94";
    composer.notice(
        &NoticeContent { number: NoticeNumber::new(2013, serial), person: &person, exposed: &exposed, link, earlier: None },
        0,
    )
}

/// Counts upwards to this and writes nothing down.
struct Counter(u64);

impl Outbox for Counter {
    type Letter = u64;
    type Error = Infallible;

    async fn lease(&mut self, after: u64, limit: usize) -> Result<Vec<u64>, Infallible> {
        Ok((after + 1..=self.0.min(after + limit as u64)).collect())
    }

    fn serial(letter: &u64) -> u64 {
        *letter
    }

    async fn record(&mut self, _: &[(u64, Outcome)]) -> Result<(), Infallible> {
        Ok(())
    }
}

async fn into_server(
    case: CaseFile,
    composer: Composer,
    url: &str,
    signer: Signer,
    mails: u64,
    sessions: u16,
) -> Result<(), Box<dyn std::error::Error>> {
    let mut spec = case.mail.ok_or("no [mail]")?;
    spec.smtp = vec![url.to_owned()];
    let sender = Sender::new(&spec, None, Timeouts::default())?.signing(signer);
    let begun = Instant::now();
    let compose = move |serial: &u64| letter(&composer, *serial);
    let report = run(&mut Counter(mails), &sender, RunOptions::new(sessions), compose, &mut |_| {}).await?;
    let rate = report.sent.accepted as f64 / begun.elapsed().as_secs_f64();
    println!(
        "{rate:.0} mails/s, each rendered for its person and signed with Ed25519 ({} of {mails} accepted)",
        report.sent.accepted
    );
    Ok(())
}

async fn sending(case: CaseFile, composer: Composer) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut spec = case.mail.ok_or("no [mail]")?;
    spec.smtp = vec![format!("smtp://{}", listener.local_addr()?)];
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(sink(stream));
        }
    });
    let sender = Sender::new(&spec, None, Timeouts::default())?;
    for sessions in [1, 4, 16] {
        let (begun, composer) = (Instant::now(), composer.clone());
        let compose = move |serial: &u64| letter(&composer, *serial);
        let report = run(&mut Counter(SENT), &sender, RunOptions::new(sessions), compose, &mut |_| {}).await?;
        let rate = report.sent.accepted as f64 / begun.elapsed().as_secs_f64();
        println!("composed and sent {rate:.0} mails/s over {sessions} sessions (the sink runs on the same cores)");
    }
    Ok(())
}

/// Answers as a server would and forgets what it took.
async fn sink(mut stream: TcpStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    stream.set_nodelay(true)?;
    stream.write_all(b"220 sink\r\n").await?;
    let mut tail = Vec::new();
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        tail.extend_from_slice(&buffer[..read]);
        let reply: &[u8] = match tail.as_slice() {
            all if all.starts_with(b"EHLO") => b"250-sink\r\n250 PIPELINING\r\n",
            all if all.ends_with(b"DATA\r\n") => b"250 ok\r\n250 ok\r\n354 go on\r\n",
            all if all.ends_with(b"\r\n.\r\n") => b"250 taken\r\n",
            _ => continue,
        };
        tail.clear();
        stream.write_all(reply).await?;
    }
}
