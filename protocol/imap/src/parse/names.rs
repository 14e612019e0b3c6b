//! Names, flags and sets of numbers.

use std::borrow::Cow;

use super::{Cursor, Refusal};
use crate::flag::is_atom_char;
use crate::{
    Flag, HIERARCHY_SEPARATOR, InvalidMailboxName, Keyword, MailboxName, MessageSet, ResponseCode,
    SequenceNumber, SequenceRange, SequenceSet,
};

impl Cursor<'_> {
    /// `mailbox`, in the spelling that goes with what the client has enabled.
    pub(crate) fn mailbox(&mut self) -> Result<MailboxName, Refusal> {
        let bytes = self.astring("a mailbox name")?;
        self.decode_name(&bytes).and_then(|name| MailboxName::new(&name)).map_err(Refusal::from)
    }

    /// A name to be made: RFC 9051 section 6.3.4 lets it end in a separator, which is no part of it.
    pub(crate) fn new_mailbox(&mut self) -> Result<MailboxName, Refusal> {
        let bytes = self.astring("a mailbox name")?;
        let name = self.decode_name(&bytes)?;
        Ok(MailboxName::new(name.strip_suffix(HIERARCHY_SEPARATOR).unwrap_or(&name))?)
    }

    /// The reference of LIST: text that stands before a pattern, and need not be a name.
    pub(crate) fn reference(&mut self) -> Result<String, Refusal> {
        let bytes = self.astring("a reference name")?;
        Ok(self.decode_name(&bytes)?)
    }

    /// `list-mailbox`: a name in which `*` and `%` may stand, even outside quotes.
    pub(crate) fn list_mailbox(&mut self) -> Result<String, Refusal> {
        let bytes = if matches!(self.peek(), Some(b'"' | b'{')) {
            self.string("a pattern")?
        } else {
            Cow::Borrowed(self.take_while(|byte| is_atom_char(byte) || matches!(byte, b'%' | b'*' | b']')))
        };
        if bytes.is_empty() && !self.bytes_before_are_a_string() {
            return Err(self.expected("a pattern"));
        }
        if bytes.len() > PATTERN_LEN_MAX {
            return Err(Refusal::no(
                ResponseCode::Limit,
                format!("a pattern has at most {PATTERN_LEN_MAX} bytes"),
            ));
        }
        Ok(self.decode_name(&bytes)?)
    }

    /// `flag`. `None` for `\Recent`, which no client can set; clients that copy mail send it nevertheless.
    pub(crate) fn flag(&mut self) -> Result<Option<Flag>, Refusal> {
        if !self.eat(b'\\') {
            let atom = self.atom("a flag")?;
            return Keyword::try_from(atom)
                .map(|keyword| Some(Flag::Keyword(keyword)))
                .map_err(|error| Refusal::bad(error.to_string()));
        }
        let name = self.atom("a flag")?;
        let system = Flag::SYSTEM
            .into_iter()
            .find(|flag| flag.as_str().get(1..).is_some_and(|s| s.eq_ignore_ascii_case(name)));
        match system {
            None if !name.eq_ignore_ascii_case("Recent") => {
                Err(Refusal::bad(format!("no flag is called \\{name}")))
            }
            flag => Ok(flag),
        }
    }

    /// `flag-list`, each flag once.
    pub(crate) fn flag_list(&mut self) -> Result<Vec<Flag>, Refusal> {
        let flags = self.list("flags", FLAGS_MAX, Self::flag)?;
        Ok(once_each(flags.into_iter().flatten()))
    }

    /// The flags of STORE: a `flag-list`, or flags without parentheses.
    pub(crate) fn store_flags(&mut self) -> Result<Vec<Flag>, Refusal> {
        if self.peek() == Some(b'(') {
            return self.flag_list();
        }
        let mut flags = vec![self.flag()?];
        while self.eat(b' ') {
            if flags.len() == FLAGS_MAX {
                return Err(Refusal::too_many("flags", FLAGS_MAX));
            }
            flags.push(self.flag()?);
        }
        Ok(once_each(flags.into_iter().flatten()))
    }

    /// `sequence-set` with the `$` of RFC 5182.
    pub(crate) fn message_set(&mut self) -> Result<MessageSet, Refusal> {
        if self.eat(b'$') {
            return Ok(MessageSet::Saved);
        }
        self.sequence_set().map(MessageSet::Set)
    }

    /// `sequence-set` of numbers and `*`.
    pub(crate) fn sequence_set(&mut self) -> Result<SequenceSet, Refusal> {
        let mut ranges = Vec::new();
        loop {
            let start = self.sequence_number()?;
            let end = if self.eat(b':') { self.sequence_number()? } else { start };
            ranges.push(SequenceRange { start, end });
            if !self.eat(b',') {
                break;
            }
        }
        SequenceSet::new(ranges).ok_or_else(|| self.expected("a set of numbers"))
    }

    /// A `sequence-set` without `*`.
    pub(crate) fn known_set(&mut self) -> Result<SequenceSet, Refusal> {
        let set = self.sequence_set()?;
        if set.has_largest() { Err(Refusal::bad("a set that the client knows has no *")) } else { Ok(set) }
    }

    fn sequence_number(&mut self) -> Result<SequenceNumber, Refusal> {
        if self.eat(b'*') {
            Ok(SequenceNumber::Largest)
        } else {
            self.nz_number().map(SequenceNumber::Number)
        }
    }

    fn decode_name(&self, bytes: &[u8]) -> Result<String, InvalidMailboxName> {
        if self.enabled().utf8() {
            let name = std::str::from_utf8(bytes).map_err(|_| InvalidMailboxName::Encoding("UTF-8"))?;
            return Ok(name.to_owned());
        }
        crate::utf7::decode(bytes).ok_or(InvalidMailboxName::Encoding("modified UTF-7"))
    }

    /// Was the last thing read a quoted string or a literal? Then it may be empty.
    fn bytes_before_are_a_string(&self) -> bool {
        self.before().is_some_and(|byte| matches!(byte, b'"' | b'\n'))
    }
}

