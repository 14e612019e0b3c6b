//! Status responses and their codes: RFC 9051 section 7.1.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};
use essaim_types::{ModSeq, UidValidity};

use super::{NumberSet, text};
use crate::{Enabled, Flag, ObjectId};

/// The first word of a status response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It was done; or, untagged, a remark.
    Ok,
    /// It could not be done.
    No,
    /// It made no sense.
    Bad,
    /// The connection is about to close.
    Bye,
}

/// What follows the condition: a code for programs and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For programs.
    pub code: Option<ResponseCode>,
    /// For people: one line, without control characters (they are replaced).
    pub text: Cow<'static, str>,
}

/// RFC 9051 section 7.1, with RFC 7162 and 8474: what exactly went well or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// The text must be shown to the person.
    Alert,
    /// CREATE or RENAME: the name is taken.
    AlreadyExists,
    /// RFC 4315: the UIDs that APPEND gave.
    AppendUid(UidValidity, NumberSet),
    /// Wrong name or password.
    AuthenticationFailed,
    /// The password is right, but not for acting as this user.
    AuthorizationFailed,
    /// SEARCH: these charsets are known.
    BadCharset(&'static [&'static str]),
    /// It can never be done.
    Cannot,
    /// The capabilities, separated by spaces.
    Capability(Cow<'static, str>),
    /// The client seems to be wrong.
    ClientBug,
    /// RFC 7162: the mailbox selected before is closed; what follows is about the new one.
    Closed,
    /// A person must ask the hoster.
    ContactAdmin,
    /// RFC 4315: UIDVALIDITY of the target, UIDs in the source, UIDs in the target, in the same order.
    CopyUid(UidValidity, NumberSet, NumberSet),
    /// The store found damage.
    Corruption,
    /// The password has run out.
    Expired,
    /// Some of the messages were expunged by somebody else.
    ExpungeIssued,
    /// DELETE: there are mailboxes below.
    HasChildren,
    /// RFC 7162: the last change of the mailbox.
    HighestModSeq(ModSeq),
    /// Somebody else is using it.
    InUse,
    /// A limit of this server.
    Limit,
    /// RFC 8474: the id of the mailbox.
    MailboxId(ObjectId),
    /// RFC 7162: STORE UNCHANGEDSINCE left these alone. Numbers of the kind the command used.
    Modified(NumberSet),
    /// RFC 7162: the mailbox keeps no mod-sequences.
    NoModSeq,
    /// There is no such mailbox.
    NonExistent,
    /// Not allowed to this user.
    NoPerm,
    /// RFC 5182: the SEARCH result was not saved.
    NotSaved,
    /// It would go over the quota.
    OverQuota,
    /// The message cannot be read as one.
    Parse,
    /// Which flags last.
    PermanentFlags(Vec<PermanentFlag>),
    /// Not without encryption.
    PrivacyRequired,
    /// The mailbox cannot be changed.
    ReadOnly,
    /// The mailbox can be changed.
    ReadWrite,
    /// The server is wrong.
    ServerBug,
    /// RFC 7889: larger than any message may be.
    TooBig,
    /// There is no such mailbox, but it could be made.
    TryCreate,
    /// The next UID.
    UidNext(u32),
    /// UIDs do not last.
    UidNotSticky,
    /// The UIDVALIDITY.
    UidValidity(UidValidity),
    /// Not now.
    Unavailable,
    /// RFC 3516: the transfer encoding is not known, so BINARY cannot undo it.
    UnknownCte,
    /// RFC 3501: the sequence number of the first message without `\Seen`.
    Unseen(u32),
    /// RFC 6154: CREATE with a USE that cannot be.
    UseAttr,
}

/// What PERMANENTFLAGS lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermanentFlag {
    /// This flag lasts.
    Flag(Flag),
    /// `\*`: new keywords can be made.
    NewKeywords,
}

impl Reply {
    /// Without a code.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: None, text: text.into() }
    }

    /// With a code.
    pub fn coded(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Self {
        Self { code: Some(code), text: text.into() }
    }

    /// `OK [CODE] text` and the line end; the tag or `*` stands before it.
    pub(crate) fn write(&self, condition: Condition, out: &mut BytesMut, enabled: Enabled) {
        out.put_slice(condition.as_str().as_bytes());
        out.put_u8(b' ');
        if let Some(code) = &self.code {
            out.put_u8(b'[');
            code.write(out);
            out.put_slice(b"] ");
        }
        text::human(out, &self.text, enabled);
        out.put_slice(b"\r\n");
    }
}

