//! Import and export against a store in memory: what goes out comes in again.

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use essaim_imap::MailboxName;
use essaim_store::{Store, Tx};
use essaim_types::{AccountId, ByteSize, ObjectKind, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::delivery::Incoming;
use crate::mailbox::{self, Arrival, FlagReader, Flags};
use crate::record::{self, Message, SystemFlags};

const ALICE: AccountId = AccountId::from_bytes([1; 32]);
const BOB: AccountId = AccountId::from_bytes([2; 32]);

/// A message as a member sees it: bytes, flags, keywords, internal date.
type Seen = (Vec<u8>, u8, Vec<String>, i64);

fn store() -> Store {
    let store = Store::in_memory();
    for account in [ALICE, BOB] {
        let make = move |tx: &mut Tx<'_>| -> Result<(), essaim_store::TxError> {
            tx.create_account(account, None)?;
            Ok(())
        };
        store.commit_blocking(make).unwrap();
    }
    store
}

fn put(store: &Store, account: AccountId, name: &str, (bytes, flags, keywords, date): Seen) {
    let mut incoming = Incoming::new(store);
    incoming.push(&bytes).unwrap();
    let spooled = incoming.finish().unwrap();
    let arrival = Arrival {
        content: spooled.content,
        flags: Flags { system: SystemFlags(flags), keywords },
        internal_date: Some(Timestamp(date)),
        summary: spooled.summary,
    };
    let name = MailboxName::new(name).unwrap();
    let append = move |tx: &mut Tx<'_>| -> Result<(), mailbox::AppendError> {
        mailbox::ensure_defaults(tx, account)?;
        let id = match mailbox::by_name(tx, account, &name)? {
            Some((id, _)) => id,
            None => mailbox::create(tx, account, &name, None, 1000)?,
        };
        mailbox::append(tx, account, id, arrival).map(|_| ())
    };
    store.commit_blocking(append).unwrap();
}

/// All that a member has, but for the order in mailboxes.
fn all(store: &Store, account: AccountId) -> BTreeMap<String, Vec<Seen>> {
    let snapshot = store.read().unwrap();
    let mut all = BTreeMap::new();
    for (id, mailbox) in mailbox::all(&snapshot, account).unwrap() {
        let (from, to) = record::message_range(id, 0, u32::MAX);
        let (from, to) = (from.as_ref().map(<[u8; 8]>::as_slice), to.as_ref().map(<[u8; 8]>::as_slice));
        let mut flags = FlagReader::new(&snapshot, account, id);
        let messages = snapshot.range(account, ObjectKind::MESSAGE, from, to).unwrap().map(|entry| {
            let (key, object) = entry.unwrap();
            let (_, uid) = record::message_of_key(&key).unwrap();
            let (flags, _) = flags.message(uid).unwrap().unwrap();
            let message = Message::decode(&object.value).unwrap();
            let bytes = object.blobs.iter().flat_map(|blob| store.blob(blob).unwrap()).collect::<Vec<u8>>();
            (bytes, flags.system.0, flags.keywords, message.internal_date.0)
        });
        let mut messages: Vec<Seen> = messages.collect();
        messages.sort();
        all.insert(mailbox.name, messages);
    }
    all
}

fn options(account: AccountId) -> ImportOptions {
    ImportOptions { account, below: None, max_message_size: ByteSize::mib(50), max_mailboxes: 1000 }
}

