//! Trace headers: RFC 5321 section 4.4.

use std::fmt;
use std::net::IpAddr;

use essaim_types::{Address, Domain, Timestamp};

use crate::date::Date;
use crate::queue_id::QueueId;

/// How a message came in: the `with` keyword of RFC 3848 and RFC 6531 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// HELO or EHLO.
    pub dialect: Dialect,
    /// The connection was encrypted.
    pub encrypted: bool,
    /// The peer had logged in.
    pub authenticated: bool,
}

/// What the peer spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// HELO.
    Smtp,
    /// EHLO.
    Esmtp,
    /// EHLO, and SMTPUTF8 with this message.
    Utf8Smtp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secured = self.encrypted || self.authenticated;
        f.write_str(match self.dialect {
            // RFC 3848 registers no SMTPS: encryption and login are extensions, so it was ESMTP.
            Dialect::Smtp if !secured => "SMTP",
            Dialect::Smtp | Dialect::Esmtp => "ESMTP",
            Dialect::Utf8Smtp => "UTF8SMTP",
        })?;
        f.write_str(if self.encrypted { "S" } else { "" })?;
        f.write_str(if self.authenticated { "A" } else { "" })
    }
}

/// The `Received:` field that goes on top of a message. Prints with its folding and its CRLF.
#[derive(Clone, Debug)]
pub struct Received<'a> {
    /// Who sent it. `None` for a member: where they sit is nobody's business.
    pub from: Option<Peer<'a>>,
    /// This host.
    pub by: &'a Domain,
    /// How it came in.
    pub protocol: Protocol,
    /// TLS version and cipher suite.
    pub tls: Option<&'a str>,
    /// What this host calls the message.
    pub id: &'a QueueId,
    /// The recipient, if there is only one: others must not learn of each other (RFC 5321 section 7.2).
    pub recipient: Option<&'a Address>,
    /// When it came in.
    pub at: Timestamp,
}

/// The host at the other end of the connection.
#[derive(Clone, Debug)]
pub struct Peer<'a> {
    /// What it calls itself.
    pub hello: &'a str,
    /// Where it is.
    pub ip: IpAddr,
    /// The name of its address, if it was looked up and leads back to the address.
    pub name: Option<&'a Domain>,
}

impl fmt::Display for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utf8 = self.protocol.dialect == Dialect::Utf8Smtp;
        f.write_str("Received: ")?;
        if let Some(peer) = &self.from {
            let name = peer.name.map(|name| format!("{} ", clean(name.as_str(), utf8))).unwrap_or_default();
            write!(f, "from {} ({name}[{}])\r\n\t", clean(peer.hello, utf8), peer.ip.to_canonical())?;
        }
        write!(f, "by {} (Essaim) with {}", self.by, self.protocol)?;
        if let Some(tls) = self.tls {
            write!(f, "\r\n\t({})", clean(tls, false))?;
        }
        write!(f, "\r\n\tid {}", self.id)?;
        if let Some(recipient) = self.recipient.filter(|recipient| utf8 || !recipient.is_internationalized())
        {
            write!(f, "\r\n\tfor <{recipient}>")?;
        }
        write!(f, ";\r\n\t{}\r\n", Date(self.at))
    }
}

/// The `Return-Path:` field of final delivery (RFC 5321 section 4.4), with its CRLF.
pub fn return_path(sender: Option<&Address>) -> String {
    let sender = sender.map(ToString::to_string).unwrap_or_default();
    format!("Return-Path: <{sender}>\r\n")
}

/// What a stranger said, as one word that cannot end a comment or a line.
fn clean(text: &str, utf8: bool) -> String {
    let fits = |c: char| {
        c.is_ascii_alphanumeric() || "-_.:[]/+ ".contains(c) || (utf8 && !c.is_ascii() && c.is_alphanumeric())
    };
    text.chars().take(WORD_MAX).map(|c| if fits(c) { c } else { '?' }).collect()
}

