//! Two clients of one account on a real store: what the server tells them stays true, and what they do to the store is sound.
//!
//! The parts of the input are said in turns by the one and by the other.
#![no_main]

use bytes::BytesMut;
use essaim_fuzz::{flights, split};
use essaim_imap::{AccountCommand, Action, Connection, Limits, Outcome, Settings, State, Transport};
use essaim_mail::imap::{Append, Gone, Removals, Session, Sink};
use essaim_mail::{Mail, MailConfig};
use essaim_store::{Store, TxError};
use essaim_types::{AccountId, ByteSize};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().expect("one thread is there");
}

fuzz_target!(|data: &[u8]| {
    let (mut knobs, wire) = split(data);
    let mail = mail();
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let mut clients = [Client::connect(&mail).await, Client::connect(&mail).await];
            clients[0].say(&prepared()).await;
            for flight in flights(wire) {
                let client = &mut clients[usize::from(knobs.turn() % 2)];
                client.say(flight).await;
            }
            for client in &mut clients {
                client.agree().await;
            }
        });
    });
    let report = mail.store.verify(&mut |_| {}).expect("a store in memory is read");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
});

/// A conversation, its session, and what an honest client knows from it.
struct Client {
    mail: Mail,
    imap: Connection,
    session: Option<Session>,
    append: Option<Append>,
    sink: Memory,
    /// Messages in the open mailbox.
    messages: Option<u32>,
    selecting: bool,
    /// By the last search.
    found: u32,
    /// The tags of what was answered OK.
    done: String,
    closed: bool,
}

#[derive(Default)]
struct Memory(BytesMut);

impl Sink for Memory {
    fn buffer(&mut self) -> &mut BytesMut {
        &mut self.0
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }
}

impl Client {
    async fn connect(mail: &Mail) -> Self {
        let settings = Settings { limits: Limits::default(), transport: Transport::Clear, id: Vec::new() };
        let mut client = Self {
            mail: mail.clone(),
            imap: Connection::new(settings),
            session: None,
            append: None,
            sink: Memory::default(),
            messages: None,
            selecting: false,
            found: 0,
            done: String::new(),
            closed: false,
        };
        client.say(b"l LOGIN member secret\r\n").await;
        client
    }

    async fn say(&mut self, bytes: &[u8]) {
        self.imap.receive(bytes);
        while let Some(action) = self.imap.next_action() {
            assert!(!self.closed, "{action:?} after Close");
            self.act(action).await.expect("the client is still there");
        }
    }

    async fn act(&mut self, action: Action) -> Result<(), Gone> {
        if let Some(session) = &mut self.session {
            session.set_enabled(self.imap.enabled());
        }
        match action {
            Action::Send(bytes) => self.sink.0.extend_from_slice(&bytes),
            Action::Authenticate { .. } => {
                self.session = Session::open(self.mail.clone(), MEMBER).await.ok();
                self.imap.answer_login(Ok(()));
            }
            Action::RunAccount { command, condstore, .. } => {
                self.selecting = matches!(command, AccountCommand::Select(_));
                let session = self.session.as_mut().expect("logged in");
                let outcome = session.account_command(command, condstore, &mut self.sink).await?;
                if self.selecting && !matches!(outcome, Outcome::Selected { .. }) {
                    self.listen();
                    self.messages = None;
                }
                self.imap.answer_done(outcome);
            }
            Action::RunMailbox { tag, command, condstore } => {
                let session = self.session.as_mut().expect("logged in");
                let outcome = session.mailbox_command(&tag, command, condstore, &mut self.sink).await?;
                self.imap.answer_done(outcome);
            }
            Action::AppendBegin { mailbox, .. } => {
                let begun = self.session.as_ref().expect("logged in").append(&mailbox);
                self.imap.answer_append(begun.map(|append| self.append = Some(append)));
            }
            Action::AppendMessage(message) => {
                let session = self.session.as_ref().expect("logged in");
                let append = self.append.as_mut().expect("an APPEND was begun");
                self.imap.answer_append(append.message(session, &message));
            }
            Action::AppendPiece(bytes) => self.append.as_mut().expect("an APPEND was begun").piece(&bytes),
            Action::AppendMessageEnd => self.append.as_mut().expect("an APPEND was begun").message_end(),
            Action::AppendCommit => {
                let append = self.append.take().expect("an APPEND was begun");
                let session = self.session.as_mut().expect("logged in");
                let outcome = session.append_commit(append, &mut self.sink).await?;
                self.imap.answer_done(outcome);
            }
            Action::AppendAbort => self.append = None,
            Action::Idle { .. } => self.announce().await?,
            Action::IdleDone => {
                self.announce().await?;
                self.imap.answer_done(Outcome::ok("idled"));
            }
            Action::Close => self.closed = true,
            Action::StartTls => panic!("nothing can be encrypted here"),
        }
        self.listen();
        self.selecting = false;
        Ok(())
    }

