//! Ordinary requests to the endpoints that the case file names: what their pages show is in the snapshot, so their sizes tell
//! how a page comes about before any statement is judged. A few different ones of each endpoint are enough.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use kintsugi_case::{EndpointSpec, ParameterPlace};

/// Requests of one endpoint that are looked at.
const REQUESTS_MAX: usize = 64;

/// Chooses lines of a log.
pub(crate) struct Sample {
    /// Paths, and the queries chosen.
    endpoints: RefCell<Vec<(Vec<u8>, HashSet<u64>)>>,
    hasher: RandomState,
}

impl Sample {
    pub(crate) fn new(specs: &[EndpointSpec]) -> Self {
        let queries = specs.iter().filter(|spec| spec.place == ParameterPlace::Query && spec.sql.contains("{p}"));
        let endpoints = queries.map(|spec| (spec.path.clone().into_bytes(), HashSet::new()));
        Self { endpoints: RefCell::new(endpoints.collect()), hasher: RandomState::new() }
    }

    /// Whether a request is one of those to look at: its line or path, and the query where that stands apart.
    pub(crate) fn wants(&self, request: &[u8], query: &[u8]) -> bool {
        let mut endpoints = self.endpoints.borrow_mut();
        if endpoints.is_empty() {
            return false;
        }
        let (path, apart) = path_and_query(request);
        let Some(at) = endpoints.iter().position(|(known, _)| path.ends_with(known)) else { return false };
        let query = up_to_blank(apart.unwrap_or(query));
        // Without any parameter too: the page may then show all that there is.
        let is_new = endpoints[at].1.insert(self.hasher.hash_one(query));
        if endpoints[at].1.len() >= REQUESTS_MAX {
            endpoints.swap_remove(at);
        }
        is_new
    }

    /// Whether a request line, with its query if any, is one of those; it is not chosen by this.
    pub(crate) fn may_want(&self, request: &[u8]) -> bool {
        let endpoints = self.endpoints.borrow();
        if endpoints.is_empty() {
            return false;
        }
        let (path, query) = path_and_query(request);
        let Some((_, chosen)) = endpoints.iter().find(|(known, _)| path.ends_with(known)) else { return false };
        !chosen.contains(&self.hasher.hash_one(up_to_blank(query.unwrap_or_default())))
    }
}

fn up_to_blank(query: &[u8]) -> &[u8] {
    &query[..memchr::memchr(b' ', query).unwrap_or(query.len())]
}

/// A request line or path up to its query, and the query with what follows it.
fn path_and_query(request: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr::memchr(b'?', request) {
        Some(mark) => (&request[..mark], Some(&request[mark + 1..])),
        None => (&request[..memchr::memmem::find(request, b" HTTP/").unwrap_or(request.len())], None),
    }
}

#[cfg(test)]
mod tests {
    use kintsugi_case::{EndpointSpec, ParameterPlace, Shows};

    use super::{REQUESTS_MAX, Sample};

    #[test]
    fn a_few_different_requests_of_each_endpoint_are_looked_at() {
        let spec = EndpointSpec {
            method: "GET".into(),
            path: "/item".into(),
            parameter: "id".into(),
            place: ParameterPlace::Query,
            sql: "SELECT a FROM t WHERE id={p}".into(),
            shows: Shows::Rows,
            errors: false,
        };
        let sample = Sample::new(&[spec]);
        let wants = |target: &str| sample.wants(format!("GET {target} HTTP/1.1").as_bytes(), b"");
        assert_eq!((wants("/item?id=5"), wants("/item?id=5"), wants("/item?id=6")), (true, false, true));
        assert_eq!((wants("/items?id=7"), wants("/item"), wants("/item")), (false, true, false));
        assert!(sample.wants(b"/item", b"id=8"), "the query may stand apart");
        let more = (0..1000).filter(|id| wants(&format!("/item?id=1{id}"))).count();
        assert_eq!(more, REQUESTS_MAX - 4);
    }
}
