//! ENVELOPE: RFC 9051 section 7.5.2.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::text;
use crate::Enabled;

/// The parsed header of a message. Texts are as in the message, unfolded, encoded words left as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The text of Date.
    pub date: Option<Cow<'a, [u8]>>,
    /// The text of Subject.
    pub subject: Option<Cow<'a, [u8]>>,
    /// From.
    pub from: Vec<EnvelopeAddress<'a>>,
    /// Sender; if there is none, `from` is told.
    pub sender: Vec<EnvelopeAddress<'a>>,
    /// Reply-To; if there is none, `from` is told.
    pub reply_to: Vec<EnvelopeAddress<'a>>,
    /// To.
    pub to: Vec<EnvelopeAddress<'a>>,
    /// Cc.
    pub cc: Vec<EnvelopeAddress<'a>>,
    /// Bcc.
    pub bcc: Vec<EnvelopeAddress<'a>>,
    /// The text of In-Reply-To.
    pub in_reply_to: Option<Cow<'a, [u8]>>,
    /// The text of Message-ID, with its angle brackets.
    pub message_id: Option<Cow<'a, [u8]>>,
}

/// One entry of an address list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnvelopeAddress<'a> {
    /// A mailbox.
    Mailbox {
        /// The name shown, if any.
        name: Option<Cow<'a, [u8]>>,
        /// What stands before the `@`.
        local: Cow<'a, [u8]>,
        /// What stands after it; empty if there is none.
        host: Cow<'a, [u8]>,
    },
    /// `name:` begins a group of RFC 5322.
    GroupStart(Cow<'a, [u8]>),
    /// `;` ends it.
    GroupEnd,
}

impl Envelope<'_> {
    /// `("date" "subject" ((..)) ..)`, in a form that every client can read, whatever it has enabled: 8-bit text becomes
    /// literals. To be kept and passed to [`FetchWriter::envelope`](super::FetchWriter::envelope).
    pub fn render(&self, out: &mut BytesMut) {
        let or_from = |list| if <[_]>::is_empty(list) { &self.from } else { list };
        out.put_u8(b'(');
        write_nstring(out, self.date.as_deref());
        out.put_u8(b' ');
        write_nstring(out, self.subject.as_deref());
        let lists =
            [&self.from, or_from(&self.sender), or_from(&self.reply_to), &self.to, &self.cc, &self.bcc];
        for list in lists {
            out.put_u8(b' ');
            write_addresses(out, list);
        }
        out.put_u8(b' ');
        write_nstring(out, self.in_reply_to.as_deref());
        out.put_u8(b' ');
        write_nstring(out, self.message_id.as_deref());
        out.put_u8(b')');
    }
}

fn write_addresses(out: &mut BytesMut, addresses: &[EnvelopeAddress<'_>]) {
    if addresses.is_empty() {
        return out.put_slice(b"NIL");
    }
    out.put_u8(b'(');
    for address in addresses {
        match address {
            EnvelopeAddress::Mailbox { name, local, host } => {
                out.put_u8(b'(');
                write_nstring(out, name.as_deref());
                // The source route (RFC 822) is not told: no one has used it for decades.
                out.put_slice(b" NIL ");
                text::string(out, local, Enabled::NONE);
                out.put_u8(b' ');
                text::string(out, host, Enabled::NONE);
                out.put_u8(b')');
            }
            EnvelopeAddress::GroupStart(name) => {
                out.put_slice(b"(NIL NIL ");
                text::string(out, name, Enabled::NONE);
                out.put_slice(b" NIL)");
            }
            EnvelopeAddress::GroupEnd => out.put_slice(b"(NIL NIL NIL NIL)"),
        }
    }
    out.put_u8(b')');
}

fn write_nstring(out: &mut BytesMut, value: Option<&[u8]>) {
    text::nstring(out, value, Enabled::NONE);
}
