//! `kintsugi dkim`: makes keys for signing mail, and says what the DNS must say of them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use kintsugi_case::{DkimSpec, MailSpec, Private};
use kintsugi_notify::DkimKey;
use serde_json::json;

use super::Outcome;
use crate::finish::Finish;
use crate::folder::Folder;

/// Strings of a TXT record hold so many characters (RFC 1035, 3.3).
const TXT_CHARS_MAX: usize = 255;

/// The domain that signs: that of the sender, or the controller's.
pub(crate) fn domain<'a>(folder: &'a Folder, spec: &'a MailSpec) -> &'a str {
    let of_sender = spec.from.rsplit_once('@').map(|(_, domain)| domain.trim_end_matches('>').trim());
    of_sender.unwrap_or(&folder.case.controller.domain)
}

/// A private key of the case.
pub(crate) fn pem(folder: &Folder, key: &DkimSpec) -> Result<Private<String>> {
    let file = path(folder, &key.key);
    let pem = std::fs::read_to_string(&file).with_context(|| {
        format!("the DKIM key {} cannot be read: `kintsugi dkim --new {}` makes one", file.display(), key.selector)
    })?;
    Ok(Private::new(pem))
}

fn path(folder: &Folder, key: &str) -> PathBuf {
    folder.own().join("vault").join(key)
}

/// What is wrong with the keys that `[mail]` asks for, one sentence each.
pub(crate) fn faults(folder: &Folder) -> Vec<String> {
    let keys = folder.case.mail.iter().flat_map(|mail| &mail.dkim);
    let fault = |key: &DkimSpec| {
        let read = pem(folder, key).and_then(|pem| Ok(DkimKey::read(&key.selector, &pem)?));
        read.err().map(|error| format!("{error:#}"))
    };
    keys.filter_map(fault).collect()
}

/// Makes a key where one is asked for, and shows the records of all.
pub(crate) fn dkim(folder: &Folder, new: Option<&str>) -> Result<Outcome> {
    let Some(spec) = &folder.case.mail else {
        bail!("the case file has no [mail] section: there is nothing to sign");
    };
    let mut keys = spec.dkim.clone();
    let mut text = String::new();
    if let Some(selector) = new {
        let file = make(folder, spec, selector)?;
        let _ = writeln!(text, "  Made .kintsugi/vault/{file} (Ed25519, mode 0600).");
        if !keys.iter().any(|key| key.selector == selector) {
            let _ = writeln!(text, "  Add to [mail] in case.toml: dkim = [{{ selector = \"{selector}\", key = \"{file}\" }}]");
            keys.push(DkimSpec { selector: selector.to_owned(), key: file });
        }
    }
    let (mut records, mut missing) = (Vec::new(), 0);
    for key in &keys {
        let name = format!("{}._domainkey.{}", key.selector, domain(folder, spec));
        match pem(folder, key).and_then(|pem| Ok(DkimKey::read(&key.selector, &pem)?)) {
            Ok(read) => {
                let _ = writeln!(text, "\n  {name}. IN TXT ( {} )", quoted(&read.record));
                records.push(json!({ "name": name, "algorithm": read.algorithm, "record": read.record }));
            }
            Err(error) => {
                missing += 1;
                let _ = writeln!(text, "\n  {name}: {error:#}");
            }
        }
    }
    if !records.iter().any(|record| record["algorithm"] == "rsa") {
        text.push_str(
            "\n  note: not every server reads Ed25519 (RFC 8463) yet. Add an RSA key of 2048 bits beside it:\n  \
             openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out .kintsugi/vault/dkim-rsa.pem\n",
        );
    }
    let data = json!({ "records": records, "missing": missing });
    Ok(Outcome::new(Finish::with_gaps(missing > 0), text.trim_end(), data))
}

/// Makes the key of a selector; one that is there stays as it is.
fn make(folder: &Folder, spec: &MailSpec, selector: &str) -> Result<String> {
    let label = |part: &str| {
        (1..=63).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !part.starts_with('-')
    };
    if !selector.split('.').all(label) {
        bail!("`{selector}` is no selector: letters, digits and hyphens, as in a domain name");
    }
    let named = spec.dkim.iter().find(|key| key.selector == selector).map(|key| key.key.clone());
    let file = named.unwrap_or_else(|| format!("dkim-{selector}.pem"));
    let place = path(folder, &file);
    let vault = folder.own().join("vault");
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&vault).with_context(|| vault.display().to_string())?;
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&place);
    let mut made =
        made.with_context(|| format!("{} cannot be made; a key that is there is never overwritten", place.display()))?;
    let pem = DkimKey::generate()?;
    made.write_all(pem.open().as_bytes()).with_context(|| format!("{} cannot be written", place.display()))?;
    Ok(file)
}

/// A record in the strings that a zone file holds.
fn quoted(record: &str) -> String {
    let strings = record.as_bytes().chunks(TXT_CHARS_MAX).map(|part| format!("\"{}\"", String::from_utf8_lossy(part)));
    strings.collect::<Vec<_>>().join(" ")
}
