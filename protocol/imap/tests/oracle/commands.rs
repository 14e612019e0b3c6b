//! Random commands of imap-codec's, encoded by it, read by us.

use std::cell::RefCell;
use std::collections::BTreeMap;

use arbitrary::{Arbitrary, Unstructured};
use essaim_imap::command::MessageForm;
use essaim_imap::{Action, Connection, Limits, Outcome, Settings, Transport};
use imap_codec::CommandCodec;
use imap_codec::encode::Encoder;
use imap_codec::imap_types::auth::AuthMechanism;
use imap_codec::imap_types::command::{Command, CommandBody};
use imap_codec::imap_types::core::{Tag, Vec1};
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::fetch::MacroOrMessageDataItemNames;
use imap_codec::imap_types::flag::{StoreResponse, StoreType};
use imap_codec::imap_types::sequence::SequenceSet;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::translate::{self, Meaning, meaning};

/// What we make of bytes: the first thing asked (or several, for APPEND), and the first answer.
struct Seen {
    asked: Vec<Action>,
    told: String,
}

/// Which state a command needs.
fn connection(body: &CommandBody<'_>) -> Connection {
    let limits = Limits { literal_before_login: 1 << 16, command_before_login: 1 << 20, ..Limits::default() };
    let mut connection = Connection::new(Settings { limits, transport: Transport::Tls, id: Vec::new() });
    let fresh = matches!(body, CommandBody::Login { .. } | CommandBody::Authenticate { .. });
    let enable = matches!(body, CommandBody::Enable { .. });
    let script: &[u8] = match () {
        () if fresh => b"",
        () if enable => b"a LOGIN a b\r\n",
        () => b"a LOGIN a b\r\nb ENABLE QRESYNC\r\nc SELECT x\r\n",
    };
    connection.receive(script);
    while let Some(action) = connection.next_action() {
        match action {
            Action::Authenticate { .. } => connection.answer_login(Ok(())),
            Action::RunAccount { .. } => {
                let access = essaim_imap::command::Access::ReadWrite;
                connection.answer_done(Outcome::Selected { access, text: "open".into() });
            }
            _ => {}
        }
    }
    connection
}

fn ours(wire: &[u8], mut connection: Connection) -> Seen {
    connection.receive(wire);
    let mut seen = Seen { asked: Vec::new(), told: String::new() };
    while let Some(action) = connection.next_action() {
        match &action {
            Action::Send(bytes) => {
                // After a refusal in place of `+`, what follows is not a literal any more: only the first answer counts.
                let text = String::from_utf8_lossy(bytes);
                let mut lines =
                    text.lines().filter(|line| !line.starts_with("+ go on") && !line.starts_with("* "));
                if let (true, Some(line)) = (seen.told.is_empty(), lines.next()) {
                    seen.told = line.to_owned();
                }
                continue;
            }
            Action::AppendBegin { .. } | Action::AppendMessage(_) => connection.answer_append(Ok(())),
            _ => {}
        }
        seen.asked.push(action);
    }
    seen
}

fn check(command: &Command<'_>) -> Result<(), TestCaseError> {
    let wire = CommandCodec::default().encode(command).dump();
    let Seen { asked, told: last } = ours(&wire, connection(&command.body));
    let tag = format!("{} ", command.tag.as_ref());
    let told = last.strip_prefix(&tag).unwrap_or_default();
    let refused = asked.is_empty() && (told.starts_with("BAD ") || told.starts_with("NO "));
    let shown = String::from_utf8_lossy(&wire).into_owned();
    match &command.body {
        CommandBody::Login { username, password } => match asked.as_slice() {
            [Action::Authenticate { user, password: ours, .. }] => {
                prop_assert_eq!(user.as_bytes(), username.as_ref());
                prop_assert_eq!(ours.expose().as_bytes(), password.declassify().as_ref());
            }
            _ => {
                let utf8 = [username.as_ref(), password.declassify().as_ref()]
                    .map(|b| std::str::from_utf8(b).is_ok());
                prop_assert!(refused && utf8 != [true, true], "{shown}: {last}");
            }
        },
        CommandBody::Authenticate { mechanism, initial_response } => {
            let waits = *mechanism == AuthMechanism::Plain && initial_response.is_none();
            let plain = initial_response.as_ref().is_some_and(|response| {
                let response = String::from_utf8_lossy(response.declassify()).into_owned();
                matches!(response.split('\0').collect::<Vec<_>>()[..], ["", user, password] if !user.is_empty() && !password.is_empty())
            });
            prop_assert!(
                (waits && last == "+ ") || refused || (plain && asked.len() == 1),
                "{shown}: {last}"
            );
        }
        CommandBody::Idle => prop_assert!(matches!(asked.as_slice(), [Action::Idle { .. }]), "{shown}"),
        CommandBody::Append { .. } => check_append(&command.body, &asked, refused, &shown)?,
        body => match (meaning(body), asked.as_slice()) {
            (Meaning::Account(theirs), [Action::RunAccount { command, .. }]) => {
                prop_assert_eq!(command, &theirs, "{}", shown)
            }
            (Meaning::Mailbox(theirs), [Action::RunMailbox { command, .. }]) => {
                prop_assert_eq!(command, &theirs, "{}", shown)
            }
            (Meaning::Answered, [] | [Action::Close]) => {
                prop_assert!(told.starts_with("OK "), "{}: {}", shown, last)
            }
            (Meaning::Refused, []) => prop_assert!(refused, "{}: {}", shown, last),
            (theirs, asked) => prop_assert!(false, "{shown}: to them {theirs:?}, to us {asked:?} {last}"),
        },
    }
    Ok(())
}

