//! Who sends next. A value: told what is in the queue and what has finished, it says what to start and when to wake.
//!
//! It knows of each lane only when its first entry is due. Members take turns, whatever the length of their lanes; a lane is worked
//! on by one connection at a time, so no two connections ever have the same entry.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use essaim_types::{AccountId, Domain, Timestamp};

use super::config::QueueConfig;
use super::key::{Lane, QueueKey};

/// Which connections can carry mail: all of one route may share one. A domain, or the smart host for every domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Route(pub String);

/// The lanes that have something to send, and the connections in use.
#[derive(Debug)]
pub struct Scheduler {
    connections_max: u32,
    connections_per_route_max: u32,
    lanes_max: usize,
    lanes: usize,
    members: HashMap<AccountId, Member>,
    /// Members in the order of their turns.
    turns: BTreeSet<(u64, AccountId)>,
    turn: u64,
    /// Lanes that a connection is working on; and the earliest entry that came in meanwhile.
    busy: HashMap<Lane, Option<Timestamp>>,
    in_use: HashMap<Route, u32>,
    /// The earliest entry of the lanes that had no room here: when its time comes the queue is read again.
    beyond: Option<Timestamp>,
}

/// The lanes of one account: when each is due, and the other way round. Never empty.
#[derive(Debug)]
struct Member {
    turn: u64,
    due: BTreeMap<Domain, Timestamp>,
    in_order: BTreeMap<Timestamp, BTreeSet<Domain>>,
}

impl Scheduler {
    /// With nothing to send.
    pub fn new(config: &QueueConfig) -> Self {
        Self {
            connections_max: config.connections.max(1),
            connections_per_route_max: config.connections_per_destination.max(1),
            lanes_max: LANES_MAX,
            lanes: 0,
            members: HashMap::new(),
            turns: BTreeSet::new(),
            turn: 0,
            busy: HashMap::new(),
            in_use: HashMap::new(),
            beyond: None,
        }
    }

    /// There is an entry with this key.
    pub fn note(&mut self, key: &QueueKey) {
        if let Some(noted) = self.busy.get_mut(&key.lane) {
            *noted = Some(noted.map_or(key.due, |due| due.min(key.due)));
        } else {
            self.insert(&key.lane, key.due);
        }
    }

    /// The next lane for a new connection, and the route it takes.
    pub fn start(&mut self, now: Timestamp, route_of: impl Fn(&Domain) -> Route) -> Option<(Route, Lane)> {
        if self.connections() >= self.connections_max {
            return None;
        }
        let (route, lane) = self.pick(now, |domain| {
            let route = route_of(domain);
            let used = self.in_use.get(&route).copied().unwrap_or(0);
            (used < self.connections_per_route_max).then_some(route)
        })?;
        *self.in_use.entry(route.clone()).or_default() += 1;
        self.take(&lane);
        Some((route, lane))
    }

    /// The next lane for a connection that is open already; the one it was working on must have been finished.
    pub fn start_more(
        &mut self,
        route: &Route,
        now: Timestamp,
        route_of: impl Fn(&Domain) -> Route,
    ) -> Option<Lane> {
        let ((), lane) = self.pick(now, |domain| (route_of(domain) == *route).then_some(()))?;
        self.take(&lane);
        Some(lane)
    }

    /// A connection has left a lane, whose next entry is due then.
    pub fn finish_lane(&mut self, lane: &Lane, next: Option<Timestamp>) {
        let noted = self.busy.remove(lane).flatten();
        if let Some(due) = next.into_iter().chain(noted).min() {
            self.insert(lane, due);
        }
    }

    /// A connection is closed.
    pub fn finish_connection(&mut self, route: &Route) {
        if let Some(used) = self.in_use.get_mut(route) {
            *used = used.saturating_sub(1);
            if *used == 0 {
                self.in_use.remove(route);
            }
        }
    }