    async fn announce(&mut self) -> Result<(), Gone> {
        self.session.as_mut().expect("logged in").announce(Removals::Tell, &mut self.sink).await
    }

    /// Keeps count as RFC 9051 section 5.2 wants it from a client.
    fn listen(&mut self) {
        let said = self.sink.0.split();
        for line in responses(&said) {
            let text = String::from_utf8_lossy(line);
            if let Some((tag, _)) = text.split_once(" OK ").filter(|(tag, _)| matches!(*tag, "y" | "z")) {
                self.done.push_str(tag);
            }
            let mut words = text.split(' ');
            let (Some("*"), Some(first), second) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            if first == "VANISHED" && second != Some("(EARLIER)") && !self.selecting {
                let gone = second.map_or(0, count);
                self.messages =
                    self.messages.map(|messages| messages.checked_sub(gone).expect("more than were there"));
            }
            if let Some(found) = text.strip_prefix("* SEARCH") {
                self.found = found.split_ascii_whitespace().count() as u32;
            }
            if let Some(found) = text.strip_prefix("* ESEARCH (TAG \"z\") ALL ") {
                self.found = count(found);
            }
            if text.starts_with("* OK [CLOSED]") {
                self.messages = None;
            }
            let Ok(number) = first.parse::<u32>() else { continue };
            match (second, self.messages) {
                (Some("EXISTS"), before) => {
                    let fewer = before.is_some_and(|before| number < before) && !self.selecting;
                    assert!(!fewer, "EXISTS took messages away: {text}");
                    self.messages = Some(number);
                }
                (Some("EXPUNGE"), Some(messages)) => {
                    assert!((1..=messages).contains(&number), "no such message of {messages}: {text}");
                    self.messages = Some(messages - 1);
                }
                (Some("FETCH"), Some(messages)) => {
                    assert!((1..=messages).contains(&number), "no such message of {messages}: {text}");
                }
                _ => {}
            }
        }
    }

    /// If it can still be asked, the client has counted as many messages as there are.
    async fn agree(&mut self) {
        self.say(b"\r\nDONE\r\n\r\ny NOOP\r\n").await;
        (self.found, self.done) = (0, String::new());
        self.say(b"y NOOP\r\nz SEARCH ALL\r\n").await;
        if self.done == "yz" && matches!(self.imap.state(), State::Selected(_)) {
            assert_eq!(self.messages, Some(self.found), "told otherwise than there are");
        }
    }
}

/// Whole responses without their last CRLF; literals stay inside.
fn responses(said: &[u8]) -> Vec<&[u8]> {
    let (mut all, mut start, mut at) = (Vec::new(), 0, 0);
    while at < said.len() {
        let end = at + said[at..].windows(2).position(|end| end == b"\r\n").expect("a response has an end");
        let literal = said[start..end].strip_suffix(b"}").and_then(|head| {
            let open = head.iter().rposition(|&byte| byte == b'{')?;
            std::str::from_utf8(&head[open + 1..]).ok()?.parse::<usize>().ok()
        });
        at = end + 2 + literal.unwrap_or(0);
        if literal.is_none() {
            let line = &said[start..end];
            assert!(!line.contains(&0), "NUL: {}", line.escape_ascii());
            all.push(line);
            start = at;
        }
    }
    assert_eq!(start, said.len(), "half a response");
    all
}

/// How many numbers `1:3,7` names.
fn count(set: &str) -> u32 {
    let number = |text: &str| text.parse::<u32>().expect("it is a number");
    set.split(',')
        .map(|range| range.split_once(':').map_or(1, |(from, to)| number(to) - number(from) + 1))
        .sum()
}

fn mail() -> Mail {
    let store = Store::in_memory();
    store
        .commit_blocking(|tx| {
            tx.create_account(HOSTER, None)?;
            tx.create_account(MEMBER, Some(ByteSize::kib(64)))?;
            Ok::<_, TxError>(())
        })
        .expect("a store in memory takes two accounts");
    Mail::new(store, HOSTER, MailConfig::default())
}

const HOSTER: AccountId = AccountId::from_bytes([0; 32]);
const MEMBER: AccountId = AccountId::from_bytes([1; 32]);

/// An APPEND of something to work on.
fn prepared() -> Vec<u8> {
    let messages = MESSAGES.iter().map(|message| format!(" () {{{}+}}\r\n{message}", message.len()));
    format!("m APPEND INBOX{}\r\n", messages.collect::<String>()).into_bytes()
}

const MESSAGES: [&str; 3] = [
    "From: a@b.test\r\nSubject: one\r\n\r\nfirst\r\n",
    "Subject: two\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n\
     --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n",
    "\r\nthird\r\n",
];
