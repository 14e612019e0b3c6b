//! A command of imap-codec's, in our words.

use essaim_imap::command::{
    Access, ChangedSince, Create, DateField, DateTest, Echo, EntryType, Expunge, Fetch, FetchItem, GetQuota,
    GetQuotaRoot, Header, HeaderName, Legacy, List, ListPattern, ListQuery, ListReturn, ListSelect, Lsub,
    ModSeqTest, PartPath, Partial, Qresync, Rename, Resync, Search, SearchKey, SearchReturn, Section,
    SectionText, Seen, Select, Status, StatusItem, Store, StoreAction, Transfer, Vanished,
};
use essaim_imap::{
    AccountCommand, Date, Flag, Keyword, MailboxCommand, MailboxName, MessageSet, Numbering, SequenceNumber,
    SequenceRange, SequenceSet,
};
use essaim_types::{ModSeq, UidValidity};
use imap_codec::imap_types::command::{CommandBody, FetchModifier, SelectParameter, StoreModifier};
use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::datetime::NaiveDate;
use imap_codec::imap_types::extensions::condstore_qresync::{AttributeFlag, EntryTypeReq};
use imap_codec::imap_types::fetch::{self, Macro, MacroOrMessageDataItemNames, MessageDataItemName, Part};
use imap_codec::imap_types::flag::{self, StoreResponse, StoreType};
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::search::SearchKey as TheirKey;
use imap_codec::imap_types::sequence::{self, SeqOrUid, Sequence};
use imap_codec::imap_types::status::StatusDataItemName;

/// What should become of a command.
#[derive(Debug, PartialEq)]
pub(crate) enum Meaning {
    Account(AccountCommand),
    Mailbox(MailboxCommand),
    /// The conversation answers it with OK.
    Answered,
    /// BAD, or NO, without asking anybody.
    Refused,
}

/// `None` is a command, or a part of one, that we refuse.
pub(crate) fn meaning(body: &CommandBody<'_>) -> Meaning {
    match body {
        CommandBody::Capability | CommandBody::Logout | CommandBody::Enable { .. } => Meaning::Answered,
        CommandBody::Id { parameters } if parameters.as_ref().is_none_or(|fields| fields.len() <= 30) => {
            Meaning::Answered
        }
        body => account(body)
            .map(Meaning::Account)
            .or_else(|| mailbox_command(body).map(Meaning::Mailbox))
            .unwrap_or(Meaning::Refused),
    }
}

fn account(body: &CommandBody<'_>) -> Option<AccountCommand> {
    Some(match body {
        CommandBody::Noop => AccountCommand::Noop,
        CommandBody::Namespace => AccountCommand::Namespace,
        CommandBody::Select { mailbox, parameters } => select(mailbox, parameters, Access::ReadWrite)?,
        CommandBody::Examine { mailbox, parameters } => select(mailbox, parameters, Access::ReadOnly)?,
        CommandBody::Create { mailbox } => {
            AccountCommand::Create(Create { mailbox: new_name(mailbox)?, uses: Vec::new() })
        }
        CommandBody::Delete { mailbox } => AccountCommand::Delete(name(mailbox)?),
        CommandBody::Rename { from, to } => {
            AccountCommand::Rename(Rename { from: name(from)?, to: new_name(to)? })
        }
        CommandBody::Subscribe { mailbox } => AccountCommand::Subscribe(name(mailbox)?),
        CommandBody::Unsubscribe { mailbox } => AccountCommand::Unsubscribe(name(mailbox)?),
        CommandBody::List { reference, mailbox_wildcard } => {
            match (text_of(reference)?, pattern_text(mailbox_wildcard)?) {
                (_, pattern) if pattern.is_empty() => AccountCommand::List(List::Separator),
                (reference, pattern) => AccountCommand::List(List::Mailboxes(ListQuery {
                    patterns: vec![ListPattern::new(&reference, &pattern)],
                    select: ListSelect::default(),
                    tell: ListReturn::default(),
                })),
            }
        }
        CommandBody::Lsub { reference, mailbox_wildcard } => {
            let (reference, pattern) = (text_of(reference)?, pattern_text(mailbox_wildcard)?);
            AccountCommand::Lsub(Lsub { pattern: ListPattern::new(&reference, &pattern) })
        }
        CommandBody::Status { mailbox, item_names } => {
            let items = once_each(item_names.iter().map(status_item));
            let fits = (1..=32).contains(&item_names.len());
            AccountCommand::Status(Status { mailbox: name(mailbox)?, items: fits.then_some(items)? })
        }
        CommandBody::GetQuota { root } => AccountCommand::GetQuota(GetQuota { root: text(root)? }),
        CommandBody::GetQuotaRoot { mailbox } => {
            AccountCommand::GetQuotaRoot(GetQuotaRoot { mailbox: name(mailbox)? })
        }
        _ => return None,
    })
}

