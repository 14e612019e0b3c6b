//! A desk over a real store.

use essaim_accounts::{Actor, NewAccount, NewPassword};
use essaim_smtp::server::PlaintextLogin;
use essaim_types::Secret;

use super::*;
use crate::config::Config;

/// A node with alice and bob.
struct Lab {
    node: Services,
    pace: Arc<Pace>,
    rate: Rate,
    _home: tempfile::TempDir,
}

impl Lab {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: home.path().to_owned(), ..Config::default() };
        config.hoster.domain = "a.test".parse().unwrap();
        // The cheapest hash: what is tested here is not its cost.
        config.accounts.hash.memory = essaim_types::ByteSize::kib(8);
        config.accounts.hash.passes = 1;
        let node = Services::open(config).await.unwrap();
        for address in ["alice@a.test", "bob@a.test"] {
            let new = NewAccount {
                password: NewPassword::Chosen(Secret::new(PASSWORD)),
                ..NewAccount::new(address.parse().unwrap())
            };
            node.accounts.create(new, Actor::Node).await.unwrap();
        }
        Self { node, pace: Pace::new(2), rate: Rate::per_minute(4), _home: home }
    }

    fn receiving(&self) -> Desk<'_> {
        Desk::new(
            &self.node,
            Role::Receiving,
            Visitor::Address([192, 0, 2, 1].into()),
            &self.pace,
            &self.rate,
        )
    }

    async fn submission(&self) -> Desk<'_> {
        let role = Role::Submission { plaintext_login: PlaintextLogin::Refuse };
        let mut desk =
            Desk::new(&self.node, role, Visitor::Address([192, 0, 2, 1].into()), &self.pace, &self.rate);
        assert_eq!(
            desk.log_in(login(PASSWORD)).await,
            LoginVerdict::Accept { login: "alice@a.test".to_owned() }
        );
        desk
    }

    fn queued(&self) -> Vec<essaim_mail::queue::Entry> {
        let page = self.node.queue.list(&essaim_mail::queue::Selection::default(), None, 100).unwrap();
        page.entries.into_iter().map(|listed| listed.entry).collect()
    }

    /// What the inboxes of alice and bob hold together, and what is queued.
    fn held(&self) -> (u64, usize) {
        let used = |address| {
            let account = self.node.accounts.find(&to(address)).unwrap().unwrap();
            self.node.store.read().unwrap().account(account).unwrap().unwrap().used.0
        };
        (used("alice@a.test") + used("bob@a.test"), self.queued().len())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_from_anybody_is_for_those_who_live_here() {
    let lab = Lab::new().await;
    let mut desk = lab.receiving();
    assert_eq!(desk.sender(Some(&to("x@b.test"))), SenderVerdict::Accept);
    assert_eq!(desk.sender(None), SenderVerdict::Accept);
    assert_eq!(desk.recipient(&to("Alice+list@A.test")), RecipientVerdict::Accept);
    assert_eq!(desk.recipient(&to("nobody@a.test")), RecipientVerdict::NoSuchMailbox);
    assert_eq!(desk.recipient(&to("y@c.test")), RecipientVerdict::RelayDenied);
    let id = send(&mut desk, Some("x@b.test"), &["alice@a.test"], "Subject: x\r\n\r\nx\r\n").await.unwrap();
    assert!(!id.as_str().is_empty());
    let (bytes, queued) = lab.held();
    assert!(bytes > 100 && queued == 0, "the message and its trace header: {bytes} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_sends_as_nobody_else() {
    let lab = Lab::new().await;
    let mut desk = lab.submission().await;
    assert_eq!(desk.sender(Some(&to("alice@a.test"))), SenderVerdict::Accept);
    assert_eq!(desk.sender(Some(&to("bob@a.test"))), SenderVerdict::NotYours);
    assert_eq!(desk.sender(Some(&to("x@b.test"))), SenderVerdict::NotYours);
    for (from, outcome) in [
        ("From: bob@a.test\r\n", Err(Refusal::FromNotYours)),
        ("From: alice@a.test, bob@a.test\r\n", Err(Refusal::FromNotYours)),
        ("", Err(Refusal::Malformed)),
        ("From: alice+tag@a.test\r\n", Ok(())),
    ] {
        let sent = send(&mut desk, Some("alice@a.test"), &["bob@a.test"], &format!("{from}\r\nx\r\n")).await;
        assert_eq!(sent.map(|_| ()), outcome, "{from:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_elsewhere_is_queued_with_what_stays_and_has_a_pace() {
    let lab = Lab::new().await;
    let mut desk = lab.submission().await;
    let recipients = ["bob@a.test", "y@c.test", "z@d.test"];
    assert!(recipients.iter().all(|address| desk.recipient(&to(address)) == RecipientVerdict::Accept));
    assert_eq!(desk.recipient(&to("one@too.test")), RecipientVerdict::SlowDown);
    assert_eq!(desk.recipient(&to("bob@a.test")), RecipientVerdict::Accept, "local mail has no pace");
    let text = "From: alice@a.test\r\n\r\nx\r\n";
    let id = send(&mut desk, Some("alice@a.test"), &recipients, text).await.unwrap();
    let (bytes, _) = lab.held();
    assert!(bytes > 0);
    let names = lab.queued().into_iter().map(|entry| entry.message);
    assert_eq!(
        names.collect::<Vec<_>>(),
        [Some(id.clone()), Some(id)],
        "one entry for each domain, called as told"
    );
}

/// RFC 6152 and RFC 6531: what the host on the other side must offer. An umlaut in a header that nobody announced is let pass.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_needs_is_noted_when_it_is_queued() {
    let lab = Lab::new().await;
    let mut desk = lab.submission().await;
    let (header, body) = ("Subject: \u{e9}\r\n", "\u{e9}\r\n");
    for (subject, text, announced, smtputf8, eight_bit) in [
        ("", "x\r\n", true, false, false),
        ("", body, false, false, true),
        (header, "x\r\n", false, false, false),
        (header, body, true, true, true),
    ] {
        let mut envelope = envelope(Some("alice@a.test"), &["y@c.test"]);
        envelope.options.smtputf8 = announced;
        desk.begin(&envelope);
        desk.spool(Bytes::from(format!("From: alice@a.test\r\n{subject}\r\n{text}")));
        let id = desk.commit(envelope).await.unwrap();
        let entry = lab.queued().into_iter().find(|entry| entry.message.as_ref() == Some(&id)).unwrap();
        assert_eq!((entry.smtputf8, entry.eight_bit), (smtputf8, eight_bit), "{subject:?} {text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_have_a_pace_and_this_machine_and_members_have_none() {
    let lab = Lab::new().await;
    let at = |peer: [u8; 4]| {
        Desk::new(&lab.node, Role::Receiving, Visitor::Address(peer.into()), &lab.pace, &lab.rate)
    };
    let tell = |desk: &mut Desk<'_>| [(); 5].map(|()| desk.sender(None));
    use SenderVerdict::{Accept, SlowDown};
    assert_eq!(tell(&mut at([192, 0, 2, 1])), [Accept, Accept, Accept, Accept, SlowDown]);
    assert_eq!(at([192, 0, 2, 2]).sender(None), SlowDown, "another address of the same neighbourhood");
    assert_eq!(tell(&mut at([127, 0, 0, 1])), [Accept; 5]);
    assert_eq!(tell(&mut lab.submission().await), [Accept; 5]);
    assert_eq!(lab.node.vitals.slowed_messages(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_a_disabled_account_send_nothing() {
    let lab = Lab::new().await;
    let mut desk = lab.receiving();
    assert_eq!(desk.log_in(login("not it at all")).await, LoginVerdict::Refuse);
    let mut desk = lab.submission().await;
    let alice = lab.node.accounts.find(&to("alice@a.test")).unwrap().unwrap();
    lab.node.accounts.disable(alice, Actor::Node).await.unwrap();
    assert_eq!(desk.sender(Some(&to("alice@a.test"))), SenderVerdict::Refuse);
    assert_eq!(desk.recipient(&to("alice@a.test")), RecipientVerdict::Disabled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_aborted_message_leaves_nothing() {
    let lab = Lab::new().await;
    let mut desk = lab.receiving();
    let envelope = envelope(Some("x@b.test"), &["alice@a.test"]);
    desk.begin(&envelope);
    desk.spool(Bytes::from_static(b"Subject: x\r\n"));
    desk.abort();
    assert_eq!(desk.commit(envelope).await, Err(Refusal::TryLater), "there is nothing to commit");
    assert_eq!(lab.held(), (0, 0));
}

async fn send(
    desk: &mut Desk<'_>,
    from: Option<&str>,
    recipients: &[&str],
    message: &str,
) -> Result<QueueId, Refusal> {
    let envelope = envelope(from, recipients);
    desk.begin(&envelope);
    desk.spool(Bytes::copy_from_slice(message.as_bytes()));
    desk.commit(envelope).await
}

/// As a conversation would put it together.
fn envelope(from: Option<&str>, recipients: &[&str]) -> Envelope {
    use essaim_smtp::trace::{Dialect, Protocol};
    Envelope {
        sender: from.map(to),
        recipients: recipients.iter().map(|address| to(address)).collect(),
        options: essaim_smtp::server::MailOptions::default(),
        hello: "client.test".to_owned(),
        protocol: Protocol { dialect: Dialect::Esmtp, encrypted: false, authenticated: false },
        login: None,
    }
}

fn to(address: &str) -> Address {
    address.parse().unwrap()
}

fn login(password: &str) -> Login {
    let mechanism = essaim_smtp::server::Mechanism::Plain;
    Login { mechanism, user: "alice@a.test".to_owned(), password: Secret::new(password) }
}

const PASSWORD: &str = "correct horse battery";
