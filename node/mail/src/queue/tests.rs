//! The running queue over a store in memory, with other hosts played by a table of answers.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use essaim_accounts::{AccountsConfig, Actor, HashConfig, LocalDomains, NewAccount};
use essaim_store::{Content, Tx};
use essaim_types::{Address, BlobId, ByteSize};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinHandle;

use super::*;
use crate::mailbox;
use crate::record::{self, INBOX_ID};

/// What other hosts answer: for each domain, attempt after attempt; then everything is delivered.
#[derive(Debug, Clone)]
struct Hosts {
    answers: Arc<Mutex<HashMap<String, VecDeque<Answer>>>>,
    got: watch::Sender<Vec<(String, String)>>,
    connections: watch::Sender<(u32, u32)>,
    /// For [`Answer::Hold`]: the message is on its way; it may arrive.
    held: Arc<(Notify, Notify)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Deliver,
    Busy,
    Refuse,
    /// Delivered, when the test says so.
    Hold,
    /// The first recipient gets it, the others are refused.
    FirstOnly,
}

struct Connected(Hosts);

impl Hosts {
    fn new(answers: &[(&str, &[Answer])]) -> Self {
        let answers =
            answers.iter().map(|(domain, list)| ((*domain).to_owned(), list.iter().copied().collect()));
        let (got, connections) = (watch::Sender::new(Vec::new()), watch::Sender::new((0, 0)));
        Self { answers: Arc::new(Mutex::new(answers.collect())), got, connections, held: Arc::default() }
    }

    /// Waits until so many recipients have got something; who and what.
    async fn got(&self, count: usize) -> Vec<(String, String)> {
        self.got.subscribe().wait_for(|got| got.len() >= count).await.unwrap().clone()
    }
}

impl Transport for Hosts {
    type Session = Connected;

    fn route(&self, domain: &Domain) -> Route {
        Route(domain.as_str().to_owned())
    }

    fn session(&self, _: &Route) -> Connected {
        self.connections.send_modify(|(open, most)| {
            *open += 1;
            *most = (*most).max(*open);
        });
        Connected(self.clone())
    }
}

impl Session for Connected {
    async fn deliver(&mut self, mut letter: Letter) -> Attempt {
        tokio::task::yield_now().await;
        let answer = {
            let mut answers = self.0.answers.lock().unwrap();
            let next = answers.get_mut(letter.domain.as_str()).and_then(VecDeque::pop_front);
            next.unwrap_or(Answer::Deliver)
        };
        if answer == Answer::Hold {
            self.0.held.0.notify_one();
            self.0.held.1.notified().await;
        }
        let said =
            |status: &str| Diagnosis::remote("mx.test", status.parse().unwrap(), format!("said {status}"));
        let mut text = String::new();
        while let Some(piece) = letter.body.next_piece().unwrap() {
            text.push_str(std::str::from_utf8(&piece).unwrap());
        }
        let outcome = |(n, to): (usize, &Address)| match answer {
            Answer::Busy => Outcome::Deferred(said("4.2.1")),
            Answer::FirstOnly | Answer::Deliver | Answer::Hold if n == 0 || answer != Answer::FirstOnly => {
                self.0.got.send_modify(|got| got.push((to.to_string(), text.clone())));
                Outcome::Delivered(said("2.0.0"))
            }
            Answer::Refuse | Answer::FirstOnly | Answer::Deliver | Answer::Hold => {
                Outcome::Refused(said("5.1.1"))
            }
        };
        let outcomes = letter.recipients.iter().enumerate().map(outcome).collect();
        Attempt { way: Way::Mx, outcomes }
    }

    async fn close(self) {}
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.send_modify(|(open, _)| *open -= 1);
    }
}

struct Node {
    store: Store,
    queue: Queue,
    alice: AccountId,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), QueueError>>,
}

fn quick() -> QueueConfig {
    QueueConfig { retry: vec![Duration::from_millis(20)], ..QueueConfig::default() }
}

impl Node {
    async fn new(config: QueueConfig) -> Self {
        Self::over(Store::in_memory(), config).await
    }

