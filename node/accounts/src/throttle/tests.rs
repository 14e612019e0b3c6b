//! Virtual time: a test is a list of attempts.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::{Strategy, any, prop, prop_assert, prop_oneof, proptest};

use super::{Duration, IpAddr, ListingId, Outcome, Throttle, ThrottleConfig, Timestamp, Who};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const NEXT_DOOR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));
const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

fn throttle(config: &ThrottleConfig) -> Throttle {
    Throttle::new(config, [7; 32])
}

fn after(seconds: u64) -> Timestamp {
    Timestamp(1_700_000_000_000).after(Duration::from_secs(seconds))
}

/// Tries and fails; the wait if it was not let through.
fn guess(throttle: &mut Throttle, who: Who, now: Timestamp) -> Result<(), Duration> {
    let attempt = throttle.begin(who, now)?;
    throttle.end(attempt, Outcome::Wrong, now);
    Ok(())
}

fn guesses_until_refused(throttle: &mut Throttle, mut who: impl FnMut(&Throttle, u32) -> Who) -> u32 {
    (0..10_000)
        .find(|n| {
            let who = who(throttle, *n);
            guess(throttle, who, after(0)).is_err()
        })
        .expect("guessing is refused in the end")
}

#[test]
fn the_wait_doubles_up_to_the_longest() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let who = throttle.who("a@b.test", HERE);
    for _ in 0..8 {
        assert_eq!(guess(&mut throttle, who, after(0)), Ok(()));
    }
    let mut now = after(0);
    for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
        assert_eq!(guess(&mut throttle, who, now), Err(Duration::from_secs(seconds)));
        now = now.after(Duration::from_secs(seconds));
        assert_eq!(guess(&mut throttle, who, now), Ok(()));
    }
}

#[test]
fn failures_are_forgotten_after_an_hour_of_quiet() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let who = throttle.who("a@b.test", HERE);
    assert_eq!(guesses_until_refused(&mut throttle, |_, _| who), 8);
    assert!(throttle.check(&who, after(3599)).is_ok(), "the wait is over, the count is not");
    assert!(guess(&mut throttle, who, after(3599)).is_ok());
    assert!(guess(&mut throttle, who, after(3599)).is_err());
    for _ in 0..8 {
        assert!(guess(&mut throttle, who, after(3599 + 3600)).is_ok());
    }
    assert!(guess(&mut throttle, who, after(3599 + 3600)).is_err());
}

#[test]
fn one_network_cannot_try_one_password_at_every_login() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let tried = guesses_until_refused(&mut throttle, |t, n| t.who(&format!("member{n}@b.test"), HERE));
    assert_eq!(tried, 60);
    assert!(throttle.check(&throttle.who("member0@b.test", NEXT_DOOR), after(0)).is_ok());
}

#[test]
fn a_neighbourhood_of_networks_is_one_guesser() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let ip = |n: u32| IpAddr::V4(Ipv4Addr::from(0xC000_0200 + n % 256));
    let tried = guesses_until_refused(&mut throttle, |t, n| t.who(&format!("member{n}@b.test"), ip(n)));
    assert_eq!(tried, 240);
    assert!(throttle.check(&throttle.who("member0@b.test", ELSEWHERE), after(0)).is_ok());
}

#[test]
fn a_botnet_at_one_login_is_slowed_down_but_never_for_more_than_a_minute() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let ip = |n: u32| IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + n * 256));
    assert_eq!(guesses_until_refused(&mut throttle, |t, n| t.who("a@b.test", ip(n))), 60);
    let mut now = after(0);
    for n in 100..200 {
        let who = throttle.who("a@b.test", ip(n));
        let wait = throttle.check(&who, now).unwrap_err();
        assert!(wait <= Duration::from_secs(60), "{wait:?}");
        now = now.after(wait);
        assert_eq!(guess(&mut throttle, who, now), Ok(()));
    }
}

