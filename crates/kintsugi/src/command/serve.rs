//! `kintsugi serve`: the portal for the public, the console for staff, and one worker for what they ask to be done.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use kintsugi_evidence::LogReport;
use kintsugi_find::FindDb;
use kintsugi_serve::{EvidenceFile, LogRead, Options, Site};
use kintsugi_store::Store;
use tokio::sync::watch;

use super::{block_on, now_ms};
use crate::answer_room::AnswerRoom;
use crate::cli;
use crate::finish::Finish;
use crate::folder::Folder;
use crate::progress;
use crate::worker::Worker;

/// Between two looks for a statement that has no PDF yet.
const PAPER_EVERY: Duration = Duration::from_secs(60);

/// Serves until Ctrl-C or SIGTERM; requests in hand are finished.
pub(crate) fn serve(folder: &Folder, args: &cli::Serve) -> Result<Finish> {
    block_on(async {
        let store = folder.store().await?;
        let evidence = evidence(folder)?;
        let loopback = args.portal.ip().is_loopback();
        let options = Options { loopback, secure: !loopback, ..Options::default() };
        let room = AnswerRoom::open(folder, store.clone(), args.smtp.as_deref()).await?;
        let site =
            Site::new(store.clone(), folder.case.clone(), folder.keys()?, evidence, now_ms, options).answering(room.desk());
        let (stop, stopped) = watch::channel(false);
        let (portal, console) = (bind(args.portal).await?, bind(args.console).await?);
        progress::line(&format!(
            "  serving   portal http://{}/, console http://{}/",
            portal.local_addr()?,
            console.local_addr()?
        ));
        let portal = kintsugi_serve::listen(portal, kintsugi_serve::portal(site.clone()), until(stopped.clone()));
        let console = kintsugi_serve::listen(console, kintsugi_serve::console(site), until(stopped.clone()));
        let worker = Worker::new(store.clone(), room);
        let paper = on_paper(folder, &store, stopped.clone());
        let signal = async move {
            wait_for_signal().await;
            let _ = stop.send(true);
            Ok(())
        };
        let worker = async {
            worker.run(stopped).await;
            Ok(())
        };
        tokio::try_join!(portal, console, worker, paper, signal).context("the listeners stopped")?;
        store.close().await;
        Ok(Finish::Done)
    })
}

/// Sets what was published on paper, also what the console publishes meanwhile.
async fn on_paper(folder: &Folder, store: &Store, mut stopped: watch::Receiver<bool>) -> std::io::Result<()> {
    while !*stopped.borrow() {
        super::publish::set_on_paper(folder, store).await;
        tokio::select! {
            () = tokio::time::sleep(PAPER_EVERY) => {}
            _ = stopped.changed() => {}
        }
    }
    Ok(())
}

async fn until(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

pub(crate) async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => terminated.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

/// Listens on an address.
async fn bind(address: SocketAddr) -> Result<tokio::net::TcpListener> {
    let listener = tokio::net::TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}: is another `kintsugi serve` running?"))
}

/// The custody manifest and the log reports, as pages show them.
fn evidence(folder: &Folder) -> Result<Vec<EvidenceFile>> {
    let entries = kintsugi_evidence::custody(&folder.root, &folder.keys()?)?;
    let reports = if folder.find_db().exists() { FindDb::open_read_only(&folder.find_db())?.log_reports()? } else { Vec::new() };
    let log = |id| {
        let json = reports.iter().find(|(found, _)| *found == id).map(|(_, json)| json)?;
        serde_json::from_str::<LogReport>(json).ok().filter(|report| report.not_read.is_none()).map(|report| log_read(&report))
    };
    let file = |entry: kintsugi_evidence::CustodyEntry| EvidenceFile {
        log: log(entry.id),
        id: entry.id,
        path: entry.path,
        kind: match entry.kind {
            kintsugi_evidence::EvidenceKind::Log => "log".into(),
            kintsugi_evidence::EvidenceKind::QueryLog => "query log".into(),
            kintsugi_evidence::EvidenceKind::Snapshot => "snapshot".into(),
            kintsugi_evidence::EvidenceKind::Found => "found".into(),
        },
        format: entry.format,
        source: entry.source,
        bytes: entry.bytes,
        sha256: entry.sha256,
        taken_by: entry.taken_by,
        taken_at_ms: entry.at_ms,
    };
    Ok(entries.into_iter().map(file).collect())
}

fn log_read(report: &LogReport) -> LogRead {
    LogRead {
        lines: report.lines,
        unread: report.unread_count,
        first_at_ms: report.first_at_ms,
        last_at_ms: report.last_at_ms,
        gaps: report.gaps.iter().map(|gap| (gap.from_ms, gap.to_ms)).collect(),
        truncated: report.truncated.clone(),
    }
}
