//! Notices by state, and the same list as CSV.

use std::fmt::Write;

use askama::Template;
use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use kintsugi_case::{Conservation, NoticeState};
use kintsugi_store::NoticeView;
use serde::Deserialize;
use tokio::sync::mpsc;

use super::Rail;
use super::decide::{Decide, Decided};
use super::persons::Filter;
use super::rail::moment;
use crate::failure::Failure;
use crate::session::Session;
use crate::site::Site;
use crate::visitor::Visitor;

const NOTICES_MAX: u32 = 50;
const CSV_ROWS_AT_ONCE: u32 = 2000;

/// The page.
#[derive(Template)]
#[template(path = "console/notices.html")]
pub(crate) struct Notices {
    pub(crate) f: Rail,
    pub(crate) filters: Vec<Filter>,
    /// Notices, each with when it came to where it stands.
    pub(crate) notices: Vec<(String, NoticeView)>,
    pub(crate) decide: Decide,
    pub(crate) decided: Option<String>,
    /// The state in the address bar; empty for all.
    pub(crate) state: &'static str,
    pub(crate) next: Option<String>,
    pub(crate) csv: String,
}

/// Which notices.
#[derive(Deserialize)]
pub(crate) struct NoticesQuery {
    #[serde(default)]
    state: String,
    #[serde(default)]
    after: u64,
}

impl NoticesQuery {
    /// `waiting` in the conservation line is `intended` here (those in a worker's hand are few and short-lived).
    fn state(&self) -> Option<NoticeState> {
        if self.state == "waiting" { Some(NoticeState::Intended) } else { NoticeState::from_name(&self.state) }
    }
}

/// `GET /notices`
pub(crate) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    session: Session,
    Query(query): Query<NoticesQuery>,
    Query(decided): Query<Decided>,
) -> Result<Html<String>, Failure> {
    let (f, standing) = Rail::new(&site, &visitor, session, "/notices").await?;
    let state = query.state();
    let name = state.map_or("", NoticeState::name);
    let (mut notices, mut filters) = (Vec::new(), Vec::new());
    if let Some(standing) = standing {
        let scope = standing.scope.number;
        notices = site.store.list_notices(scope, state, query.after, NOTICES_MAX).await?;
        filters = self::filters(&f, &site.cache.conservation(&site, scope).await?, state);
    }
    let full = notices.len() as u64 == u64::from(NOTICES_MAX);
    let next = notices.last().filter(|_| full).map(|last| format!("/notices?state={name}&after={}", last.serial));
    let decide = Decide::about(&site, notices.iter());
    let decided = decided.said(f.w);
    let notices = notices.into_iter().map(|notice| (moment(&site, notice.changed_at_ms), notice)).collect();
    let csv = format!("/notices.csv?state={name}");
    Ok(Html(Notices { f, filters, notices, decide, decided, state: name, next, csv }.render()?))
}

/// `GET /notices.csv`: streamed, so that ten million rows need no more memory than a few thousand.
pub(crate) async fn download(
    State(site): State<Site>,
    session: Session,
    Query(query): Query<NoticesQuery>,
) -> Result<Response, Failure> {
    site.store.audit(&session.who, "downloaded the list of notices", site.now_ms()).await?;
    let (sender, receiver) = mpsc::channel::<Result<Bytes, kintsugi_store::Error>>(2);
    tokio::spawn(write_rows(site, query.state(), sender));
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"notices.csv\""),
    ];
    Ok((headers, Body::new(crate::console::notices::rows::Rows(receiver))).into_response())
}

async fn write_rows(site: Site, state: Option<NoticeState>, sender: mpsc::Sender<Result<Bytes, kintsugi_store::Error>>) {
    let head = Bytes::from_static(b"number,person,scope_version,channel,state,changed_at,last_event\r\n");
    let mut after = 0;
    let mut chunk = Ok(head);
    loop {
        if sender.send(chunk).await.is_err() {
            return;
        }
        match rows_after(&site, state, after).await {
            Ok(Some((text, last))) => (chunk, after) = (Ok(text), last),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the list of notices broke off");
                let _ = sender.send(Err(error)).await;
                return;
            }
        }
    }
}

async fn rows_after(site: &Site, state: Option<NoticeState>, after: u64) -> Result<Option<(Bytes, u64)>, kintsugi_store::Error> {
    let Some(scope) = site.store.newest_scope().await? else { return Ok(None) };
    let notices = site.store.list_notices(scope.number, state, after, CSV_ROWS_AT_ONCE).await?;
    let Some(last) = notices.last().map(|notice| notice.serial) else { return Ok(None) };
    let mut text = String::new();
    for notice in &notices {
        let detail = notice.events.last().map(|event| quoted(&event.detail)).unwrap_or_default();
        let (number, changed) = (notice.number, moment(site, notice.changed_at_ms));
        let (person, scope, channel, state) = (notice.person, notice.scope_version, notice.channel.name(), notice.state.name());
        let _ = write!(text, "{number},{person},{scope},{channel},{state},{changed},{detail}\r\n");
    }
    Ok(Some((Bytes::from(text), last)))
}

/// A CSV field (RFC 4180). A spreadsheet must not take a mail server's words for a formula.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

fn filters(f: &Rail, line: &Conservation, current: Option<NoticeState>) -> Vec<Filter> {
    let counts = [
        (NoticeState::Accepted, line.accepted),
        (NoticeState::Refused, line.refused),
        (NoticeState::Unknown, line.unknown),
        (NoticeState::Held, line.held),
        (NoticeState::NoAddress, line.no_address),
        (NoticeState::Batched, line.batched),
        (NoticeState::Printed, line.printed),
        (NoticeState::Returned, line.returned),
        (NoticeState::Intended, line.waiting),
    ];
    let all = Filter {
        name: f.w.t("state-all"),
        address: "/notices".into(),
        count: f.w.number(line.accounted()),
        current: current.is_none(),
    };
    let states = counts.into_iter().map(|(state, count)| Filter {
        name: f.w.t(&format!("state-{}", state.name())),
        address: format!("/notices?state={}", state.name()),
        count: f.w.number(count),
        current: current == Some(state),
    });
    [all].into_iter().chain(states).collect()
}

/// A body that comes out of a channel.
mod rows {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::{Bytes, HttpBody};
    use tokio::sync::mpsc;

    /// Chunks as they come.
    pub(super) struct Rows(pub(super) mpsc::Receiver<Result<Bytes, kintsugi_store::Error>>);

    impl HttpBody for Rows {
        type Data = Bytes;
        type Error = kintsugi_store::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(http_body::Frame::data)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_servers_words_are_no_formula() {
        assert_eq!(quoted("=1+1"), "\"'=1+1\"");
        assert_eq!(quoted("250 \"ok\", queued"), "\"250 \"\"ok\"\", queued\"");
    }
}