impl Condition {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
            Self::Bye => "BYE",
        }
    }
}

impl ResponseCode {
    fn name(&self) -> &'static str {
        match self {
            Self::Alert => "ALERT",
            Self::AlreadyExists => "ALREADYEXISTS",
            Self::AppendUid(..) => "APPENDUID",
            Self::AuthenticationFailed => "AUTHENTICATIONFAILED",
            Self::AuthorizationFailed => "AUTHORIZATIONFAILED",
            Self::BadCharset(_) => "BADCHARSET",
            Self::Cannot => "CANNOT",
            Self::Capability(_) => "CAPABILITY",
            Self::ClientBug => "CLIENTBUG",
            Self::Closed => "CLOSED",
            Self::ContactAdmin => "CONTACTADMIN",
            Self::CopyUid(..) => "COPYUID",
            Self::Corruption => "CORRUPTION",
            Self::Expired => "EXPIRED",
            Self::ExpungeIssued => "EXPUNGEISSUED",
            Self::HasChildren => "HASCHILDREN",
            Self::HighestModSeq(_) => "HIGHESTMODSEQ",
            Self::InUse => "INUSE",
            Self::Limit => "LIMIT",
            Self::MailboxId(_) => "MAILBOXID",
            Self::Modified(_) => "MODIFIED",
            Self::NoModSeq => "NOMODSEQ",
            Self::NonExistent => "NONEXISTENT",
            Self::NoPerm => "NOPERM",
            Self::NotSaved => "NOTSAVED",
            Self::OverQuota => "OVERQUOTA",
            Self::Parse => "PARSE",
            Self::PermanentFlags(_) => "PERMANENTFLAGS",
            Self::PrivacyRequired => "PRIVACYREQUIRED",
            Self::ReadOnly => "READ-ONLY",
            Self::ReadWrite => "READ-WRITE",
            Self::ServerBug => "SERVERBUG",
            Self::TooBig => "TOOBIG",
            Self::TryCreate => "TRYCREATE",
            Self::UidNext(_) => "UIDNEXT",
            Self::UidNotSticky => "UIDNOTSTICKY",
            Self::UidValidity(_) => "UIDVALIDITY",
            Self::Unavailable => "UNAVAILABLE",
            Self::UnknownCte => "UNKNOWN-CTE",
            Self::Unseen(_) => "UNSEEN",
            Self::UseAttr => "USEATTR",
        }
    }

    fn write(&self, out: &mut BytesMut) {
        out.put_slice(self.name().as_bytes());
        match self {
            Self::AppendUid(validity, uids) => {
                write_number(out, u64::from(validity.value()));
                out.put_u8(b' ');
                uids.write(out);
            }
            Self::CopyUid(validity, from, to) => {
                write_number(out, u64::from(validity.value()));
                out.put_u8(b' ');
                from.write(out);
                out.put_u8(b' ');
                to.write(out);
            }
            Self::Modified(numbers) => {
                out.put_u8(b' ');
                numbers.write(out);
            }
            Self::BadCharset(charsets) => write_list(out, charsets),
            Self::PermanentFlags(flags) => {
                let flags: Vec<&str> = flags.iter().map(PermanentFlag::as_str).collect();
                write_list(out, &flags);
            }
            Self::Capability(capabilities) => {
                out.put_u8(b' ');
                out.put_slice(capabilities.as_bytes());
            }
            Self::MailboxId(id) => write_list(out, &[id.as_str()]),
            Self::HighestModSeq(mod_seq) => write_number(out, mod_seq.0),
            Self::UidValidity(validity) => write_number(out, u64::from(validity.value())),
            Self::UidNext(value) | Self::Unseen(value) => write_number(out, u64::from(*value)),
            _ => {}
        }
    }
}

impl PermanentFlag {
    fn as_str(&self) -> &str {
        match self {
            Self::Flag(flag) => flag.as_str(),
            Self::NewKeywords => "\\*",
        }
    }
}

fn write_number(out: &mut BytesMut, value: u64) {
    out.put_u8(b' ');
    text::number(out, value);
}

fn write_list(out: &mut BytesMut, words: &[&str]) {
    out.put_slice(b" (");
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            out.put_u8(b' ');
        }
        out.put_slice(word.as_bytes());
    }
    out.put_u8(b')');
}
