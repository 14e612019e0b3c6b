//! Reports that a message was not, or not yet, delivered: RFC 3464 in a multipart/report (RFC 6522), with the original header and
//! never the body; for internationalized addresses in the forms of RFC 6533.
//!
//! A report goes out with the null reverse-path, so that nobody ever reports about it. It is small: every part has a bound.

mod header;
mod printable;
mod words;

use std::fmt::Write;

use essaim_types::{Address, Domain, Timestamp};

use crate::body::BodyType;
use crate::date::{Date, Minute};
use crate::message_id::MessageId;
use crate::queue_id::QueueId;
use crate::reply::EnhancedStatus;
use header::OriginalHeader;
pub use words::Language;

/// A report to be written.
#[derive(Clone, Debug)]
pub struct Bounce<'a> {
    /// This host.
    pub host: &'a Domain,
    /// What members here read. English stands below it.
    pub language: Language,
    /// The reverse-path of the message. A message without one gets no report.
    pub to: &'a Address,
    /// When the report is written.
    pub at: Timestamp,
    /// The report's own.
    pub message_id: &'a MessageId,
    /// Unguessable text for the boundary between the parts: letters and digits.
    pub boundary: &'a str,
    /// What this host called the message.
    pub queue_id: &'a QueueId,
    /// When the message came in.
    pub arrived: Timestamp,
    /// For whom, and why. More than 100 are summed up.
    pub recipients: &'a [Undelivered<'a>],
    /// The message from its first byte up to the end of the header, or a part of it. The first 64 KiB are used.
    pub original_header: &'a [u8],
}

/// A recipient who did not get the message.
#[derive(Clone, Debug)]
pub struct Undelivered<'a> {
    /// Who.
    pub recipient: &'a Address,
    /// For good, or not yet.
    pub fate: Fate,
    /// Why, in numbers. They also choose the sentence for people.
    pub status: EnhancedStatus,
    /// The host that was spoken to, if one was.
    pub remote_host: Option<&'a str>,
    /// What that host said, or what went wrong before it could.
    pub diagnostic: &'a str,
    /// When it was tried last.
    pub last_attempt: Timestamp,
}

/// Whether there is hope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It will not be tried again.
    Failed,
    /// It will be tried until then.
    Delayed {
        /// When the node gives up.
        until: Timestamp,
    },
}

/// A report, ready to be sent with the null reverse-path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The message, with CRLF line ends.
    pub message: Vec<u8>,
    /// Whether it has bytes above 127.
    pub body: BodyType,
    /// Whether it needs SMTPUTF8 on its way.
    pub smtputf8: bool,
}

