//! HTTP archives (HAR 1.2), which browsers and proxies record: one JSON document with an entry a request, with bodies and
//! responses. Entries are read one by one, so that memory stays flat. Documented at
//! <http://www.softwareishard.com/blog/har-12-spec/>.
//!
//! Entries carry no client: whoever recorded them was it.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::fields::{Escaping, Fields, Reason, Request, header};
use super::time::Clock;

/// What is used of an entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Entry {
    started_date_time: String,
    #[serde(default)]
    time: f64,
    request: Asked,
    response: Answer,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
struct PostData {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    params: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    /// 0 or less where there was no answer.
    #[serde(default)]
    status: i64,
    #[serde(default)]
    content: Content,
    #[serde(default = "unknown")]
    body_size: i64,
    #[serde(default = "unknown")]
    headers_size: i64,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    size: i64,
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

/// Sizes that are not known are -1.
fn unknown() -> i64 {
    -1
}

/// An entry's texts as the fields of a line borrow them.
#[derive(Default)]
pub(super) struct Texts {
    method: String,
    url: String,
    headers: Vec<u8>,
    body: Vec<u8>,
    response: Vec<u8>,
}

impl Texts {
    /// The fields of an entry.
    pub(super) fn fields<'a>(&'a mut self, entry: Entry, clock: &mut Clock) -> Result<Fields<'a>, Reason> {
        let started = clock.read_any(entry.started_date_time.as_bytes()).ok_or("no time")?;
        let (asked, answer) = (entry.request, entry.response);
        self.headers.clear();
        for pair in &asked.headers {
            self.headers.extend_from_slice(format!("{}: {}\n", pair.name, pair.value).as_bytes());
        }
        (self.method, self.url) = (asked.method, asked.url);
        self.body = asked.post_data.map(body).unwrap_or_default();
        let size = if answer.content.size > 0 { answer.content.size } else { answer.body_size };
        self.response = content(answer.content);
        let bytes = u64::try_from(size).unwrap_or(0);
        let whole = (answer.headers_size >= 0 && answer.body_size >= 0).then(|| (answer.headers_size + answer.body_size) as u64);
        let duration_ms = if (0.0..1e9).contains(&entry.time) { entry.time } else { 0.0 };
        // A fragment never reaches the server.
        let url = self.url.split('#').next().unwrap_or_default();
        Ok(Fields {
            at_ms: started + duration_ms as i64,
            request: Request::Parts(self.method.as_bytes(), url.as_bytes(), None),
            status: u16::try_from(answer.status).unwrap_or(0),
            bytes,
            bytes_sent: whole,
            duration_us: Some((duration_ms * 1000.0) as u64),
            referer: header(&self.headers, b"Referer"),
            agent: header(&self.headers, b"User-Agent"),
            cookie: header(&self.headers, b"Cookie"),
            forwarded: header(&self.headers, b"X-Forwarded-For"),
            headers: &self.headers,
            body: &self.body,
            response: &self.response,
            escaping: Escaping::None,
            ..Fields::default()
        })
    }
}

fn body(data: PostData) -> Vec<u8> {
    match data.text {
        Some(text) if !text.is_empty() => text.into_bytes(),
        // Browsers that took the form apart: encoded again, as it was sent.
        _ => {
            let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
            let pairs = data.params.iter().map(|pair| format!("{}={}", encoded(&pair.name), encoded(&pair.value)));
            pairs.collect::<Vec<_>>().join("&").into_bytes()
        }
    }
}

fn content(content: Content) -> Vec<u8> {
    let text = content.text.unwrap_or_default();
    match content.encoding.as_deref() {
        Some("base64") => data_encoding::BASE64.decode(text.as_bytes()).unwrap_or_default(),
        _ => text.into_bytes(),
    }
}

/// Reads entries to the end or to the first that is broken; gives the lines of the file.
pub(super) fn each_entry(input: &mut dyn Read, each: &mut dyn FnMut(u64, Entry)) -> (u64, io::Result<()>) {
    let lines = Rc::new(Cell::new(1));
    let counting = Counting { input, lines: Rc::clone(&lines) };
    let mut deserializer = serde_json::Deserializer::from_reader(counting);
    let read = Document(Level { lines: &lines, each }).deserialize(&mut deserializer);
    let end = read.and_then(|()| deserializer.end()).map_err(io::Error::from);
    (lines.get(), end)
}

/// Counts line ends on the way.
struct Counting<'a> {
    input: &'a mut dyn Read,
    lines: Rc<Cell<u64>>,
}

