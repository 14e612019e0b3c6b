//! The queue with real sockets, against hosts on loopback.

mod host;

use std::net::SocketAddr;

use essaim_accounts::{Accounts, AccountsConfig, Actor, HashConfig, LocalDomains, NewAccount};
use essaim_mail::mailbox;
use essaim_mail::queue::{Outgoing, Queue, QueueConfig, QueueError, Selection, enqueue};
use essaim_mail::record::{self, INBOX_ID};
use essaim_smtp::client::Timeouts;
use essaim_store::{Content, Options, Store, Tx};
use essaim_types::{AccountId, Address, ByteSize, ObjectKind};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::*;
use host::Host;

const TEXT: &str = "Subject: hello\r\n\r\n.a dot\r\nbody\r\n";

/// A node with one member, and the way that its mail takes.
struct Node {
    store: Store,
    queue: Queue,
    alice: AccountId,
    running: Running,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), QueueError>>,
}

impl Node {
    async fn start(outbound: Outbound) -> Self {
        Self::over(Store::in_memory(), outbound).await
    }

    async fn over(store: Store, outbound: Outbound) -> Self {
        let domain = Domain::new("a.test").unwrap();
        let hash = HashConfig { memory: ByteSize::kib(64), passes: 1, ..HashConfig::default() };
        let config = AccountsConfig { hash, ..AccountsConfig::default() };
        let accounts = Accounts::open(
            store.clone(),
            config,
            LocalDomains::new(domain.clone(), []),
            Some(essaim_types::ListingId::from_bytes([1; 32])),
        )
        .await
        .unwrap();
        let address: Address = "alice@a.test".parse().unwrap();
        let alice = match accounts.find(&address).unwrap() {
            Some(alice) => alice,
            None => accounts.create(NewAccount::new(address), Actor::Node).await.unwrap().account,
        };
        store.commit(move |tx| mailbox::ensure_defaults(tx, alice)).await.unwrap();
        let config = QueueConfig { retry: vec![Duration::from_millis(20)], ..QueueConfig::default() };
        let queue =
            Queue::new(store.clone(), accounts, domain, essaim_smtp::bounce::Language::French, config);
        let (stop, stopped) = oneshot::channel::<()>();
        let running = queue.clone();
        let task = tokio::spawn(async move { running.run(outbound, async { drop(stopped.await) }).await });
        Self { store, queue, alice, running: Running { stop, task } }
    }

    async fn send(&self, recipients: &[&str], text: &str) {
        let mut writer = self.store.content_writer(Content::Mail);
        writer.push(text.as_bytes()).unwrap();
        let message = Outgoing {
            name: Some(essaim_smtp::QueueId::new("19a-0")),
            account: self.alice,
            sender: Some("alice@a.test".parse().unwrap()),
            recipients: recipients.iter().map(|text| text.parse().unwrap()).collect(),
            heading: None,
            skip: 0,
            content: writer.finish().unwrap(),
            needs: essaim_smtp::Needs::default(),
        };
        let hoster = self.queue.hoster();
        self.store.commit(move |tx: &mut Tx<'_>| enqueue(tx, hoster, [message])).await.unwrap();
    }

    /// Waits until the queue is as wanted.
    async fn until(&self, wanted: impl Fn(&[essaim_mail::queue::Listed]) -> bool) {
        let mut changes = self.store.watch(self.queue.hoster());
        while !wanted(&self.queue.list(&Selection::default(), None, 100).unwrap().entries) {
            changes.changed().await.unwrap();
        }
    }

    /// Waits until a message was put off for this reason.
    async fn until_put_off(&self, status: &str) {
        self.until(|entries| {
            let recipients = entries.iter().flat_map(|listed| listed.entry.open());
            recipients.filter_map(|open| open.last.as_ref()).any(|last| last.status.to_string() == status)
        })
        .await;
    }

    async fn empty(&self) {
        self.until(<[_]>::is_empty).await;
    }

    async fn stop(self) -> Store {
        self.running.stop.send(()).unwrap();
        self.running.task.await.unwrap().unwrap();
        self.store
    }

    fn inbox(&self) -> Vec<String> {
        let (from, to) = record::message_range(INBOX_ID, 0, u32::MAX);
        let (from, to) = (from.as_ref().map(<[u8; 8]>::as_slice), to.as_ref().map(<[u8; 8]>::as_slice));
        let snapshot = self.store.read().unwrap();
        let messages = snapshot.range(self.alice, ObjectKind::MESSAGE, from, to).unwrap();
        let bytes =
            |blobs: Vec<_>| blobs.iter().flat_map(|id| self.store.blob(id).unwrap()).collect::<Vec<u8>>();
        messages.map(|entry| String::from_utf8(bytes(entry.unwrap().1.blobs)).unwrap()).collect()
    }
}

/// Mail for `b.test` and `c.test` goes to this host.
fn to(address: SocketAddr) -> Outbound {
    let to = HostPort { host: address.ip().to_string(), port: address.port() };
    outbound(["b.test", "c.test"].map(|domain| (Domain::new(domain).unwrap(), to.clone())).into(), None, None)
}

fn outbound(
    routes: BTreeMap<Domain, HostPort>,
    relay: Option<Relay>,
    trusted: Option<RootCertStore>,
) -> Outbound {
    let second = Duration::from_secs(1);
    let timeouts =
        Timeouts { greeting: second, command: 10 * second, data: second, body: second, end: second };
    Outbound(Arc::new(Shared {
        hostname: Domain::new("mx.a.test").unwrap(),
        limits: Limits { timeouts, ..Limits::default() },
        dns: SystemDns::open(),
        anybody: anybody(),
        verified: tls::verified(trusted.unwrap_or_else(tls::public_roots)),
        relay,
        routes,
        federation: Federation::new(Store::in_memory(), AccountId::from_bytes([0; 32]), PathBuf::new()),
        accounts: nobody(),
        srs: Arc::new(Srs::new([1; 32], Domain::new("a.test").unwrap())),
        declined: Declined::default(),
    }))
}

/// The accounts of a hoster from which nobody has moved away.
fn nobody() -> Accounts {
    let domains = LocalDomains::new(Domain::new("a.test").unwrap(), []);
    let open = Accounts::open(Store::in_memory(), AccountsConfig::default(), domains, None);
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(open)).unwrap()
}

