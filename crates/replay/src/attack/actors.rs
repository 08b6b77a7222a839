//! Who a request is from: its network, the program it says it is, and the sessions it carries. Requests of one network and
//! program are one actor, and so are those that share a session, whatever they call themselves. A network whose requests
//! change their program all the time is one actor too.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, Ipv6Addr};

use bstr::ByteSlice;
use kintsugi_case::{Actor, EvidenceLine};
use sha2::{Digest, Sha256};

use super::Meant;
use crate::request::Carried;

/// Clients told apart; what is beyond is one.
const CLIENTS_MAX: usize = 16_384;
/// Programs of one network from which on it is one actor.
const AGENTS_MAX: usize = 8;
/// Addresses, programs and sessions listed for an actor.
const LISTED_MAX: usize = 16;
/// Sessions of one client that are looked at.
const SESSIONS_MAX: usize = 64;
/// Different shapes with words of SQL that no honest client sends.
const PERHAPS_MAX: usize = 5;
/// How much of a name is kept, in characters.
const CHARS_MAX: usize = 200;
/// A cookie's value that is shorter says nothing about who sends it.
const SESSION_BYTES_MIN: usize = 16;

/// What a request says about its sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Who {
    /// The address, or what the log writes in its place.
    pub(crate) address: String,
    /// `User-Agent`; empty where a statement stands in it.
    pub(crate) agent: String,
    /// Digests of its session cookies.
    pub(crate) sessions: Vec<String>,
}

impl Who {
    /// The sender of a request; `in_agent` where a statement stands in its `User-Agent`.
    pub(crate) fn of(carried: &Carried<'_>, in_agent: bool) -> Self {
        let agent = if in_agent { String::new() } else { plain(carried.agent) };
        Self { address: address(carried), agent, sessions: sessions(carried.cookie) }
    }

    fn network(&self) -> String {
        match self.address.parse() {
            Ok(IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                format!("{a}.{b}.{c}.0/24")
            }
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, ..] = address.segments();
                format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
            }
            Err(_) => self.address.clone(),
        }
    }
}

/// The client's address; behind a proxy of our own (a private address) the last public one that it was told of.
fn address(carried: &Carried<'_>) -> String {
    let client = plain(carried.client);
    let Ok(address) = client.parse::<IpAddr>() else { return client };
    let address = address.to_canonical();
    if is_public(address) {
        return address.to_string();
    }
    let told = carried.forwarded.rsplit_str(",").filter_map(|part| part.trim_ascii().to_str().ok()?.parse::<IpAddr>().ok());
    told.map(|told| told.to_canonical()).find(|told| is_public(*told)).unwrap_or(address).to_string()
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !(v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified()),
        IpAddr::V6(v6) => !(v6.is_loopback() || v6.is_unspecified() || v6.segments()[0] & 0xfe00 == 0xfc00),
    }
}

fn plain(text: &[u8]) -> String {
    text.to_str_lossy().chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}

/// Digests of cookies that look made up by chance: long, of letters and digits. What only says "yes" to a banner tells
/// nobody apart.
fn sessions(cookies: &[u8]) -> Vec<String> {
    let values = cookies.split_str(";").filter_map(|pair| pair.split_once_str("=")).map(|(_, value)| value.trim_ascii());
    let random = values.filter(|value| {
        let (mut letters, mut digits) = (false, false);
        let is_plain = value.iter().all(|byte| {
            letters |= byte.is_ascii_alphabetic();
            digits |= byte.is_ascii_digit();
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b',')
        });
        value.len() >= SESSION_BYTES_MIN && is_plain && letters && digits
    });
    random.take(4).map(|value| data_encoding::HEXLOWER.encode(&Sha256::digest(value)[..4])).collect()
}

/// Everybody who sent statements.
#[derive(Default)]
pub(super) struct Actors {
    known: HashMap<(String, String), usize>,
    clients: Vec<Client>,
    /// Who had a session first.
    sessions: HashMap<String, usize>,
}

