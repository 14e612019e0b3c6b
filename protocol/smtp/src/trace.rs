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
    /// How it is known otherwise.
    pub known: Known<'a>,
}

/// What is known of a host, whatever it calls itself.
#[derive(Clone, Debug)]
pub enum Known<'a> {
    /// Where it is.
    Address {
        /// The address.
        ip: IpAddr,
        /// The name of the address, if it was looked up and leads back to it.
        name: Option<&'a Domain>,
    },
    /// Who it is: a node that has proven its key. There is no TCP connection to tell of, and RFC 5321 section 4.4 has no registered
    /// `via` or `with` for this, so it is told in a comment.
    Hoster {
        /// What its listing has proven, in A-labels.
        domain: &'a Domain,
        /// The id of the listing, or its beginning.
        listing: &'a str,
        /// The id of the node, or its end.
        node: &'a str,
    },
}

impl fmt::Display for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let utf8 = self.protocol.dialect == Dialect::Utf8Smtp;
        f.write_str("Received: ")?;
        match &self.from {
            Some(Peer { hello, known: Known::Address { ip, name } }) => {
                let name = name.map(|name| format!("{} ", clean(name.as_str(), utf8))).unwrap_or_default();
                write!(f, "from {} ({name}[{}])\r\n\t", clean(hello, utf8), ip.to_canonical())?;
            }
            Some(Peer { hello, known: Known::Hoster { domain, listing, node } }) => {
                let (domain, listing, node) =
                    (clean(domain.as_str(), false), clean(listing, false), clean(node, false));
                write!(f, "from {}\r\n\t(federation channel of {domain}; ", clean(hello, utf8))?;
                write!(f, "listing {listing}, node {node})\r\n\t")?;
            }
            None => {}
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
        let known = Known::Address { ip: "::ffff:192.0.2.1".parse().unwrap(), name: Some(&name) };
        let peer = Peer { hello: "peer.test", known };
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
    fn rfc5321_4_4_what_came_over_the_federations_channel_says_so_in_a_comment() {
        let (by, domain, id) =
            ("mx.coop.test".parse().unwrap(), "xn--bcher-kva.test".parse().unwrap(), QueueId::new("q1"));
        let known = Known::Hoster { domain: &domain, listing: "k4tq", node: "Xu9z) (" };
        let peer = Peer { hello: "mx.peer.test", known };
        let field = Received { tls: Some("QUIC TLSv1.3"), ..received(Some(peer), &by, &id) };
        assert_eq!(
            field.to_string(),
            "Received: from mx.peer.test\r\n\
             \t(federation channel of xn--bcher-kva.test; listing k4tq, node Xu9z? ?)\r\n\
             \tby mx.coop.test (Essaim) with ESMTPS\r\n\
             \t(QUIC TLSv1.3)\r\n\
             \tid q1;\r\n\
             \tTue, 1 Sep 2026 09:05:09 +0000\r\n"
        );
    }

    #[test]
    fn a_greeting_cannot_break_out_of_its_place() {
        let (by, id) = ("mx.coop.test".parse().unwrap(), QueueId::new("q1"));
        let known = Known::Address { ip: "2001:db8::1".parse().unwrap(), name: None };
        let peer = Peer { hello: "x\r\nSubject: y) (é", known };
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
