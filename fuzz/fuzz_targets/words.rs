//! The words that protocols share: whatever is accepted is printed so that it is read back as the same.
#![no_main]

use std::fmt::{Debug, Display};
use std::num::NonZeroU32;
use std::str::FromStr;

use bytes::BytesMut;
use essaim_imap::command::{HeaderName, ListPattern};
use essaim_imap::response::{ChildInfo, Encoder, ListEntry};
use essaim_imap::{
    AccountCommand, Action, Connection, HIERARCHY_SEPARATOR, Keyword, Limits, MailboxName, ObjectId, Outcome,
    SequenceSet, Settings, Transport,
};
use essaim_smtp::EnhancedStatus;
use essaim_types::{AccountId, Address, BlobId, ByteSize, Domain, LocalPart};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(name) = MailboxName::from_utf7(data) {
        check_mailbox(&name);
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    read_back::<Address>(text);
    read_back::<Domain>(text);
    read_back::<ByteSize>(text);
    read_back::<AccountId>(text);
    read_back::<BlobId>(text);
    read_back::<EnhancedStatus>(text);
    check_address(text);
    check_numbers(text);
    if let Ok(name) = MailboxName::new(text) {
        check_mailbox(&name);
    }
    if let Ok(keyword) = Keyword::try_from(text) {
        assert_eq!(Keyword::try_from(keyword.as_str()).as_ref(), Ok(&keyword));
    }
    if let Ok(name) = HeaderName::try_from(text) {
        assert_eq!(HeaderName::try_from(name.as_str()).as_ref(), Ok(&name));
    }
    if let Ok(id) = ObjectId::try_from(text) {
        assert_eq!(ObjectId::try_from(id.as_str()).as_ref(), Ok(&id));
    }
    if let Some((pattern, name)) = text.split_once('\n') {
        check_pattern(pattern, name);
    }
});

fn read_back<T: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let printed = value.to_string();
        assert!(printed.parse::<T>().is_ok_and(|again| again == value), "{value:?} is printed {printed:?}");
        assert!(!printed.contains(char::is_control), "printed on several lines: {printed:?}");
    }
}

/// An account is found by the key of its address: every spelling with the same key is the same.
fn check_address(text: &str) {
    let Ok(address) = text.parse::<Address>() else { return };
    assert!(LocalPart::new(address.local().as_str()).is_ok() && !address.domain().as_str().is_empty());
    if let Some(plain) = address.without_detail() {
        assert_eq!(plain.to_string().parse::<Address>().as_ref(), Ok(&plain));
        assert!(!plain.local().as_str().contains('+'));
    }
    let folded = Address::new(
        LocalPart::new(&address.local().as_str().to_lowercase()).unwrap_or_else(|_| address.local().clone()),
        address.domain().clone(),
    );
    assert_eq!(folded.key(), address.key(), "another spelling, another account");
}

/// What was resolved is in order, and each number is where the set says.
fn check_numbers(text: &str) {
    let Ok(set) = text.parse::<SequenceSet>() else { return };
    for largest in [None, NonZeroU32::new(1), NonZeroU32::new(7), NonZeroU32::new(u32::MAX)] {
        let ranges = set.resolve(largest);
        assert!(ranges.iter().all(|range| range.start() <= range.end() && *range.start() > 0));
        assert!(ranges.windows(2).all(|pair| pair[0].end().saturating_add(1) < *pair[1].start()));
        for range in ranges.iter().take(3) {
            let first = NonZeroU32::new(*range.start()).expect("0 is no number");
            assert!(set.contains(first, largest));
        }
    }
}

/// A name can be stored, listed, and named again by the client that has seen the list.
fn check_mailbox(name: &MailboxName) {
    assert_eq!(MailboxName::new(name.as_str()).as_ref(), Ok(name));
    assert_eq!(MailboxName::from_utf7(&name.to_utf7()).as_ref(), Ok(name));
    for above in name.ancestors() {
        assert_eq!(MailboxName::new(above.as_str()).as_ref(), Ok(&above));
        assert!(name.is_below(&above) && !above.is_below(name));
    }
    assert_eq!(name.renamed(name, name).as_ref(), Ok(name));
    for enable in ["", "e ENABLE UTF8=ACCEPT\r\n", "e ENABLE IMAP4rev2\r\n"] {
        let mut imap = logged_in(enable);
        let mut out = BytesMut::new();
        let entry = ListEntry { attributes: &[], mailbox: name, old_name: None, child_info: ChildInfo::Omit };
        Encoder::new(&mut out, imap.enabled()).list(&entry);
        let listed = out.strip_prefix(b"* LIST () \"/\" ").expect("it is the answer to LIST");
        assert_eq!(selected(&mut imap, listed).as_ref(), Some(name), "{}", out.escape_ascii());
    }
}

fn logged_in(enable: &str) -> Connection {
    let mut imap =
        Connection::new(Settings { limits: Limits::default(), transport: Transport::Tls, id: Vec::new() });
    imap.receive(b"l LOGIN user secret\r\n");
    while let Some(action) = imap.next_action() {
        if matches!(action, Action::Authenticate { .. }) {
            imap.answer_login(Ok(()));
        }
    }
    imap.receive(enable.as_bytes());
    while imap.next_action().is_some() {}
    imap
}

/// What a SELECT of this name, as it was listed with its line end, is about.
fn selected(imap: &mut Connection, listed: &[u8]) -> Option<MailboxName> {
    imap.receive(&[b"s SELECT ", listed].concat());
    let mut name = None;
    while let Some(action) = imap.next_action() {
        if let Action::RunAccount { command: AccountCommand::Select(select), .. } = action {
            name = Some(select.mailbox);
            imap.answer_done(Outcome::no("enough was seen"));
        }
    }
    name
}

/// Another way to match, slower and plainer: a table of which part of the pattern reaches which part of the name.
fn check_pattern(pattern: &str, name: &str) {
    if pattern.len() > 60 || name.len() > 60 {
        return;
    }
    let pattern = ListPattern::new("", pattern);
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for wanted in pattern.as_str().bytes() {
        let before = reached.clone();
        reached = vec![false; name.len() + 1];
        reached[0] = before[0] && matches!(wanted, b'*' | b'%');
        for (at, found) in name.bytes().enumerate() {
            reached[at + 1] = match wanted {
                b'*' => before[at + 1] || reached[at],
                b'%' => before[at + 1] || (reached[at] && char::from(found) != HIERARCHY_SEPARATOR),
                _ => before[at] && wanted == found,
            };
        }
    }
    assert_eq!(pattern.matches(name), reached[name.len()], "{pattern:?} and {name:?}");
}