/// One network with one program, until it turns out who belongs together.
struct Client {
    who: Who,
    network: String,
    addresses: BTreeSet<String>,
    addresses_unlisted: u64,
    sessions: BTreeSet<String>,
    /// A client that is the same actor; itself where none is known.
    same_as: usize,
    meant: bool,
    /// Shapes that were perhaps meant.
    perhaps: usize,
}

impl Actors {
    /// The client that this is.
    pub(super) fn of(&mut self, who: Who) -> usize {
        let key = (who.network(), who.agent.clone());
        let at = match self.known.get(&key) {
            Some(&at) => at,
            None if self.clients.len() >= CLIENTS_MAX => CLIENTS_MAX - 1,
            None => {
                let at = self.clients.len();
                self.clients.push(Client::new(at, key.0.clone(), who.clone()));
                self.known.insert(key, at);
                at
            }
        };
        self.clients[at].seen(&who);
        for session in &who.sessions {
            if self.clients[at].sessions.len() < SESSIONS_MAX {
                self.clients[at].sessions.insert(session.clone());
                let first = *self.sessions.entry(session.clone()).or_insert(at);
                self.join(first, at);
            }
        }
        self.clients[at].who.sessions = who.sessions;
        at
    }

    pub(super) fn get(&self, at: usize) -> &Who {
        &self.clients[at].who
    }

    /// It asked something.
    pub(super) fn asked(&mut self, at: usize, meant: Meant) {
        let client = &mut self.clients[at];
        client.perhaps += usize::from(meant == Meant::Perhaps);
        client.meant |= meant == Meant::Surely || client.perhaps >= PERHAPS_MAX;
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        self.clients[one.max(other)].same_as = one.min(other);
    }

    fn root(&self, mut at: usize) -> usize {
        while self.clients[at].same_as != at {
            at = self.clients[at].same_as;
        }
        at
    }

    /// The actors by their first statement, numbered on from `next`, and for each client the number of its actor.
    pub(super) fn finish(mut self, next: u32, first: &HashMap<usize, (i64, EvidenceLine)>) -> (Vec<Actor>, Vec<u32>) {
        self.join_networks();
        let mut begins: HashMap<usize, (i64, EvidenceLine)> = HashMap::new();
        for (client, moment) in first {
            let known = begins.entry(self.root(*client)).or_insert(*moment);
            *known = (*moment).min(*known);
        }
        let mut roots: Vec<(usize, (i64, EvidenceLine))> = begins.into_iter().collect();
        roots.sort_by_key(|(root, begins)| (*begins, *root));
        let numbers: HashMap<usize, u32> = roots.iter().zip(next..).map(|((root, _), number)| (*root, number)).collect();
        let of: Vec<u32> = (0..self.clients.len()).map(|at| numbers.get(&self.root(at)).copied().unwrap_or(0)).collect();
        let mut actors: Vec<Actor> = roots.iter().zip(next..).map(|(_, id)| Actor { id, ..Actor::default() }).collect();
        for (client, number) in self.clients.into_iter().zip(&of) {
            if let Some(actor) = number.checked_sub(next).and_then(|at| actors.get_mut(at as usize)) {
                client.add_to(actor);
            }
        }
        (actors, of)
    }

    /// A network whose attacks come from many programs is one actor that changes its name.
    fn join_networks(&mut self) {
        let mut networks: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, client) in self.clients.iter().enumerate().filter(|(_, client)| client.meant) {
            networks.entry(client.network.clone()).or_default().push(at);
        }
        for clients in networks.into_values().filter(|clients| clients.len() > AGENTS_MAX) {
            clients.iter().for_each(|client| self.join(clients[0], *client));
        }
    }
}

impl Client {
    fn new(at: usize, network: String, who: Who) -> Self {
        let (addresses, sessions) = (BTreeSet::new(), BTreeSet::new());
        Self { who, network, addresses, addresses_unlisted: 0, sessions, same_as: at, meant: false, perhaps: 0 }
    }

    fn seen(&mut self, who: &Who) {
        if who.address.is_empty() || self.addresses.contains(&who.address) {
            return;
        }
        if self.addresses.len() < LISTED_MAX {
            self.addresses.insert(who.address.clone());
        } else {
            self.addresses_unlisted += 1;
        }
    }