    async fn over(store: Store, config: QueueConfig) -> Self {
        let domain = Domain::new("a.test").unwrap();
        let hash = HashConfig { memory: ByteSize::kib(64), passes: 1, ..HashConfig::default() };
        let accounts_config = AccountsConfig { hash, ..AccountsConfig::default() };
        let domains = LocalDomains::new(domain.clone(), []);
        let accounts = Accounts::open(
            store.clone(),
            accounts_config,
            domains,
            Some(essaim_types::ListingId::from_bytes([1; 32])),
        )
        .await
        .unwrap();
        let address: Address = "alice@a.test".parse().unwrap();
        let alice = match accounts.find(&address).unwrap() {
            Some(alice) => alice,
            None => {
                let alice = accounts.create(NewAccount::new(address), Actor::Node).await.unwrap().account;
                let inbox = move |tx: &mut Tx<'_>| mailbox::ensure_defaults(tx, alice);
                store.commit(inbox).await.unwrap();
                alice
            }
        };
        let queue = Queue::new(store.clone(), accounts, domain, Language::French, config);
        Self { store, queue, alice, running: None }
    }

    fn start(&mut self, hosts: &Hosts) {
        let (stop, stopped) = oneshot::channel::<()>();
        let (queue, hosts) = (self.queue.clone(), hosts.clone());
        let run = async move { queue.run(hosts, async { drop(stopped.await) }).await };
        self.running = Some(Running { stop, task: tokio::spawn(run) });
    }

    async fn stop(&mut self) {
        let Running { stop, task } = self.running.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
    }

    async fn send(&self, sender: Option<&str>, recipients: &[&str], text: &str) -> Vec<QueueId> {
        let blob = self.store.put_blob(Content::Mail, text.as_bytes()).unwrap();
        let message = Outgoing {
            name: Some(essaim_smtp::QueueId::new("19a-0")),
            account: self.alice,
            sender: sender.map(|text| text.parse().unwrap()),
            recipients: recipients.iter().map(|text| text.parse().unwrap()).collect(),
            heading: None,
            skip: 0,
            content: essaim_store::ContentRef { blobs: vec![blob], size: text.len() as u64 },
            needs: essaim_smtp::Needs::default(),
        };
        let hoster = self.queue.hoster;
        self.store.commit(move |tx| enqueue(tx, hoster, [message])).await.unwrap()
    }

    /// Waits until the hoster's log leaves nothing in the queue.
    async fn empty(&self) {
        let mut changes = self.store.watch(self.queue.hoster);
        while !self.listed().is_empty() {
            changes.changed().await.unwrap();
        }
    }

    fn listed(&self) -> Vec<Listed> {
        self.queue.list(&Selection::default(), None, 1000).unwrap().entries
    }

    /// What is in Alice's INBOX.
    fn inbox(&self) -> Vec<String> {
        let (from, to) = record::message_range(INBOX_ID, 0, u32::MAX);
        let (from, to) = (from.as_ref().map(<[u8; 8]>::as_slice), to.as_ref().map(<[u8; 8]>::as_slice));
        let snapshot = self.store.read().unwrap();
        let messages = snapshot.range(self.alice, ObjectKind::MESSAGE, from, to).unwrap();
        let read = |blobs: Vec<BlobId>| {
            blobs.iter().flat_map(|id| self.store.blob(id).unwrap()).collect::<Vec<u8>>()
        };
        messages.map(|entry| String::from_utf8(read(entry.unwrap().1.blobs)).unwrap()).collect()
    }
}

const ALICE: Option<&str> = Some("alice@a.test");
const TEXT: &str = "Subject: hello\r\nMessage-ID: <1@a.test>\r\n\r\nbody\r\n";

#[tokio::test]
async fn a_message_is_delivered_once_and_leaves_the_queue() {
    let mut node = Node::new(quick()).await;
    let hosts = Hosts::new(&[]);
    node.start(&hosts);
    node.send(ALICE, &["bob@b.test", "carol@b.test", "dan@d.test"], TEXT).await;
    node.empty().await;
    let mut got = hosts.got(3).await;
    got.sort();
    let expected = ["bob@b.test", "carol@b.test", "dan@d.test"].map(|to| (to.to_owned(), TEXT.to_owned()));
    assert_eq!(got, expected);
    node.stop().await;
    assert_eq!((node.queue.waiting(), node.inbox().len()), (0, 0));
}

#[tokio::test]
async fn a_busy_host_is_tried_again() {
    let mut node = Node::new(quick()).await;
    let hosts = Hosts::new(&[("b.test", &[Answer::Busy, Answer::Busy, Answer::Busy])]);
    node.start(&hosts);
    node.send(ALICE, &["bob@b.test"], TEXT).await;
    assert_eq!(hosts.got(1).await.len(), 1);
    node.empty().await;
    node.stop().await;
    assert!(node.inbox().is_empty());
}