    /// When to look again if nothing happens before. What is due already waits for a connection, not for the clock.
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let later = |member: &Member| {
            let after = (Bound::Excluded(now), Bound::Unbounded);
            member.in_order.range(after).next().map(|(due, _)| *due)
        };
        self.members.values().filter_map(later).chain(self.beyond.filter(|due| *due > now)).min()
    }

    /// Whether lanes that had no room here have their turn now. If so, [`Scheduler::note`] the first entry of every lane again.
    pub fn must_read_again(&mut self, now: Timestamp) -> bool {
        let idle = || self.members.values().all(|member| member.in_order.range(..=now).next().is_none());
        let again = self.beyond.is_some_and(|due| due <= now) && (self.lanes <= self.lanes_max / 2 || idle());
        if again {
            self.beyond = None;
        }
        again
    }

    /// Connections in use.
    pub fn connections(&self) -> u32 {
        self.in_use.values().sum()
    }

    /// The first lane, in the order of turns and then of time, for which `fits` gives something.
    fn pick<T>(&self, now: Timestamp, fits: impl Fn(&Domain) -> Option<T>) -> Option<(T, Lane)> {
        for (_, account) in &self.turns {
            let member = self.members.get(account).into_iter();
            for domain in member.flat_map(|member| member.in_order.range(..=now)).flat_map(|(_, set)| set) {
                if let Some(found) = fits(domain) {
                    return Some((found, Lane { domain: domain.clone(), account: *account }));
                }
            }
        }
        None
    }

    fn take(&mut self, lane: &Lane) {
        self.turn += 1;
        if let Some(member) = self.members.get_mut(&lane.account) {
            self.turns.remove(&(member.turn, lane.account));
            member.turn = self.turn;
            self.turns.insert((member.turn, lane.account));
        }
        self.remove(lane);
        self.busy.insert(lane.clone(), None);
    }

    fn insert(&mut self, lane: &Lane, due: Timestamp) {
        let known = self.members.get(&lane.account).and_then(|member| member.due.get(&lane.domain)).copied();
        match known {
            Some(known) if known <= due => return,
            Some(_) => self.remove(lane),
            None => {}
        }
        let turn = self.turn;
        let member = self.members.entry(lane.account).or_insert_with(|| {
            self.turns.insert((turn, lane.account));
            Member { turn, due: BTreeMap::new(), in_order: BTreeMap::new() }
        });
        member.due.insert(lane.domain.clone(), due);
        member.in_order.entry(due).or_default().insert(lane.domain.clone());
        self.lanes += 1;
        if self.lanes > self.lanes_max {
            self.evict();
        }
    }

    /// Forgets the last lane of the member with the most; among equals the one that is due last.
    fn evict(&mut self) {
        let rank = |member: &Member| (member.due.len(), member.in_order.keys().next_back().copied());
        let largest = self.members.iter().max_by_key(|(account, member)| (rank(member), *account));
        let Some((account, (due, domains))) =
            largest.and_then(|(account, member)| Some((*account, member.in_order.last_key_value()?)))
        else {
            return;
        };
        let due = *due;
        if let Some(domain) = domains.last().cloned() {
            self.beyond = Some(self.beyond.map_or(due, |beyond| beyond.min(due)));
            self.remove(&Lane { domain, account });
        }
    }

    fn remove(&mut self, lane: &Lane) {
        let Some(member) = self.members.get_mut(&lane.account) else { return };
        let Some(due) = member.due.remove(&lane.domain) else { return };
        self.lanes -= 1;
        if let Some(domains) = member.in_order.get_mut(&due) {
            domains.remove(&lane.domain);
            if domains.is_empty() {
                member.in_order.remove(&due);
            }
        }
        if member.due.is_empty() {
            self.turns.remove(&(member.turn, lane.account));
            self.members.remove(&lane.account);
        }
    }
}