const WORD_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn protocol(dialect: Dialect, encrypted: bool, authenticated: bool) -> Protocol {
        Protocol { dialect, encrypted, authenticated }
    }

    #[test]
    fn rfc3848_and_rfc6531_4_3_keywords() {
        let keyword =
            |dialect, encrypted, authenticated| protocol(dialect, encrypted, authenticated).to_string();
        assert_eq!(keyword(Dialect::Smtp, false, false), "SMTP");
        assert_eq!(keyword(Dialect::Smtp, true, false), "ESMTPS");
        assert_eq!(keyword(Dialect::Esmtp, false, false), "ESMTP");
        assert_eq!(keyword(Dialect::Esmtp, true, false), "ESMTPS");
        assert_eq!(keyword(Dialect::Esmtp, false, true), "ESMTPA");
        assert_eq!(keyword(Dialect::Esmtp, true, true), "ESMTPSA");
        assert_eq!(keyword(Dialect::Utf8Smtp, false, false), "UTF8SMTP");
        assert_eq!(keyword(Dialect::Utf8Smtp, true, true), "UTF8SMTPSA");
    }

    fn received<'a>(from: Option<Peer<'a>>, by: &'a Domain, id: &'a QueueId) -> Received<'a> {
        let (recipient, at) = (None, Timestamp::from_seconds(1_788_253_509));
        Received { from, by, protocol: protocol(Dialect::Esmtp, true, false), tls: None, id, recipient, at }
    }

    #[test]
    fn rfc5321_4_4_received() {
        let (by, name): (Domain, Domain) =
            ("mx.coop.test".parse().unwrap(), "out.peer.test".parse().unwrap());
        let (id, recipient) = (QueueId::new("q1"), "alice@coop.test".parse().unwrap());
        let peer = Peer { hello: "peer.test", ip: "::ffff:192.0.2.1".parse().unwrap(), name: Some(&name) };
        let field = Received {
            tls: Some("TLSv1.3 TLS13_AES_128_GCM_SHA256"),
            recipient: Some(&recipient),
            ..received(Some(peer), &by, &id)
        };
        assert_eq!(
            field.to_string(),
            "Received: from peer.test (out.peer.test [192.0.2.1])\r\n\
             \tby mx.coop.test (Essaim) with ESMTPS\r\n\
             \t(TLSv1.3 TLS13_AES_128_GCM_SHA256)\r\n\
             \tid q1\r\n\
             \tfor <alice@coop.test>;\r\n\
             \tTue, 1 Sep 2026 09:05:09 +0000\r\n"
        );
        let member = received(None, &by, &id).to_string();
        assert!(
            member.starts_with("Received: by mx.coop.test (Essaim) with ESMTPS\r\n\tid q1;\r\n"),
            "{member}"
        );
    }

    #[test]
    fn a_greeting_cannot_break_out_of_its_place() {
        let (by, id) = ("mx.coop.test".parse().unwrap(), QueueId::new("q1"));
        let peer = Peer { hello: "x\r\nSubject: y) (é", ip: "2001:db8::1".parse().unwrap(), name: None };
        let field = received(Some(peer), &by, &id).to_string();
        assert!(field.starts_with("Received: from x??Subject: y? ?? ([2001:db8::1])\r\n\t"), "{field}");
    }

    #[test]
    fn utf8_appears_only_where_it_was_agreed() {
        let (by, id) = ("mx.coop.test".parse().unwrap(), QueueId::new("q1"));
        let recipient: Address = "é@coop.test".parse().unwrap();
        let plain = Received { recipient: Some(&recipient), ..received(None, &by, &id) };
        assert!(plain.to_string().is_ascii());
        let agreed = Received { protocol: protocol(Dialect::Utf8Smtp, false, false), ..plain };
        assert!(agreed.to_string().contains("with UTF8SMTP\r\n\tid q1\r\n\tfor <é@coop.test>;"));
    }

    #[test]
    fn the_null_return_path() {
        assert_eq!(return_path(None), "Return-Path: <>\r\n");
        assert_eq!(return_path(Some(&"a@b.test".parse().unwrap())), "Return-Path: <a@b.test>\r\n");
    }
}
