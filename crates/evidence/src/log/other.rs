//! Files that are no web server log of a format read here: said by name where they can be told, so that a person knows
//! what was left out of a conclusion.

/// What a file with these first lines looks like.
pub(super) fn looks_like(lines: &[&[u8]]) -> &'static str {
    if lines.iter().any(|line| is_binary(line)) {
        return "binary data, or packed in a way that is not read";
    }
    let told = KINDS.iter().find(|(_, fits)| lines.iter().any(|line| fits(line)));
    told.map_or("no line looks like a request in a web server log", |(name, _)| name)
}

type Kind = (&'static str, fn(&[u8]) -> bool);

/// In this order: the more telling first (slow and general logs start with the same heading).
const KINDS: &[Kind] = &[
    ("slow query log of MariaDB or MySQL", |line| line.starts_with(b"# User@Host:") || line.starts_with(b"# Query_time:")),
    ("general query log of MariaDB or MySQL", is_general_log),
    ("audit log of MariaDB", is_server_audit),
    ("error log of Apache", is_apache_error),
    ("error log of nginx", is_nginx_error),
    ("W3C extended log without requests", |line| line.starts_with(b"#Software:") || line.starts_with(b"#Fields:")),
    ("JSON lines without requests", |line| line.starts_with(b"{") && line.ends_with(b"}")),
    ("log of PostgreSQL, or of a program that starts lines with the time", starts_with_day),
];

/// Text has no NUL and few control characters.
fn is_binary(line: &[u8]) -> bool {
    let control = line.iter().filter(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | 0x1b)).count();
    line.contains(&0) || control * 10 > line.len().max(10)
}

/// `261122 18:53:53\t    14 Query\t…`, `\t\t    14 Query\t…`, or the heading that a server writes when it starts.
fn is_general_log(line: &[u8]) -> bool {
    let command = |line: &[u8]| {
        [&b" Query\t"[..], b" Connect\t", b" Quit\t", b" Prepare\t", b" Execute\t", b" Init DB\t"]
            .iter()
            .any(|command| memchr::memmem::find(&line[..line.len().min(80)], command).is_some())
    };
    line.starts_with(b"Time\t\t    Id Command\tArgument") || (line.contains(&b'\t') && command(line))
}

/// `20261122 18:55:11,host,user,client,15,82,QUERY,…`
fn is_server_audit(line: &[u8]) -> bool {
    let mut fields = line.split(|&byte| byte == b',');
    let time = fields.next().unwrap_or_default();
    time.len() == 17 && time[..8].iter().all(u8::is_ascii_digit) && fields.count() >= 7
}

/// `[Sun Nov 22 18:55:10.977126 2026] [mpm_event:notice] …`
fn is_apache_error(line: &[u8]) -> bool {
    line.starts_with(b"[") && memchr::memmem::find(&line[..line.len().min(80)], b"] [").is_some()
}

/// `2026/11/22 19:52:24 [notice] 1#1: …`
fn is_nginx_error(line: &[u8]) -> bool {
    let head = &line[..line.len().min(40)];
    matches!(line, [b'0'..=b'9', _, _, _, b'/', _, _, b'/', ..]) && head.contains(&b'[') && head.contains(&b'#')
}

/// `2026-11-22 19:00:00…` or `2026-11-22T…`
fn starts_with_day(line: &[u8]) -> bool {
    line.len() > 10
        && matches!(line[10], b' ' | b'T')
        && line[..10].iter().enumerate().all(|(at, &byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    fn check(line: &str, expected: &str) {
        assert!(looks_like(&[line.as_bytes()]).starts_with(expected), "{line}: {}", looks_like(&[line.as_bytes()]));
    }

    #[test]
    fn other_files_are_told_by_name() {
        check("261122 18:53:53\t    14 Quit\t", "general query log");
        check("\t\t    14 Query\tSELECT 1", "general query log");
        check("2026-11-22T18:53:53.1Z\t   15 Connect\tshop@localhost", "general query log");
        check("# User@Host: shop[shop] @ localhost []", "slow query log");
        check("20261122 18:55:12,vm,shop,localhost,16,84,QUERY,shop,'SET NAMES utf8mb4',0", "audit log of MariaDB");
        check("[Sun Nov 22 18:55:10.977126 2026] [mpm_event:notice] [pid 32:tid 32] AH00489", "error log of Apache");
        check("2026/11/22 19:52:24 [notice] 1#1: signal process started", "error log of nginx");
        check("#Software: Microsoft Internet Information Services 8.5", "W3C");
        check(r#"{"time":"2026-11-22T18:57:08+09:00","status":200}"#, "JSON lines without requests");
        check("2026-11-22 19:00:00.896 JST [25] LOG:  ending log output to stderr", "log of PostgreSQL");
        check("PK\u{3}\u{4}\0\0", "binary data");
        let heading = b"Time\t\t    Id Command\tArgument".as_slice();
        assert!(looks_like(&[heading, b"# User@Host: shop[shop]"]).starts_with("slow query log"));
        check("hello", "no line looks like");
    }
}