/// Lanes that are kept in memory, about 200 bytes each; what is beyond is read again from the store when its time comes.
const LANES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::key::tests::key;
    use super::*;

    fn direct(domain: &Domain) -> Route {
        Route(domain.as_str().to_owned())
    }

    fn relay(_: &Domain) -> Route {
        Route("relay".to_owned())
    }

    fn scheduler(connections: u32, per_destination: u32) -> Scheduler {
        let config = QueueConfig {
            connections,
            connections_per_destination: per_destination,
            ..QueueConfig::default()
        };
        Scheduler::new(&config)
    }

    fn domains(account: u8, started: &[(Route, Lane)]) -> Vec<&str> {
        let of = started.iter().filter(|(_, lane)| lane.account == AccountId::from_bytes([account; 32]));
        of.map(|(_, lane)| lane.domain.as_str()).collect()
    }

    #[test]
    fn a_member_with_much_mail_does_not_hold_up_another() {
        let mut scheduler = scheduler(4, 4);
        for n in 0..100 {
            scheduler.note(&key(&format!("d{n:03}.test"), 1, 0, n));
        }
        scheduler.note(&key("late.test", 2, 5, 1000));
        let started: Vec<_> = std::iter::from_fn(|| scheduler.start(Timestamp(10), direct)).collect();
        assert_eq!(started.len(), 4);
        assert_eq!(domains(1, &started).len(), 3);
        assert_eq!(domains(2, &started), ["late.test"]);
    }

    #[test]
    fn one_destination_does_not_take_all_connections() {
        let mut scheduler = scheduler(10, 2);
        for account in 0..9 {
            scheduler.note(&key("big.test", account, 0, 1));
        }
        scheduler.note(&key("small.test", 0, 5, 2));
        let started: Vec<_> = std::iter::from_fn(|| scheduler.start(Timestamp(9), direct)).collect();
        assert_eq!(started.len(), 3);
        let (route, lane) = started[0].clone();
        scheduler.finish_lane(&lane, None);
        assert!(scheduler.start_more(&route, Timestamp(9), direct).is_some());
        assert_eq!(scheduler.start(Timestamp(9), direct), None);
        scheduler.finish_connection(&route);
        assert!(scheduler.start(Timestamp(9), direct).is_some());
    }

    #[test]
    fn with_a_smart_host_one_connection_serves_every_domain() {
        let mut scheduler = scheduler(10, 1);
        scheduler.note(&key("a.test", 1, 0, 1));
        scheduler.note(&key("b.test", 1, 0, 2));
        let (route, lane) = scheduler.start(Timestamp(0), relay).unwrap();
        assert_eq!(scheduler.start(Timestamp(0), relay), None);
        scheduler.finish_lane(&lane, None);
        assert!(scheduler.start_more(&route, Timestamp(0), relay).is_some());
    }

    #[test]
    fn it_wakes_for_the_earliest_that_is_not_due_yet() {
        let mut scheduler = scheduler(1, 1);
        scheduler.note(&key("a.test", 1, 50, 1));
        scheduler.note(&key("a.test", 1, 40, 2));
        scheduler.note(&key("b.test", 2, 10, 3));
        assert_eq!(scheduler.wake_at(Timestamp(0)), Some(Timestamp(10)));
        assert_eq!(scheduler.wake_at(Timestamp(10)), Some(Timestamp(40)));
        assert_eq!(scheduler.start(Timestamp(9), direct), None);
        let (_, lane) = scheduler.start(Timestamp(10), direct).unwrap();
        scheduler.note(&key("b.test", 2, 70, 4));
        scheduler.finish_lane(&lane, Some(Timestamp(90)));
        assert_eq!(scheduler.wake_at(Timestamp(40)), Some(Timestamp(70)));
    }

    #[test]
    fn what_does_not_fit_in_memory_is_read_again_when_it_is_due() {
        let mut scheduler = Scheduler { lanes_max: 10, ..scheduler(1, 1) };
        for n in 0..20 {
            scheduler.note(&key(&format!("d{n:03}.test"), 1, n, 0));
        }
        scheduler.note(&key("other.test", 2, 1000, 0));
        assert_eq!(scheduler.lanes, 10);
        assert_eq!(
            domains(2, &[(relay(&Domain::new("x").unwrap()), key("other.test", 2, 0, 0).lane)]).len(),
            1
        );
        assert!(scheduler.members.contains_key(&AccountId::from_bytes([2; 32])));
        assert!(!scheduler.must_read_again(Timestamp(8)));
        while let Some((route, lane)) = scheduler.start(Timestamp(8), direct) {
            scheduler.finish_lane(&lane, None);
            scheduler.finish_connection(&route);
        }
        assert_eq!(scheduler.wake_at(Timestamp(8)), Some(Timestamp(9)));
        assert!(scheduler.must_read_again(Timestamp(9)));
        assert!(!scheduler.must_read_again(Timestamp(9)));
    }

    proptest! {
        /// Whatever comes in and whenever: everything is sent once, limits hold, no lane has two connections, nothing is left.
        #[test]
        fn everything_is_sent_within_the_limits(
            entries in prop::collection::vec((0u8..5, 0u8..4, 0i64..100), 1..80),
            (connections, per_route) in (1u32..6, 1u32..4), lanes_max in 2usize..12,
        ) {
            let mut scheduler = Scheduler { lanes_max, ..scheduler(connections, per_route) };
            let mut waiting: Vec<QueueKey> = entries.iter().enumerate()
                .map(|(n, (domain, account, due))| key(&format!("d{domain}.test"), *account, *due, n as u64)).collect();
            waiting.iter().for_each(|key| scheduler.note(key));
            let mut now = Timestamp(0);
            for _ in 0..10_000 {
                if scheduler.must_read_again(now) {
                    waiting.iter().for_each(|key| scheduler.note(key));
                }
                let mut running: Vec<(Route, Lane)> = Vec::new();
                while let Some(started) = scheduler.start(now, direct) {
                    prop_assert!(running.iter().all(|(_, lane)| *lane != started.1));
                    running.push(started);
                    prop_assert!(running.len() <= connections as usize);
                    prop_assert!(scheduler.in_use.values().all(|used| *used <= per_route));
                }
                for (route, lane) in &running {
                    waiting.retain(|key| key.lane != *lane || key.due > now);
                    let next = waiting.iter().filter(|key| key.lane == *lane).map(|key| key.due).min();
                    scheduler.finish_lane(lane, next);
                    scheduler.finish_connection(route);
                }
                if running.is_empty() && scheduler.beyond.is_none_or(|due| due > now) {
                    match scheduler.wake_at(now) {
                        Some(wake) => { prop_assert!(wake > now); now = wake }
                        None => break,
                    }
                }
            }
            prop_assert!(waiting.is_empty(), "{waiting:?}");
            prop_assert!(scheduler.members.is_empty() && scheduler.turns.is_empty() && scheduler.busy.is_empty());
        }
    }
}
