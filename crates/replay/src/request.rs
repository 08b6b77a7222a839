//! The parameters of a request as the server decoded them: path, query, form, JSON body, cookies and headers.
//!
//! Not here: the cheap test before (`suspect`), what else a program may make of a value (`decode`), and what a value means
//! (`context`).

mod decode;
mod hidden;
mod keyword;
mod suspect;
mod suspect_header;

use bstr::ByteSlice;
use kintsugi_case::ParameterPlace;

pub(crate) use suspect::{is_suspect, is_suspect_request};
pub(crate) use suspect_header::is_suspect_header;

/// Parameters of a request that are looked at; the others of a longer one are not.
const PARAMETERS_MAX: usize = 4096;

/// What a request carried, as it was logged.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Carried<'a> {
    /// Who sent it: the address, as the log has it.
    pub(crate) client: &'a [u8],
    /// Path and query as sent.
    pub(crate) target: &'a [u8],
    /// `Cookie`
    pub(crate) cookie: &'a [u8],
    /// `User-Agent`
    pub(crate) agent: &'a [u8],
    /// `Referer`
    pub(crate) referer: &'a [u8],
    /// `X-Forwarded-For`
    pub(crate) forwarded: &'a [u8],
    /// All headers, a line each, where the log has them.
    pub(crate) headers: &'a [u8],
    /// The body as sent.
    pub(crate) body: &'a [u8],
}

/// A value that a request carries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    /// Where it stands.
    pub(crate) place: ParameterPlace,
    /// Its name; a header's or cookie's, `a.b` in JSON, the number of the segment in a path.
    pub(crate) name: String,
    /// The value, decoded once, as the server does.
    pub(crate) value: String,
    /// The bytes of that.
    bytes: Vec<u8>,
}

impl Parameter {
    /// A value of which percent-encoding is undone.
    pub(crate) fn new(place: ParameterPlace, name: &[u8], bytes: Vec<u8>) -> Self {
        let value = decode::text(bytes.clone());
        Self { place, name: decode::text(name.to_vec()), value, bytes }
    }

    /// What a program may have made of the value beside its plain reading, likelier first.
    pub(crate) fn readings(&self) -> Vec<String> {
        decode::readings(&self.bytes, &self.value)
    }
}

/// A request, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    /// The path, decoded.
    pub(crate) path: String,
    /// Its values, in order.
    pub(crate) parameters: Vec<Parameter>,
}

impl Request {
    /// Takes a target (`/item?id=5`) apart.
    #[cfg(test)]
    pub(crate) fn parse(target: &[u8]) -> Self {
        Self::of(&Carried { target, ..Carried::default() })
    }

    /// Takes a request apart.
    pub(crate) fn of(carried: &Carried<'_>) -> Self {
        let (path, query) = carried.target.split_once_str("?").unwrap_or((carried.target, b""));
        let mut parameters = Vec::new();
        pairs(ParameterPlace::Query, query, &mut parameters);
        body(carried, &mut parameters);
        cookies(carried.cookie, &mut parameters);
        headers(carried, &mut parameters);
        let path = decode::text(decode::bytes(path, false));
        segments(&path, &mut parameters);
        parameters.truncate(PARAMETERS_MAX);
        Self { path, parameters }
    }
}

/// `a=1&b=2`, of a query or a form.
fn pairs(place: ParameterPlace, text: &[u8], out: &mut Vec<Parameter>) {
    let pairs = text.split_str("&").filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX);
    out.extend(pairs.map(|pair| {
        let (name, value) = pair.split_once_str("=").unwrap_or((pair, b""));
        Parameter::new(place, &decode::bytes(name, true), decode::bytes(value, true))
    }));
}

/// The body by its content type; without one, by what it looks like.
fn body(carried: &Carried<'_>, out: &mut Vec<Parameter>) {
    let body = carried.body;
    if body.is_empty() {
        return;
    }
    let kind = header_of(carried.headers, "content-type").to_ascii_lowercase();
    let looks = body.trim_ascii_start();
    if kind.contains_str("multipart/") || kind.is_empty() && looks.starts_with(b"--") {
        multipart(looks, out);
    } else if kind.contains_str("json") || looks.starts_with(b"{") || looks.starts_with(b"[") {
        json(body, out);
    } else {
        pairs(ParameterPlace::Form, body.trim_end_with(|c| c == '\n' || c == '\r'), out);
    }
}

fn json(body: &[u8], out: &mut Vec<Parameter>) {
    match serde_json::from_slice(body) {
        Ok(value) => {
            let leaves = decode::leaves(&value).into_iter().take(PARAMETERS_MAX);
            out.extend(leaves.map(|(name, text)| Parameter::new(ParameterPlace::Json, name.as_bytes(), text.into_bytes())));
        }
        // Cut or broken: all of it is one value, so that what stands in it is not lost.
        Err(_) => out.push(Parameter::new(ParameterPlace::Json, b"", body.to_vec())),
    }
}

/// RFC 7578: parts between lines that begin with the boundary, each with its name in a header.
fn multipart(body: &[u8], out: &mut Vec<Parameter>) {
    let boundary = body.lines().next().unwrap_or_default().trim_ascii_end();
    if boundary.len() < 3 {
        return;
    }
    for part in body.split_str(boundary).take(PARAMETERS_MAX) {
        let Some((head, value)) = part.split_once_str("\r\n\r\n").or_else(|| part.split_once_str("\n\n")) else { continue };
        let value = value.strip_suffix(b"\r\n").or_else(|| value.strip_suffix(b"\n")).unwrap_or(value);
        for name in ["name=\"", "filename=\""] {
            if let Some(name) = quoted_after(head, name) {
                out.push(Parameter::new(ParameterPlace::Form, name, value.to_vec()));
                break;
            }
        }
        if let Some(file) = quoted_after(head, "filename=\"") {
            out.push(Parameter::new(ParameterPlace::Form, b"filename", file.to_vec()));
        }
    }
}

