//! Conversations with the whole of IMAP but sockets: `essaim_imap` asks, the session acts, on a store in memory.

mod bodies;
mod moved;

use std::time::Instant;

use bytes::BytesMut;
use essaim_imap::connection::Connection;
use essaim_imap::{Action, Limits, Settings, Transport};
use essaim_store::Store;
use essaim_types::{AccountId, ByteSize};

use super::{Append, Gone, Removals, Session, Sink};
use crate::{Mail, MailConfig};

const HOSTER: AccountId = AccountId::from_bytes([0; 32]);
const ALICE: AccountId = AccountId::from_bytes([1; 32]);

#[derive(Debug, Default)]
struct Memory {
    out: BytesMut,
}

impl Sink for Memory {
    fn buffer(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }
}

struct Client {
    mail: Mail,
    connection: Connection,
    session: Option<Session>,
    append: Option<Append>,
    sink: Memory,
}

fn mail() -> Mail {
    mail_on(Store::in_memory())
}

fn mail_on(store: Store) -> Mail {
    store
        .commit_blocking(|tx| {
            tx.create_account(HOSTER, None)?;
            tx.create_account(ALICE, Some(ByteSize::mib(10)))
        })
        .unwrap();
    Mail::new(store, HOSTER, MailConfig::default())
}

impl Client {
    async fn connect(mail: &Mail) -> Self {
        let settings =
            Settings { limits: Limits::default(), transport: Transport::Clear, id: vec![("name", "Essaim")] };
        let connection = Connection::new(settings);
        let mut client =
            Self { mail: mail.clone(), connection, session: None, append: None, sink: Memory::default() };
        client.act().await;
        client.sink.out.clear();
        client.say("l LOGIN alice secret\r\n").await;
        client
    }

    /// Sends a line; what comes back.
    async fn say(&mut self, text: &str) -> String {
        self.connection.receive(text.as_bytes());
        self.act().await;
        String::from_utf8_lossy(&self.sink.out.split()).into_owned()
    }

    async fn act(&mut self) {
        while let Some(action) = self.connection.next_action() {
            match action {
                Action::Send(bytes) => self.sink.out.extend_from_slice(&bytes),
                Action::Authenticate { .. } => {
                    self.session = Some(Session::open(self.mail.clone(), ALICE).await.unwrap());
                    self.connection.answer_login(Ok(()));
                }
                Action::RunAccount { command, condstore, .. } => {
                    let session = self.session.as_mut().unwrap();
                    session.set_enabled(self.connection.enabled());
                    let done = session.account_command(command, condstore, &mut self.sink).await.unwrap();
                    self.connection.answer_done(done);
                }
                Action::RunMailbox { tag, command, condstore } => {
                    let session = self.session.as_mut().unwrap();
                    session.set_enabled(self.connection.enabled());
                    let done =
                        session.mailbox_command(&tag, command, condstore, &mut self.sink).await.unwrap();
                    self.connection.answer_done(done);
                }
                Action::AppendBegin { mailbox, .. } => {
                    let begun = self.session.as_ref().unwrap().append(&mailbox);
                    let verdict = begun.map(|append| self.append = Some(append));
                    self.connection.answer_append(verdict);
                }
                Action::AppendMessage(message) => {
                    let (append, session) = (self.append.as_mut().unwrap(), self.session.as_ref().unwrap());
                    self.connection.answer_append(append.message(session, &message));
                }
                Action::AppendPiece(bytes) => self.append.as_mut().unwrap().piece(&bytes),
                Action::AppendMessageEnd => self.append.as_mut().unwrap().message_end(),
                Action::AppendCommit => {
                    let session = self.session.as_mut().unwrap();
                    let done =
                        session.append_commit(self.append.take().unwrap(), &mut self.sink).await.unwrap();
                    self.connection.answer_done(done);
                }
                Action::AppendAbort => self.append = None,
                Action::Idle { .. } => {}
                Action::IdleDone => {
                    let session = self.session.as_mut().unwrap();
                    session.announce(Removals::Tell, &mut self.sink).await.unwrap();
                    self.connection.answer_done(essaim_imap::Outcome::ok("Idled"));
                }
                Action::StartTls | Action::Close => {}
            }
        }
        let _deadline = self.connection.deadline(Instant::now());
    }

    async fn append(&mut self, mailbox: &str, flags: &str, text: &str) -> String {
        self.say(&format!("a APPEND {mailbox} ({flags}) {{{}+}}\r\n{text}\r\n", text.len())).await
    }
}

