//! From the greeting to the point where mail may flow: EHLO, STARTTLS, AUTH.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use essaim_types::Domain;
use zeroize::Zeroizing;

use super::extensions::Extensions;
use super::{Action, Cause, Connection, Encryption, Failure, Outcome, RemoteReply, State};

impl Connection {
    pub(super) fn ehlo(&mut self) {
        self.command(&format!("EHLO {}", self.own_name()));
        self.state = State::Ehlo;
    }

    /// RFC 5321 section 2.3.5: a name that the DNS knows.
    fn own_name(&self) -> Domain {
        self.config.hostname.to_ascii().unwrap_or_else(|| self.config.hostname.clone())
    }

    /// RFC 5321 section 3.2: a host that does not know EHLO is greeted with HELO.
    pub(super) fn ehlo_answered(&mut self, reply: RemoteReply, lines: &[String]) {
        match reply.code() {
            200..300 => self.hello_done(Extensions::parse(lines)),
            500.. if !self.encrypted => {
                self.command(&format!("HELO {}", self.own_name()));
                self.state = State::Helo;
            }
            _ => self.refused(reply),
        }
    }

    pub(super) fn hello_done(&mut self, extensions: Extensions) {
        self.extensions = extensions;
        match (self.encrypted, self.config.encryption, self.extensions.start_tls) {
            (false, Encryption::Opportunistic | Encryption::Required, true) => {
                self.command("STARTTLS");
                self.state = State::StartTls;
            }
            (false, Encryption::Required, false) => {
                self.state = State::StartTls;
                self.fail(Cause::NoTls);
            }
            _ => self.log_in(),
        }
    }

    pub(super) fn start_tls_answered(&mut self, reply: RemoteReply) {
        if reply.is_positive() {
            // What came with the reply would be taken for the answer to something said under TLS.
            if !self.input.is_empty() {
                return self.fail(Cause::Protocol("it spoke in clear after STARTTLS"));
            }
            self.extensions = Extensions::default();
            self.state = State::Handshake;
            self.actions.push_back(Action::StartTls);
        } else if self.config.encryption == Encryption::Required {
            self.put_off(reply);
        } else {
            self.log_in();
        }
    }

    fn log_in(&mut self) {
        let config = self.config.clone();
        let Some(login) = &config.login else { return self.ready() };
        self.state = State::Login;
        let clear_is_wanted = config.encryption == Encryption::Never;
        if !self.extensions.login_plain || !(self.encrypted || clear_is_wanted) {
            return self.fail(Cause::NoLogin);
        }
        let message = Zeroizing::new(format!("\0{}\0{}", login.user, login.password.expose()));
        let encoded = Zeroizing::new(STANDARD.encode(message.as_bytes()));
        self.output.extend_from_slice(b"AUTH PLAIN ");
        self.command(&encoded);
    }

    pub(super) fn login_answered(&mut self, reply: RemoteReply) {
        if reply.is_positive() { self.ready() } else { self.put_off(reply) }
    }

    /// The next delivery, if it was given already.
    pub(super) fn ready(&mut self) {
        self.state = State::Idle;
        if self.transaction.is_some() {
            self.begin();
        } else if self.leaving {
            self.say_quit();
        }
    }

    /// A refusal that says nothing about the mail, whatever its code: an operator can mend it while the mail waits.
    fn put_off(&mut self, reply: RemoteReply) {
        let failure = Failure { stage: self.stage(), cause: Cause::Reply(reply) };
        self.command("QUIT");
        self.flush();
        self.close(Outcome::Temporary(failure));
    }
}
