//! AUTH: RFC 4954 with PLAIN (RFC 4616) and LOGIN.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use essaim_types::Secret;
use zeroize::Zeroizing;

use super::transaction::Question;
use super::{Action, Connection, Login, LoginVerdict, Mechanism, State, replies};
use crate::command::InitialResponse;

/// An exchange that waits for the client's next line.
#[derive(Debug)]
pub(super) enum Exchange {
    /// PLAIN: authorization identity, name and password in one response.
    Plain,
    /// LOGIN: the name.
    User,
    /// LOGIN: the password of this name.
    Password(String),
}

impl Connection {
    pub(super) fn auth(&mut self, mechanism: &str, initial: Option<InitialResponse>) {
        let Some(exchange) = self.begin_exchange(mechanism) else { return };
        match initial.as_ref().map(|response| response.0.as_str()) {
            // RFC 4954 section 4: a single = is an empty initial response.
            Some("=") => self.respond(exchange, b""),
            Some(response) => self.respond(exchange, response.as_bytes()),
            None => self.challenge(exchange),
        }
    }

    /// Another line of the exchange under way.
    pub(super) fn login_line(&mut self, line: &[u8]) {
        match std::mem::replace(&mut self.state, State::Command) {
            State::Login(_) if line == b"*" => self.blame(&replies::LOGIN_CANCELLED),
            State::Login(exchange) => self.respond(exchange, line),
            other => self.state = other,
        }
    }

    pub(super) fn login_answered(&mut self, verdict: LoginVerdict) {
        self.say(&replies::login(&verdict));
        match verdict {
            LoginVerdict::Accept { login } => self.session.login = Some(login),
            LoginVerdict::Refuse | LoginVerdict::SlowDown => self.login_failed(),
            LoginVerdict::TryLater => {}
        }
    }

    fn begin_exchange(&mut self, mechanism: &str) -> Option<Exchange> {
        let refusal = if !self.has_login_role() {
            replies::LOGIN_NOT_OFFERED
        } else if self.session.hello.is_none() {
            replies::HELLO_FIRST
        } else if !self.offers_login() {
            replies::LOGIN_NEEDS_TLS
        } else if self.session.login.is_some() {
            replies::LOGIN_TWICE
        } else if self.transaction.is_some() {
            replies::LOGIN_IN_MAIL
        } else {
            match mechanism {
                "PLAIN" => return Some(Exchange::Plain),
                "LOGIN" => return Some(Exchange::User),
                _ => replies::LOGIN_MECHANISM,
            }
        };
        self.blame(&refusal);
        None
    }

    fn challenge(&mut self, exchange: Exchange) {
        let question = match exchange {
            Exchange::Plain => replies::LOGIN_GO_ON,
            Exchange::User => replies::LOGIN_ASK_USER,
            Exchange::Password(_) => replies::LOGIN_ASK_PASSWORD,
        };
        self.say(&question);
        self.state = State::Login(exchange);
    }

    fn respond(&mut self, exchange: Exchange, response: &[u8]) {
        let Some(text) = decode(response) else {
            return self.blame(&replies::LOGIN_MALFORMED);
        };
        match exchange {
            Exchange::Plain => match plain(&text) {
                Some(login) => self.check(login),
                None => self.blame(&replies::LOGIN_MALFORMED),
            },
            Exchange::User => self.challenge(Exchange::Password(text.to_string())),
            Exchange::Password(user) => {
                self.check(Login { mechanism: Mechanism::Login, user, password: Secret::new(text.as_str()) });
            }
        }
    }

    fn check(&mut self, login: Login) {
        self.ask(Question::Login, Action::Authenticate(login));
    }

    fn login_failed(&mut self) {
        self.counts.login_failures += 1;
        if self.counts.login_failures >= self.config.limits.login_failures {
            self.hang_up(&replies::TOO_MANY_LOGINS);
        }
    }
}

fn decode(response: &[u8]) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(STANDARD.decode(response).ok()?);
    std::str::from_utf8(&bytes).ok().map(|text| Zeroizing::new(text.to_owned()))
}

/// RFC 4616 section 2: `[authzid] NUL authcid NUL passwd`. Acting for somebody else is not possible here.
fn plain(message: &str) -> Option<Login> {
    let mut parts = message.splitn(3, '\0');
    let (on_behalf_of, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let own = on_behalf_of.is_empty() || on_behalf_of == user;
    let complete = own && !user.is_empty() && !password.is_empty() && !password.contains('\0');
    complete.then(|| Login {
        mechanism: Mechanism::Plain,
        user: user.to_owned(),
        password: Secret::new(password),
    })
}
