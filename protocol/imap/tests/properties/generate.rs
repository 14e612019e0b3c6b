//! Random commands: every one that the types allow and a client could spell.

use std::num::{NonZeroU32, NonZeroU64};

use essaim_imap::command::{
    Access, ChangedSince, Create, DateField, DateTest, Echo, EntryType, Expunge, Fetch, FetchItem, GetQuota,
    GetQuotaRoot, Header, HeaderName, Legacy, List, ListBase, ListPattern, ListQuery, ListReturn, ListSelect,
    Lsub, ModSeqTest, PartPath, Partial, Qresync, Rename, Resync, Search, SearchKey, SearchReturn,
    SearchReturnItem, Section, SectionText, Seen, Select, SpecialUse, Status, StatusItem, Store, StoreAction,
    Transfer, Vanished,
};
use essaim_imap::{
    AccountCommand, Date, Flag, Keyword, MailboxCommand, MailboxName, MessageSet, Numbering, ObjectId,
    SequenceNumber, SequenceRange, SequenceSet,
};
use essaim_types::{ModSeq, UidValidity};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub(crate) fn account() -> impl Strategy<Value = AccountCommand> {
    let status = (name(), status_items()).prop_map(|(mailbox, items)| Status { mailbox, items });
    let uses = subsequence(SpecialUse::ALL.to_vec(), 0..=3);
    prop_oneof![
        Just(AccountCommand::Noop),
        Just(AccountCommand::Namespace),
        (name(), access(), resync()).prop_map(|(mailbox, access, resync)| AccountCommand::Select(Select {
            mailbox,
            access,
            resync
        })),
        (name(), uses).prop_map(|(mailbox, uses)| AccountCommand::Create(Create { mailbox, uses })),
        name().prop_map(AccountCommand::Delete),
        (name(), name()).prop_map(|(from, to)| AccountCommand::Rename(Rename { from, to })),
        name().prop_map(AccountCommand::Subscribe),
        name().prop_map(AccountCommand::Unsubscribe),
        list().prop_map(AccountCommand::List),
        pattern().prop_map(|pattern| AccountCommand::Lsub(Lsub { pattern })),
        status.prop_map(AccountCommand::Status),
        text().prop_map(|root| AccountCommand::GetQuota(GetQuota { root })),
        name().prop_map(|mailbox| AccountCommand::GetQuotaRoot(GetQuotaRoot { mailbox })),
    ]
}

pub(crate) fn mailbox() -> impl Strategy<Value = MailboxCommand> {
    let transfer = || {
        (numbering(), messages(), name()).prop_map(|(numbering, messages, to)| Transfer {
            numbering,
            messages,
            to,
        })
    };
    prop_oneof![
        1 => select(vec![MailboxCommand::Check, MailboxCommand::Close, MailboxCommand::Unselect]),
        1 => Just(MailboxCommand::Expunge(Expunge::All)),
        1 => messages().prop_map(|uids| MailboxCommand::Expunge(Expunge::Uids(uids))),
        1 => transfer().prop_map(MailboxCommand::Copy),
        1 => transfer().prop_map(MailboxCommand::Move),
        4 => fetch().prop_map(MailboxCommand::Fetch),
        4 => search().prop_map(MailboxCommand::Search),
        2 => store().prop_map(MailboxCommand::Store),
    ]
}

fn store() -> impl Strategy<Value = Store> {
    let action = select(vec![StoreAction::Replace, StoreAction::Add, StoreAction::Remove]);
    let echo = select(vec![Echo::Flags, Echo::Silent]);
    (numbering(), messages(), option::of(mod_seq()), action, echo, flags()).prop_map(
        |(numbering, messages, unchanged_since, action, echo, flags)| Store {
            numbering,
            messages,
            unchanged_since,
            action,
            echo,
            flags,
        },
    )
}

fn fetch() -> impl Strategy<Value = Fetch> {
    let vanished = select(vec![Vanished::Omit, Vanished::Tell]);
    let changed =
        option::of((mod_seq(), vanished).prop_map(|(mod_seq, vanished)| ChangedSince { mod_seq, vanished }));
    (numbering(), messages(), vec(fetch_item(), 1..6), changed).prop_map(
        |(numbering, messages, items, changed_since)| {
            let mut items = items;
            let mut changed_since = changed_since;
            if let (Numbering::Sequence, Some(changed)) = (numbering, &mut changed_since) {
                changed.vanished = Vanished::Omit;
            }
            items.extend(changed_since.map(|_| FetchItem::ModSeq));
            items.extend((numbering == Numbering::Uid).then_some(FetchItem::Uid));
            Fetch { numbering, messages, items: once_each(items), changed_since }
        },
    )
}

