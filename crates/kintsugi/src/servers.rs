//! The restored servers of a case, opened: those that the case file names, or that were given for one run.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use kintsugi_case::{Private, SourceSpec};
use kintsugi_replay::Servers;
use kintsugi_restored::{Settings, open};

use crate::folder::Folder;

/// Seconds that one statement may run, where `KINTSUGI_SERVER_SECONDS` says nothing else.
const STATEMENT_SECONDS: u64 = 60;

/// Opens a session for each source that has a server. `given` is a URL, or `SOURCE=URL` where the case has several sources.
pub(crate) fn servers(folder: &Folder, given: &[String]) -> Result<Servers> {
    let mut servers = Servers::new();
    let mut settings = None;
    for source in &folder.case.sources {
        let Some(url) = address(folder, source, given)? else { continue };
        let settings = match &settings {
            Some(settings) => settings,
            None => settings.insert(read_settings()?),
        };
        servers.insert(source.name.clone(), open(source, &url, settings)?);
    }
    Ok(servers)
}

fn address(folder: &Folder, source: &SourceSpec, given: &[String]) -> Result<Option<String>> {
    for one in given {
        let named = one.split_once('=').filter(|(name, _)| folder.case.source(name).is_some());
        let url = match named {
            Some((name, url)) if name == source.name => url,
            Some(_) => continue,
            None if folder.case.sources.len() == 1 => one,
            None => bail!("the case has several sources: write --server SOURCE=URL"),
        };
        if let Some((message, help)) = source.dbms.server_mistake(url) {
            bail!("--server for source {}: {message}; {help}", source.name);
        }
        return Ok(Some(url.to_owned()));
    }
    Ok(source.server.clone())
}

fn read_settings() -> Result<Settings> {
    let seconds = match std::env::var("KINTSUGI_SERVER_SECONDS") {
        Ok(text) => {
            text.parse().ok().filter(|seconds| *seconds > 0).context("KINTSUGI_SERVER_SECONDS is no number of seconds")?
        }
        Err(_) => STATEMENT_SECONDS,
    };
    Ok(Settings { password: password()?, statement_time: Duration::from_secs(seconds) })
}

/// `KINTSUGI_SERVER_PASSWORD`, or the text of the file that `KINTSUGI_SERVER_PASSWORD_FILE` names.
fn password() -> Result<Option<Private<String>>> {
    let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    if let Some(password) = variable("KINTSUGI_SERVER_PASSWORD") {
        return Ok(Some(Private::new(password)));
    }
    let Some(path) = variable("KINTSUGI_SERVER_PASSWORD_FILE") else { return Ok(None) };
    let text = std::fs::read_to_string(&path).with_context(|| format!("{path} cannot be read"))?;
    Ok(Some(Private::new(text.trim_end_matches(['\r', '\n']).to_owned())))
}
