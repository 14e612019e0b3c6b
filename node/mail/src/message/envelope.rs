//! From the fields of a header to ENVELOPE (RFC 9051 section 7.5.2).

use std::borrow::Cow;

use encoding_rs::Encoding;
use essaim_imap::response::{Envelope, EnvelopeAddress};

use super::gather::{Gathered, Known};
use super::plain::{Budget, ascii_words};
use super::value::{self, Group, Mailbox};

type Text = Cow<'static, [u8]>;

/// The envelope of a message; `fallback` is what text without a declared charset is taken for. What the budget has no room
/// for is left out.
pub(super) fn envelope(
    fields: &Gathered,
    fallback: &'static Encoding,
    budget: &mut Budget,
) -> Envelope<'static> {
    let line = |field, budget: &mut Budget| {
        let text = ascii_words(value::text(fields.value(field)?, fallback));
        budget.text(text).map(owned)
    };
    let list = |field, budget: &mut Budget| {
        fields
            .value(field)
            .map(|value| addresses(value::addresses(value, fallback), budget))
            .unwrap_or_default()
    };
    Envelope {
        message_id: line(Known::MessageId, budget),
        in_reply_to: line(Known::InReplyTo, budget),
        date: line(Known::Date, budget),
        subject: line(Known::Subject, budget),
        // It stands in for Sender and Reply-To where these are not.
        from: budget.thrice(|budget| list(Known::From, budget)),
        sender: list(Known::Sender, budget),
        reply_to: list(Known::ReplyTo, budget),
        to: list(Known::To, budget),
        cc: list(Known::Cc, budget),
        bcc: list(Known::Bcc, budget),
    }
}

fn addresses(groups: Vec<Group>, budget: &mut Budget) -> Vec<EnvelopeAddress<'static>> {
    let mut list = Vec::new();
    for Group { name, mailboxes } in groups {
        let group = name.is_some();
        if let Some(name) = name {
            // With the room for the end of the group.
            let Some(name) = budget.text(ascii_words(name)).filter(|_| budget.take(2 * LIST_ENTRY)) else {
                break;
            };
            list.push(EnvelopeAddress::GroupStart(owned(name)));
        }
        list.extend(mailboxes.into_iter().map_while(|mailbox| address(mailbox, budget)));
        if group {
            list.push(EnvelopeAddress::GroupEnd);
        }
    }
    list
}

fn address(mailbox: Mailbox, budget: &mut Budget) -> Option<EnvelopeAddress<'static>> {
    // A name without an address is an address without a host: to clients, no address at all is the end of a group.
    let (name, address) = match mailbox {
        Mailbox { name, address: Some(address) } => (name, address),
        Mailbox { name, address: None } => (None, name?),
    };
    let (name, local, host) = split(name, &address);
    let name = match name {
        Some(name) => Some(owned(budget.text(ascii_words(name))?)),
        None => None,
    };
    budget.take(LIST_ENTRY).then_some(())?;
    Some(EnvelopeAddress::Mailbox {
        name,
        local: owned(budget.text(local)?),
        host: owned(budget.text(host)?),
    })
}

/// Takes an address apart, without its source route (RFC 5322 section 4.4) and without quotes.
fn split(name: Option<String>, address: &str) -> (Option<String>, String, String) {
    let routed = address.strip_prefix('@').and_then(|route| route.split_once(':'));
    let address = routed.map_or(address, |(_, address)| address);
    match address.rsplit_once('@') {
        // `"a b"@c` outside of angle brackets: mail-parser takes what is quoted for the name.
        Some(("", host)) if name.is_some() => (None, name.unwrap_or_default(), host.to_owned()),
        Some((local, host)) => (name, unquoted(local), host.to_owned()),
        None => (name, unquoted(address), String::new()),
    }
}

/// Escapes in the quotes were undone when the address was parsed.
fn unquoted(local: &str) -> String {
    let quoted = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    quoted.unwrap_or(local).to_owned()
}

fn owned(text: String) -> Text {
    Cow::Owned(text.into_bytes())
}

/// `(NIL NIL .. NIL)`
const LIST_ENTRY: usize = 17;

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use encoding_rs::WINDOWS_1252;

    use super::*;

    fn rendered(header: &str) -> String {
        let mut gathered = Gathered::default();
        for line in header.lines() {
            gathered.begin(line.as_bytes());
        }
        let mut out = BytesMut::new();
        envelope(&gathered, WINDOWS_1252, &mut Budget::new(10_000)).render(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn every_field_has_its_place() {
        let header = "Message-ID: <m@x>\nIn-Reply-To: <r@x>\nDate: Sat, 1 Feb 2007 01:02:03 +0200\nSubject: \"s\"\n\
             From: F <f@x>\nTo: t@x\nCc: c@x\nBcc: b@x\nSender: S <s@x>\nReply-To: R <r@x>\nTo: u@x\n";
        assert_eq!(
            rendered(header),
            r#"("Sat, 1 Feb 2007 01:02:03 +0200" "\"s\"" (("F" NIL "f" "x")) (("S" NIL "s" "x")) (("R" NIL "r" "x")) "#
                .to_owned()
                + r#"((NIL NIL "t" "x")(NIL NIL "u" "x")) ((NIL NIL "c" "x")) ((NIL NIL "b" "x")) "<r@x>" "<m@x>")"#
        );
        assert_eq!(rendered(""), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }

    #[test]
    fn difficult_addresses() {
        for (from, told) in [
            ("<@r,@s:a@b>", r#"(NIL NIL "a" "b")"#),
            ("<\"a b\"@c>", r#"(NIL NIL "a b" "c")"#),
            ("\"a b\"@c", r#"(NIL NIL "a b" "c")"#),
            ("root", r#"(NIL NIL "root" "")"#),
            ("Ann Other", r#"(NIL NIL "Ann Other" "")"#),
            ("g: a@b;", r#"(NIL NIL "g" NIL)(NIL NIL "a" "b")(NIL NIL NIL NIL)"#),
            ("u:;", r#"(NIL NIL "u" NIL)(NIL NIL NIL NIL)"#),
            ("caf\u{e9} <a@b>", r#"("=?utf-8?q?caf=C3=A9?=" NIL "a" "b")"#),
            ("=?utf-8?q?caf=C3=A9?= <a@b>", r#"("=?utf-8?q?caf=C3=A9?=" NIL "a" "b")"#),
        ] {
            let told = format!("(NIL NIL ({told}) ({told}) ({told}) NIL NIL NIL NIL NIL)");
            assert_eq!(rendered(&format!("From: {from}")), told);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_as_a_whole() {
        let mut gathered = Gathered::default();
        gathered.begin(b"Subject: s");
        gathered.begin(format!("To: g: {};", "aa@bb, ".repeat(1000)).as_bytes());
        let mut budget = Budget::new(300);
        let envelope = envelope(&gathered, WINDOWS_1252, &mut budget);
        assert!(budget.is_spent() && envelope.subject.is_some());
        assert!(matches!(
            envelope.to.as_slice(),
            [EnvelopeAddress::GroupStart(_), .., EnvelopeAddress::GroupEnd]
        ));
        let mut out = BytesMut::new();
        envelope.render(&mut out);
        assert!(out.len() < 400, "{}", out.len());
    }
}