fn check_append(
    body: &CommandBody<'_>,
    asked: &[Action],
    refused: bool,
    shown: &str,
) -> Result<(), TestCaseError> {
    let CommandBody::Append { mailbox, flags, date, message } = body else { return Ok(()) };
    let (bytes, form) = match message {
        LiteralOrLiteral8::Literal(literal) => (literal.as_ref(), MessageForm::Literal),
        LiteralOrLiteral8::Literal8(literal) => (literal.data.as_ref(), MessageForm::Binary),
    };
    let theirs = translate::name(mailbox).zip(flags.iter().map(translate::flag).collect::<Option<Vec<_>>>());
    let Some((mailbox, flags)) = theirs.filter(|_| !bytes.is_empty()) else {
        prop_assert!(refused, "{shown}");
        return Ok(());
    };
    let [Action::AppendBegin { mailbox: ours, .. }, Action::AppendMessage(message), rest @ ..] = asked else {
        return Err(TestCaseError::fail(format!("{shown}: {asked:?}")));
    };
    prop_assert_eq!(ours, &mailbox);
    prop_assert!(flags.iter().all(|flag| message.flags.contains(flag)));
    prop_assert_eq!((message.size.0, message.form), (bytes.len() as u64, form));
    let moment =
        date.as_ref().map(|date| (date.as_ref().timestamp(), date.as_ref().offset().local_minus_utc() / 60));
    prop_assert_eq!(message.date.map(|date| (date.at.seconds(), i32::from(date.zone_minutes))), moment);
    let pieces: Vec<u8> = rest
        .iter()
        .flat_map(|action| if let Action::AppendPiece(piece) = action { piece.to_vec() } else { vec![] })
        .collect();
    prop_assert_eq!(pieces, bytes);
    prop_assert!(matches!(asked.last(), Some(Action::AppendCommit)), "{}", shown);
    Ok(())
}

/// Mostly printable bytes, or hardly any random command has a valid name in it.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![4 => b'!'..=b'z', 1 => any::<u8>()], 16..600)
}

/// Reads random commands as `generate` makes them, and tells how many of each kind there were.
fn agree(
    cases: u32,
    generate: impl for<'a> Fn(&mut Unstructured<'a>) -> arbitrary::Result<Command<'a>>,
) -> BTreeMap<&'static str, u32> {
    let kinds = RefCell::new(BTreeMap::new());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&bytes(), |bytes| {
        let Ok(command) = generate(&mut Unstructured::new(&bytes)) else { return Ok(()) };
        *kinds.borrow_mut().entry(command.body.name()).or_default() += 1;
        check(&command)
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    kinds.into_inner()
}

#[test]
fn what_imap_codec_encodes_means_the_same_to_us() {
    #[expect(clippy::redundant_closure, reason = "the function alone is not general enough for the compiler")]
    let kinds = agree(15_000, |bytes| Command::arbitrary(bytes));
    for kind in
        ["SELECT", "LIST", "STATUS", "APPEND", "LOGIN", "RENAME", "CREATE", "ID", "GETQUOTAROOT", "LSUB"]
    {
        assert!(kinds.get(kind).is_some_and(|&count| count >= 20), "too few of {kind} in {kinds:?}");
    }
}

/// Commands of many parts are seldom valid as a whole, so these are put together from parts that are.
#[test]
fn search_fetch_and_store_mean_the_same_to_us() {
    let kinds = agree(6_000, |bytes| {
        let uid = bool::arbitrary(bytes)?;
        let sequence_set = SequenceSet::arbitrary(bytes)?;
        let modifiers = u8::arbitrary(bytes)? % 4 == 0;
        let body = match u8::arbitrary(bytes)? % 3 {
            0 => CommandBody::Search { charset: None, criteria: some(bytes, 5)?, uid },
            1 => CommandBody::Fetch {
                sequence_set,
                macro_or_item_names: MacroOrMessageDataItemNames::MessageDataItemNames(
                    some(bytes, 5)?.into_inner(),
                ),
                uid,
                modifiers: if modifiers { some(bytes, 2)?.into_inner() } else { Vec::new() },
            },
            _ => CommandBody::Store {
                sequence_set,
                kind: StoreType::arbitrary(bytes)?,
                response: StoreResponse::arbitrary(bytes)?,
                flags: some(bytes, 4)?.into_inner(),
                uid,
                modifiers: if modifiers { some(bytes, 1)?.into_inner() } else { Vec::new() },
            },
        };
        Ok(Command { tag: Tag::unvalidated("a"), body })
    });
    for kind in ["SEARCH", "FETCH", "STORE"] {
        assert!(kinds.get(kind).is_some_and(|&count| count >= 200), "too few of {kind} in {kinds:?}");
    }
}

/// One or more values, of so many attempts.
fn some<'a, T: Arbitrary<'a>>(bytes: &mut Unstructured<'a>, attempts: usize) -> arbitrary::Result<Vec1<T>> {
    let values: Vec<T> = (0..attempts).filter_map(|_| T::arbitrary(bytes).ok()).collect();
    Vec1::try_from(values).map_err(|_| arbitrary::Error::NotEnoughData)
}
