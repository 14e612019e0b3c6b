//! LIST, LSUB and NAMESPACE responses: RFC 9051 section 7.3.1, RFC 5258, RFC 2342.

use bytes::{BufMut, BytesMut};

use super::{Encoder, text};
use crate::command::SpecialUse;
use crate::{Enabled, HIERARCHY_SEPARATOR, MailboxName};

/// One line of LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListEntry<'a> {
    /// What it is like.
    pub attributes: &'a [ListAttribute],
    /// Its name.
    pub mailbox: &'a MailboxName,
    /// RFC 9051 section 6.3.9.7: the name it was asked for or had before a rename.
    pub old_name: Option<&'a MailboxName>,
    /// RFC 5258 section 3.5: RECURSIVEMATCH lists it because something below is subscribed.
    pub child_info: ChildInfo,
}

/// RFC 5258 section 4, CHILDINFO.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChildInfo {
    /// Nothing to say.
    #[default]
    Omit,
    /// `("CHILDINFO" ("SUBSCRIBED"))`
    Subscribed,
}

/// RFC 9051 section 7.3.1: what a mailbox is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListAttribute {
    /// `\NonExistent`: only a name.
    NonExistent,
    /// `\Noinferiors`: nothing can be made below it.
    NoInferiors,
    /// `\Noselect`: cannot be selected.
    NoSelect,
    /// `\HasChildren`
    HasChildren,
    /// `\HasNoChildren`
    HasNoChildren,
    /// `\Marked`: worth a look.
    Marked,
    /// `\Unmarked`: nothing new.
    Unmarked,
    /// `\Subscribed`
    Subscribed,
    /// `\Remote`: on another server.
    Remote,
    /// RFC 6154: what it is for.
    Use(SpecialUse),
}

impl ListAttribute {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NonExistent => "\\NonExistent",
            Self::NoInferiors => "\\Noinferiors",
            Self::NoSelect => "\\Noselect",
            Self::HasChildren => "\\HasChildren",
            Self::HasNoChildren => "\\HasNoChildren",
            Self::Marked => "\\Marked",
            Self::Unmarked => "\\Unmarked",
            Self::Subscribed => "\\Subscribed",
            Self::Remote => "\\Remote",
            Self::Use(special) => special.as_str(),
        }
    }
}

/// One namespace: a prefix with the separator at its end, or `""`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NamespaceEntry<'a> {
    /// In UTF-8.
    pub prefix: &'a str,
}

impl Encoder<'_> {
    /// `* LIST (\HasNoChildren) "/" INBOX`
    pub fn list(&mut self, entry: &ListEntry<'_>) {
        self.out.put_slice(b"* LIST ");
        self.list_line(entry.attributes, entry.mailbox.as_str());
        if entry.child_info == ChildInfo::Subscribed {
            self.out.put_slice(b" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
        } else if let Some(old_name) = entry.old_name {
            self.out.put_slice(b" (\"OLDNAME\" (");
            text::mailbox(self.out, old_name, self.enabled);
            self.out.put_slice(b"))");
        }
        self.out.put_slice(b"\r\n");
    }

    /// `* LSUB () "/" INBOX`, RFC 3501.
    pub fn lsub(&mut self, attributes: &[ListAttribute], mailbox: &MailboxName) {
        self.out.put_slice(b"* LSUB ");
        self.list_line(attributes, mailbox.as_str());
        self.out.put_slice(b"\r\n");
    }

    /// `* LIST (\Noselect) "/" ""`: the answer to `LIST "" ""`.
    pub fn list_separator(&mut self) {
        self.out.put_slice(b"* LIST ");
        self.list_line(&[ListAttribute::NoSelect], "");
        self.out.put_slice(b"\r\n");
    }

    /// `* NAMESPACE (("" "/")) NIL NIL`: the member's own, other members', shared ones.
    pub fn namespace(
        &mut self,
        own: &[NamespaceEntry<'_>],
        others: &[NamespaceEntry<'_>],
        shared: &[NamespaceEntry<'_>],
    ) {
        self.out.put_slice(b"* NAMESPACE");
        for class in [own, others, shared] {
            self.out.put_u8(b' ');
            write_class(self.out, class, self.enabled);
        }
        self.out.put_slice(b"\r\n");
    }

    fn list_line(&mut self, attributes: &[ListAttribute], name: &str) {
        self.out.put_u8(b'(');
        for (at, attribute) in attributes.iter().enumerate() {
            if at > 0 {
                self.out.put_u8(b' ');
            }
            self.out.put_slice(attribute.as_str().as_bytes());
        }
        self.out.put_slice(b") ");
        write_separator(self.out);
        self.out.put_u8(b' ');
        text::name_text(self.out, name, self.enabled);
    }
}

fn write_class(out: &mut BytesMut, class: &[NamespaceEntry<'_>], enabled: Enabled) {
    if class.is_empty() {
        return out.put_slice(b"NIL");
    }
    out.put_u8(b'(');
    for entry in class {
        out.put_u8(b'(');
        text::name_string(out, entry.prefix, enabled);
        out.put_u8(b' ');
        write_separator(out);
        out.put_u8(b')');
    }
    out.put_u8(b')');
}

fn write_separator(out: &mut BytesMut) {
    out.put_u8(b'"');
    out.put_slice(HIERARCHY_SEPARATOR.encode_utf8(&mut [0; 4]).as_bytes());
    out.put_u8(b'"');
}
