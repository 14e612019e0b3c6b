//! SEARCH: RFC 9051 section 6.4.4, RFC 4731 (RETURN), 5182 (SAVE), 5032 (WITHIN), 7162 (MODSEQ), 8474, 8514.

use super::SearchKey;
use crate::parse::{Charset, Cursor, Refusal, once_each};
use crate::{Condition, Extension, Numbering, Reply};

/// SEARCH or UID SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// What the numbers of the answer are. (Those of a `Set` key are always sequence numbers, of a `Uid` key UIDs.)
    pub numbering: Numbering,
    /// What to answer.
    pub answer: SearchReturn,
    /// Which messages.
    pub key: SearchKey,
}

/// What to answer to a SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchReturn {
    /// No RETURN: a SEARCH response with all numbers; with IMAP4rev2 enabled, an ESEARCH response with ALL.
    Classic,
    /// RETURN (..): an ESEARCH response with these, each once. `RETURN ()` is `[All]`. If `[Save]` is all there is, no
    /// response is sent.
    Extended(Vec<SearchReturnItem>),
}

/// One item of RETURN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SearchReturnItem {
    /// The lowest number.
    Min,
    /// The highest number.
    Max,
    /// All numbers as a set.
    All,
    /// How many.
    Count,
    /// Keep for `$`: all, or with `Min` or `Max` (and neither `All` nor `Count`) only those.
    Save,
}

impl SearchReturnItem {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Min => "MIN",
            Self::Max => "MAX",
            Self::All => "ALL",
            Self::Count => "COUNT",
            Self::Save => "SAVE",
        }
    }
}

impl Search {
    /// The inner error is the answer to a SEARCH that was to be saved and cannot be done: RFC 9051 section 6.4.4.1.
    pub(crate) fn read(
        numbering: Numbering,
        cursor: &mut Cursor<'_>,
    ) -> Result<Result<Self, Reply>, Refusal> {
        cursor.space()?;
        let mut answer = SearchReturn::Classic;
        if cursor.eat_word("RETURN") {
            cursor.space()?;
            answer = SearchReturn::read(cursor)?;
            cursor.space()?;
        }
        let saves =
            matches!(&answer, SearchReturn::Extended(items) if items.contains(&SearchReturnItem::Save));
        match Self::read_key(cursor) {
            Ok(key) => Ok(Ok(Self { numbering, answer, key })),
            Err(refusal) if saves && refusal.condition == Condition::No => Ok(Err(refusal.reply)),
            Err(refusal) => Err(refusal),
        }
    }

    fn read_key(cursor: &mut Cursor<'_>) -> Result<SearchKey, Refusal> {
        let mut charset = Charset::Utf8;
        if cursor.eat_word("CHARSET") {
            // RFC 9755 section 3: once UTF8=ACCEPT is enabled, there is no other charset to name.
            if cursor.enabled().contains(Extension::Utf8Accept) {
                return Err(Refusal::bad("after ENABLE UTF8=ACCEPT, SEARCH takes no CHARSET"));
            }
            cursor.space()?;
            charset = Charset::read(cursor)?;
            cursor.space()?;
        }
        SearchKey::read(charset, cursor)
    }
}

impl SearchReturn {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let items = once_each(cursor.list("return options", OPTIONS_MAX, SearchReturnItem::read)?);
        // RFC 4731 section 3.1: an empty list means ALL.
        Ok(Self::Extended(if items.is_empty() { vec![SearchReturnItem::All] } else { items }))
    }
}

impl SearchReturnItem {
    const ALL: [Self; 5] = [Self::Min, Self::Max, Self::All, Self::Count, Self::Save];

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let known = Self::ALL.into_iter().find(|known| cursor.eat_word(known.as_str()));
        known.ok_or_else(|| cursor.expected("a return option of SEARCH"))
    }
}

const OPTIONS_MAX: usize = 16;