fn mailbox_command(body: &CommandBody<'_>) -> Option<MailboxCommand> {
    Some(match body {
        CommandBody::Check => MailboxCommand::Check,
        CommandBody::Close => MailboxCommand::Close,
        CommandBody::Unselect => MailboxCommand::Unselect,
        CommandBody::Expunge => MailboxCommand::Expunge(Expunge::All),
        CommandBody::ExpungeUid { sequence_set } => {
            MailboxCommand::Expunge(Expunge::Uids(MessageSet::Set(set(sequence_set))))
        }
        CommandBody::Copy { sequence_set, mailbox, uid } => {
            MailboxCommand::Copy(transfer(sequence_set, mailbox, *uid)?)
        }
        CommandBody::Move { sequence_set, mailbox, uid } => {
            MailboxCommand::Move(transfer(sequence_set, mailbox, *uid)?)
        }
        CommandBody::Search { charset, criteria, uid } => {
            let charset = charset.as_ref().map(|charset| charset.as_ref().to_ascii_uppercase());
            let ascii = match charset.as_deref() {
                None | Some("UTF-8") => false,
                Some("US-ASCII") => true,
                Some(_) => return None,
            };
            let keys: Option<Vec<_>> = criteria.as_ref().iter().map(|one| key(one, ascii)).collect();
            let answer = SearchReturn::Classic;
            MailboxCommand::Search(Search { numbering: numbering(*uid), answer, key: and(keys?) })
        }
        CommandBody::Fetch { sequence_set, macro_or_item_names, uid, modifiers } => {
            let mut items = items(macro_or_item_names)?;
            let changed_since = changed_since(modifiers, *uid)?;
            items.extend(changed_since.map(|_| FetchItem::ModSeq));
            items.extend(uid.then_some(FetchItem::Uid));
            let messages = MessageSet::Set(set(sequence_set));
            let items = once_each(items);
            MailboxCommand::Fetch(Fetch { numbering: numbering(*uid), messages, items, changed_since })
        }
        CommandBody::Store { sequence_set, kind, response, flags, uid, modifiers } => {
            let unchanged_since = match modifiers.as_slice() {
                [] => None,
                [StoreModifier::UnchangedSince(value)] => Some(mod_seq(*value)?),
                _ => return None,
            };
            let flags: Option<Vec<Flag>> = flags.iter().map(flag).collect();
            MailboxCommand::Store(Store {
                numbering: numbering(*uid),
                messages: MessageSet::Set(set(sequence_set)),
                unchanged_since,
                action: match kind {
                    StoreType::Replace => StoreAction::Replace,
                    StoreType::Add => StoreAction::Add,
                    StoreType::Remove => StoreAction::Remove,
                },
                echo: match response {
                    StoreResponse::Answer => Echo::Flags,
                    StoreResponse::Silent => Echo::Silent,
                },
                flags: once_each(flags?),
            })
        }
        _ => return None,
    })
}

