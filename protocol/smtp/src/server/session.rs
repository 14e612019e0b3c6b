//! Commands outside a mail transaction: who speaks, over what, and small talk.

use std::borrow::Cow;

use bytes::BytesMut;

use super::{Action, Connection, Encryption, PlaintextLogin, Role, State, replies};
use crate::command::{Command, ParseCommandError};
use crate::reply::Reply;
use crate::trace::{Dialect, Protocol};

/// What holds from one message to the next. STARTTLS begins a new one.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) hello: Option<Hello>,
    pub(super) encrypted: bool,
    pub(super) login: Option<String>,
}

/// HELO or EHLO, and the name given.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) dialect: Dialect,
    pub(super) name: String,
}

impl Session {
    pub(super) fn new(encrypted: bool) -> Self {
        Self { hello: None, encrypted, login: None }
    }

    /// Of a client that another node has heard say EHLO over a connection that is safe.
    pub(super) fn of_client(name: String) -> Self {
        Self { hello: Some(Hello { dialect: Dialect::Esmtp, name }), ..Self::new(true) }
    }

    pub(super) fn protocol(&self, hello: &Hello, smtputf8: bool) -> Protocol {
        let dialect = if smtputf8 { Dialect::Utf8Smtp } else { hello.dialect };
        Protocol { dialect, encrypted: self.encrypted, authenticated: self.login.is_some() }
    }
}

impl Connection {
    pub(super) fn command_line(&mut self, line: &[u8]) {
        match Command::parse(line) {
            Ok(command) => self.command(command),
            // Attacks that make a browser speak to us end with their first line.
            Err(error @ ParseCommandError::Foreign) => self.hang_up(&replies::syntax(error)),
            Err(error @ ParseCommandError::ChunkSize) => {
                self.say(&replies::syntax(error));
                self.hang_up(&replies::TOO_MANY_ERRORS);
            }
            Err(error) => self.blame(&replies::syntax(error)),
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Helo(name) => self.hello(Dialect::Smtp, name),
            Command::Ehlo(name) => self.hello(Dialect::Esmtp, name),
            Command::Mail(sender, parameters) => self.mail(sender, &parameters),
            Command::Rcpt(recipient) => self.rcpt(recipient),
            Command::Data => self.data(),
            Command::Bdat { size, last } => self.bdat(size, last),
            Command::StartTls => self.start_tls(),
            Command::Auth { mechanism, initial } => self.auth(&mechanism, initial),
            Command::Rset => {
                self.abort();
                self.idle(&replies::OK);
            }
            Command::Noop => self.idle(&replies::OK),
            Command::Vrfy => self.idle(&replies::CANNOT_VERIFY),
            Command::Help => self.idle(&replies::HELP),
            Command::Quit => self.hang_up(&replies::BYE),
        }
    }

    /// RFC 5321 section 4.1.4: a second EHLO is also a RSET.
    fn hello(&mut self, dialect: Dialect, name: String) {
        self.abort();
        self.session.hello = Some(Hello { dialect, name });
        let first = replies::helo(&self.config.hostname);
        match dialect {
            Dialect::Smtp => self.idle(&first),
            Dialect::Esmtp | Dialect::Utf8Smtp => self.list_extensions(first),
        }
    }

    fn list_extensions(&mut self, first: Reply) {
        let mut lines = vec![first];
        let mut offer = |text: Cow<'static, str>| lines.push(Reply::bare(250, text));
        offer("PIPELINING".into());
        offer(format!("SIZE {}", self.config.limits.message_size.0).into());
        offer("8BITMIME".into());
        offer("SMTPUTF8".into());
        offer("ENHANCEDSTATUSCODES".into());
        if self.config.encryption == Encryption::StartTls && !self.session.encrypted {
            offer("STARTTLS".into());
        }
        if self.offers_login() {
            offer("AUTH PLAIN LOGIN".into());
        }
        offer("CHUNKING".into());
        if self.config.role == Role::Hosters {
            offer("XENTRY".into());
            offer("XMOVED".into());
        }
        Reply::write_all(&lines, &mut self.output);
        self.count_idle_command();
    }

    pub(super) fn has_login_role(&self) -> bool {
        matches!(self.config.role, Role::Submission { .. })
    }

    /// Whether AUTH may be used now.
    pub(super) fn offers_login(&self) -> bool {
        match self.config.role {
            Role::Receiving | Role::Hosters => false,
            Role::Submission { plaintext_login: PlaintextLogin::Allow } => true,
            Role::Submission { plaintext_login: PlaintextLogin::Refuse } => self.session.encrypted,
        }
    }

    /// RFC 3207 section 4.2: what was said in clear is forgotten, and what was sent behind the command is dropped unread.
    fn start_tls(&mut self) {
        if self.session.encrypted {
            return self.blame(&replies::TLS_ALREADY);
        }
        if self.config.encryption != Encryption::StartTls {
            return self.blame(&replies::TLS_NOT_OFFERED);
        }
        self.abort();
        self.session = Session::new(true);
        self.input = BytesMut::new();
        self.say(&replies::START_TLS);
        self.flush();
        self.actions.push_back(Action::StartTls);
        self.state = State::Handshake;
    }
}