fn message(subject: &str) -> String {
    format!("From: Bob <bob@b.test>\r\nTo: alice@a.test\r\nSubject: {subject}\r\n\r\nHello {subject}\r\n")
}

#[tokio::test]
async fn a_message_comes_is_read_and_goes() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    let text = message("one");
    let said = client.append("INBOX", "\\Flagged $Work", &text).await;
    assert!(said.contains("a OK [APPENDUID ") && said.contains(" 1] "), "{said}");
    let said = client.say("s SELECT INBOX\r\n").await;
    assert!(
        said.contains("* 1 EXISTS\r\n") && said.contains("[UIDNEXT 2]") && said.contains("s OK [READ-WRITE]"),
        "{said}"
    );
    let said = client.say("f FETCH 1 (FLAGS BODY[] RFC822.SIZE)\r\n").await;
    assert!(said.contains(&format!("BODY[] {{{}}}\r\n{text}", text.len())), "{said}");
    assert!(said.contains("\\Seen") && said.contains("$Work"), "{said}");
    let said = client.say("g FETCH 1 (ENVELOPE BODYSTRUCTURE BODY[HEADER.FIELDS (SUBJECT)])\r\n").await;
    assert!(said.contains("\"one\"") && said.contains("Subject: one\r\n\r\n"), "{said}");
    let said = client.say("d STORE 1 +FLAGS.SILENT (\\Deleted)\r\n").await;
    assert_eq!(said, "d OK Stored\r\n");
    let said = client.say("e EXPUNGE\r\n").await;
    assert!(said.starts_with("* 1 EXPUNGE\r\n") && said.contains("e OK"), "{said}");
}

#[tokio::test]
async fn two_sessions_see_each_others_changes() {
    let mail = mail();
    let (mut one, mut two) = (Client::connect(&mail).await, Client::connect(&mail).await);
    one.say("s SELECT INBOX\r\n").await;
    two.say("s SELECT INBOX\r\n").await;
    let said = one.append("INBOX", "", &message("a")).await;
    assert!(said.contains("* 1 EXISTS\r\n"), "{said}");
    let said = two.say("n NOOP\r\n").await;
    assert!(said.contains("* 1 EXISTS\r\n"), "{said}");
    one.say("x STORE 1 +FLAGS (\\Deleted)\r\n").await;
    let said = two.say("n NOOP\r\n").await;
    assert!(said.contains("* 1 FETCH (UID 1 FLAGS (\\Deleted))"), "{said}");
    one.say("e EXPUNGE\r\n").await;
    let said = two.say("f FETCH 1 (FLAGS)\r\n").await;
    assert!(!said.contains("EXPUNGE\r\n") && said.contains("f OK [EXPUNGEISSUED]"), "{said}");
    let said = two.say("n NOOP\r\n").await;
    assert!(said.contains("* 1 EXPUNGE\r\n"), "{said}");
}

#[tokio::test]
async fn move_and_copy_tell_their_uids() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    for subject in ["a", "b", "c"] {
        client.append("INBOX", "", &message(subject)).await;
    }
    client.say("s SELECT INBOX\r\n").await;
    let said = client.say("c COPY 1:2 Nowhere\r\n").await;
    assert!(said.contains("c NO [TRYCREATE]"), "{said}");
    let said = client.say("c COPY 1:2 Archive\r\n").await;
    assert!(said.contains("c OK [COPYUID ") && said.contains(" 1:2 1:2]"), "{said}");
    let said = client.say("m UID MOVE 2:3 Trash\r\n").await;
    let lines: Vec<_> = said.lines().collect();
    assert!(lines.first().unwrap().contains("* OK [COPYUID "), "{said}");
    assert_eq!(lines.get(1..3).unwrap(), ["* 3 EXPUNGE", "* 2 EXPUNGE"], "{said}");
    let said = client.say("t STATUS Trash (MESSAGES UNSEEN SIZE)\r\n").await;
    assert!(said.contains("MESSAGES 2 UNSEEN 2 SIZE"), "{said}");
}