#[tokio::test]
async fn a_refusal_comes_back_to_the_sender() {
    let mut node = Node::new(quick()).await;
    let hosts = Hosts::new(&[("b.test", &[Answer::FirstOnly])]);
    node.start(&hosts);
    node.send(ALICE, &["bob@b.test", "nobody@b.test"], TEXT).await;
    node.empty().await;
    node.stop().await;
    let inbox = node.inbox();
    assert_eq!(inbox.len(), 1);
    for part in [
        "multipart/report",
        "nobody@b.test",
        "X-Queue-ID: 19a-0",
        "Status: 5.1.1",
        "Action: failed",
        "Subject: hello",
        "said 5.1.1",
    ] {
        assert!(inbox[0].contains(part), "{part}: {}", inbox[0]);
    }
    assert!(!inbox[0].contains("bob@b.test") && !inbox[0].contains("body\r\n"));
}

#[tokio::test]
async fn a_bounce_never_bounces() {
    let mut node = Node::new(quick()).await;
    let hosts = Hosts::new(&[("b.test", &[Answer::Refuse])]);
    node.start(&hosts);
    node.send(None, &["bob@b.test"], TEXT).await;
    node.empty().await;
    node.stop().await;
    assert!(node.inbox().is_empty());
}

#[tokio::test]
async fn a_sender_elsewhere_is_told_by_mail() {
    let mut node = Node::new(quick()).await;
    let hosts = Hosts::new(&[("b.test", &[Answer::Refuse])]);
    node.start(&hosts);
    node.send(Some("eve@e.test"), &["bob@b.test"], TEXT).await;
    let got = hosts.got(1).await;
    assert_eq!(got[0].0, "eve@e.test");
    assert!(got[0].1.contains("Status: 5.1.1"));
    node.empty().await;
    node.stop().await;
}

#[tokio::test]
async fn what_is_late_is_told_once_and_what_is_too_old_comes_back() {
    let config = QueueConfig {
        lifetime: Duration::from_millis(300),
        delay_notice: Duration::from_millis(50),
        ..quick()
    };
    let mut node = Node::new(config).await;
    let hosts = Hosts::new(&[("b.test", &[Answer::Busy; 100])]);
    node.start(&hosts);
    node.send(ALICE, &["bob@b.test"], TEXT).await;
    node.empty().await;
    node.stop().await;
    let actions: Vec<bool> = node.inbox().iter().map(|text| text.contains("Action: delayed")).collect();
    assert_eq!(actions, [true, false]);
    assert!(node.inbox()[1].contains("Action: failed") && node.inbox()[1].contains("Status: 5.2.1"));
}

#[tokio::test]
async fn the_queue_outlives_the_node() {
    let (store, hosts) = (Store::in_memory(), Hosts::new(&[("b.test", &[Answer::Busy])]));
    let config = QueueConfig { retry: vec![Duration::from_secs(3600)], ..QueueConfig::default() };
    {
        let mut node = Node::over(store.clone(), config.clone()).await;
        node.start(&hosts);
        node.send(ALICE, &["bob@b.test"], TEXT).await;
        let mut changes = store.watch(node.queue.hoster);
        while node.listed().iter().all(|listed| listed.entry.attempts == 0) {
            changes.changed().await.unwrap();
        }
        node.stop().await;
    }
    let mut node = Node::over(store, config).await;
    let listed = node.listed();
    assert_eq!((listed.len(), listed[0].entry.attempts), (1, 1));
    assert_eq!(listed[0].entry.recipients[0].last.as_ref().unwrap().text, "said 4.2.1");
    node.start(&hosts);
    assert_eq!(node.queue.retry(&Selection::default(), &Actor::Node).await.unwrap(), 1);
    assert_eq!(hosts.got(1).await[0].1, TEXT);
    node.empty().await;
    node.stop().await;
}

#[tokio::test]
async fn connections_stay_within_their_limits() {
    let config =
        QueueConfig { connections: 3, connections_per_destination: 1, messages_per_connection: 2, ..quick() };
    let mut node = Node::new(config).await;
    for n in 0..60 {
        node.send(ALICE, &[&format!("bob@d{}.test", n % 7)], TEXT).await;
    }
    let hosts = Hosts::new(&[]);
    node.start(&hosts);
    assert_eq!(hosts.got(60).await.len(), 60);
    node.empty().await;
    node.stop().await;
    let (open, most) = *hosts.connections.borrow();
    assert!(open == 0 && most == 3, "{open} {most}");
}