/// Each value once, at its first place. For lists with a bound.
pub(crate) fn once_each<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

impl From<InvalidMailboxName> for Refusal {
    fn from(error: InvalidMailboxName) -> Self {
        Self::no(ResponseCode::Cannot, error.to_string())
    }
}

/// The most flags in one command.
const FLAGS_MAX: usize = 128;
/// The longest pattern of LIST, in bytes; matching takes the product of its length and the name's.
const PATTERN_LEN_MAX: usize = 2 * MailboxName::LEN_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Enabled, Extension};

    fn cursor(wire: &str) -> Cursor<'_> {
        Cursor::new(wire.as_bytes(), Enabled::NONE)
    }

    #[test]
    fn a_name_is_read_as_the_client_has_enabled() {
        let name = |wire: &str, enabled| {
            Cursor::new(wire.as_bytes(), enabled).mailbox().ok().map(|name| name.to_string())
        };
        let utf8 = Enabled::NONE.with(Extension::Imap4rev2);
        assert_eq!(name("&AOk-", Enabled::NONE).as_deref(), Some("é"));
        assert_eq!(name("&AOk-", utf8).as_deref(), Some("&AOk-"));
        assert_eq!(name("\"é\"", utf8).as_deref(), Some("é"));
        assert_eq!(name("\"é\"", Enabled::NONE), None);
        assert_eq!(name("{2}\r\né", utf8).as_deref(), Some("é"));
    }

    #[test]
    fn a_bad_name_is_no_and_not_bad() {
        let refusal = cursor("a//b").mailbox().unwrap_err();
        assert_eq!(refusal.reply.code, Some(ResponseCode::Cannot));
        assert_eq!(cursor("a/b/").new_mailbox().unwrap().as_str(), "a/b");
    }

    #[test]
    fn recent_is_dropped_and_unknown_system_flags_are_refused() {
        let flags = cursor("(\\Seen \\RECENT $x \\seen $X)").flag_list().unwrap();
        assert_eq!(flags, [Flag::Seen, Flag::Keyword(Keyword::try_from("$x").unwrap())]);
        assert!(cursor("\\Foo").flag().is_err());
        assert!(cursor("\\*").flag().is_err());
    }

    #[test]
    fn sets() {
        for good in ["1", "*", "1:*", "*:1", "1,2,3:4,9:7", "4294967295"] {
            assert!(cursor(good).sequence_set().is_ok(), "{good}");
        }
        for bad in ["", "0", "1:", ":1", ",", "a", "4294967296", "$", "-1"] {
            assert!(cursor(bad).sequence_set().is_err(), "{bad}");
        }
        assert!(cursor("1:*").known_set().is_err());
    }
}