fn fetch_item() -> impl Strategy<Value = FetchItem> {
    let seen = || select(vec![Seen::Set, Seen::Keep]);
    let window = || {
        let bounds = (0..=i64::MAX as u64, 1..=i64::MAX as u64);
        option::of(
            bounds.prop_map(|(offset, length)| Partial { offset, length: NonZeroU64::new(length).unwrap() }),
        )
    };
    prop_oneof![
        select(vec![
            FetchItem::Flags,
            FetchItem::InternalDate,
            FetchItem::Size,
            FetchItem::Envelope,
            FetchItem::Body,
            FetchItem::BodyStructure,
            FetchItem::Uid,
            FetchItem::ModSeq,
            FetchItem::EmailId,
            FetchItem::ThreadId,
            FetchItem::SaveDate,
            FetchItem::Legacy(Legacy::Full),
            FetchItem::Legacy(Legacy::Header),
            FetchItem::Legacy(Legacy::Text),
        ]),
        (section(), window(), seen()).prop_map(|(section, partial, seen)| FetchItem::Section {
            section,
            partial,
            seen
        }),
        (part(), window(), seen()).prop_map(|(part, partial, seen)| FetchItem::Binary {
            part,
            partial,
            seen
        }),
        part().prop_map(FetchItem::BinarySize),
    ]
}

fn section() -> impl Strategy<Value = Section> {
    let names = || vec(header_name(), 1..4);
    let text = prop_oneof![
        Just(SectionText::All),
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        names().prop_map(SectionText::Fields),
        names().prop_map(SectionText::FieldsExcept),
    ];
    (part(), text).prop_map(|(part, text)| {
        let text = if part.is_root() && text == SectionText::Mime { SectionText::All } else { text };
        Section { part, text }
    })
}

fn part() -> impl Strategy<Value = PartPath> {
    vec((1..=u32::MAX).prop_map(|level| NonZeroU32::new(level).unwrap()), 0..4)
        .prop_map(|levels| PartPath::new(levels).unwrap())
}

fn search() -> impl Strategy<Value = Search> {
    let items = vec![
        SearchReturnItem::Min,
        SearchReturnItem::Max,
        SearchReturnItem::All,
        SearchReturnItem::Count,
        SearchReturnItem::Save,
    ];
    let answer = prop_oneof![
        Just(SearchReturn::Classic),
        subsequence(items, 1..=5).prop_shuffle().prop_map(SearchReturn::Extended)
    ];
    (numbering(), answer, key()).prop_map(|(numbering, answer, key)| Search { numbering, answer, key })
}

/// Trees in the one form that is read: nothing that could be flat is nested.
fn key() -> impl Strategy<Value = SearchKey> {
    leaf().prop_recursive(5, 24, 4, |inner| {
        let several = || vec(inner.clone(), 2..5);
        prop_oneof![
            several().prop_map(|keys| SearchKey::And(flat(keys, |key| match key {
                SearchKey::And(keys) => Ok(keys),
                key => Err(key),
            }))),
            several().prop_map(|keys| SearchKey::Or(flat(keys, |key| match key {
                SearchKey::Or(keys) => Ok(keys),
                key => Err(key),
            }))),
            inner.prop_map(|key| match key {
                SearchKey::Not(key) => *key,
                key => SearchKey::Not(Box::new(key)),
            }),
        ]
    })
}

fn flat(
    keys: Vec<SearchKey>,
    open: impl Fn(SearchKey) -> Result<Vec<SearchKey>, SearchKey>,
) -> Vec<SearchKey> {
    keys.into_iter().flat_map(|key| open(key).unwrap_or_else(|key| vec![key])).collect()
}

fn leaf() -> impl Strategy<Value = SearchKey> {
    let header = select(vec![Header::Bcc, Header::Cc, Header::From, Header::Subject, Header::To]);
    let field = select(vec![DateField::Internal, DateField::Sent, DateField::Saved]);
    let test = select(vec![DateTest::Before, DateTest::On, DateTest::Since]);
    let kind = select(vec![EntryType::Private, EntryType::Shared, EntryType::All]);
    let size = || 0..=i64::MAX as u64;
    let id = || "[A-Za-z0-9_-]{1,20}".prop_map(|id| ObjectId::try_from(id.as_str()).unwrap());
    prop_oneof![
        select(vec![SearchKey::All, SearchKey::Recent, SearchKey::SaveDateSupported]),
        messages().prop_map(SearchKey::Set),
        messages().prop_map(SearchKey::Uid),
        flag().prop_map(SearchKey::Flag),
        (header, text()).prop_map(|(header, text)| SearchKey::Envelope(header, text)),
        (header_name(), text()).prop_map(|(name, text)| SearchKey::Header(name, text)),
        text().prop_map(SearchKey::Body),
        text().prop_map(SearchKey::Text),
        (field, test, date()).prop_map(|(field, test, date)| SearchKey::Date(field, test, date)),
        size().prop_map(SearchKey::Larger),
        size().prop_map(SearchKey::Smaller),
        (1..=u32::MAX).prop_map(SearchKey::Younger),
        (1..=u32::MAX).prop_map(SearchKey::Older),
        (mod_seq(), option::of((flag(), kind)))
            .prop_map(|(at_least, entry)| SearchKey::ModSeq(ModSeqTest { at_least, entry })),
        id().prop_map(SearchKey::EmailId),
        id().prop_map(SearchKey::ThreadId),
    ]
}

