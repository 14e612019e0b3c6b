//! What a node that means no good, or is broken, can do with sessions that it says it leads on.

use essaim_federation::moving::{HASTE, Mover};
use essaim_federation::rogue::{Line, Rogue};
use essaim_federation::{Hoster, eventually, mail::pair};
use essaim_harness::Account;
use essaim_migration::leading::flow::WINDOW;
use essaim_migration::leading::{Answer, Handover, Refusal, Service, Wish, message};
use essaim_types::Secret;

/// b.test, to which ann has moved from a.test, whose node is down.
fn moved() -> (Hoster, Hoster, Account) {
    let (mut a, b) = pair(&format!("{HASTE}led_sessions_per_hoster = 2\n"));
    let ann = Mover::fill(&a, "ann", 3);
    ann.moves(&a, &b);
    assert!(a.node.stop().success());
    (a, b, ann.account)
}

fn handover(account: &Account, password: &str) -> Handover {
    Handover {
        address: account.address.clone(),
        password: Secret::new(password),
        client: std::net::Ipv4Addr::new(192, 0, 2, 1).into(),
        service: Service::Imap { tag: "x1".to_owned() },
        wish: Wish::Serve,
    }
}

fn ask(line: &mut Line<'_>, handover: &Handover) -> Option<Answer> {
    line.write(&message::write(handover));
    let head = line.take(4).try_into().ok()?;
    let body = line.take(message::length(head)?);
    message::read(&body).ok()
}

/// The bytes of the next piece that has any; none if the stream ended.
fn piece(line: &mut Line<'_>) -> Option<Vec<u8>> {
    loop {
        let head = u32::from_be_bytes(line.take(4).try_into().ok()?);
        if head >> 31 == 0 {
            return Some(line.take(head as usize));
        }
    }
}

#[test]
fn only_the_old_hoster_leads_and_the_password_decides() {
    let (a, b, ann) = moved();
    let stranger = Rogue::stranger();
    let unknown = Some(Answer::Refused(Refusal::Unknown));
    assert_eq!(ask(&mut stranger.open_for(&b, "session"), &handover(&ann, &ann.password)), unknown);
    drop(stranger);

    let rogue = Rogue::instead_of(&a);
    let open = || rogue.open_for(&b, "session");
    let wrong = ask(&mut open(), &handover(&ann, "wrong"));
    assert_eq!(wrong, Some(Answer::Refused(Refusal::Wrong)));
    for address in ["nobody@a.test", "ann@b.test", "no address"] {
        let other = Account { address: address.to_owned(), ..ann.clone() };
        assert_eq!(ask(&mut open(), &handover(&other, &ann.password)), unknown, "{address}");
    }
    // To look at the password is not to be let in.
    let check = Handover { wish: Wish::Check, ..handover(&ann, &ann.password) };
    let mut line = open();
    assert_eq!(ask(&mut line, &check), Some(Answer::Welcome));
    assert_eq!(piece(&mut line), None);

    // Two sessions, and not a third.
    let (mut one, mut two) = (open(), open());
    for line in [&mut one, &mut two] {
        assert_eq!(ask(line, &handover(&ann, &ann.password)), Some(Answer::Welcome));
        assert!(piece(line).unwrap().starts_with(b"x1 OK [CAPABILITY "));
    }
    let third = ask(&mut open(), &handover(&ann, &ann.password));
    assert_eq!(third, Some(Answer::Refused(Refusal::Busy)));
    drop(one);
    eventually("there is room again", || {
        ask(&mut open(), &handover(&ann, &ann.password)) == Some(Answer::Welcome)
    });
}

#[test]
fn noise_ends_the_stream_and_harms_nobody() {
    let (a, b, ann) = moved();
    let rogue = Rogue::instead_of(&a);
    let good = message::write(&handover(&ann, &ann.password));
    let noise: [&[u8]; 4] = [&[0xff; 64], &[0, 0, 0, 3, 1, 2, 3], &[0, 0, 0, 0], &good[..4]];
    for (number, bytes) in noise.into_iter().enumerate() {
        let mut line = rogue.open_for(&b, "session");
        line.write(bytes);
        if number == 3 {
            line.write(&vec![0xff; good.len()]);
        }
        assert_eq!(line.take(1), b"", "{number}");
    }
    // More than one window, without waiting.
    let mut line = rogue.open_for(&b, "session");
    assert_eq!(ask(&mut line, &handover(&ann, &ann.password)), Some(Answer::Welcome));
    piece(&mut line).unwrap();
    line.write(&u32::try_from(WINDOW + 1).unwrap().to_be_bytes());
    assert_eq!(piece(&mut line), None);
    // A service that makes no sense, with a good password.
    for tag in ["", "+", "a b", "\r\n"] {
        let odd =
            Handover { service: Service::Imap { tag: tag.to_owned() }, ..handover(&ann, &ann.password) };
        let mut line = rogue.open_for(&b, "session");
        assert_eq!(ask(&mut line, &odd), Some(Answer::Welcome));
        assert_eq!(piece(&mut line), None, "{tag:?}");
    }
    drop(rogue);
    let there = Account { address: "ann@b.test".to_owned(), ..ann };
    b.node.imap(&there).expect("the account is served");
}