fn quoted_after<'a>(head: &'a [u8], mark: &str) -> Option<&'a [u8]> {
    // ` name=`, so that `filename=` is not taken for it.
    let at = head.find(format!(" {mark}").as_str()).map(|at| at + 1)?;
    head[at + mark.len()..].split_once_str("\"").map(|(name, _)| name)
}

/// `a=1; b=2`. Programs differ in whether they undo percent-encoding here: `readings` has the other.
fn cookies(text: &[u8], out: &mut Vec<Parameter>) {
    for pair in text.split_str(";").take(PARAMETERS_MAX) {
        let (name, value) = pair.trim_ascii().split_once_str("=").unwrap_or((b"", pair.trim_ascii()));
        if !value.is_empty() {
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            out.push(Parameter::new(ParameterPlace::Cookie, name, decode::bytes(value, false)));
        }
    }
}

fn headers(carried: &Carried<'_>, out: &mut Vec<Parameter>) {
    let known = [("user-agent", carried.agent), ("referer", carried.referer), ("x-forwarded-for", carried.forwarded)];
    let lines = header_lines(carried.headers)
        .filter(|(name, _)| !known.iter().any(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())));
    let named = known.iter().map(|(name, value)| (name.as_bytes(), *value)).chain(lines);
    // Cookies are read by name, and the length of a body is no value of the program's.
    let others = named.filter(|(name, value)| !value.is_empty() && !name.eq_ignore_ascii_case(b"cookie"));
    out.extend(
        others
            .take(PARAMETERS_MAX)
            .map(|(name, value)| Parameter::new(ParameterPlace::Header, &name.to_ascii_lowercase(), value.to_vec())),
    );
}

fn header_lines(headers: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.lines().filter_map(|line| line.split_once_str(":")).map(|(name, value)| (name.trim_ascii(), value.trim_ascii()))
}

fn header_of<'a>(headers: &'a [u8], name: &str) -> &'a [u8] {
    header_lines(headers).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map_or(b"", |(_, value)| value)
}

/// The segments of a path, the first numbered 1.
fn segments(path: &str, out: &mut Vec<Parameter>) {
    let segments = path.split('/').skip(1).enumerate().filter(|(_, segment)| !segment.is_empty()).take(PARAMETERS_MAX);
    out.extend(
        segments.map(|(at, segment)| {
            Parameter::new(ParameterPlace::Path, (at + 1).to_string().as_bytes(), segment.as_bytes().to_vec())
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::{Carried, Request};

    fn check(carried: Carried<'_>, expected: &[(&str, &str)]) {
        let request = Request::of(&carried);
        let found: Vec<_> = request.parameters.iter().map(|p| (format!("{:?} {}", p.place, p.name), p.value.clone())).collect();
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values_are_decoded_once() {
        let request = Request::parse(b"/it%65m?id=5%20UNION+ALL&q=%E9%9F%93&x=%2541&y");
        assert_eq!(request.path, "/item");
        check(
            Carried { target: b"?id=5%20UNION+ALL&q=%E9%9F%93&x=%2541&y", ..Carried::default() },
            &[("Query id", "5 UNION ALL"), ("Query q", "韓"), ("Query x", "%41"), ("Query y", "")],
        );
    }

    #[test]
    fn bodies_are_read_by_their_kind() {
        check(Carried { body: b"a=1+2&b=%27\n", ..Carried::default() }, &[("Form a", "1 2"), ("Form b", "'")]);
        check(
            Carried { body: br#"{"a":{"b":"1' or"},"c":[5,"x"]}"#, ..Carried::default() },
            &[("Json a.b", "1' or"), ("Json c", "5"), ("Json c", "x")],
        );
        check(Carried { body: br#"{"a":"1' or"#, ..Carried::default() }, &[("Json ", r#"{"a":"1' or"#)]);
        let body = b"--b0\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1' or 1\r\n--b0\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x'.png\"\r\n\r\n...\r\n--b0--\r\n";
        let headers = b"Content-Type: multipart/form-data; boundary=b0\n";
        check(
            Carried { body, headers, ..Carried::default() },
            &[
                ("Form id", "1' or 1"),
                ("Form f", "..."),
                ("Form filename", "x'.png"),
                ("Header content-type", "multipart/form-data; boundary=b0"),
            ],
        );
    }

    #[test]
    fn cookies_headers_and_paths_carry_values() {
        check(
            Carried { target: b"/items/5%20or%201/", cookie: b"uid=1%27; x=\"2\";y", agent: b"M", ..Carried::default() },
            &[
                ("Cookie uid", "1'"),
                ("Cookie x", "2"),
                ("Cookie ", "y"),
                ("Header user-agent", "M"),
                ("Path 1", "items"),
                ("Path 2", "5 or 1"),
            ],
        );
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_can_be_taken_apart(target: Vec<u8>, body: Vec<u8>, cookie: Vec<u8>, headers: Vec<u8>) {
            let body = [&b"--x\r\n"[..], &body].concat();
            let _ = Request::of(&Carried { target: &target, body: &body, cookie: &cookie, headers: &headers, ..Carried::default() });
        }
    }
}
