//! MAIL and RCPT: the envelope of one message.

use essaim_types::{Address, LocalPart};

use super::intake::Intake;
use super::{Action, Connection, Envelope, MailOptions, RecipientVerdict, Role, SenderVerdict, replies};
use crate::command::{MailParameter, ParseCommandError, Recipient};

/// One message on its way in.
#[derive(Debug)]
pub(super) struct Transaction {
    sender: Option<Address>,
    options: MailOptions,
    recipients: Vec<Address>,
    /// The message itself, once DATA or the first BDAT was given.
    pub(super) intake: Option<Intake>,
}

/// What the caller was asked.
#[derive(Debug)]
pub(super) enum Question {
    Sender(Option<Address>, MailOptions),
    Recipient(Address),
    Login,
    Commit,
}

impl Transaction {
    /// A spool is open that nobody has aborted.
    pub(super) fn is_spooling(&self) -> bool {
        self.intake.as_ref().is_some_and(Intake::is_spooling)
    }

    pub(super) fn has_recipients(&self) -> bool {
        !self.recipients.is_empty()
    }
}

impl Connection {
    pub(super) fn mail(&mut self, sender: Option<Address>, parameters: &[MailParameter]) {
        if self.session.hello.is_none() {
            return self.blame(&replies::HELLO_FIRST);
        }
        if self.login_missing() {
            let reply = if self.offers_login() { replies::LOGIN_REQUIRED } else { replies::TLS_REQUIRED };
            return self.blame(&reply);
        }
        if self.transaction.is_some() {
            return self.blame(&replies::NESTED_MAIL);
        }
        if self.counts.transactions >= self.config.limits.transactions {
            return self.hang_up(&replies::TOO_MANY_MESSAGES);
        }
        if self.config.role != Role::Hosters && parameters.iter().any(MailParameter::is_for_hosters) {
            return self.blame(&replies::syntax(ParseCommandError::UnknownParameter));
        }
        let options = options(parameters);
        if sender.as_ref().is_some_and(Address::is_internationalized) && !options.smtputf8 {
            return self.blame(&replies::NEEDS_SMTPUTF8);
        }
        if options.size.is_some_and(|size| size > self.config.limits.message_size) {
            return self.say(&replies::MESSAGE_TOO_LARGE);
        }
        self.counts.transactions += 1;
        self.ask(Question::Sender(sender.clone(), options), Action::CheckSender(sender, options));
    }

    pub(super) fn sender_answered(
        &mut self,
        sender: Option<Address>,
        options: MailOptions,
        verdict: SenderVerdict,
    ) {
        self.say(&replies::sender(verdict));
        if verdict == SenderVerdict::Accept {
            self.transaction = Some(Transaction { sender, options, recipients: Vec::new(), intake: None });
        }
    }

    pub(super) fn rcpt(&mut self, recipient: Recipient) {
        let Some(transaction) = &self.transaction else {
            return self.blame(&replies::MAIL_FIRST);
        };
        if transaction.intake.is_some() {
            return self.blame(&replies::IN_CHUNKS);
        }
        if transaction.recipients.len() >= self.config.limits.recipients {
            return self.say(&replies::TOO_MANY_RECIPIENTS);
        }
        let recipient = match recipient {
            Recipient::Address(address) => address,
            Recipient::Postmaster => Address::new(postmaster(), self.config.hostname.clone()),
        };
        if recipient.is_internationalized() && !transaction.options.smtputf8 {
            return self.blame(&replies::NEEDS_SMTPUTF8);
        }
        self.ask(Question::Recipient(recipient.clone()), Action::CheckRecipient(recipient));
    }

    pub(super) fn recipient_answered(&mut self, recipient: Address, verdict: RecipientVerdict) {
        self.say(&replies::recipient(verdict));
        if verdict == RecipientVerdict::Accept {
            if let Some(transaction) = &mut self.transaction {
                transaction.recipients.push(recipient);
            }
            return;
        }
        self.counts.refused_recipients += 1;
        if self.counts.refused_recipients >= self.config.limits.refused_recipients {
            self.hang_up(&replies::TOO_MANY_REFUSED);
        }
    }

    /// The envelope as it stands; `None` outside a transaction.
    pub(super) fn envelope(&self) -> Option<Envelope> {
        let (transaction, hello) = (self.transaction.as_ref()?, self.session.hello.as_ref()?);
        Some(Envelope {
            sender: transaction.sender.clone(),
            recipients: transaction.recipients.clone(),
            options: transaction.options,
            hello: hello.name.clone(),
            protocol: self.session.protocol(hello, transaction.options.smtputf8),
            login: self.session.login.clone(),
        })
    }

    fn login_missing(&self) -> bool {
        self.has_login_role() && self.session.login.is_none()
    }
}

fn options(parameters: &[MailParameter]) -> MailOptions {
    let mut options = MailOptions::default();
    for parameter in parameters {
        match parameter {
            MailParameter::Size(size) => options.size = Some(*size),
            MailParameter::Body(body) => options.body = *body,
            MailParameter::SmtpUtf8 => options.smtputf8 = true,
            MailParameter::Entry(entry) => options.entry = Some(*entry),
            MailParameter::Moved => options.moved = true,
            MailParameter::Auth => {}
        }
    }
    options
}

fn postmaster() -> LocalPart {
    LocalPart::new("postmaster").expect("the word is a local part")
}
