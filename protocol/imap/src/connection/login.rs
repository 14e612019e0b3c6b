//! LOGIN and AUTHENTICATE PLAIN: RFC 9051 sections 6.2.2 and 6.2.3, RFC 4616, RFC 4959.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use essaim_types::Secret;

use super::frame::{CRLF, Framed, Literals};
use super::{Action, Ask, Connection, Phase, State, Step, Transport};
use crate::command::{Authenticate, Login};
use crate::parse::Refusal;
use crate::{Condition, Reply, ResponseCode, Tag};

impl Connection {
    pub(super) fn login(&mut self, tag: Tag, login: Login) {
        match self.login_allowed() {
            Ok(()) => self.ask_login(tag, login.user, login.password),
            Err(refusal) => self.refuse(Some(&tag), &refusal),
        }
    }

    pub(super) fn authenticate(&mut self, tag: Tag, command: &Authenticate) {
        if let Err(refusal) = self.login_allowed() {
            return self.refuse(Some(&tag), &refusal);
        }
        if command.mechanism != "PLAIN" {
            let refusal = Refusal::no(ResponseCode::Cannot, "the only mechanism is PLAIN");
            return self.refuse(Some(&tag), &refusal);
        }
        match &command.initial {
            Some(initial) => self.plain(tag, initial.expose().as_bytes()),
            None => {
                self.send(b"+ \r\n");
                self.phase = Phase::Sasl { tag };
            }
        }
    }

    pub(super) fn step_sasl(&mut self) -> Step {
        let max = self.command_max();
        let line = match self.framer.next(&self.input, Literals::Ignore, max) {
            Framed::More => return Step::Stuck,
            Framed::OutOfStep(why) => return self.out_of_step(why),
            Framed::BareLf(length) => {
                self.consume(length);
                None
            }
            // Literals are ignored, so this is a line.
            Framed::Command(end) | Framed::Literal(end, _) => {
                let mut line = self.consume(end + CRLF);
                line.truncate(end);
                Some(line)
            }
        };
        let Phase::Sasl { tag } = self.take_phase() else { return Step::Stuck };
        match line {
            None => self.refuse(Some(&tag), &Refusal::bare_lf()),
            // RFC 9051 section 6.2.2: the client gives up.
            Some(line) if line.as_ref() == b"*" => self.refuse(Some(&tag), &Refusal::bad("cancelled")),
            Some(line) => self.plain(tag, &line),
        }
        Step::Done
    }

    pub(super) fn logged_in(&mut self, tag: &Tag, verdict: Result<(), Reply>) {
        let Err(reply) = verdict else {
            self.state = State::Authenticated;
            let reply = Reply::coded(self.capability_code(), "logged in");
            return self.tagged(tag, Condition::Ok, &reply);
        };
        self.tagged(tag, Condition::No, &reply);
        self.logins += 1;
        if self.logins >= self.settings.limits.logins {
            self.bye(&Reply::new("too many failed logins"));
        }
    }

    fn login_allowed(&self) -> Result<(), Refusal> {
        match self.settings.transport {
            Transport::Tls | Transport::StartTlsOffered | Transport::Clear => Ok(()),
            Transport::StartTlsRequired => {
                Err(Refusal::no(ResponseCode::PrivacyRequired, "no login before STARTTLS"))
            }
        }
    }

    /// A response of PLAIN in base64: `authorize NUL authenticate NUL password`.
    fn plain(&mut self, tag: Tag, response: &[u8]) {
        match read_plain(response) {
            Ok((user, password)) => self.ask_login(tag, user, password),
            Err(refusal) => self.refuse(Some(&tag), &refusal),
        }
    }

    fn ask_login(&mut self, tag: Tag, user: String, password: Secret) {
        self.actions.push_back(Action::Authenticate { tag: tag.clone(), user, password });
        self.phase = Phase::Ask(Ask::Login { tag });
    }
}

fn read_plain(response: &[u8]) -> Result<(String, Secret), Refusal> {
    let response = if response == b"=" { b"" } else { response };
    let decoded = STANDARD.decode(response).map_err(|_| Refusal::bad("the response is not base64"))?;
    let decoded = String::from_utf8(decoded).map_err(|_| Refusal::bad("the response is not UTF-8"))?;
    let mut fields = decoded.split('\0');
    let (Some(authorize), Some(user), Some(password), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(Refusal::bad("the response of PLAIN has three fields"));
    };
    if user.is_empty() || password.is_empty() {
        return Err(Refusal::bad("the response of PLAIN has a user and a password"));
    }
    if !authorize.is_empty() && authorize != user {
        return Err(Refusal::no(ResponseCode::AuthorizationFailed, "nobody can act as somebody else"));
    }
    Ok((user.to_owned(), Secret::new(password)))
}
