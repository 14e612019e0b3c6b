//! Search keys that have no others inside.

use super::{DateField, DateTest, EntryType, Header, HeaderName, ModSeqTest, SearchKey};
use crate::parse::{Charset, Cursor, Refusal};
use crate::{Flag, Keyword, ObjectId};

impl SearchKey {
    /// One key that is neither NOT nor OR nor in parentheses. It is at most two levels deep.
    pub(super) fn read_leaf(charset: Charset, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        if cursor.peek().is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'$')) {
            return cursor.message_set().map(Self::Set);
        }
        let start = cursor.clone();
        Ok(match cursor.word().to_ascii_uppercase().as_slice() {
            b"ALL" => Self::All,
            b"ANSWERED" => Self::Flag(Flag::Answered),
            b"BCC" => Self::Envelope(Header::Bcc, text(charset, cursor)?),
            b"BEFORE" => dated(DateField::Internal, DateTest::Before, cursor)?,
            b"BODY" => Self::Body(text(charset, cursor)?),
            b"CC" => Self::Envelope(Header::Cc, text(charset, cursor)?),
            b"DELETED" => Self::Flag(Flag::Deleted),
            b"DRAFT" => Self::Flag(Flag::Draft),
            b"EMAILID" => Self::EmailId(object_id(cursor)?),
            b"FLAGGED" => Self::Flag(Flag::Flagged),
            b"FROM" => Self::Envelope(Header::From, text(charset, cursor)?),
            b"HEADER" => header(charset, cursor)?,
            b"KEYWORD" => Self::Flag(keyword(cursor)?),
            b"LARGER" => Self::Larger(number64(cursor)?),
            b"MODSEQ" => Self::ModSeq(ModSeqTest::read(cursor)?),
            b"NEW" => Self::And(vec![Self::Recent, Self::without(Flag::Seen)]),
            b"OLD" => Self::Not(Box::new(Self::Recent)),
            b"OLDER" => Self::Older(interval(cursor)?),
            b"ON" => dated(DateField::Internal, DateTest::On, cursor)?,
            b"RECENT" => Self::Recent,
            b"SAVEDATESUPPORTED" => Self::SaveDateSupported,
            b"SAVEDBEFORE" => dated(DateField::Saved, DateTest::Before, cursor)?,
            b"SAVEDON" => dated(DateField::Saved, DateTest::On, cursor)?,
            b"SAVEDSINCE" => dated(DateField::Saved, DateTest::Since, cursor)?,
            b"SEEN" => Self::Flag(Flag::Seen),
            b"SENTBEFORE" => dated(DateField::Sent, DateTest::Before, cursor)?,
            b"SENTON" => dated(DateField::Sent, DateTest::On, cursor)?,
            b"SENTSINCE" => dated(DateField::Sent, DateTest::Since, cursor)?,
            b"SINCE" => dated(DateField::Internal, DateTest::Since, cursor)?,
            b"SMALLER" => Self::Smaller(number64(cursor)?),
            b"SUBJECT" => Self::Envelope(Header::Subject, text(charset, cursor)?),
            b"TEXT" => Self::Text(text(charset, cursor)?),
            b"THREADID" => Self::ThreadId(object_id(cursor)?),
            b"TO" => Self::Envelope(Header::To, text(charset, cursor)?),
            b"UID" => Self::Uid(message_set(cursor)?),
            b"UNANSWERED" => Self::without(Flag::Answered),
            b"UNDELETED" => Self::without(Flag::Deleted),
            b"UNDRAFT" => Self::without(Flag::Draft),
            b"UNFLAGGED" => Self::without(Flag::Flagged),
            b"UNKEYWORD" => Self::without(keyword(cursor)?),
            b"UNSEEN" => Self::without(Flag::Seen),
            b"YOUNGER" => Self::Younger(interval(cursor)?),
            _ => return Err(start.expected("a search key")),
        })
    }

    fn without(flag: Flag) -> Self {
        Self::Not(Box::new(Self::Flag(flag)))
    }
}

impl ModSeqTest {
    /// ` [entry SP type SP] mod-seq`
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let mut entry = None;
        if cursor.peek() == Some(b'"') {
            let flag = entry_flag(cursor)?;
            cursor.space()?;
            entry = Some((flag, EntryType::read(cursor)?));
            cursor.space()?;
        }
        Ok(Self { at_least: cursor.mod_seq()?, entry })
    }
}

impl EntryType {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        match () {
            () if cursor.eat_word("PRIV") => Ok(Self::Private),
            () if cursor.eat_word("SHARED") => Ok(Self::Shared),
            () if cursor.eat_word("ALL") => Ok(Self::All),
            () => Err(cursor.expected("priv, shared or all")),
        }
    }
}

/// `"/flags/\\Draft"`
fn entry_flag(cursor: &mut Cursor<'_>) -> Result<Flag, Refusal> {
    let name = cursor.text("the name of an entry")?;
    let flag = name.strip_prefix("/flags/").and_then(|flag| {
        let mut inner = Cursor::new(flag.as_bytes(), cursor.enabled());
        inner.flag().ok().flatten().filter(|_| inner.end().is_ok())
    });
    flag.ok_or_else(|| Refusal::bad("an entry is called \"/flags/\" and a flag"))
}

fn text(charset: Charset, cursor: &mut Cursor<'_>) -> Result<String, Refusal> {
    cursor.space()?;
    let bytes = cursor.astring("a text to look for")?;
    if bytes.len() > TEXT_LEN_MAX {
        return Err(Refusal::too_many("bytes of text to look for", TEXT_LEN_MAX));
    }
    charset.decode(&bytes)
}

fn header(charset: Charset, cursor: &mut Cursor<'_>) -> Result<SearchKey, Refusal> {
    cursor.space()?;
    let name = HeaderName::read(cursor)?;
    Ok(SearchKey::Header(name, text(charset, cursor)?))
}

fn dated(field: DateField, test: DateTest, cursor: &mut Cursor<'_>) -> Result<SearchKey, Refusal> {
    cursor.space()?;
    Ok(SearchKey::Date(field, test, cursor.date()?))
}

fn keyword(cursor: &mut Cursor<'_>) -> Result<Flag, Refusal> {
    cursor.space()?;
    let atom = cursor.atom("a keyword")?;
    Keyword::try_from(atom).map(Flag::Keyword).map_err(|error| Refusal::bad(error.to_string()))
}

fn object_id(cursor: &mut Cursor<'_>) -> Result<ObjectId, Refusal> {
    cursor.space()?;
    let atom = cursor.atom("an object id")?;
    ObjectId::try_from(atom).map_err(|error| Refusal::bad(error.to_string()))
}

fn message_set(cursor: &mut Cursor<'_>) -> Result<crate::MessageSet, Refusal> {
    cursor.space()?;
    cursor.message_set()
}

fn number64(cursor: &mut Cursor<'_>) -> Result<u64, Refusal> {
    cursor.space()?;
    cursor.number64()
}

/// RFC 5032 section 3: seconds, not 0.
fn interval(cursor: &mut Cursor<'_>) -> Result<u32, Refusal> {
    cursor.space()?;
    cursor.nz_number().map(std::num::NonZeroU32::get)
}

/// The longest text to look for: the work is its length times the size of a mailbox.
const TEXT_LEN_MAX: usize = 4096;