#[tokio::test]
async fn operators_look_and_take_out() {
    let node = Node::new(QueueConfig::default()).await;
    node.send(ALICE, &["bob@b.test", "carol@c.test"], TEXT).await;
    let ids = node.send(ALICE, &["bob@b.test", "bob2@b.test"], TEXT).await;
    let first = node.queue.list(&Selection::default(), None, 2).unwrap();
    let cursor: Cursor = first.next.unwrap().to_string().parse().unwrap();
    let second = node.queue.list(&Selection::default(), Some(&cursor), 2).unwrap();
    assert_eq!((first.entries.len(), second.entries.len(), second.next), (2, 1, None));

    let to = |address: &str| Selection { recipient: Some(address.parse().unwrap()), ..Selection::default() };
    let drop = |selection: Selection, farewell, rehearsal| {
        let queue = node.queue.clone();
        async move { queue.drop_entries(&selection, "a test", farewell, rehearsal, &Actor::Node).await.unwrap() }
    };
    let found = drop(to("bob@b.test"), Farewell::Bounce, Rehearsal::DryRun).await;
    assert_eq!((found.entries, found.recipients, node.listed().len()), (2, 3, 3));
    let dropped = drop(Selection { ids, ..Selection::default() }, Farewell::Bounce, Rehearsal::Perform).await;
    assert_eq!((dropped.entries, dropped.recipients), (1, 2));
    assert!(node.inbox()[0].contains("taken out of the queue: a test"));
    let named = |name: &str| Selection { message: Some(name.to_owned()), ..Selection::default() };
    let count = |name| node.queue.list(&named(name), None, 100).unwrap().entries.len();
    assert_eq!((count("19a-0"), count("19a-1")), (2, 0));
    let domain = Selection { domain: Some(Domain::new("c.test").unwrap()), ..Selection::default() };
    assert_eq!(drop(domain, Farewell::Silence, Rehearsal::Perform).await.entries, 1);
    assert_eq!((node.listed().len(), node.inbox().len()), (1, 1));
    let acts = node.queue.accounts.acts(10).unwrap();
    assert!(acts[0].act.as_str() == "queue.drop" && acts[0].detail.contains("c.test: a test"), "{acts:?}");
}

#[tokio::test]
async fn what_is_taken_out_while_it_is_tried_is_gone() {
    let mut node = Node::new(quick()).await;
    let hosts = Hosts::new(&[("b.test", &[Answer::Hold])]);
    node.start(&hosts);
    node.send(ALICE, &["bob@b.test"], TEXT).await;
    hosts.held.0.notified().await;
    let (all, queue) = (Selection::default(), node.queue.clone());
    queue.drop_entries(&all, "x", Farewell::Silence, Rehearsal::Perform, &Actor::Node).await.unwrap();
    hosts.held.1.notify_one();
    node.send(ALICE, &["carol@b.test"], TEXT).await;
    assert_eq!(hosts.got(2).await.len(), 2);
    node.empty().await;
    node.stop().await;
    assert!(node.inbox().is_empty());
}

#[tokio::test]
async fn a_full_mailbox_does_not_stop_the_queue() {
    let mut node = Node::new(quick()).await;
    node.send(ALICE, &["bob@b.test"], TEXT).await;
    let alice = node.alice;
    node.store.commit(move |tx| tx.set_quota(alice, Some(ByteSize(1)))).await.unwrap();
    let hosts = Hosts::new(&[("b.test", &[Answer::Refuse])]);
    node.start(&hosts);
    node.empty().await;
    node.stop().await;
    assert!(node.inbox().is_empty());
}

#[tokio::test]
async fn an_account_that_has_left_does_not_stop_the_queue() {
    let mut node = Node::new(quick()).await;
    node.send(ALICE, &["bob@b.test"], TEXT).await;
    let alice = node.alice;
    let seal = move |tx: &mut Tx<'_>| {
        let at = tx.account(alice)?.map_or(essaim_types::Lsn::ZERO, |state| state.lsn);
        tx.seal_account(alice, at)
    };
    node.store.commit(seal).await.unwrap();
    let hosts = Hosts::new(&[("b.test", &[Answer::Refuse])]);
    node.start(&hosts);
    node.empty().await;
    node.stop().await;
    assert!(node.inbox().is_empty());
}