fn select(mailbox: &Mailbox<'_>, parameters: &[SelectParameter], access: Access) -> Option<AccountCommand> {
    if parameters.len() > 4 {
        return None;
    }
    let mut resync = Resync::Full;
    for parameter in parameters {
        let next = match parameter {
            SelectParameter::CondStore => Resync::Condstore,
            SelectParameter::QResync { uid_validity, mod_sequence_value, known_uids, seq_match_data } => {
                let known =
                    |theirs: &sequence::SequenceSet| Some(set(theirs)).filter(|set| !set.has_largest());
                let known_uids = match known_uids {
                    None => None,
                    Some(uids) => Some(known(uids)?),
                };
                let sample = match seq_match_data {
                    None => None,
                    Some((sequence, uids)) => Some((known(sequence)?, known(uids)?)),
                };
                let (uid_validity, mod_seq) =
                    (UidValidity(*uid_validity), mod_seq(mod_sequence_value.get())?);
                Resync::Qresync(Qresync { uid_validity, mod_seq, known_uids, sample })
            }
        };
        if !matches!(resync, Resync::Qresync(_)) {
            resync = next;
        }
    }
    Some(AccountCommand::Select(Select { mailbox: name(mailbox)?, access, resync }))
}

fn transfer(messages: &sequence::SequenceSet, to: &Mailbox<'_>, uid: bool) -> Option<Transfer> {
    Some(Transfer { numbering: numbering(uid), messages: MessageSet::Set(set(messages)), to: name(to)? })
}

fn numbering(uid: bool) -> Numbering {
    if uid { Numbering::Uid } else { Numbering::Sequence }
}

fn changed_since(modifiers: &[FetchModifier], uid: bool) -> Option<Option<ChangedSince>> {
    let (mut since, mut vanished) = (None, Vanished::Omit);
    for modifier in modifiers {
        match modifier {
            FetchModifier::ChangedSince(value) => since = Some(mod_seq(value.get())?),
            FetchModifier::Vanished => vanished = Vanished::Tell,
        }
    }
    match since {
        _ if modifiers.is_empty() => Some(None),
        Some(mod_seq) if modifiers.len() <= 4 && (uid || vanished == Vanished::Omit) => {
            Some(Some(ChangedSince { mod_seq, vanished }))
        }
        _ => None,
    }
}

fn mod_seq(value: u64) -> Option<ModSeq> {
    (value < 1 << 63).then_some(ModSeq(value))
}

fn items(theirs: &MacroOrMessageDataItemNames<'_>) -> Option<Vec<FetchItem>> {
    let fast = || vec![FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size];
    match theirs {
        MacroOrMessageDataItemNames::Macro(Macro::Fast) => Some(fast()),
        MacroOrMessageDataItemNames::Macro(Macro::All) => Some([fast(), vec![FetchItem::Envelope]].concat()),
        MacroOrMessageDataItemNames::Macro(_) => {
            Some([fast(), vec![FetchItem::Envelope, FetchItem::Body]].concat())
        }
        MacroOrMessageDataItemNames::MessageDataItemNames(names) => names
            .iter()
            .map(item)
            .collect::<Option<Vec<_>>>()
            .filter(|items| (1..=128).contains(&items.len())),
    }
}

fn item(theirs: &MessageDataItemName<'_>) -> Option<FetchItem> {
    let window = |partial: &Option<(u32, std::num::NonZeroU32)>| {
        partial.map(|(offset, length)| Partial { offset: offset.into(), length: length.into() })
    };
    let seen = |peek: bool| if peek { Seen::Keep } else { Seen::Set };
    Some(match theirs {
        MessageDataItemName::Body => FetchItem::Body,
        MessageDataItemName::BodyStructure => FetchItem::BodyStructure,
        MessageDataItemName::Envelope => FetchItem::Envelope,
        MessageDataItemName::Flags => FetchItem::Flags,
        MessageDataItemName::InternalDate => FetchItem::InternalDate,
        MessageDataItemName::Rfc822 => FetchItem::Legacy(Legacy::Full),
        MessageDataItemName::Rfc822Header => FetchItem::Legacy(Legacy::Header),
        MessageDataItemName::Rfc822Size => FetchItem::Size,
        MessageDataItemName::Rfc822Text => FetchItem::Legacy(Legacy::Text),
        MessageDataItemName::Uid => FetchItem::Uid,
        MessageDataItemName::ModSeq => FetchItem::ModSeq,
        MessageDataItemName::BinarySize { section } => FetchItem::BinarySize(PartPath::new(section.clone())?),
        MessageDataItemName::Binary { section, partial, peek } => FetchItem::Binary {
            part: PartPath::new(section.clone())?,
            partial: window(partial),
            seen: seen(*peek),
        },
        MessageDataItemName::BodyExt { section: theirs, partial, peek } => {
            let section = theirs.as_ref().map_or(Some(Section::WHOLE), section)?;
            FetchItem::Section { section, partial: window(partial), seen: seen(*peek) }
        }
    })
}

