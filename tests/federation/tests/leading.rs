//! Mail programs that come to the old hoster of an account that has moved: they notice nothing.

use std::time::Duration;

use essaim_federation::mail::pair;
use essaim_federation::moving::{HASTE, Mover};
use essaim_federation::{Hoster, eventually};
use essaim_harness::{Account, Imap, Smtp};

#[test]
fn a_mail_program_at_the_old_hoster_goes_on_as_before() {
    let (a, b) = pair(HASTE);
    let alice = Mover::fill(&a, "alice", 60);
    let before = alice.look(&a, &alice.account);
    // Two sessions that are open when the account leaves: one waits, one does nothing.
    let (mut idling, mut quiet) =
        (a.node.imap(&alice.account).unwrap(), a.node.imap(&alice.account).unwrap());
    idling.ok("SELECT INBOX").unwrap();
    idling.idle().unwrap();
    quiet.ok("SELECT INBOX").unwrap();
    let there = alice.moves(&a, &b);
    for session in [&mut idling, &mut quiet] {
        session.set_timeout(Duration::from_secs(30)).unwrap();
        let bye = String::from_utf8(session.response().unwrap()).unwrap();
        assert!(bye.starts_with("* BYE the account has moved"), "{bye}");
    }

    // The old name, the old address, the old password: the same mailbox with the same numbers.
    assert_eq!(alice.look(&a, &alice.account), before);
    assert_eq!(alice.look(&b, &there), before);
    let app = Account { password: alice.app.clone(), ..alice.account.clone() };
    let mut imap = Imap::connect(a.node.address("imap")).unwrap().start_tls().unwrap();
    imap.login(&app.address, &app.password).unwrap();
    imap.ok("SELECT INBOX (CONDSTORE)").unwrap();
    // IDLE through both nodes.
    imap.set_timeout(Duration::from_secs(30)).unwrap();
    let idle = imap.idle().unwrap();
    let letter = format!("Subject: large\r\n\r\n{}", "0123456789abcdef\r\n".repeat(200_000));
    let mut other = a.node.imap(&alice.account).unwrap();
    other.append_ok("INBOX", "", letter.as_bytes()).unwrap();
    let news = String::from_utf8(imap.response().unwrap()).unwrap();
    assert!(news.contains("EXISTS"), "{news}");
    imap.done(&idle).unwrap();
    // A large message back, and what was sent ahead of the login.
    let after = alice.look(&a, &alice.account);
    let (_, last) = after.messages.last_key_value().unwrap();
    assert_eq!(last.bytes, letter.as_bytes());
    let mut ahead = Imap::connect_tls(a.node.address("imaps")).unwrap();
    let login = format!("p1 LOGIN {} {}\r\np2 SELECT INBOX\r\np3 LOGOUT\r\n", app.address, app.password);
    ahead.send(login.as_bytes()).unwrap();
    for tag in ["p1", "p2", "p3"] {
        ahead.outcome(tag).unwrap().accepted(tag).unwrap();
    }

    // Submission, both ways to begin it.
    for begun in [Smtp::connect_tls(a.node.address("submissions")), start_tls(&a.node.address("submission"))]
    {
        let mut smtp = begun.unwrap();
        let letter = format!("From: {}\r\nSubject: to myself\r\n\r\n.\r\n", there.address);
        smtp.auth_plain(&alice.account.address, &alice.account.password).unwrap().expect(235).unwrap();
        let sent = smtp.deliver(&there.address, &[&there.address], letter.as_bytes()).unwrap();
        sent.expect(250).unwrap();
        smtp.quit().unwrap();
    }
    let count = after.messages.len() + 2;
    eventually("both are there", || alice.look(&a, &alice.account).messages.len() == count);
}

fn start_tls(address: &std::net::SocketAddr) -> std::io::Result<Smtp> {
    Smtp::connect(*address)?.start_tls()
}