#[test]
fn the_member_at_home_is_not_locked_out_by_strangers() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let home = throttle.who("a@b.test", HERE);
    throttle.succeeded(&home, after(0));
    let ip = |n: u32| IpAddr::V4(Ipv4Addr::from(0x0A00_0000 + n * 256));
    guesses_until_refused(&mut throttle, |t, n| t.who("a@b.test", ip(n)));
    assert!(throttle.check(&throttle.who("a@b.test", ELSEWHERE), after(0)).is_err());
    assert!(throttle.check(&home, after(0)).is_ok());
    assert_eq!(guesses_until_refused(&mut throttle, |_, _| home), 8, "home has its own limit");
}

#[test]
fn a_success_forgives_the_login_there_but_not_the_network() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let own = throttle.who("mallory@b.test", HERE);
    for _ in 0..3 {
        for _ in 0..8 {
            assert_eq!(guess(&mut throttle, own, after(0)), Ok(()));
        }
        throttle.succeeded(&own, after(0));
    }
    let tried = guesses_until_refused(&mut throttle, |t, n| t.who(&format!("member{n}@b.test"), HERE));
    assert_eq!(tried, 60 - 3 * 8);
}

#[test]
fn attempts_at_the_same_time_are_not_free_beyond_the_free_ones() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let who = throttle.who("a@b.test", HERE);
    let attempts: Vec<_> = (0..100).map_while(|_| throttle.begin(who, after(0)).ok()).collect();
    assert_eq!(attempts.len(), 8);
    for attempt in attempts {
        throttle.end(attempt, Outcome::Unknown, after(0));
    }
    assert_eq!(guesses_until_refused(&mut throttle, |_, _| who), 8, "what was not checked does not count");
    let one = throttle.begin(who, after(1)).expect("the wait is over");
    assert!(throttle.begin(who, after(1)).is_err(), "past the free ones, one at a time");
    throttle.end(one, Outcome::Wrong, after(1));
}

#[test]
fn an_ipv6_household_is_one_network_and_a_mapped_address_is_ipv4() {
    let throttle = throttle(&ThrottleConfig::default());
    let who = |text: &str| throttle.who("a@b.test", text.parse().unwrap());
    assert_eq!(who("2001:db8:1:2::1"), who("2001:db8:1:2:ffff::1"));
    assert_ne!(who("2001:db8:1:2::1").network, who("2001:db8:1:3::1").network);
    assert_eq!(who("2001:db8:1:2::1").neighbourhood, who("2001:db8:1:3::1").neighbourhood);
    assert_ne!(who("2001:db8:1:2::1").neighbourhood, who("2001:db8:2:2::1").neighbourhood);
    assert_eq!(who("::ffff:192.0.2.1"), who("192.0.2.1"));
}

#[test]
fn a_clock_that_is_set_back_locks_nobody_out() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let who = throttle.who("a@b.test", HERE);
    while guess(&mut throttle, who, after(86_400)).is_ok() {}
    assert!(throttle.check(&who, after(86_399)).is_err(), "a small difference between two threads is no gap");
    assert!(throttle.check(&who, after(0)).is_ok());
}

#[test]
fn strangers_cannot_push_a_counted_login_out_of_the_table() {
    let mut throttle = throttle(&ThrottleConfig { entries_max: 64, ..ThrottleConfig::default() });
    let who = throttle.who("a@b.test", HERE);
    guesses_until_refused(&mut throttle, |_, _| who);
    for n in 0..10_000u32 {
        let stranger = throttle.who(&format!("x{n}@b.test"), IpAddr::V6(Ipv6Addr::from(u128::from(n) << 90)));
        guess(&mut throttle, stranger, after(0)).ok();
    }
    assert!(throttle.check(&who, after(0)).is_err());
    assert_eq!(throttle.login_from.len(), 64);
}