fn section(theirs: &fetch::Section<'_>) -> Option<Section> {
    let path = |part: Option<&Part>| match part {
        None => Some(PartPath::ROOT),
        Some(Part(levels)) => PartPath::new(levels.as_ref().to_vec()),
    };
    let names = |theirs: &[AString<'_>]| -> Option<Vec<HeaderName>> {
        theirs.iter().map(header_name).collect::<Option<Vec<_>>>().filter(|names| names.len() <= 256)
    };
    let (part, text) = match theirs {
        fetch::Section::Part(part) => (Some(part), SectionText::All),
        fetch::Section::Header(part) => (part.as_ref(), SectionText::Header),
        fetch::Section::Text(part) => (part.as_ref(), SectionText::Text),
        fetch::Section::Mime(part) => (Some(part), SectionText::Mime),
        fetch::Section::HeaderFields(part, theirs) => {
            (part.as_ref(), SectionText::Fields(names(theirs.as_ref())?))
        }
        fetch::Section::HeaderFieldsNot(part, theirs) => {
            (part.as_ref(), SectionText::FieldsExcept(names(theirs.as_ref())?))
        }
    };
    Some(Section { part: path(part)?, text })
}

fn key(theirs: &TheirKey<'_>, ascii: bool) -> Option<SearchKey> {
    let words =
        |value: &AString<'_>| text(value).filter(|text| text.len() <= 4096 && (!ascii || text.is_ascii()));
    let about = |header, value| Some(SearchKey::Envelope(header, words(value)?));
    let keyword =
        |atom: &str| Keyword::try_from(atom).ok().map(|keyword| SearchKey::Flag(Flag::Keyword(keyword)));
    let day = |field, test, value: &NaiveDate| Some(SearchKey::Date(field, test, date(value)));
    use DateField::{Internal, Sent};
    use DateTest::{Before, On, Since};
    match theirs {
        TheirKey::And(keys) => {
            keys.as_ref().iter().map(|one| key(one, ascii)).collect::<Option<Vec<_>>>().map(and)
        }
        TheirKey::SequenceSet(theirs) => Some(SearchKey::Set(MessageSet::Set(set(theirs)))),
        TheirKey::All => Some(SearchKey::All),
        TheirKey::Answered => Some(SearchKey::Flag(Flag::Answered)),
        TheirKey::Bcc(value) => about(Header::Bcc, value),
        TheirKey::Before(value) => day(Internal, Before, value),
        TheirKey::Body(value) => Some(SearchKey::Body(words(value)?)),
        TheirKey::Cc(value) => about(Header::Cc, value),
        TheirKey::Deleted => Some(SearchKey::Flag(Flag::Deleted)),
        TheirKey::Draft => Some(SearchKey::Flag(Flag::Draft)),
        TheirKey::Flagged => Some(SearchKey::Flag(Flag::Flagged)),
        TheirKey::From(value) => about(Header::From, value),
        TheirKey::Header(name, value) => Some(SearchKey::Header(header_name(name)?, words(value)?)),
        TheirKey::Keyword(atom) => keyword(atom.as_ref()),
        TheirKey::Larger(value) => Some(SearchKey::Larger((*value).into())),
        TheirKey::New => Some(and(vec![SearchKey::Recent, not(SearchKey::Flag(Flag::Seen))])),
        TheirKey::Not(inner) => Some(not(key(inner, ascii)?)),
        TheirKey::Old => Some(not(SearchKey::Recent)),
        TheirKey::Older(value) => Some(SearchKey::Older(value.get())),
        TheirKey::On(value) => day(Internal, On, value),
        TheirKey::Or(one, other) => {
            let either = [key(one, ascii)?, key(other, ascii)?].into_iter().flat_map(|key| match key {
                SearchKey::Or(keys) => keys,
                key => vec![key],
            });
            Some(SearchKey::Or(either.collect()))
        }
        TheirKey::Recent => Some(SearchKey::Recent),
        TheirKey::Seen => Some(SearchKey::Flag(Flag::Seen)),
        TheirKey::SentBefore(value) => day(Sent, Before, value),
        TheirKey::SentOn(value) => day(Sent, On, value),
        TheirKey::SentSince(value) => day(Sent, Since, value),
        TheirKey::Since(value) => day(Internal, Since, value),
        TheirKey::Smaller(value) => Some(SearchKey::Smaller((*value).into())),
        TheirKey::Subject(value) => about(Header::Subject, value),
        TheirKey::Text(value) => Some(SearchKey::Text(words(value)?)),
        TheirKey::To(value) => about(Header::To, value),
        TheirKey::Uid(theirs) => Some(SearchKey::Uid(MessageSet::Set(set(theirs)))),
        TheirKey::Unanswered => Some(not(SearchKey::Flag(Flag::Answered))),
        TheirKey::Undeleted => Some(not(SearchKey::Flag(Flag::Deleted))),
        TheirKey::Undraft => Some(not(SearchKey::Flag(Flag::Draft))),
        TheirKey::Unflagged => Some(not(SearchKey::Flag(Flag::Flagged))),
        TheirKey::Unkeyword(atom) => Some(not(keyword(atom.as_ref())?)),
        TheirKey::Unseen => Some(not(SearchKey::Flag(Flag::Seen))),
        TheirKey::Younger(value) => Some(SearchKey::Younger(value.get())),
        TheirKey::ModSequence { entry, modseq } => {
            let entry = match entry {
                None => None,
                Some((flag, kind)) => Some((attribute_flag(flag)?, entry_type(kind))),
            };
            Some(SearchKey::ModSeq(ModSeqTest { at_least: mod_seq(*modseq)?, entry }))
        }
    }
}

