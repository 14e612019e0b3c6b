//! Packets from each host's device to another's, after a while, or never.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use tun_rs::SyncDevice;

use super::Weather;

#[derive(Debug)]
pub(super) struct Router {
    state: Mutex<State>,
    wakes: Condvar,
}

struct State {
    weather: Weather,
    /// Links that are cut: from, to.
    cut: BTreeSet<(Ipv4Addr, Ipv4Addr)>,
    devices: BTreeMap<Ipv4Addr, Arc<SyncDevice>>,
    under_way: BinaryHeap<Reverse<Packet>>,
    /// Packets seen; it also draws the lots, so that a run is like the next as far as time allows.
    number: u64,
    delivered: u64,
    lost: u64,
    stopped: u64,
    over: bool,
}

/// On its way. The order is that of arrival.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    due: Instant,
    number: u64,
    to: Ipv4Addr,
    bytes: Vec<u8>,
}

impl Router {
    pub(super) fn start(weather: Weather) -> Arc<Self> {
        let state = State {
            weather,
            cut: BTreeSet::new(),
            devices: BTreeMap::new(),
            under_way: BinaryHeap::new(),
            number: 0,
            delivered: 0,
            lost: 0,
            stopped: 0,
            over: false,
        };
        let router = Arc::new(Self { state: Mutex::new(state), wakes: Condvar::new() });
        let deliverer = Arc::clone(&router);
        thread::spawn(move || deliverer.deliver());
        router
    }

    /// Takes what a host sends from its device, as long as the device is there.
    pub(super) fn connect(self: &Arc<Self>, addresses: &[Ipv4Addr], device: SyncDevice) {
        let device = Arc::new(device);
        self.lock().devices.extend(addresses.iter().map(|address| (*address, Arc::clone(&device))));
        let router = Arc::clone(self);
        thread::spawn(move || {
            let mut packet = vec![0; PACKET_MAX];
            while let Ok(length) = device.recv(&mut packet) {
                if !router.route(&packet[..length]) {
                    break;
                }
            }
        });
    }

    pub(super) fn part(&self, one: &[Ipv4Addr], other: &[Ipv4Addr]) {
        let pairs =
            one.iter().flat_map(|one| other.iter().flat_map(|other| [(*one, *other), (*other, *one)]));
        self.lock().cut.extend(pairs);
    }

    pub(super) fn heal(&self) {
        self.lock().cut.clear();
    }

    pub(super) fn change(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    pub(super) fn packets(&self) -> [u64; 3] {
        let state = self.lock();
        [state.delivered, state.lost, state.stopped]
    }

    /// Ends the threads: the one that delivers now, those that read when their device goes.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.over = true;
        state.devices.clear();
        self.wakes.notify_all();
    }

    /// Puts a packet on its way; whether anybody still wants packets.
    fn route(&self, packet: &[u8]) -> bool {
        let mut state = self.lock();
        let Some((from, to)) = ends(packet) else { return !state.over };
        state.number += 1;
        let lot = lot(state.number);
        let weather = state.weather;
        if state.cut.contains(&(from, to)) {
            state.stopped += 1;
        } else if lot % 1000 < u64::from(weather.lost_per_mille) {
            state.lost += 1;
        } else {
            let jitter = weather.jitter.mul_f64((lot / 1000 % 1000) as f64 / 1000.0);
            let due = Instant::now() + weather.delay + jitter;
            let number = state.number;
            state.under_way.push(Reverse(Packet { due, number, to, bytes: packet.to_vec() }));
            self.wakes.notify_one();
        }
        !state.over
    }

    fn deliver(&self) {
        let mut state = self.lock();
        while !state.over {
            let now = Instant::now();
            let due = state.under_way.peek().map(|Reverse(packet)| packet.due);
            state = match due {
                None => self.wakes.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(due) if due > now => {
                    self.wakes.wait_timeout(state, due - now).unwrap_or_else(PoisonError::into_inner).0
                }
                Some(_) => {
                    if let Some(Reverse(packet)) = state.under_way.pop()
                        && let Some(device) = state.devices.get(&packet.to)
                    {
                        // A device that is going, or whose queue is full, loses it: as in the world.
                        let sent: io::Result<usize> = device.send(&packet.bytes);
                        state.delivered += u64::from(sent.is_ok());
                    }
                    state
                }
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("weather", &self.weather)
            .field("cut", &self.cut)
            .finish_non_exhaustive()
    }
}

/// Source and destination of an IPv4 packet (RFC 791 section 3.1); nothing of what else comes (IPv6 neighbours' talk).
fn ends(packet: &[u8]) -> Option<(Ipv4Addr, Ipv4Addr)> {
    let address = |at: usize| -> Option<Ipv4Addr> {
        let bytes: [u8; 4] = packet.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(bytes))
    };
    (packet.first()? >> 4 == 4).then_some((address(12)?, address(16)?))
}

/// A number that looks drawn by lot: SplitMix64.
fn lot(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// More than any device here sends at once.
const PACKET_MAX: usize = 2048;