fn go_on(_: &Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn import_maildir(store: &Store, account: AccountId, path: &Path) -> ImportReport {
    import(store, &options(account), &mut Maildir::open(path).unwrap(), &mut go_on).unwrap()
}

fn message(n: u32) -> Seen {
    let body = format!("Subject: {n}\r\n\r\n{}\r\n", "text ".repeat(n as usize % 7));
    (body.into_bytes(), u8::try_from(n % 32).unwrap(), Vec::new(), 1_600_000_000_000 + i64::from(n) * 1001)
}

#[test]
fn what_is_exported_and_imported_is_the_same() {
    let (store, target) = (store(), tempfile::tempdir().unwrap());
    let keywords = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let (deep, long) = (["é"; 31].join("/"), format!("x/{}", "é".repeat(200)));
    let names = ["INBOX", "Sent", "Sent/2024", "Entwürfe", "v1.2", "..", "a & b", "INBOX/x", &deep, &long];
    for (n, name) in names.into_iter().enumerate() {
        for copy in 0..3 {
            put(&store, ALICE, name, message(u32::try_from(n * 10 + copy).unwrap()));
        }
        put(&store, ALICE, name, message(u32::try_from(n * 10).unwrap())); // the same bytes once more
    }
    let many: Vec<String> = (0..40).map(|n| format!("kw{n:02}")).collect();
    put(&store, ALICE, "INBOX", (b"a: b\r\n\r\n".to_vec(), 0, keywords(&["$Forwarded", "$Junk"]), 5));
    put(&store, ALICE, "INBOX", (b"a: c\r\n\r\n".to_vec(), 1, many, -1_000));
    put(&store, ALICE, "Sent", (vec![b'x'; 3 << 20], 1, Vec::new(), 7));
    let report = export_maildir(&store, ALICE, target.path(), &mut go_on).unwrap();
    assert_eq!((report.messages, report.stopped), (10 * 4 + 3, false));
    let mode = |path: &str| fs::metadata(target.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(".Sent/cur"), mode("dovecot-keywords")), (0o700, 0o600));

    let imported = import_maildir(&store, BOB, target.path());
    assert_eq!((imported.found, imported.imported, imported.known), (report.messages, report.messages, 0));
    assert_eq!(imported.imported_bytes, report.bytes);
    let (alice, bob) = (all(&store, ALICE), all(&store, BOB));
    for (name, messages) in &alice {
        assert_eq!(bob.get(name).map(Vec::len), Some(messages.len()), "{name}");
        assert!(bob.get(name) == Some(messages), "{name}");
    }
    assert_eq!(alice.len(), bob.len());
}

