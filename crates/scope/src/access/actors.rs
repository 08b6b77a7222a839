//! Who fetched: actors and how many persons each of them read about. A customer reads their own records; somebody who
//! reads those of many persons does not, nor does one who goes through the numbers in order.
//!
//! An actor is an address with an agent and a habit (whether requests name the page they came from). Where only the address,
//! or only its network with the same agent, reaches the number, it may be one who changes the others, or many customers
//! behind one gateway: that stays in doubt.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::walk::{Asked, Order, walkers};

/// An actor, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ActorId(pub(super) u32);

/// What the number of persons says of an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suspicion {
    /// Reads their own.
    None,
    /// Reads those of fewer, but in the order of their numbers.
    Walker,
    /// One of several behind an address or network that reads those of many.
    Doubtful,
    /// Reads those of many.
    Intruder,
}

/// What an actor has in common with others.
#[derive(Clone, Copy)]
struct Actor {
    address: u32,
    /// The network with the agent.
    group: u32,
}

/// Everybody who fetched a record. A busy shop has millions of customers: only digests of addresses and agents are kept.
#[derive(Default)]
pub(super) struct Actors {
    known: HashMap<u64, ActorId>,
    addresses: HashMap<u64, u32>,
    groups: HashMap<u64, u32>,
    actors: Vec<Actor>,
    /// Actor and person of every record fetched.
    read: Vec<(u32, u64)>,
    /// The numbers asked for, of records that there are and of others.
    asked: Vec<Asked>,
}

/// How much somebody read.
#[derive(Clone, Copy, Default)]
struct Reading {
    persons: u64,
    records: u64,
}

impl Actors {
    /// The actor behind a request.
    pub(super) fn actor(&mut self, address: &[u8], agent: &[u8], has_referer: bool) -> ActorId {
        if let Some(known) = self.known(address, agent, has_referer) {
            return known;
        }
        let key = digest(&(address, agent, has_referer));
        let address_id = number(&mut self.addresses, digest(&address));
        let group = number(&mut self.groups, digest(&(network(address), agent)));
        let id = ActorId(u32::try_from(self.actors.len()).unwrap_or(u32::MAX));
        self.actors.push(Actor { address: address_id, group });
        self.known.insert(key, id);
        id
    }

    /// The actor behind a request, if they got a record before.
    pub(super) fn known(&self, address: &[u8], agent: &[u8], has_referer: bool) -> Option<ActorId> {
        self.known.get(&digest(&(address, agent, has_referer))).copied()
    }

    /// The actor asked for this number.
    pub(super) fn asked(&mut self, actor: ActorId, at_ms: i64, number: i64, person: Option<u64>) {
        self.asked.push(Asked { actor: actor.0, at_ms, number, person });
    }

    /// The actor got a record of this person.
    pub(super) fn read(&mut self, actor: ActorId, person: u64) {
        self.read.push((actor.0, person));
    }

    /// What is to be thought of each actor, by number.
    pub(super) fn judge(&self, persons_min: u64) -> Vec<Suspicion> {
        let own = self.gather(self.actors.len(), |actor| actor);
        let addresses = self.gather(self.addresses.len(), |actor| self.actors[actor as usize].address);
        let groups = self.gather(self.groups.len(), |actor| self.actors[actor as usize].group);
        let walkers = self.walkers();
        let judged = self.actors.iter().zip(&own).zip(walkers).map(|((actor, own), walks)| {
            let (address, group) = (addresses[actor.address as usize], groups[actor.group as usize]);
            // Where others fetch as much from the same address, it is a gateway, and an agent is shared by many.
            if own.persons >= persons_min && own.records * 2 >= address.records {
                Suspicion::Intruder
            } else if address.persons.max(group.persons) >= persons_min {
                Suspicion::Doubtful
            } else if walks {
                Suspicion::Walker
            } else {
                Suspicion::None
            }
        });
        judged.collect()
    }

    /// Who goes through the numbers in order: alone, or as one who changes agents or addresses on the way.
    fn walkers(&self) -> Vec<bool> {
        let mut walks = vec![false; self.actors.len()];
        let mut mark = |common: &dyn Fn(u32) -> u32, order: Order| {
            let mut asked = self.asked.clone();
            asked.sort_by_key(|asked| (common(asked.actor), asked.at_ms));
            let together = asked.chunk_by(|one, other| common(one.actor) == common(other.actor));
            together.for_each(|asked| walkers(asked, order, &mut |actor| walks[actor as usize] = true));
        };
        mark(&|actor| actor, Order::SteadyOrRising);
        mark(&|actor| self.actors[actor as usize].address, Order::Steady);
        mark(&|actor| self.actors[actor as usize].group, Order::Steady);
        walks
    }

    /// How much was read together by those that have a number in common.
    fn gather(&self, count: usize, common: impl Fn(u32) -> u32) -> Vec<Reading> {
        let mut read: Vec<(u32, u64)> = self.read.iter().map(|&(actor, person)| (common(actor), person)).collect();
        read.sort_unstable();
        let mut gathered = vec![Reading::default(); count];
        for (at, &(who, person)) in read.iter().enumerate() {
            let reading = &mut gathered[who as usize];
            reading.records += 1;
            reading.persons += u64::from(at == 0 || read[at - 1] != (who, person));
        }
        gathered
    }
}

fn number(known: &mut HashMap<u64, u32>, key: u64) -> u32 {
    let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
    *known.entry(key).or_insert(next)
}

fn digest(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// The network of an address: the first three numbers of IPv4, the first four groups of IPv6, else the whole name.
fn network(address: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(address);
    match text.parse() {
        Ok(std::net::IpAddr::V4(ip)) => ip.octets()[..3].to_vec(),
        Ok(std::net::IpAddr::V6(ip)) => ip.octets()[..8].to_vec(),
        Err(_) => address.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Actors, Suspicion};

    /// Actors as (address, agent, referer, persons from, persons to); at least 20 persons are suspicious.
    fn check(actors: &[(&str, &str, bool, u64, u64)], expected: &[Suspicion]) {
        let mut all = Actors::default();
        for (address, agent, referer, from, to) in actors {
            let actor = all.actor(address.as_bytes(), agent.as_bytes(), *referer);
            (*from..*to).for_each(|person| all.read(actor, person));
        }
        assert_eq!(all.judge(20), expected);
    }

    #[test]
    fn who_reads_about_many_persons_is_no_customer() {
        use Suspicion::{Doubtful, Intruder, None};
        check(&[("203.0.113.5", "curl", false, 0, 20), ("198.51.100.7", "Firefox", true, 3, 4)], &[Intruder, None]);
        check(&[("203.0.113.5", "curl", false, 0, 19)], &[None]);
        // A customer behind the intruder's address.
        check(&[("203.0.113.5", "curl", false, 0, 400), ("203.0.113.5", "Firefox", true, 3, 4)], &[Intruder, Doubtful]);
        // One who changes the agent, or the address within a network.
        check(&[("203.0.113.5", "a", false, 0, 10), ("203.0.113.5", "b", false, 10, 20)], &[Doubtful, Doubtful]);
        check(&[("203.0.113.5", "a", false, 0, 10), ("203.0.113.6", "a", false, 10, 20)], &[Doubtful, Doubtful]);
        // A gateway: no agent of three has most of it.
        let gateway = [("10.0.0.1", "a", true, 0, 40), ("10.0.0.1", "b", true, 40, 80), ("10.0.0.1", "c", true, 80, 120)];
        check(&gateway, &[Doubtful, Doubtful, Doubtful]);
    }
}
