//! Runs a conversation with rules that always agree, and writes down what happened.

use essaim_imap::command::{Access, AppendMessage};
use essaim_imap::{
    AccountCommand, Action, Connection, Limits, MailboxCommand, MailboxName, Outcome, Settings, State,
    Transport,
};

/// What a conversation did, without regard to how its bytes were cut.
#[derive(Debug, PartialEq)]
pub(crate) enum Event {
    Sent(Vec<u8>),
    StartTls,
    Login(String, String),
    Account(AccountCommand),
    Mailbox(MailboxCommand),
    AppendBegin(MailboxName),
    AppendMessage(AppendMessage),
    AppendBytes(Vec<u8>),
    AppendMessageEnd,
    AppendCommit,
    AppendAbort,
    Idle,
    IdleDone,
    Close,
}

pub(crate) struct Run {
    pub(crate) connection: Connection,
    pub(crate) events: Vec<Event>,
}

impl Run {
    pub(crate) fn new(limits: Limits, transport: Transport) -> Self {
        let connection = Connection::new(Settings { limits, transport, id: Vec::new() });
        let mut run = Self { connection, events: Vec::new() };
        run.pump();
        run
    }

    /// Logged in, QRESYNC enabled, a mailbox open.
    pub(crate) fn selected() -> Self {
        let mut run = Self::new(Limits::default(), Transport::Tls);
        run.receive(b"a LOGIN a b\r\nb ENABLE QRESYNC\r\nc SELECT x\r\n");
        assert_eq!(run.connection.state(), State::Selected(Access::ReadWrite));
        run.events.clear();
        run
    }

    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.connection.receive(bytes);
        self.pump();
    }

    fn pump(&mut self) {
        while let Some(action) = self.connection.next_action() {
            let event = self.act(action);
            self.note(event);
        }
    }

    fn act(&mut self, action: Action) -> Event {
        let connection = &mut self.connection;
        match action {
            Action::Send(bytes) => Event::Sent(bytes.to_vec()),
            Action::StartTls => Event::StartTls,
            Action::Authenticate { user, password, .. } => {
                connection.answer_login(Ok(()));
                Event::Login(user, password.expose().to_owned())
            }
            Action::RunAccount { command, .. } => {
                connection.answer_done(match &command {
                    AccountCommand::Select(select) => {
                        Outcome::Selected { access: select.access, text: "open".into() }
                    }
                    _ => Outcome::ok("done"),
                });
                Event::Account(command)
            }
            Action::RunMailbox { command, .. } => {
                connection.answer_done(Outcome::ok("done"));
                Event::Mailbox(command)
            }
            Action::AppendBegin { mailbox, .. } => {
                connection.answer_append(Ok(()));
                Event::AppendBegin(mailbox)
            }
            Action::AppendMessage(message) => {
                connection.answer_append(Ok(()));
                Event::AppendMessage(message)
            }
            Action::AppendPiece(piece) => Event::AppendBytes(piece.to_vec()),
            Action::AppendMessageEnd => Event::AppendMessageEnd,
            Action::AppendCommit => {
                connection.answer_done(Outcome::ok("kept"));
                Event::AppendCommit
            }
            Action::AppendAbort => Event::AppendAbort,
            Action::Idle { .. } => Event::Idle,
            Action::IdleDone => {
                connection.answer_done(Outcome::ok("over"));
                Event::IdleDone
            }
            Action::Close => Event::Close,
        }
    }

    /// Bytes that follow bytes are one event; bytes of a message that is forgotten are none.
    fn note(&mut self, event: Event) {
        if event == Event::AppendAbort && matches!(self.events.last(), Some(Event::AppendBytes(_))) {
            self.events.pop();
        }
        match (self.events.last_mut(), event) {
            (Some(Event::Sent(before)), Event::Sent(bytes)) => before.extend(bytes),
            (Some(Event::AppendBytes(before)), Event::AppendBytes(bytes)) => before.extend(bytes),
            (_, event) => self.events.push(event),
        }
    }
}
