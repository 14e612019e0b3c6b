//! Observations: what is read is what was signed, and nobody speaks for another.

use std::net::IpAddr;
use std::time::Duration;

use essaim_directory::explain::Source;
use essaim_directory::observation::{
    ADDRESSES_MAX, CLOCK_SKEW_MAX, Door, FRESH_FOR, Fault, HOSTS_MAX, Host, HostAddress, KEPT_FOR, MX_MAX,
    MailNames, Observation, Question, Reach, SIGHTS_MAX, Service, Sight, TEXTS_MAX, Text, Tls, TlsVerdict,
};
use essaim_identity::cbor;
use essaim_identity::{Signed, SigningKey};
use essaim_types::{ListingId, Timestamp};
use proptest::prelude::*;

use crate::net::{Keys, Net, key};

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn text(text: &str) -> Text {
    Text::of(text).unwrap()
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn sight(service: Service, port: u16, reach: Reach) -> Sight {
    let tls =
        Tls { verdict: TlsVerdict::Trusted, ends: Some(1_900_000_000), issuer: Some(text("An Authority")) };
    Sight {
        host: 0,
        ip: ip(1),
        door: Door { service, port },
        reach,
        said: Some(text("220 mail.a.test ESMTP")),
        tls: Some(tls),
        postmaster: (service == Service::Smtp).then_some(250),
        milliseconds: 12,
    }
}

fn observation(observer: &Keys, subject: ListingId) -> Observation {
    let sights =
        vec![sight(Service::Smtp, 25, Reach::Answers), sight(Service::PeerQuic, 4001, Reach::Answers)];
    let address =
        HostAddress { ip: ip(1), looked_at: true, reverse: Some(text("mail.a.test")), confirmed: true };
    Observation {
        observer: observer.id(),
        key: observer.node.public(),
        subject,
        time: NOW,
        domain: "a.test".parse().unwrap(),
        asked: sights.iter().map(|sight| sight.door).collect(),
        mail: MailNames {
            mx: vec![(10, text("mail.a.test"))],
            spf: vec![text("v=spf1 mx -all")],
            ..MailNames::default()
        },
        hosts: vec![Host { name: text("mail.a.test"), addresses: vec![address], silent: false }],
        sights,
        clock_ahead: Some(-20),
    }
}

fn read_at(seen: &Observation, key: &SigningKey, now: Timestamp) -> Result<Observation, Fault> {
    Observation::read(&Signed::sign(seen, key).unwrap().to_wire(), now).map(Signed::into_record)
}

#[test]
fn an_observation_reads_back_as_signed_and_not_otherwise() {
    let (a, b) = (Keys::new("a"), Keys::new("b"));
    let seen = observation(&b, a.id());
    assert_eq!(read_at(&seen, &b.node, NOW).unwrap(), seen);
    assert!(matches!(read_at(&seen, &a.node, NOW), Err(Fault::Signature(_))), "signed by another");
    let wire = Signed::sign(&seen, &b.node).unwrap().to_wire();
    for at in 0..wire.len() {
        let mut other = wire.clone();
        other[at] ^= 1;
        assert!(Observation::read(&other, NOW).is_err(), "byte {at}");
        assert!(Observation::read(&wire[..at], NOW).is_err(), "cut at {at}");
    }
}

#[test]
fn an_observation_says_nothing_before_its_time_or_after_thirty_days() {
    let (a, b) = (Keys::new("a"), Keys::new("b"));
    let seen = observation(&b, a.id());
    let read = |now| read_at(&seen, &b.node, now);
    assert!(read(NOW.after(KEPT_FOR)).is_ok());
    assert_eq!(read(NOW.after(KEPT_FOR + Duration::from_secs(1))), Err(Fault::Old));
    let skew = i64::try_from(CLOCK_SKEW_MAX.as_millis()).unwrap();
    assert!(read(Timestamp(NOW.0 - skew)).is_ok());
    assert_eq!(read(Timestamp(NOW.0 - skew - 1)), Err(Fault::Future));
}

#[test]
fn nobody_speaks_for_another_hoster() {
    let (a, b, c) = (Keys::new("a"), Keys::new("b"), Keys::new("c"));
    let seen = observation(&b, a.id());
    assert_eq!(seen.vouched_by(&b.keyring), Ok(()));
    assert_eq!(seen.vouched_by(&c.keyring), Err(Fault::Stranger));
    let forged = Observation { key: c.node.public(), ..seen };
    assert!(read_at(&forged, &c.node, NOW).is_ok(), "it is genuinely c's");
    assert_eq!(forged.vouched_by(&b.keyring), Err(Fault::Stranger), "and not b's");
    let root = Observation { key: b.root.public(), ..forged };
    assert_eq!(root.vouched_by(&b.keyring), Err(Fault::Stranger), "a root key is no node's");
}

#[test]
fn an_observation_has_bounds_and_does_not_contradict_itself() {
    let (a, b) = (Keys::new("a"), Keys::new("b"));
    let with = |change: &dyn Fn(&mut Observation)| {
        let mut seen = observation(&b, a.id());
        change(&mut seen);
        read_at(&seen, &b.node, NOW).unwrap_err()
    };
    let first = sight(Service::Smtp, 25, Reach::Answers);
    assert_eq!(with(&|seen| seen.sights = vec![first.clone(); SIGHTS_MAX + 1]), Fault::TooMany("sights"));
    assert_eq!(with(&|seen| seen.mail.mx = vec![(1, text("x")); MX_MAX + 1]), Fault::TooMany("MX records"));
    assert_eq!(
        with(&|seen| seen.mail.dmarc = vec![text("x"); TEXTS_MAX + 1]),
        Fault::TooMany("DMARC records")
    );
    assert_eq!(
        with(&|seen| seen.hosts = vec![seen.hosts[0].clone(); HOSTS_MAX + 1]),
        Fault::TooMany("hosts")
    );
    let many = |seen: &mut Observation| {
        seen.hosts[0].addresses = vec![seen.hosts[0].addresses[0].clone(); ADDRESSES_MAX + 1];
    };
    assert_eq!(with(&many), Fault::TooMany("addresses"));
    assert_eq!(
        with(&|seen| seen.sights[0].ip = ip(9)),
        Fault::Inconsistent,
        "an address that the host has not"
    );
    assert_eq!(with(&|seen| seen.sights[0].host = 1), Fault::Inconsistent, "a host that is not there");
    assert_eq!(
        with(&|seen| seen.sights[0].door.port = 26),
        Fault::Inconsistent,
        "a door that nobody asked for"
    );
    assert_eq!(with(&|seen| seen.asked.reverse()), Fault::Inconsistent, "doors out of order");
}

#[test]
fn the_largest_observation_fits() {
    let (a, b) = (Keys::new("a"), Keys::new("b"));
    let long = || text(&"x".repeat(255));
    let mut seen = observation(&b, a.id());
    let six = IpAddr::from([0x26, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    let address = HostAddress { ip: six, looked_at: true, reverse: Some(long()), confirmed: true };
    let host = Host { name: long(), addresses: vec![address; ADDRESSES_MAX], silent: true };
    seen.hosts = vec![host; HOSTS_MAX];
    seen.mail.mx = vec![(u16::MAX, long()); MX_MAX];
    (seen.mail.spf, seen.mail.dmarc) = (vec![long(); TEXTS_MAX], vec![long(); TEXTS_MAX]);
    let mut one = sight(Service::Smtp, 25, Reach::Strange);
    (one.ip, one.said, one.milliseconds) = (six, Some(long()), u32::MAX);
    one.tls = Some(Tls { verdict: TlsVerdict::OtherName, ends: Some(i64::MAX), issuer: Some(long()) });
    seen.sights = vec![one; SIGHTS_MAX];
    seen.domain =
        format!("{}.test", ["a".repeat(60), "b".repeat(60), "c".repeat(60)].join(".")).parse().unwrap();
    assert_eq!(read_at(&seen, &b.node, NOW).unwrap(), seen);
}

#[test]
fn r22_a_question_is_small_and_names_each_service_once() {
    let question = |doors: &[(Service, u16)]| {
        let doors = doors.iter().map(|&(service, port)| Door { service, port }).collect();
        let listing = Keys::new("a").id();
        let question = Question { time: NOW, host: Some("mail.a.test".parse().unwrap()), doors, listing };
        Question::read(&cbor::encode(&question))
    };
    assert!(question(&Service::ALL.map(|service| (service, 65_535))).is_ok());
    assert_eq!(question(&[(Service::Imap, 143), (Service::Imap, 22)]), Err(Fault::Inconsistent));
    assert_eq!(question(&[(Service::Imaps, 993), (Service::Imap, 143)]), Err(Fault::Inconsistent));
    assert_eq!(question(&[(Service::Imap, 0)]), Err(Fault::Inconsistent));
    assert!(matches!(Question::read(&[0; 600]), Err(Fault::Content(_))));
}

#[test]
fn what_this_node_saw_makes_fields_probed_for_a_week() {
    let mut net = Net::started(&["a", "b"]);
    net.edit(0, &[("address.1", "/ip4/192.0.2.1/udp/4001/quic-v1")]);
    let a = net.nodes[0].keys.id();
    let mut seen = observation(&net.nodes[1].keys, a);
    seen.time = net.now.after(Duration::from_secs(60));
    let sources = |seen: &Observation, after: Duration| {
        let now = seen.time.after(after);
        let mut why = net.nodes[1].core.explain(now, a).unwrap();
        why.note(seen, now);
        ["service.mail", "address.1", "name"].map(|key| why.fields[key].source)
    };
    use Source::{Declared, Probed};
    assert_eq!(sources(&seen, Duration::ZERO), [Probed, Probed, Declared]);
    assert_eq!(sources(&seen, FRESH_FOR + Duration::from_secs(1)), [Declared; 3]);
    let before = Observation { time: Timestamp(net.now.0 - 1), ..seen.clone() };
    assert_eq!(sources(&before, Duration::ZERO), [Declared; 3], "declared anew after it was seen");
    let mut closed = seen.clone();
    closed.sights[0].reach = Reach::Closed;
    assert_eq!(sources(&closed, Duration::ZERO), [Declared, Probed, Declared]);
}

proptest! {
    /// Texts of strangers' hosts never make an observation that cannot be read.
    #[test]
    fn whatever_a_host_says_can_be_told(said in "\\PC{0,400}|.{0,400}", port in 1u16.., code in 0u16..) {
        let (a, b) = (Keys::new("a"), Keys::new("b"));
        let mut seen = observation(&b, a.id());
        seen.sights[0].said = Text::of(&said);
        seen.sights[0].postmaster = Some(code);
        seen.sights[0].door.port = port;
        seen.asked[0].port = port;
        prop_assert_eq!(read_at(&seen, &key("b"), NOW).unwrap(), seen);
    }

    /// Bytes are refused or are the one spelling of what they say.
    #[test]
    fn no_bytes_are_read_two_ways(at in any::<prop::sample::Index>(), byte: u8) {
        let (a, b) = (Keys::new("a"), Keys::new("b"));
        let mut bytes = cbor::encode(&observation(&b, a.id()));
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = cbor::decode::<Observation>(&bytes) {
            prop_assert_eq!(cbor::encode(&read), bytes);
        }
    }
}