impl Read for Counting<'_> {
    /// A byte at a time, so that the count is that of the byte in hand; the input below is buffered.
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let room = out.len().min(1);
        let bytes = self.input.read(&mut out[..room])?;
        if bytes == 1 {
            self.lines.set(self.lines.get() + u64::from(out[0] == b'\n'));
        }
        Ok(bytes)
    }
}

struct Level<'a> {
    lines: &'a Cell<u64>,
    each: &'a mut dyn FnMut(u64, Entry),
}

/// `{"log": …}`
struct Document<'a>(Level<'a>);
/// `{"entries": …}`
struct Log<'a>(Level<'a>);
/// `[…]`
struct Entries<'a>(Level<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an HTTP archive")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Level { lines, each } = self.0;
        while let Some(name) = map.next_key::<String>()? {
            if name == "log" {
                map.next_value_seed(Log(Level { lines, each: &mut *each }))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Log<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = ();
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the log of an HTTP archive")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Level { lines, each } = self.0;
        while let Some(name) = map.next_key::<String>()? {
            if name == "entries" {
                map.next_value_seed(Entries(Level { lines, each: &mut *each }))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Entries<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the entries of an HTTP archive")
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Entry>()? {
            (self.0.each)(self.0.lines.get(), entry);
        }
        Ok(())
    }
}

/// Whether the first lines are those of such a file.
pub(super) fn fits(lines: &[&[u8]]) -> bool {
    let Some(first) = lines.first() else { return false };
    let head: Vec<u8> =
        lines.iter().take(8).flat_map(|line| line.iter().take(512).copied()).filter(|b| !b.is_ascii_whitespace()).collect();
    first.trim_ascii_start().starts_with(b"{") && head.starts_with(b"{\"log\":{")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::fields::Unescaped;
    use super::super::time::Clock;
    use super::{Texts, each_entry, fits};

    fn read(text: &str) -> (Vec<String>, bool) {
        let mut found = Vec::new();
        let (_, end) = each_entry(&mut text.as_bytes(), &mut |line, entry| {
            let mut texts = Texts::default();
            let Ok(fields) = texts.fields(entry, &mut Clock::default()) else { return found.push("no time".into()) };
            let mut room = Unescaped::default();
            let l = room.line(line, b"", &fields);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let (method, target, body, response) = (text(l.method), text(l.target), text(l.body), text(l.response));
            let (host, agent) = (text(l.host), text(l.agent));
            found.push(format!(
                "{line} {} {method} {target} {} {} {host} {agent} [{body}] [{response}]",
                l.at_ms, l.status, l.bytes
            ));
        });
        (found, end.is_ok())
    }

    const ARCHIVE: &str = r##"{"log":{"version":"1.2","creator":{"name":"x"},
"entries":[
{"startedDateTime":"2026-11-22T09:53:53.000Z","time":15.5,"request":{"method":"POST","url":"https://shop/l?a=1#x","headers":[{"name":"User-Agent","value":"M"}],"postData":{"mimeType":"x","text":"b=1' or"}},"response":{"status":200,"content":{"size":2,"text":"aGk=","encoding":"base64"},"headersSize":-1,"bodySize":2}},
{"startedDateTime":"2026-11-22T09:53:54.000Z","time":1,"request":{"method":"POST","url":"http://shop/","postData":{"params":[{"name":"b","value":"'"}]}},"response":{"status":-1}}]}}"##;

    #[test]
    fn entries_come_one_by_one() {
        let (found, whole) = read(ARCHIVE);
        assert!(whole && fits(&[ARCHIVE.as_bytes()]));
        assert_eq!(found[0], "3 1795341233015 POST /l?a=1 200 2 shop M [b=1' or] [hi]");
        assert_eq!(found[1], "4 1795341234001 POST / 0 0 shop  [%62=%27] []");
    }

    #[test]
    fn a_cut_archive_gives_what_was_before() {
        let (found, whole) = read(&ARCHIVE[..ARCHIVE.len() - 20]);
        assert_eq!((found.len(), whole), (1, false));
        let deep = format!("{{\"log\":{}", "[".repeat(100_000));
        assert_eq!(read(&deep), (vec![], false));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(junk in r#"[\[\]{}",:\\a1 ]{0,60}"#) {
            let _ = read(&junk);
            let _ = read(&format!("{{\"log\":{{\"entries\":[{junk}]}}}}"));
        }
    }
}