fn not(key: SearchKey) -> SearchKey {
    match key {
        SearchKey::Not(inner) => *inner,
        key => SearchKey::Not(Box::new(key)),
    }
}

fn and(keys: Vec<SearchKey>) -> SearchKey {
    let mut flat: Vec<_> = keys
        .into_iter()
        .flat_map(|key| match key {
            SearchKey::And(keys) => keys,
            key => vec![key],
        })
        .collect();
    if flat.len() == 1 { flat.remove(0) } else { SearchKey::And(flat) }
}

fn entry_type(theirs: &EntryTypeReq) -> EntryType {
    match theirs {
        EntryTypeReq::Private => EntryType::Private,
        EntryTypeReq::Shared => EntryType::Shared,
        EntryTypeReq::All => EntryType::All,
    }
}

fn attribute_flag(theirs: &AttributeFlag<'_>) -> Option<Flag> {
    match theirs {
        AttributeFlag::Keyword(atom) => Keyword::try_from(atom.as_ref()).ok().map(Flag::Keyword),
        AttributeFlag::Extension(_) => None,
        system => Flag::SYSTEM.into_iter().find(|flag| format!("\\{flag}") == system.to_string()),
    }
}

pub(crate) fn flag(theirs: &flag::Flag<'_>) -> Option<Flag> {
    Some(match theirs {
        flag::Flag::Answered => Flag::Answered,
        flag::Flag::Deleted => Flag::Deleted,
        flag::Flag::Draft => Flag::Draft,
        flag::Flag::Flagged => Flag::Flagged,
        flag::Flag::Seen => Flag::Seen,
        flag::Flag::Extension(_) => return None,
        flag::Flag::Keyword(atom) => Flag::Keyword(Keyword::try_from(atom.as_ref()).ok()?),
    })
}