/// A certificate, and who trusts it.
fn certificate(name: &str) -> (TlsAcceptor, RootCertStore) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (TlsAcceptor::from(Arc::new(config)), roots)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_share_a_connection_and_arrive_as_they_are() {
    let host = Host::start(&[], None).await;
    let node = Node::start(to(host.address)).await;
    let large = format!("Subject: large\r\n\r\n{}", ".line\r\n".repeat(300_000));
    node.send(&["bob@b.test"], TEXT).await;
    node.send(&["bob@b.test", "dan@b.test"], &large).await;
    node.send(&["carol@c.test"], TEXT).await;
    let seen = host.took(3).await;
    node.empty().await;
    assert!(
        seen.messages.iter().filter(|message| *message == TEXT).count() == 2
            && seen.messages.contains(&large)
    );
    node.stop().await;
    let seen = host.seen();
    assert!(seen.connections <= 2, "{}", seen.connections);
    assert!(seen.commands.iter().any(|command| command.starts_with("MAIL FROM:<alice@a.test> SIZE=")));
    assert_eq!(seen.commands.last().map(String::as_str), Some("QUIT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_busy_is_tried_again() {
    let busy: [(&str, &[&str]); 3] =
        [("GREETING", &["421 4.3.2 busy"]), ("RCPT", &["450 4.2.1 later"]), ("END", &["451 4.3.0 oops"])];
    let host = Host::start(&busy, None).await;
    let node = Node::start(to(host.address)).await;
    node.send(&["bob@b.test"], TEXT).await;
    assert_eq!(host.took(1).await.messages, [TEXT]);
    node.empty().await;
    assert!(node.inbox().is_empty());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_comes_back_with_the_hosts_words() {
    let host = Host::start(&[("RCPT", &["250 ok", "550 5.1.1 no such user here"])], None).await;
    let node = Node::start(to(host.address)).await;
    node.send(&["bob@b.test", "nobody@b.test"], TEXT).await;
    node.empty().await;
    assert_eq!(host.seen().messages, [TEXT]);
    let inbox = node.inbox();
    assert_eq!(inbox.len(), 1);
    for part in ["nobody@b.test", "Status: 5.1.1", "550 5.1.1 no such user here", "Subject: hello"] {
        assert!(inbox[0].contains(part), "{part}: {}", inbox[0]);
    }
    assert!(!inbox[0].contains("bob@b.test"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_refuses_everybody_is_not_believed_at_once() {
    let host = Host::start(&[("GREETING", &["554 5.3.2 no service"])], None).await;
    let node = Node::start(to(host.address)).await;
    node.send(&["bob@b.test"], TEXT).await;
    assert_eq!(host.took(1).await.connections, 2);
    node.empty().await;
    assert!(node.inbox().is_empty());
    node.stop().await;
}

/// The queue is on a disk, and the node that comes back is another one.
#[tokio::test(flavor = "multi_thread")]
async fn mail_for_a_host_that_is_down_outlives_the_node() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open(&folder.path().join("store"), &Options::default()).unwrap();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    {
        let node = Node::over(open(), to(address)).await;
        node.send(&["bob@b.test"], TEXT).await;
        node.until_put_off("4.4.1").await;
        node.stop().await.close();
    }
    let node = Node::over(open(), to(address)).await;
    let host = Host::start_at(address, &[], None).await;
    assert_eq!(host.took(1).await.messages, [TEXT]);
    node.empty().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_up_between_messages_is_called_again() {
    let host = Host::start(&[("AFTER", &["hang up"; 3])], None).await;
    let node = Node::start(to(host.address)).await;
    for _ in 0..4 {
        node.send(&["bob@b.test"], TEXT).await;
    }
    host.took(4).await;
    node.empty().await;
    node.stop().await;
    assert_eq!(host.seen().messages.len(), 4);
}

/// The answer comes in the middle of the message, and then the connection is closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_in_the_middle_of_a_message_is_heard() {
    let host = Host::start(&[("MIDDLE", &["552 5.3.4 too large for us"])], None).await;
    let node = Node::start(to(host.address)).await;
    node.send(&["bob@b.test"], &format!("Subject: large\r\n\r\n{}", "line\r\n".repeat(2_000_000))).await;
    node.empty().await;
    let inbox = node.inbox();
    assert!(inbox[0].contains("552 5.3.4 too large for us"), "{inbox:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_says_nothing_does_not_hold_the_queue() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let node = Node::start(to(listener.local_addr().unwrap())).await;
    node.send(&["bob@b.test"], TEXT).await;
    node.until_put_off("4.4.1").await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_used_where_it_is_offered_whatever_the_certificate() {
    let (tls, _) = certificate("mx.test");
    let host = Host::start(&[], Some(tls)).await;
    let node = Node::start(to(host.address)).await;
    node.send(&["bob@b.test"], TEXT).await;
    let seen = host.took(1).await;
    assert!(seen.encrypted >= 4 && seen.connections == 1, "{seen:?}");
    node.empty().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_tls_is_broken_gets_its_mail_in_clear() {
    // It offers STARTTLS, and then goes on in clear.
    let host = Host::start(&[("EHLO", &["250-mx.test\r\n250 STARTTLS"])], None).await;
    let node = Node::start(to(host.address)).await;
    node.send(&["bob@b.test"], TEXT).await;
    let seen = host.took(1).await;
    assert_eq!((seen.encrypted, seen.connections), (0, 2));
    node.empty().await;
    node.stop().await;
}

fn smart_host(address: SocketAddr, password: &Path) -> Relay {
    let to = HostPort { host: "localhost".to_owned(), port: address.port() };
    Relay { to, encryption: Encryption::Required, login: Some(("coop".to_owned(), password.to_owned())) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smart_host_takes_everything_after_a_login_under_verified_tls() {
    let (tls, roots) = certificate("localhost");
    let host = Host::start(&[], Some(tls)).await;
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "sesame\n").unwrap();
    let relay = smart_host(host.address, &password);
    let node = Node::start(outbound(BTreeMap::new(), Some(relay), Some(roots))).await;
    node.send(&["bob@b.test", "dan@d.test"], TEXT).await;
    let seen = host.took(2).await;
    // "\0coop\0sesame"
    assert!(
        seen.commands.iter().any(|command| command == "AUTH PLAIN AGNvb3AAc2VzYW1l"),
        "{:?}",
        seen.commands
    );
    node.empty().await;
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_smart_host_that_cannot_prove_its_name_gets_neither_mail_nor_password() {
    let (tls, roots) = certificate("mx.test");
    let host = Host::start(&[], Some(tls)).await;
    let folder = tempfile::tempdir().unwrap();
    let password = folder.path().join("password");
    std::fs::write(&password, "sesame\n").unwrap();
    let relay = smart_host(host.address, &password);
    let node = Node::start(outbound(BTreeMap::new(), Some(relay), Some(roots))).await;
    node.send(&["bob@b.test"], TEXT).await;
    node.until_put_off("4.7.10").await;
    node.stop().await;
    assert!(
        host.seen().commands.iter().all(|command| !command.contains("AUTH") && !command.contains("MAIL"))
    );
}