fn list() -> impl Strategy<Value = List> {
    let select = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(subscribed, remote, recursive, special_use)| ListSelect {
            base: if subscribed { ListBase::Subscribed } else { ListBase::Existing },
            remote,
            recursive: recursive && subscribed,
            special_use,
        },
    );
    let tell = (any::<bool>(), any::<bool>(), any::<bool>(), option::of(status_items())).prop_map(
        |(subscribed, children, special_use, status)| ListReturn {
            subscribed,
            children,
            special_use,
            status,
        },
    );
    let query = (vec(pattern(), 1..4), select, tell)
        .prop_map(|(patterns, select, tell)| List::Mailboxes(ListQuery { patterns, select, tell }));
    prop_oneof![1 => Just(List::Separator), 9 => query]
}

fn resync() -> impl Strategy<Value = Resync> {
    let known = || option::of(known_set());
    let qresync = (1..=u32::MAX, mod_seq(), known(), option::of((known_set(), known_set()))).prop_map(
        |(validity, mod_seq, known_uids, sample)| {
            let uid_validity = UidValidity::new(validity).unwrap();
            Resync::Qresync(Qresync { uid_validity, mod_seq, known_uids, sample })
        },
    );
    prop_oneof![Just(Resync::Full), Just(Resync::Condstore), qresync]
}

fn status_items() -> impl Strategy<Value = Vec<StatusItem>> {
    subsequence(StatusItem::ALL.to_vec(), 1..=StatusItem::ALL.len()).prop_shuffle()
}

pub(crate) fn flags() -> impl Strategy<Value = Vec<Flag>> {
    vec(flag(), 0..5).prop_map(once_each)
}

fn flag() -> impl Strategy<Value = Flag> {
    let keyword = "[!#$&'+,./0-9:;<=>?@A-Z\\[^_`a-z|}~-]{1,12}";
    prop_oneof![
        select(Flag::SYSTEM.to_vec()),
        keyword.prop_map(|keyword| Flag::Keyword(Keyword::try_from(keyword.as_str()).unwrap()))
    ]
}

pub(crate) fn name() -> impl Strategy<Value = MailboxName> {
    "[a-zA-Z0-9 &\"\\\\(){}~_\u{e9}\u{53f0}\u{1f600}-]{1,8}(/[a-zA-Z&\u{e9}]{1,4}){0,2}"
        .prop_filter_map("not a name", |name| MailboxName::new(&name).ok())
}

fn pattern() -> impl Strategy<Value = ListPattern> {
    "[a-zA-Z0-9 &\"%*\u{e9}]{1,8}(/[a-z%*]{1,4}){0,2}".prop_map(|pattern| ListPattern::new("", &pattern))
}

fn header_name() -> impl Strategy<Value = HeaderName> {
    "[A-Za-z\\[\\]\"()-]{1,12}".prop_map(|name| HeaderName::try_from(name.as_str()).unwrap())
}

/// Any text without NUL, with much that must be quoted.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9 \"\\\\{}()\r\n\u{e9}]{0,12}",
        "\\PC{0,8}",
        Just("NIL".to_owned()),
        Just("{5}".to_owned())
    ]
}

fn date() -> impl Strategy<Value = Date> {
    (0..=9999u16, 1..=12u8, 1..=31u8)
        .prop_filter_map("not a day", |(year, month, day)| Date::new(year, month, day))
}

fn mod_seq() -> impl Strategy<Value = ModSeq> {
    (0..=i64::MAX as u64).prop_map(ModSeq)
}

fn numbering() -> impl Strategy<Value = Numbering> {
    select(vec![Numbering::Sequence, Numbering::Uid])
}

fn access() -> impl Strategy<Value = Access> {
    select(vec![Access::ReadWrite, Access::ReadOnly])
}

fn messages() -> impl Strategy<Value = MessageSet> {
    let number = || prop_oneof![9 => (1..=u32::MAX).prop_map(Some), 1 => Just(None)];
    prop_oneof![
        1 => Just(MessageSet::Saved),
        9 => vec((number(), option::of(number())), 1..5).prop_map(|ranges| MessageSet::Set(set(ranges))),
    ]
}

fn known_set() -> impl Strategy<Value = SequenceSet> {
    let number = || (1..=u32::MAX).prop_map(Some);
    vec((number(), option::of(number())), 1..5).prop_map(set)
}

fn set(ranges: Vec<(Option<u32>, Option<Option<u32>>)>) -> SequenceSet {
    let number = |value: Option<u32>| {
        value.and_then(NonZeroU32::new).map_or(SequenceNumber::Largest, SequenceNumber::Number)
    };
    let ranges = ranges
        .into_iter()
        .map(|(start, end)| SequenceRange { start: number(start), end: number(end.unwrap_or(start)) });
    SequenceSet::new(ranges.collect()).unwrap()
}

fn once_each<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut kept = Vec::new();
    for value in values {
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}
