//! A conversation written down: what the client sends, what the rules are asked and answer, what the server sends.

use bytes::{Bytes, BytesMut};
use essaim_imap::command::{Access, ListQuery, PartPath, Section, SectionText, SpecialUse};
use essaim_imap::response::{ChildInfo, Encoder, ListAttribute, ListEntry};
use essaim_imap::{
    AccountCommand, Action, Awareness, Connection, Flag, Keyword, Limits, MailboxCommand, MailboxName,
    MessageSet, Outcome, Settings, Transport,
};

/// One conversation. Every byte that the server sends must be expected, every question answered.
pub(crate) struct Script {
    connection: Connection,
    sent: BytesMut,
    asked: Option<Action>,
}

pub(crate) fn settings(transport: Transport) -> Settings {
    Settings { limits: Limits::default(), transport, id: vec![("name", "Essaim")] }
}

impl Script {
    /// At the greeting, which is still to be expected.
    pub(crate) fn fresh(settings: Settings) -> Self {
        let mut script = Self { connection: Connection::new(settings), sent: BytesMut::new(), asked: None };
        script.pump();
        script
    }

    /// Encrypted, nobody logged in.
    pub(crate) fn tls() -> Self {
        let mut script = Self::fresh(settings(Transport::Tls));
        script.s("* OK [CAPABILITY ...");
        script
    }

    /// Logged in.
    pub(crate) fn authenticated() -> Self {
        let mut script = Self::tls();
        script.c("in LOGIN user secret");
        script.logs_in(Ok(()));
        script.s("in OK [CAPABILITY ...");
        script
    }

    /// Logged in, with these extensions enabled.
    pub(crate) fn enabled(extensions: &str) -> Self {
        let mut script = Self::authenticated();
        script.c(&format!("en ENABLE {extensions}"));
        script.s(&format!("* ENABLED {extensions}"));
        script.s("en OK ...");
        script
    }

    /// With a mailbox open for writing.
    pub(crate) fn selected() -> Self {
        Self::authenticated().select()
    }

    /// The same with a mailbox open for writing.
    pub(crate) fn select(mut self) -> Self {
        self.c("se SELECT INBOX");
        self.opens(Access::ReadWrite);
        self.s("se OK [READ-WRITE] ...");
        self
    }

    /// Answers a SELECT without telling anything.
    pub(crate) fn opens(&mut self, access: Access) {
        self.account(|_, _| Outcome::Selected { access, text: "SELECT completed".into() });
    }

    /// The client sends a line.
    pub(crate) fn c(&mut self, line: &str) {
        self.raw(line.as_bytes());
        self.raw(b"\r\n");
    }

