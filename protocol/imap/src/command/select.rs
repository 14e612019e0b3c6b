//! SELECT and EXAMINE: RFC 9051 sections 6.3.2 and 6.3.3, with the parameters of RFC 7162.

use essaim_types::{ModSeq, UidValidity};

use crate::parse::{Cursor, Refusal};
use crate::{Extension, MailboxName, SequenceSet};

/// SELECT or EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The mailbox to open.
    pub mailbox: MailboxName,
    /// SELECT asks for `ReadWrite`, EXAMINE for `ReadOnly`.
    pub access: Access,
    /// What the client knows from last time.
    pub resync: Resync,
}

/// May the messages of the selected mailbox be changed?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Flags and messages can be changed.
    ReadWrite,
    /// Nothing changes, not even `\Seen`.
    ReadOnly,
}

/// The parameter after the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resync {
    /// None.
    Full,
    /// `(CONDSTORE)`: from now on MODSEQ in every FETCH response.
    Condstore,
    /// `(QRESYNC (..))`: tell only what changed.
    Qresync(Qresync),
}

/// RFC 7162 section 3.2.5: what the client's copy of the mailbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Qresync {
    /// The UIDVALIDITY of the copy. If it is not the mailbox's, the rest means nothing.
    pub uid_validity: UidValidity,
    /// The copy has every change up to this one.
    pub mod_seq: ModSeq,
    /// The UIDs in the copy; `None` for all.
    pub known_uids: Option<SequenceSet>,
    /// Some sequence numbers and the UIDs they had, ascending and equally many, without `*`: a help for servers that do not
    /// remember what was expunged.
    pub sample: Option<(SequenceSet, SequenceSet)>,
}

impl Select {
    pub(crate) fn read(access: Access, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let mailbox = cursor.mailbox()?;
        let mut resync = Resync::Full;
        if cursor.eat(b' ') {
            for parameter in cursor.list1("parameters", PARAMETERS_MAX, Resync::read)? {
                // QRESYNC says all that CONDSTORE says.
                if !matches!(resync, Resync::Qresync(_)) {
                    resync = parameter;
                }
            }
        }
        Ok(Self { mailbox, access, resync })
    }
}

impl Resync {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        if cursor.eat_word("CONDSTORE") {
            return Ok(Self::Condstore);
        }
        if !cursor.eat_word("QRESYNC") {
            return Err(cursor.expected("CONDSTORE or QRESYNC"));
        }
        // RFC 7162 section 3.2.5: "BAD" without ENABLE before.
        if !cursor.enabled().contains(Extension::Qresync) {
            return Err(Refusal::bad("QRESYNC is used after ENABLE QRESYNC"));
        }
        cursor.space()?;
        Qresync::read(cursor).map(Self::Qresync)
    }
}

impl Qresync {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.expect(b'(')?;
        let uid_validity = UidValidity(cursor.nz_number()?);
        cursor.space()?;
        let mod_seq = cursor.mod_seq()?;
        let (mut known_uids, mut sample) = (None, None);
        if cursor.eat(b' ') {
            if cursor.peek() != Some(b'(') {
                known_uids = Some(cursor.known_set()?);
                if cursor.eat(b' ') {
                    sample = Some(read_sample(cursor)?);
                }
            } else {
                sample = Some(read_sample(cursor)?);
            }
        }
        cursor.expect(b')')?;
        Ok(Self { uid_validity, mod_seq, known_uids, sample })
    }
}

fn read_sample(cursor: &mut Cursor<'_>) -> Result<(SequenceSet, SequenceSet), Refusal> {
    cursor.expect(b'(')?;
    let sequence = cursor.known_set()?;
    cursor.space()?;
    let uids = cursor.known_set()?;
    cursor.expect(b')')?;
    Ok((sequence, uids))
}

const PARAMETERS_MAX: usize = 4;