#[tokio::test]
async fn search_means_what_the_rfc_says() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    client.append("INBOX", "\\Seen", &message("apple")).await;
    client.append("INBOX", "", &message("Banana")).await;
    client
        .append("INBOX", "\\Flagged", "From: x@y.test\r\nSubject: =?utf-8?q?=C3=89t=C3=A9?=\r\n\r\nnone\r\n")
        .await;
    client.say("s SELECT INBOX\r\n").await;
    for (asked, found) in [
        ("ALL", "1 2 3"),
        ("UNSEEN", "2 3"),
        ("SUBJECT banana", "2"),
        ("TEXT HELLO", "1 2"),
        ("NOT SUBJECT apple", "2 3"),
        ("OR FLAGGED SEEN", "1 3"),
        ("2:* UNFLAGGED", "2"),
        ("CHARSET UTF-8 SUBJECT {5+}\r\n\u{c9}t\u{e9}", "3"),
        ("FROM bob BODY apple", "1"),
        ("LARGER 100000", ""),
    ] {
        let said = client.say(&format!("q SEARCH {asked}\r\n")).await;
        let line = format!("* SEARCH {found}");
        assert!(said.starts_with(line.trim_end()), "{asked}: {said}");
    }
    let said = client.say("q UID SEARCH RETURN (MIN MAX COUNT) ALL\r\n").await;
    assert!(said.starts_with("* ESEARCH (TAG \"q\") UID MIN 1 MAX 3 COUNT 3\r\n"), "{said}");
    client.say("q SEARCH RETURN (SAVE) UNSEEN\r\n").await;
    let said = client.say("f FETCH $ (UID)\r\n").await;
    assert!(
        said.contains("* 2 FETCH (UID 2)") && said.contains("* 3 FETCH (UID 3)") && !said.contains("* 1"),
        "{said}"
    );
}

#[tokio::test]
async fn rfc7162_qresync_tells_what_went_and_what_changed() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    for subject in ["a", "b", "c", "d"] {
        client.append("INBOX", "", &message(subject)).await;
    }
    let said = client.say("s SELECT INBOX (CONDSTORE)\r\n").await;
    let number = |text: &str, before: &str| -> u64 {
        let rest = text.split(before).nth(1).unwrap();
        rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    let (validity, mod_seq) = (number(&said, "UIDVALIDITY "), number(&said, "HIGHESTMODSEQ "));
    let mut other = Client::connect(&mail).await;
    other.say("s SELECT INBOX\r\n").await;
    other.say("x STORE 2 +FLAGS (\\Deleted)\r\n").await;
    other.say("x EXPUNGE\r\n").await;
    other.say("x STORE 3 +FLAGS (\\Answered)\r\n").await;
    let mut back = Client::connect(&mail).await;
    back.say("e ENABLE QRESYNC\r\n").await;
    let said = back.say(&format!("s SELECT INBOX (QRESYNC ({validity} {mod_seq}))\r\n")).await;
    assert!(said.contains("* VANISHED (EARLIER) 2\r\n"), "{said}");
    assert!(said.contains("* 3 FETCH (UID 4 FLAGS (\\Answered) MODSEQ ("), "{said}");
    assert!(!said.contains("UID 1 ") && !said.contains("UID 3 "), "{said}");
    let said = back.say("u STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)\r\n").await;
    assert!(said.contains("u OK [MODIFIED 1]"), "{said}");
}

#[tokio::test]
async fn list_shows_uses_children_and_status() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    client.say("c CREATE Projects/Essaim\r\n").await;
    client.say("c SUBSCRIBE Projects/Essaim\r\n").await;
    let said = client.say("l LIST \"\" %\r\n").await;
    assert!(said.contains("(\\HasChildren) \"/\" Projects\r\n"), "{said}");
    assert!(said.contains("(\\HasNoChildren \\Trash) \"/\" Trash\r\n"), "{said}");
    assert!(!said.contains("Essaim\r\n"), "{said}");
    let said = client.say("l LIST (SUBSCRIBED) \"\" * RETURN (STATUS (MESSAGES))\r\n").await;
    assert!(
        said.contains("Projects/Essaim\r\n") && said.contains("* STATUS Projects/Essaim (MESSAGES 0)"),
        "{said}"
    );
    let said = client.say("d DELETE Projects\r\n").await;
    assert!(said.contains("d NO [HASCHILDREN]"), "{said}");
}

#[tokio::test]
async fn over_quota_is_said_before_the_bytes_are_sent() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    let said = client.say("a APPEND INBOX {11000000}\r\n").await;
    assert!(said.contains("a NO [OVERQUOTA]"), "{said}");
    let said = client.say("q GETQUOTAROOT INBOX\r\n").await;
    assert!(said.contains("(STORAGE 0 10240)"), "{said}");
}
