//! Reports that a message was not, or not yet, delivered: RFC 3464 in a multipart/report (RFC 6522), with the original header and
//! never the body; for internationalized addresses in the forms of RFC 6533.
//!
//! A report goes out with the null reverse-path, so that nobody ever reports about it. It is small: every part has a bound.

mod header;
mod words;

use std::fmt::Write;

use essaim_types::{Address, Domain, Timestamp};

use crate::body::BodyType;
use crate::date::Date;
use crate::message_id::MessageId;
use crate::queue_id::QueueId;
use crate::reply::EnhancedStatus;
use header::OriginalHeader;

/// A report to be written.
#[derive(Clone, Debug)]
pub struct Bounce<'a> {
    /// This host.
    pub host: &'a Domain,
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
        part(&mut parts, &boundary, "text/plain; charset=utf-8", &self.text());
        let (status, header) = if smtputf8 {
            ("message/global-delivery-status", "message/global-headers")
        } else {
            ("message/delivery-status", "text/rfc822-headers")
        };
        part(&mut parts, &boundary, status, &self.status_fields());
        part(&mut parts, &boundary, header, original.text());
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
            subject =
                if self.any_failed() { "Your message was not delivered" } else { "Your message is delayed" },
            date = Date(self.at),
            id = self.message_id,
        )
    }

    /// For people.
    fn text(&self) -> String {
        let mut out = format!("This is the mail server {}.\r\n", self.host);
        self.paragraphs(&mut out, "\r\nYour message could not be delivered to:\r\n", |fate| {
            fate == Fate::Failed
        });
        self.paragraphs(&mut out, "\r\nYour message has not yet been delivered to:\r\n", |fate| {
            fate != Fate::Failed
        });
        if let Some(more) = self.recipients.len().checked_sub(RECIPIENTS_MAX).filter(|more| *more > 0) {
            let _ = write!(out, "\r\nThe same goes for {more} more recipients.\r\n");
        }
        out += "\r\nThe next parts of this message hold details for your mail program or your\r\n\
                administrator, and the header of your message.\r\n";
        out
    }

    fn paragraphs(&self, out: &mut String, title: &str, wanted: impl Fn(Fate) -> bool) {
        let mut title = Some(title);
        for undelivered in self.listed().filter(|undelivered| wanted(undelivered.fate)) {
            out.push_str(title.take().unwrap_or_default());
            let reason = words::reason(undelivered.status);
            let _ = write!(out, "\r\n  {}\r\n    {reason}\r\n", undelivered.recipient);
            if let Some(host) = undelivered.remote_host {
                let _ =
                    write!(out, "    The server {} said: {}\r\n", line(host), line(undelivered.diagnostic));
            }
            if let Fate::Delayed { until } = undelivered.fate {
                let _ = write!(
                    out,
                    "    It will be tried again until {}.\r\n    You need not send it again.\r\n",
                    Date(until)
                );
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

fn part(out: &mut String, boundary: &str, content_type: &str, content: &str) {
    let encoding = encoding(content);
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
/// With its field name within the 998 bytes of RFC 5322 section 2.1.1.
const LINE_MAX: usize = 900;
/// RFC 2046 section 5.1.1.
const BOUNDARY_MAX: usize = 70;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Case {
        host: Domain,
        to: Address,
        recipients: Vec<(Address, Fate, &'static str)>,
        header: String,
    }

    impl Case {
        fn new() -> Self {
            Self {
                host: "coop.test".parse().unwrap(),
                to: "alice@coop.test".parse().unwrap(),
                recipients: vec![("bob@peer.test".parse().unwrap(), Fate::Failed, "550 5.1.1 No such user")],
                header: "From: alice@coop.test\r\nMessage-ID: <m@coop.test>\r\nSubject: hi\r\n\r\nbody\r\n"
                    .into(),
            }
        }

        fn compose(&self) -> (String, Composed) {
            let recipients: Vec<_> = self.recipients.iter().map(undelivered).collect();
            let composed = Bounce {
                host: &self.host,
                to: &self.to,
                at: Timestamp::from_seconds(86_400),
                message_id: &MessageId::new("r1", self.host.clone()),
                boundary: "abc",
                queue_id: &QueueId::new("q1"),
                arrived: Timestamp::from_seconds(0),
                recipients: &recipients,
                original_header: self.header.as_bytes(),
            }
            .compose();
            (String::from_utf8(composed.message.clone()).unwrap(), composed)
        }
    }

    fn undelivered<'a>((recipient, fate, diagnostic): &'a (Address, Fate, &'static str)) -> Undelivered<'a> {
        let class = if *fate == Fate::Failed { 5 } else { 4 };
        Undelivered {
            recipient,
            fate: *fate,
            status: EnhancedStatus::new(class, 1, 1).unwrap(),
            remote_host: (!diagnostic.is_empty()).then_some("mx.peer.test"),
            diagnostic,
            last_attempt: Timestamp::from_seconds(60),
        }
    }

    #[test]
    fn rfc3464_a_failure_word_for_word() {
        let (text, composed) = Case::new().compose();
        let expected = "\
From: Mail delivery at coop.test <mailer-daemon@coop.test>
To: <alice@coop.test>
Subject: Your message was not delivered
Date: Fri, 2 Jan 1970 00:00:00 +0000
Message-ID: <r1@coop.test>
In-Reply-To: <m@coop.test>
References: <m@coop.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"report-abc\"
Content-Transfer-Encoding: 7bit

--report-abc
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

This is the mail server coop.test.

Your message could not be delivered to:

  bob@peer.test
    There is no mailbox with this address. Please check how it is written.
    The server mx.peer.test said: 550 5.1.1 No such user

The next parts of this message hold details for your mail program or your
administrator, and the header of your message.

--report-abc
Content-Type: message/delivery-status
Content-Transfer-Encoding: 7bit

Reporting-MTA: dns; coop.test
X-Queue-ID: q1
Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0000

Final-Recipient: rfc822; bob@peer.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.peer.test
Diagnostic-Code: smtp; 550 5.1.1 No such user
Last-Attempt-Date: Thu, 1 Jan 1970 00:01:00 +0000

--report-abc
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

From: alice@coop.test
Message-ID: <m@coop.test>
Subject: hi

--report-abc--
";
        assert_eq!(text.replace("\r\n", "\n"), expected);
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
        assert_eq!((composed.body, composed.smtputf8), (BodyType::SevenBit, false));
    }

    #[test]
    fn a_delay_says_that_nothing_is_to_be_done() {
        let mut case = Case::new();
        let until = Timestamp::from_seconds(4 * 86_400);
        case.recipients = vec![("bob@peer.test".parse().unwrap(), Fate::Delayed { until }, "")];
        let (text, _) = case.compose();
        for line in [
            "Subject: Your message is delayed\r\n",
            "Your message has not yet been delivered to:\r\n",
            "It will be tried again until Mon, 5 Jan 1970 00:00:00 +0000.\r\n    You need not send it again.\r\n",
            "Action: delayed\r\nStatus: 4.1.1\r\nDiagnostic-Code: x-local; \r\n",
            "Will-Retry-Until: Mon, 5 Jan 1970 00:00:00 +0000\r\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
    }

    #[test]
    fn rfc6533_internationalized_addresses() {
        let mut case = Case::new();
        case.recipients = vec![("zoë@peer.test".parse().unwrap(), Fate::Failed, "550 caf\u{e9}")];
        let (text, composed) = case.compose();
        assert!(
            text.contains(
                "Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n"
            )
        );
        assert!(text.contains("Final-Recipient: utf-8; zoë@peer.test\r\n"));
        assert!(text.contains("message/global-headers"));
        assert!(text.contains("Diagnostic-Code: smtp; 550 caf?\r\n"));
        assert_eq!((composed.body, composed.smtputf8), (BodyType::EightBit, true));
    }

    #[test]
    fn what_strangers_said_cannot_break_the_report() {
        let mut case = Case::new();
        case.recipients =
            vec![("bob@peer.test".parse().unwrap(), Fate::Failed, "550 x\r\n\r\n--report-abc--\r\nevil")];
        case.header = "Subject: \0\r\n--report-abcx\nMessage-ID: <a> <b>\r\n\r\n".into();
        let (text, _) = case.compose();
        assert!(text.contains("boundary=\"report-abcxx\""), "{text}");
        assert_eq!(text.matches("\r\n--report-abcxx").count(), 4);
        assert!(text.contains("Subject: ?\r\n--report-abcx\r\n"));
        assert!(!text.contains("References"));
    }

    #[test]
    fn a_report_is_small_whatever_it_is_about() {
        let mut case = Case::new();
        let bob = case.recipients.first().unwrap().clone();
        case.recipients = vec![bob; 5000];
        case.header = "X: y\r\n".repeat(100_000);
        let (text, _) = case.compose();
        assert!(text.contains("The same goes for 4900 more recipients."));
        assert!(text.len() < 200_000, "{}", text.len());
    }

    proptest! {
        #[test]
        fn any_original_header_gives_a_proper_report(header in prop::collection::vec(any::<u8>(), 0..500)) {
            let mut case = Case::new();
            case.header = String::from_utf8_lossy(&header).into_owned();
            let (text, _) = case.compose();
            prop_assert!(text.split("\r\n").all(|line| !line.contains(['\r', '\n', '\0'])));
            prop_assert_eq!(text.matches("\r\n--report-abc").count(), 4);
        }
    }
}