impl Bounce<'_> {
    /// Writes the report.
    pub fn compose(&self) -> Composed {
        let original = OriginalHeader::read(self.original_header);
        let addresses = || self.listed().map(|undelivered| undelivered.recipient).chain([self.to]);
        let smtputf8 = !original.is_ascii() || addresses().any(Address::is_internationalized);
        let boundary = self.boundary_outside(&original);
        let mut parts = String::new();
        let text = self.text();
        if text.is_ascii() {
            part(&mut parts, &boundary, "text/plain; charset=utf-8", "7bit", &text);
        } else {
            // A report that a host cannot take would be lost: nobody reports about reports.
            let text = printable::quoted_printable(&text);
            part(&mut parts, &boundary, "text/plain; charset=utf-8", "quoted-printable", &text);
        }
        let (status, header) = if smtputf8 {
            ("message/global-delivery-status", "message/global-headers")
        } else {
            ("message/delivery-status", "text/rfc822-headers")
        };
        let fields = self.status_fields();
        part(&mut parts, &boundary, status, encoding(&fields), &fields);
        part(&mut parts, &boundary, header, encoding(original.text()), original.text());
        let message =
            format!("{}{parts}--{boundary}--\r\n", self.head(&original, &boundary, encoding(&parts)));
        let body = if message.is_ascii() { BodyType::SevenBit } else { BodyType::EightBit };
        Composed { message: message.into_bytes(), body, smtputf8 }
    }

    fn head(&self, original: &OriginalHeader, boundary: &str, encoding: &str) -> String {
        let references = original
            .message_id()
            .map(|id| format!("In-Reply-To: {id}\r\nReferences: {id}\r\n"))
            .unwrap_or_default();
        format!(
            "From: Mail delivery at {host} <mailer-daemon@{host}>\r\n\
             To: <{to}>\r\n\
             Subject: {subject}\r\n\
             Date: {date}\r\n\
             Message-ID: {id}\r\n\
             {references}\
             Auto-Submitted: auto-replied\r\n\
             MIME-Version: 1.0\r\n\
             Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"{boundary}\"\r\n\
             Content-Transfer-Encoding: {encoding}\r\n\
             \r\n",
            host = self.host,
            to = self.to,
            subject = self.subject(),
            date = Date(self.at),
            id = self.message_id,
        )
    }

    fn subject(&self) -> String {
        let subject = |language: Language| {
            let words = language.words();
            if self.any_failed() { words.subject_failed } else { words.subject_delayed }
        };
        self.language.all().map(subject).collect::<Vec<_>>().join(" / ")
    }

    /// For people: the same in each language.
    fn text(&self) -> String {
        let texts = self.language.all().map(|language| self.text_in(language));
        texts.collect::<Vec<_>>().join(BETWEEN_LANGUAGES)
    }

    fn text_in(&self, language: Language) -> String {
        let words = language.words();
        let mut out = format!("{} {}.\r\n", words.this_is, self.host);
        self.paragraphs(&mut out, language, words.failed, |fate| fate == Fate::Failed);
        self.paragraphs(&mut out, language, words.delayed, |fate| fate != Fate::Failed);
        if let Some(more) = self.recipients.len().checked_sub(RECIPIENTS_MAX).filter(|more| *more > 0) {
            let [before, after] = words.more;
            let _ = write!(out, "\r\n{before} {more} {after}\r\n");
        }
        let _ = write!(out, "\r\n{}\r\n", words.details);
        out
    }

    fn paragraphs(&self, out: &mut String, language: Language, title: &str, wanted: impl Fn(Fate) -> bool) {
        let (words, mut title) = (language.words(), Some(title));
        for undelivered in self.listed().filter(|undelivered| wanted(undelivered.fate)) {
            if let Some(title) = title.take() {
                let _ = write!(out, "\r\n{title}\r\n");
            }
            let reason = language.reason(undelivered.status);
            let _ = write!(out, "\r\n  {}\r\n    {reason}\r\n", undelivered.recipient);
            if let Some(host) = undelivered.remote_host {
                let [server, said] = words.said;
                let (host, words) = (line(host), line(undelivered.diagnostic));
                let _ = write!(out, "    {server} {host} {said} {words}\r\n");
            }
            if let Fate::Delayed { until } = undelivered.fate {
                let (until, nothing_to_do) = (Minute(until), words.nothing_to_do);
                let _ = write!(out, "    {} {until}.\r\n    {nothing_to_do}\r\n", words.tried_until);
            }
        }
    }

    /// For programs: RFC 3464 section 2.
    fn status_fields(&self) -> String {
        let mut out = format!(
            "Reporting-MTA: dns; {}\r\nX-Queue-ID: {}\r\nArrival-Date: {}\r\n",
            self.host,
            self.queue_id,
            Date(self.arrived)
        );
        for undelivered in self.listed() {
            let recipient = undelivered.recipient;
            // RFC 6533 section 3.
            let kind = if recipient.is_internationalized() { "utf-8" } else { "rfc822" };
            let action = if undelivered.fate == Fate::Failed { "failed" } else { "delayed" };
            let _ = write!(
                out,
                "\r\nFinal-Recipient: {kind}; {recipient}\r\nAction: {action}\r\nStatus: {}\r\n",
                undelivered.status
            );
            // RFC 3464 section 2.3.6: smtp is only what a remote host said.
            match undelivered.remote_host {
                Some(host) => {
                    let said = line(undelivered.diagnostic);
                    let _ =
                        write!(out, "Remote-MTA: dns; {}\r\nDiagnostic-Code: smtp; {said}\r\n", line(host));
                }
                None if undelivered.diagnostic.is_empty() => {}
                None => {
                    let _ = write!(out, "Diagnostic-Code: x-local; {}\r\n", line(undelivered.diagnostic));
                }
            }
            let _ = write!(out, "Last-Attempt-Date: {}\r\n", Date(undelivered.last_attempt));
            if let Fate::Delayed { until } = undelivered.fate {
                let _ = write!(out, "Will-Retry-Until: {}\r\n", Date(until));
            }
        }
        out
    }

    fn listed(&self) -> impl Iterator<Item = &Undelivered<'_>> {
        self.recipients.iter().take(RECIPIENTS_MAX)
    }

    fn any_failed(&self) -> bool {
        self.recipients.iter().any(|undelivered| undelivered.fate == Fate::Failed)
    }

    /// RFC 2046 section 5.1.1: no line of a part begins with the boundary. The only lines that are not ours are those of the
    /// original header; whoever wrote them could not guess the boundary, and must not be able to use one seen before.
    fn boundary_outside(&self, original: &OriginalHeader) -> String {
        let unguessable = self.boundary.chars().filter(char::is_ascii_alphanumeric).take(40);
        let mut boundary: String = "report-".chars().chain(unguessable).collect();
        while original.text().contains(&boundary) && boundary.len() < BOUNDARY_MAX {
            boundary.push('x');
        }
        boundary
    }
}

fn part(out: &mut String, boundary: &str, content_type: &str, encoding: &str, content: &str) {
    let _ = write!(
        out,
        "--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{content}\r\n"
    );
}

fn encoding(content: &str) -> &'static str {
    if content.is_ascii() { "7bit" } else { "8bit" }
}

/// What a stranger said, as part of one line.
fn line(text: &str) -> String {
    let ascii = text.chars().map(|c| {
        if c.is_control() {
            ' '
        } else if c.is_ascii() {
            c
        } else {
            '?'
        }
    });
    ascii.take(LINE_MAX).collect::<String>().trim().to_owned()
}

const RECIPIENTS_MAX: usize = 100;
const BETWEEN_LANGUAGES: &str = "\r\n----------------------------------------\r\n\r\n";
/// With its field name within the 998 bytes of RFC 5322 section 2.1.1.
const LINE_MAX: usize = 900;
/// RFC 2046 section 5.1.1.
const BOUNDARY_MAX: usize = 70;

#[cfg(test)]
mod tests;