    /// The client sends these bytes and no line end.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.connection.receive(bytes);
        self.pump();
    }

    /// The server sends a line. `...` at the end stands for anything.
    #[track_caller]
    pub(crate) fn s(&mut self, line: &str) {
        let got = self.line();
        match line.strip_suffix("...") {
            Some(start) => assert!(got.starts_with(start), "expected {line:?}, got {got:?}"),
            None => assert_eq!(got, line),
        }
    }

    /// Several lines.
    #[track_caller]
    pub(crate) fn lines(&mut self, lines: &str) {
        lines.lines().for_each(|line| self.s(line.trim_start()));
    }

    /// The rules run a command on the account.
    #[track_caller]
    pub(crate) fn account(&mut self, rule: impl FnOnce(AccountCommand, &mut Encoder<'_>) -> Outcome) {
        let Some(Action::RunAccount { command, .. }) = self.asked.take() else {
            panic!("no command on the account")
        };
        let outcome = rule(command, &mut Encoder::new(&mut self.sent, self.connection.enabled()));
        self.connection.answer_done(outcome);
        self.pump();
    }

    /// The rules run a command on the mailbox.
    #[track_caller]
    pub(crate) fn mailbox(&mut self, rule: impl FnOnce(MailboxCommand, &mut Encoder<'_>) -> Outcome) {
        let Some(Action::RunMailbox { command, .. }) = self.asked.take() else {
            panic!("no command on the mailbox")
        };
        let outcome = rule(command, &mut Encoder::new(&mut self.sent, self.connection.enabled()));
        self.connection.answer_done(outcome);
        self.pump();
    }

    /// Did the command that is being run make the client CONDSTORE-aware?
    pub(crate) fn awareness(&self) -> Awareness {
        match &self.asked {
            Some(Action::RunAccount { condstore, .. } | Action::RunMailbox { condstore, .. }) => *condstore,
            asked => panic!("no command, but {asked:?}"),
        }
    }

    /// News that no command asked for, while the client idles.
    pub(crate) fn news(&mut self, write: impl FnOnce(&mut Encoder<'_>)) {
        write(&mut Encoder::new(&mut self.sent, self.connection.enabled()));
    }

    /// The rules check a login.
    #[track_caller]
    pub(crate) fn logs_in(&mut self, verdict: Result<(), essaim_imap::Reply>) -> (String, String) {
        let Some(Action::Authenticate { user, password, .. }) = self.asked.take() else { panic!("no login") };
        self.connection.answer_login(verdict);
        self.pump();
        (user, password.expose().to_owned())
    }

    /// The rules are asked about a mailbox or message of APPEND.
    #[track_caller]
    pub(crate) fn append(&mut self, verdict: Result<(), essaim_imap::Reply>) -> Action {
        let asked = self.asked.take().expect("a question about APPEND");
        assert!(matches!(asked, Action::AppendBegin { .. } | Action::AppendMessage(_)), "{asked:?}");
        self.connection.answer_append(verdict);
        self.pump();
        asked
    }

    /// The pieces of a message, up to its end.
    #[track_caller]
    pub(crate) fn body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            match self.asked.take() {
                Some(Action::AppendPiece(piece)) => body.extend_from_slice(&piece),
                Some(Action::AppendMessageEnd) => {
                    self.pump();
                    return body;
                }
                other => panic!("in the middle of a message: {other:?}"),
            }
            self.pump();
        }
    }

    /// The last question, which takes an outcome or none.
    #[track_caller]
    pub(crate) fn asked(&mut self) -> Action {
        self.pump();
        let asked = self.asked.take().expect("a question");
        self.pump();
        asked
    }

    /// Answers AppendCommit or IdleDone.
    pub(crate) fn done(&mut self, outcome: Outcome) {
        self.connection.answer_done(outcome);
        self.pump();
    }

    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Nothing is left over.
    #[track_caller]
    pub(crate) fn end(mut self) {
        self.pump();
        assert_eq!(Bytes::copy_from_slice(&self.sent), Bytes::new());
        assert!(self.asked.is_none(), "{:?}", self.asked);
    }

    /// Takes what is sent until something is asked; the next question waits for the answer to this one.
    fn pump(&mut self) {
        while self.asked.is_none() {
            match self.connection.next_action() {
                None => return,
                Some(Action::Send(bytes)) => self.sent.extend_from_slice(&bytes),
                other => self.asked = other,
            }
        }
    }

    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        self.pump();
        let end = self.sent.windows(2).position(|pair| pair == b"\r\n").expect("a line from the server");
        let line = self.sent.split_to(end + 2);
        String::from_utf8(line[..end].to_vec()).unwrap()
    }

    /// An example of LIST: the client's command, the lines of the RFC, which the encoder must write again from their
    /// meaning (quotes and case apart), and what the command must mean.
    #[track_caller]
    pub(crate) fn lists(&mut self, command: &str, lines: &str) -> ListQuery {
        let mut query = None;
        self.c(command);
        self.account(|command, out| {
            let AccountCommand::List(essaim_imap::command::List::Mailboxes(asked)) = command else {
                panic!("not a LIST: {command:?}")
            };
            query = Some(asked);
            lines.lines().for_each(|line| list_again(line, out));
            Outcome::ok("done")
        });
        for line in lines.lines() {
            let got = self.line();
            assert_eq!(plain(&got), plain(line.trim().strip_prefix("S: ").unwrap()));
        }
        let tag = command.split(' ').next().unwrap();
        self.s(&format!("{tag} OK done"));
        query.unwrap()
    }
}

/// Reads `S: * LIST (\Subscribed) "/" "Fruit/Peach" ("CHILDINFO" ("SUBSCRIBED"))` and has the encoder write it.
fn list_again(line: &str, out: &mut Encoder<'_>) {
    let line = line.trim().strip_prefix("S: * LIST (").expect("a LIST line");
    let (attributes, rest) = line.split_once(") \"/\" ").unwrap();
    let attributes: Vec<_> = attributes.split_terminator(' ').map(attribute).collect();
    let (mailbox, child_info) = match rest.split_once(" (\"CHILDINFO\"") {
        Some((mailbox, _)) => (mailbox, ChildInfo::Subscribed),
        None => (rest, ChildInfo::Omit),
    };
    let mailbox = name(mailbox.trim_matches('"'));
    out.list(&ListEntry { attributes: &attributes, mailbox: &mailbox, old_name: None, child_info });
}

fn attribute(text: &str) -> ListAttribute {
    let uses = SpecialUse::ALL.into_iter().map(ListAttribute::Use);
    let mut all = [
        ListAttribute::NonExistent,
        ListAttribute::NoInferiors,
        ListAttribute::NoSelect,
        ListAttribute::HasChildren,
        ListAttribute::HasNoChildren,
        ListAttribute::Marked,
        ListAttribute::Unmarked,
        ListAttribute::Subscribed,
        ListAttribute::Remote,
    ]
    .into_iter()
    .chain(uses);
    all.find(|one| one.as_str().eq_ignore_ascii_case(text)).unwrap_or_else(|| panic!("no attribute {text}"))
}

fn plain(line: &str) -> String {
    line.to_lowercase().replace('"', "")
}

pub(crate) fn name(text: &str) -> MailboxName {
    MailboxName::new(text).unwrap()
}

pub(crate) fn set(text: &str) -> MessageSet {
    MessageSet::Set(text.parse().unwrap())
}

pub(crate) fn keyword(text: &str) -> Flag {
    Flag::Keyword(Keyword::try_from(text).unwrap())
}

pub(crate) fn part(levels: &[u32], text: SectionText) -> Section {
    let levels = levels.iter().map(|&level| level.try_into().unwrap()).collect();
    Section { part: PartPath::new(levels).unwrap(), text }
}