/// What somebody does next.
#[derive(Debug, Clone, Copy)]
enum Step {
    Pass(u32),
    Begin { login: u8, network: u8 },
    End(Outcome),
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        5 => prop::strategy::Just(Outcome::Wrong),
        1 => prop::strategy::Just(Outcome::Right),
        1 => prop::strategy::Just(Outcome::Unknown),
    ];
    prop_oneof![
        (0..120_000u32).prop_map(Step::Pass),
        (any::<u8>(), any::<u8>())
            .prop_map(|(login, network)| Step::Begin { login: login % 12, network: network % 12 }),
        outcome.prop_map(Step::End),
    ]
}

proptest! {
    /// However attempts, outcomes and time interleave: tables stay bounded, a wait never exceeds the longest, and who
    /// waits as told is let through unless something else failed or runs meanwhile.
    #[test]
    fn tables_and_waits_are_bounded(steps in prop::collection::vec(step(), 1..600)) {
        let config = ThrottleConfig { entries_max: 8, ..ThrottleConfig::default() };
        let mut throttle = throttle(&config);
        let (mut now, mut running) = (after(0), Vec::new());
        for step in steps {
            match step {
                Step::Pass(ms) => now = now.after(Duration::from_millis(ms.into())),
                Step::Begin { login, network } => {
                    let who = throttle.who(&login.to_string(), IpAddr::V4(Ipv4Addr::new(10, network, 0, 1)));
                    match throttle.begin(who, now) {
                        Ok(attempt) => running.push(attempt),
                        Err(wait) => {
                            prop_assert!(!wait.is_zero() && wait <= config.longest_delay, "{wait:?}");
                            if running.is_empty() {
                                prop_assert!(throttle.check(&who, now.after(wait)).is_ok());
                            }
                        }
                    }
                }
                Step::End(outcome) => {
                    if let Some(attempt) = running.pop() {
                        throttle.end(attempt, outcome, now);
                    }
                }
            }
            for table in [&throttle.login_from, &throttle.network, &throttle.neighbourhood, &throttle.login] {
                prop_assert!(table.len() <= 8);
            }
        }
    }

    /// A guesser who tries as often as the throttle lets them, with any pauses: the guesses of a day are bounded.
    #[test]
    fn guesses_of_a_day_are_bounded(pauses in prop::collection::vec(0..4_000_000u64, 1..64)) {
        let config = ThrottleConfig::default();
        let mut throttle = throttle(&config);
        let who = throttle.who("a@b.test", HERE);
        let (mut now, end, mut made) = (after(0), after(86_400), 0u32);
        let mut pauses = pauses.into_iter().cycle();
        while now < end {
            match guess(&mut throttle, who, now) {
                Ok(()) => made += 1,
                Err(wait) => now = now.after(wait),
            }
            if made % 16 == 0 {
                now = now.after(Duration::from_millis(pauses.next().expect("it never ends")));
            }
        }
        // Each hour of quiet buys the free ones and the doublings again; without quiet there is one in 15 minutes.
        let doublings = 11;
        let bound = 24 * (config.failures_per_login + doublings) + 86_400 / 900;
        prop_assert!(made <= bound, "{made} guesses, bound {bound}");
    }
}

#[test]
fn what_another_hoster_says_of_networks_counts_for_its_own_peers_only() {
    let mut throttle = throttle(&ThrottleConfig::default());
    let hoster = ListingId::from_bytes([1; 32]);
    let led = guesses_until_refused(&mut throttle, |t, n| t.who_led(&format!("x{n}@b.test"), HERE, hoster));
    assert_eq!(led, 60, "as for any network");
    assert!(
        throttle.check(&throttle.who("y@b.test", HERE), after(0)).is_ok(),
        "who comes from there is not concerned"
    );
    let other = ListingId::from_bytes([2; 32]);
    assert!(throttle.check(&throttle.who_led("y@b.test", HERE, other), after(0)).is_ok());
    // One login is one, whoever leads there.
    guesses_until_refused(&mut throttle, |t, n| {
        t.who_led("a@b.test", IpAddr::V4(Ipv4Addr::from(n << 8)), hoster)
    });
    assert!(throttle.check(&throttle.who("a@b.test", ELSEWHERE), after(0)).is_err());
}
