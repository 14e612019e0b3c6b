//! The encoder, and the responses that are one number or one line.

use bytes::{BufMut, BytesMut};
use essaim_types::Uid;

use super::{Condition, NumberSet, Reply, text};
use crate::{Enabled, Extension, Flag};

/// Writes untagged responses into a buffer, in the dialect that the client has enabled.
#[derive(Debug)]
pub struct Encoder<'a> {
    pub(super) out: &'a mut BytesMut,
    pub(super) enabled: Enabled,
}

impl<'a> Encoder<'a> {
    /// An encoder that appends to `out`.
    pub fn new(out: &'a mut BytesMut, enabled: Enabled) -> Self {
        Self { out, enabled }
    }

    /// The buffer, to be sent and emptied when it is full enough.
    pub fn buffer(&mut self) -> &mut BytesMut {
        self.out
    }

    /// What the client has enabled.
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// `* OK [..] ..` and its like: a remark that answers no command.
    pub fn remark(&mut self, condition: Condition, reply: &Reply) {
        self.out.put_slice(b"* ");
        reply.write(condition, self.out, self.enabled);
    }

    /// `* 23 EXISTS`
    pub fn exists(&mut self, messages: u32) {
        self.counted(messages, "EXISTS");
    }

    /// `* 0 RECENT`, which rev1 demands at SELECT; nothing if IMAP4rev2 is enabled.
    pub fn recent(&mut self, messages: u32) {
        if !self.enabled.contains(Extension::Imap4rev2) {
            self.counted(messages, "RECENT");
        }
    }

    /// `* 44 EXPUNGE`: the message with this sequence number is gone, and every later one has moved down by one. To a
    /// client that has enabled QRESYNC send [`vanished`](Self::vanished) instead.
    pub fn expunge(&mut self, sequence: u32) {
        self.counted(sequence, "EXPUNGE");
    }

    /// `* VANISHED 41,43:116`, RFC 7162 section 3.2.10: gone just now, the sequence numbers have moved. Nothing for no UID.
    pub fn vanished(&mut self, uids: impl IntoIterator<Item = Uid>) {
        self.set_line("* VANISHED ", &uids.into_iter().collect());
    }

    /// `* VANISHED (EARLIER) 41,43:116`: were gone before; the sequence numbers stay. Nothing for no UID.
    pub fn vanished_earlier(&mut self, uids: impl IntoIterator<Item = Uid>) {
        self.set_line("* VANISHED (EARLIER) ", &uids.into_iter().collect());
    }

    /// `* FLAGS (..)`: the flags that can occur in the mailbox.
    pub fn flags<'f>(&mut self, flags: impl IntoIterator<Item = &'f Flag>) {
        self.out.put_slice(b"* FLAGS ");
        write_flags(self.out, flags);
        self.out.put_slice(b"\r\n");
    }

    /// `* CAPABILITY ..`
    pub fn capability(&mut self, capabilities: &str) {
        self.out.put_slice(b"* CAPABILITY ");
        self.out.put_slice(capabilities.as_bytes());
        self.out.put_slice(b"\r\n");
    }

    /// `* ENABLED ..`: what was switched on just now, maybe nothing.
    pub fn enabled_now(&mut self, extensions: &[Extension]) {
        self.out.put_slice(b"* ENABLED");
        for extension in extensions {
            self.out.put_u8(b' ');
            self.out.put_slice(extension.name().as_bytes());
        }
        self.out.put_slice(b"\r\n");
    }

    /// `* ID (..)`, or `* ID NIL` for nothing to say.
    pub fn id(&mut self, fields: &[(&str, &str)]) {
        self.out.put_slice(b"* ID ");
        if fields.is_empty() {
            self.out.put_slice(b"NIL");
        }
        for (at, (field, value)) in fields.iter().enumerate() {
            self.out.put_u8(if at == 0 { b'(' } else { b' ' });
            text::string(self.out, field.as_bytes(), self.enabled);
            self.out.put_u8(b' ');
            text::string(self.out, value.as_bytes(), self.enabled);
        }
        self.out.put_slice(if fields.is_empty() { b"\r\n" } else { b")\r\n" });
    }

    fn counted(&mut self, value: u32, word: &str) {
        self.out.put_slice(b"* ");
        text::number(self.out, u64::from(value));
        self.out.put_u8(b' ');
        self.out.put_slice(word.as_bytes());
        self.out.put_slice(b"\r\n");
    }

    fn set_line(&mut self, head: &str, set: &NumberSet) {
        if set.is_empty() {
            return;
        }
        self.out.put_slice(head.as_bytes());
        set.write(self.out);
        self.out.put_slice(b"\r\n");
    }
}

/// `(\Seen $Forwarded)`
pub(super) fn write_flags<'f>(out: &mut BytesMut, flags: impl IntoIterator<Item = &'f Flag>) {
    out.put_u8(b'(');
    for (at, flag) in flags.into_iter().enumerate() {
        if at > 0 {
            out.put_u8(b' ');
        }
        out.put_slice(flag.as_str().as_bytes());
    }
    out.put_u8(b')');
}