fn set(theirs: &sequence::SequenceSet) -> SequenceSet {
    let number = |one: &SeqOrUid| match one {
        SeqOrUid::Value(value) => SequenceNumber::Number(*value),
        SeqOrUid::Asterisk => SequenceNumber::Largest,
    };
    // It sorts and merges while it encodes.
    let mut theirs = theirs.clone();
    theirs.normalize();
    let ranges = theirs.0.as_ref().iter().cloned().map(|mut one| match one.normalize() {
        Sequence::Single(one) => SequenceRange::from(number(one)),
        Sequence::Range(start, end) => SequenceRange { start: number(start), end: number(end) },
    });
    SequenceSet::new(ranges.collect()).unwrap()
}

fn date(theirs: &NaiveDate) -> Date {
    let text = theirs.as_ref().to_string();
    let mut parts = text.split('-').map(|part| part.parse::<u16>().unwrap());
    let mut next = || parts.next().unwrap();
    Date::new(next(), next().try_into().unwrap(), next().try_into().unwrap()).unwrap()
}

fn status_item(theirs: &StatusDataItemName) -> StatusItem {
    match theirs {
        StatusDataItemName::Messages => StatusItem::Messages,
        StatusDataItemName::Recent => StatusItem::Recent,
        StatusDataItemName::UidNext => StatusItem::UidNext,
        StatusDataItemName::UidValidity => StatusItem::UidValidity,
        StatusDataItemName::Unseen => StatusItem::Unseen,
        StatusDataItemName::Deleted => StatusItem::Deleted,
        StatusDataItemName::DeletedStorage => StatusItem::DeletedStorage,
        StatusDataItemName::Size => StatusItem::Size,
        StatusDataItemName::HighestModSeq => StatusItem::HighestModSeq,
    }
}

fn header_name(theirs: &AString<'_>) -> Option<HeaderName> {
    HeaderName::try_from(text(theirs)?.as_str()).ok()
}

fn text(theirs: &AString<'_>) -> Option<String> {
    String::from_utf8(theirs.as_ref().to_vec()).ok()
}

fn bytes<'a>(mailbox: &'a Mailbox<'_>) -> &'a [u8] {
    match mailbox {
        Mailbox::Inbox => b"INBOX",
        Mailbox::Other(other) => other.as_ref(),
    }
}

pub(crate) fn name(theirs: &Mailbox<'_>) -> Option<MailboxName> {
    MailboxName::from_utf7(bytes(theirs)).ok()
}

fn new_name(theirs: &Mailbox<'_>) -> Option<MailboxName> {
    let bytes = bytes(theirs);
    MailboxName::from_utf7(bytes.strip_suffix(b"/").unwrap_or(bytes)).ok()
}

/// A reference or pattern, which need not be a name: ASCII as it is; of what is shifted only that it must be well-formed.
fn text_of(theirs: &Mailbox<'_>) -> Option<String> {
    utf7(bytes(theirs))
}

fn pattern_text(theirs: &ListMailbox<'_>) -> Option<String> {
    let bytes: &[u8] = match theirs {
        ListMailbox::Token(token) => token.as_ref(),
        ListMailbox::String(string) => string.as_ref(),
    };
    (bytes.len() <= 2000).then(|| utf7(bytes)).flatten()
}

/// Modified UTF-7 of at most one shift, by another road: RFC 2152's alphabet decoded as base64 of UTF-16.
fn utf7(bytes: &[u8]) -> Option<String> {
    if !bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    let text = std::str::from_utf8(bytes).unwrap();
    let Some((before, rest)) = text.split_once('&') else { return Some(text.to_owned()) };
    let (shifted, after) = rest.split_once('-')?;
    if shifted.is_empty() {
        return Some(format!("{before}&{}", utf7(after.as_bytes())?));
    }
    // A name that has a shift is rare enough in random commands to be given to the tested decoder.
    let inner = MailboxName::from_utf7(format!("x&{shifted}-").as_bytes()).ok()?;
    let two_in_a_row = after.starts_with('&') && !after.starts_with("&-");
    (!two_in_a_row).then_some(format!("{before}{}{}", &inner.as_str()[1..], utf7(after.as_bytes())?))
}

fn once_each<T: PartialEq>(values: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}