    fn add_to(self, actor: &mut Actor) {
        actor.intruder |= self.meant;
        actor.unlisted += self.addresses_unlisted;
        let agent = Some(self.who.agent).filter(|agent| !agent.is_empty() && agent != "-");
        let lists: [(&mut Vec<String>, Vec<String>); 4] = [
            (&mut actor.networks, vec![self.network]),
            (&mut actor.addresses, self.addresses.into_iter().collect()),
            (&mut actor.agents, agent.into_iter().collect()),
            (&mut actor.sessions, self.sessions.into_iter().collect()),
        ];
        for (listed, more) in lists {
            for one in more.into_iter().filter(|one| !one.is_empty()) {
                if listed.contains(&one) {
                    continue;
                }
                if listed.len() < LISTED_MAX {
                    listed.push(one);
                } else {
                    actor.unlisted += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use kintsugi_case::{EvidenceId, EvidenceLine};

    use super::{Actors, Meant, Who, address, sessions};
    use crate::request::Carried;

    fn who(address: &str, agent: &str, cookie: &str) -> Who {
        let carried =
            Carried { client: address.as_bytes(), agent: agent.as_bytes(), cookie: cookie.as_bytes(), ..Carried::default() };
        Who::of(&carried, false)
    }

    /// The actors of these requests: networks and number of programs.
    fn check(requests: &[(&str, &str, &str)], expected: &[(&str, usize)]) {
        let mut actors = Actors::default();
        let mut first = HashMap::new();
        for (at, (address, agent, cookie)) in requests.iter().enumerate() {
            let client = actors.of(who(address, agent, cookie));
            actors.asked(client, Meant::Surely);
            let line = EvidenceLine { evidence: EvidenceId(1), line: at as u64 };
            first.entry(client).or_insert((0, line));
        }
        let (actors, _) = actors.finish(1, &first);
        let found: Vec<(String, usize)> =
            actors.into_iter().map(|actor| (actor.networks.join(" "), actor.agents.len())).collect();
        let found: Vec<(&str, usize)> = found.iter().map(|(networks, agents)| (networks.as_str(), *agents)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_network_with_one_program_is_an_actor() {
        check(
            &[("198.51.100.7", "a", ""), ("198.51.100.9", "a", ""), ("198.51.100.9", "b", ""), ("2001:db8:1:2::5", "a", "")],
            &[("198.51.100.0/24", 1), ("198.51.100.0/24", 1), ("2001:db8:1::/48", 1)],
        );
        check(&[("-", "a", ""), ("host.example", "a", "")], &[("-", 1), ("host.example", 1)]);
    }

    #[test]
    fn a_session_shows_that_two_are_one() {
        let session = "sid=abcdef0123456789";
        check(&[("198.51.100.7", "a", session), ("203.0.113.1", "b", session)], &[("198.51.100.0/24 203.0.113.0/24", 2)]);
        assert_eq!(sessions(b"consent=accepted-by-the-visitor; theme=dark; q=1'or'1'='1111111111111"), Vec::<String>::new());
    }

    #[test]
    fn a_network_that_changes_its_program_all_the_time_is_one() {
        let agents: Vec<String> = (0..9).map(|number| format!("agent {number}")).collect();
        let requests: Vec<(&str, &str, &str)> = agents.iter().map(|agent| ("198.51.100.7", agent.as_str(), "")).collect();
        check(&requests, &[("198.51.100.0/24", 9)]);
    }

    #[test]
    fn behind_a_proxy_of_our_own_the_address_is_what_it_was_told() {
        let seen = |client: &str, forwarded: &str| {
            address(&Carried { client: client.as_bytes(), forwarded: forwarded.as_bytes(), ..Carried::default() })
        };
        assert_eq!(seen("10.0.0.1", "192.0.2.1, 203.0.113.5, 10.0.0.7"), "203.0.113.5");
        assert_eq!(seen("203.0.113.9", "192.0.2.1"), "203.0.113.9", "a stranger may write what they like");
        assert_eq!(seen("127.0.0.1", "-"), "127.0.0.1");
    }
}
