//! What real servers wrote: the first lines of logs under `testdata`, as they came.

use std::path::Path;

use kintsugi_evidence::read_log;

use crate::folder::Folder;

/// The format and the account of a log, and its first and last requests.
fn check(name: &str, format: &str, read: u64, unread: u64, first: &str, last: &str) {
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)).unwrap();
    let folder = Folder::new()
        .source("mariadb", "")
        .evidence("weblog/*", "")
        .with("snapshot/t.csv", "id\n")
        .with(&format!("weblog/{name}"), bytes);
    let entry = folder.entry(&format!("weblog/{name}"));
    let mut requests = Vec::new();
    let report = read_log(folder.path(), &entry, &folder.keys, &mut |line| {
        let target = String::from_utf8_lossy(line.target).into_owned();
        requests.push(format!("{} {target} {} {} {:?}", line.at_ms, line.status, line.bytes, line.duration_us));
    });
    let report = report.unwrap();
    assert_eq!((entry.format.as_str(), report.read, report.unread_count), (format, read, unread), "{name}");
    assert_eq!((requests.first().map_or("", |s| s), requests.last().map_or("", |s| s)), (first, last), "{name}");
}

#[test]
fn logs_of_real_servers_are_read_to_the_last_line() {
    check(
        "nginx_combined.log.zst",
        "combined",
        61,
        0,
        "1795341233000 /robots.txt 200 28 None",
        "1795341287000 /track 200 603 None",
    );
    check(
        "nginx_timed.log.zst",
        "combined_timed",
        40,
        0,
        "1795341227000 /robots.txt 200 28 Some(0)",
        "1795341230000 /login 200 650 Some(64000)",
    );
    check(
        "apache_duration.log.zst",
        "combined_duration",
        40,
        0,
        "1795341311000 /robots.txt 200 275 Some(337)",
        "1795341312000 /search?q=d%27Angelo%20OR%20family 200 896 Some(15763)",
    );
    check(
        "apache_combined.log.zst",
        "combined",
        40,
        0,
        "1795341790000 /robots.txt 200 277 None",
        "1795341792000 /login 200 785 None",
    );
    check(
        "nginx_json.log.zst",
        "json",
        20,
        0,
        "1795341428000 /robots.txt 200 28 Some(0)",
        "1795341430000 /robots.txt 200 28 Some(0)",
    );
    check(
        "modsecurity_audit.log.zst",
        "modsecurity",
        61,
        0,
        "1795344796714 /robots.txt 200 28 Some(7986)",
        "1795344827244 /contact 200 593 Some(4258)",
    );
}