#[test]
fn a_second_run_adds_nothing_and_a_first_one_goes_on_where_it_stopped() {
    let (store, root) = (store(), tempfile::tempdir().unwrap());
    for n in 0..500u32 {
        let folder = if n % 3 == 0 { "cur" } else { ".Old/new" };
        let folder = root.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        // Twice the same bytes, in the same folder.
        fs::write(folder.join(format!("{n:04}.x")), format!("Subject: {}\n\n", n / 6 * 6 + n % 3)).unwrap();
    }
    let mut maildir = Maildir::open(root.path()).unwrap();
    let mut left = 250;
    let first = import(&store, &options(ALICE), &mut maildir, &mut |_| {
        left -= 1;
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let first = first.unwrap();
    assert_eq!((first.imported, first.stopped), (250, true));
    let second = import_maildir(&store, ALICE, root.path());
    assert_eq!((second.imported, second.known), (250, 250));
    let third = import_maildir(&store, ALICE, root.path());
    assert_eq!((third.imported, third.known, third.mailboxes_made), (0, 500, 0));
    assert_eq!(all(&store, ALICE).values().map(Vec::len).sum::<usize>(), 500);
}

#[test]
fn the_first_mailbox_of_an_account_is_inbox_whatever_is_imported() {
    let (store, root) = (store(), tempfile::tempdir().unwrap());
    fs::create_dir_all(root.path().join(".Archive/cur")).unwrap();
    fs::write(root.path().join(".Archive/cur/1.x"), "Subject: x\n\n").unwrap();
    import_maildir(&store, ALICE, root.path());
    let inbox = mailbox::by_id(&store.read().unwrap(), ALICE, record::INBOX_ID).unwrap();
    assert_eq!(inbox.unwrap().name, "INBOX");
}

#[test]
fn what_is_left_out_is_named() {
    let (store, root) = (store(), tempfile::tempdir().unwrap());
    fs::create_dir(root.path().join("cur")).unwrap();
    for (name, content) in [("1.empty", ""), ("2.large", &"x".repeat(2000)[..]), ("3.good", "Subject: x\n\n")]
    {
        fs::write(root.path().join("cur").join(name), content).unwrap();
    }
    let options = ImportOptions { max_message_size: ByteSize(1000), ..options(ALICE) };
    let report = import(&store, &options, &mut Maildir::open(root.path()).unwrap(), &mut go_on).unwrap();
    assert_eq!((report.found, report.imported, report.left_out), (3, 1, 2));
    let reasons: Vec<String> = report.left_out_first.iter().map(|left| left.reason.to_string()).collect();
    assert!(reasons[0].contains("empty") && reasons[1].contains("larger than 1000 B"), "{reasons:?}");
}

#[test]
fn an_import_below_a_mailbox_and_of_odd_names() {
    let (store, root) = (store(), tempfile::tempdir().unwrap());
    let deep = format!(".{}", vec!["a"; 40].join("."));
    for folder in ["cur", ".Sent/cur", &format!("{deep}/cur")] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
        fs::write(root.path().join(folder).join("1.x"), "Subject: x\n\n").unwrap();
    }
    let options = ImportOptions { below: Some(MailboxName::new("Old").unwrap()), ..options(ALICE) };
    import(&store, &options, &mut Maildir::open(root.path()).unwrap(), &mut go_on).unwrap();
    let all = all(&store, ALICE);
    let filled: Vec<&str> =
        all.iter().filter(|(_, list)| !list.is_empty()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(filled.len(), 3);
    assert_eq!(&filled[..2], ["Old/INBOX", "Old/Sent"]);
    assert!(filled[2].starts_with("a~"));
}

#[test]
fn over_quota_says_so_and_keeps_what_fitted() {
    let (store, root) = (store(), tempfile::tempdir().unwrap());
    store.commit_blocking(|tx| tx.set_quota(ALICE, Some(ByteSize(5_000_000)))).unwrap();
    fs::create_dir(root.path().join("cur")).unwrap();
    for n in 0..3 {
        let content = format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(4_000_000));
        fs::write(root.path().join("cur").join(format!("{n}.x")), content).unwrap();
    }
    let refused = import(&store, &options(ALICE), &mut Maildir::open(root.path()).unwrap(), &mut go_on);
    assert!(matches!(refused, Err(ImportError::Append { .. })), "{refused:?}");
    assert_eq!(all(&store, ALICE).values().map(Vec::len).sum::<usize>(), 0);
}

#[test]
fn an_mbox_file_comes_in() {
    let (store, root) = (store(), tempfile::tempdir().unwrap());
    let path = root.path().join("mail.mbox");
    let from = "From a@b.test Thu Jan  1 00:00:01 1970\n";
    fs::write(&path, format!("{from}Subject: 1\nStatus: RO\n\n>From x\n\n{from}Subject: 2\n\n\n")).unwrap();
    for expected in [(2, 0), (0, 2)] {
        let mut mbox = Mbox::open(&path, "Lists/old", Quoting::Mboxrd).unwrap();
        let report = import(&store, &options(ALICE), &mut mbox, &mut go_on).unwrap();
        assert_eq!((report.imported, report.known), expected);
    }
    let expected = [
        (b"Subject: 1\r\n\r\nFrom x\r\n".to_vec(), SystemFlags::SEEN.0, Vec::new(), 1000),
        (b"Subject: 2\r\n\r\n".to_vec(), 0, Vec::new(), 1000),
    ];
    assert_eq!(all(&store, ALICE)["Lists/old"], expected);
}

#[test]
fn an_export_wants_an_empty_directory() {
    let (store, target) = (store(), tempfile::tempdir().unwrap());
    fs::write(target.path().join("x"), "").unwrap();
    let refused = export_maildir(&store, ALICE, target.path(), &mut go_on);
    assert!(matches!(refused, Err(ExportError::NotEmpty { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Any bytes that end their first line with CRLF, any flags, keywords, dates and names.
    #[test]
    fn any_mail_survives_a_round_trip(
        messages in prop::collection::vec((
            prop::sample::select(vec!["INBOX", "a", "a.b/c", "a/b/c", "& -", "日本"]),
            prop::collection::vec(any::<u8>(), 0..60), 0u8..32,
            prop::collection::btree_set(prop::sample::select(vec!["$Forwarded", "$Junk", "work", "zz"]), 0..4),
            0i64..2_000_000_000_000,
        ), 1..12),
    ) {
        let (store, target) = (store(), tempfile::tempdir().unwrap());
        for (name, rest, flags, keywords, date) in messages {
            let bytes = [b"a: b\r\n".as_slice(), &rest].concat();
            put(&store, ALICE, name, (bytes, flags, keywords.into_iter().map(String::from).collect(), date));
        }
        export_maildir(&store, ALICE, target.path(), &mut go_on).unwrap();
        import_maildir(&store, BOB, target.path());
        prop_assert_eq!(all(&store, ALICE), all(&store, BOB));
    }
}