#[test]
fn a_wrong_password_is_wrong_and_a_hoster_that_is_away_is_said_to_be() {
    let slow = "[accounts.throttle]\nfailures_per_login = 2\nfirst_delay = \"5m\"\nlongest_delay_per_address = \"5m\"\n";
    let (a, mut b) = pair(&format!("{HASTE}{slow}"));
    b.node.pin("peer");
    let (ann, bea) = (Mover::fill(&a, "ann", 3), Mover::fill(&a, "bea", 3));
    ann.moves(&a, &b);
    bea.moves(&a, &b);
    let try_with = |password: &str| {
        let mut imap = Imap::connect_tls(a.node.address("imaps")).unwrap();
        imap.login(&ann.account.address, password).unwrap_err().to_string()
    };
    // As anywhere, and as for somebody who is not known at all.
    let mut imap = Imap::connect_tls(a.node.address("imaps")).unwrap();
    let nobody = imap.login("nobody@a.test", "wrong").unwrap_err().to_string();
    let wrong = try_with("wrong");
    assert_eq!(wrong, nobody.replace("nobody@", "ann@"));
    assert!(wrong.contains("[AUTHENTICATIONFAILED]"), "{wrong}");
    // Throttled at the home, by account and client.
    try_with("wronger");
    try_with("wrongest");
    let throttled = try_with(&ann.account.password);
    assert!(throttled.contains("[UNAVAILABLE] too many wrong passwords"), "{throttled}");
    // What a hoster says about where its clients are keeps nobody waiting who comes from there.
    let direct = Account { address: "ann@b.test".to_owned(), ..ann.account.clone() };
    b.node.imap(&direct).expect("the same account, from the same place");
    a.node.imap(&bea.account).expect("somebody else is not concerned");
    b.node.kill();
    let away = a.node.imap(&bea.account).expect_err("nobody is there").to_string();
    assert!(away.contains("[UNAVAILABLE] the account lives at another hoster now"), "{away}");
    let smtp = a.node.submission(&bea.account).expect_err("nobody is there").to_string();
    assert!(smtp.contains("454"), "{smtp}");
    b.node.restart();
    eventually("it is back", || a.node.imap(&bea.account).is_ok());
}

#[test]
fn when_the_time_is_over_whoever_has_the_password_is_told_where_to_go() {
    let over = format!("{HASTE}[accounts]\nlead_on = \"0s\"\n");
    let (a, b) = (Hoster::configured("a", &over), Hoster::configured("b", HASTE));
    b.join(&a);
    a.sees(&["a.test", "b.test"]);
    b.sees(&["a.test", "b.test"]);
    let ann = Mover::fill(&a, "ann", 3);
    ann.moves(&a, &b);
    let told = a.node.imap(&ann.account).expect_err("not any more").to_string();
    assert!(
        told.contains("[CONTACTADMIN] the account has moved to b.test: log in there as ann@b.test"),
        "{told}"
    );
    let mut imap = Imap::connect_tls(a.node.address("imaps")).unwrap();
    let wrong = imap.login(&ann.account.address, "wrong").unwrap_err().to_string();
    assert!(wrong.contains("[AUTHENTICATIONFAILED]") && !wrong.contains("b.test"), "{wrong}");
    a.node.submission(&ann.account).expect_err("not any more");
    let shown = a.ask(&["account", "show", "ann@a.test"]);
    assert_eq!((&shown["moved"]["to"], &shown["moved"]["address"]), (&"b.test".into(), &"ann@b.test".into()));
}

#[test]
fn an_account_that_moves_on_is_found_from_its_first_hoster() {
    let (a, mut b) = pair(HASTE);
    let c = Hoster::configured("c", HASTE);
    c.join(&a);
    c.join(&b);
    for hoster in [&a, &b, &c] {
        hoster.sees(&["a.test", "b.test", "c.test"]);
    }
    let mut ann = Mover::fill(&a, "ann", 10);
    let (first, before) = (ann.account.clone(), ann.look(&a, &ann.account));
    ann.account = ann.moves(&a, &b);
    let second = ann.account.clone();
    let third = ann.moves(&b, &c);
    assert_eq!(ann.look(&c, &third), before);
    assert_eq!(ann.look(&b, &second), before);
    // The one in the middle says once that it has moved on; then it is not needed any more.
    assert_eq!(ann.look(&a, &first), before);
    b.node.kill();
    assert_eq!(ann.look(&a, &first), before);
    let shown = c.ask(&["account", "show", "ann@c.test"]);
    let came: Vec<_> =
        shown["came_from"].as_array().unwrap().iter().map(|from| from["address"].clone()).collect();
    assert_eq!(came, ["ann@b.test", "ann@a.test"]);
    let moves = a.ask(&["account", "move", "status"]);
    assert_eq!(
        (&moves[0]["moved"]["to"], &moves[0]["moved"]["address"]),
        (&"c.test".into(), &"ann@c.test".into())
    );
}
