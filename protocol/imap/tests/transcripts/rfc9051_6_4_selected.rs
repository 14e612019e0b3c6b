//! RFC 9051 section 6.4 and RFC 3501 section 6.4: commands on the selected mailbox. SEARCH has its own file.

use std::num::NonZeroU64;

use essaim_imap::command::{
    Access, Echo, Expunge, Fetch, FetchItem, HeaderName, Legacy, PartPath, Partial, Section, SectionText,
    Seen, Store, StoreAction, Transfer,
};
use essaim_imap::{
    Condition, Flag, MailboxCommand, MessageSet, Numbering, Outcome, Reply, ResponseCode, State, Tag,
};
use essaim_types::{Uid, UidValidity};

use crate::script::{Script, keyword, name, part, set};

#[track_caller]
fn runs(imap: &mut Script, command: &str, expected: MailboxCommand) {
    imap.c(&format!("a {command}"));
    imap.mailbox(|command, _| {
        assert_eq!(command, expected);
        Outcome::ok("done")
    });
    imap.s("a OK done");
}

fn fetch(items: Vec<FetchItem>) -> MailboxCommand {
    MailboxCommand::Fetch(Fetch {
        numbering: Numbering::Sequence,
        messages: set("1"),
        items,
        changed_since: None,
    })
}

fn section(section: Section) -> FetchItem {
    FetchItem::Section { section, partial: None, seen: Seen::Set }
}

#[test]
fn rfc9051_6_4_1_and_2_close_and_unselect_deselect() {
    for (command, expected) in [("CLOSE", MailboxCommand::Close), ("UNSELECT", MailboxCommand::Unselect)] {
        let mut imap = Script::selected();
        runs(&mut imap, command, expected);
        assert_eq!(imap.connection().state(), State::Authenticated);
        imap.end();
    }
}

#[test]
fn what_is_open_for_reading_does_not_change() {
    let mut imap = Script::authenticated();
    imap.c("e EXAMINE x");
    imap.opens(Access::ReadOnly);
    imap.s("e OK [READ-ONLY] SELECT completed");
    for command in ["STORE 1 FLAGS ()", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 y", "UID MOVE 1 y"] {
        imap.c(&format!("a {command}"));
        imap.s("a NO the mailbox was opened read-only");
    }
    let to = name("y");
    let copy = Transfer { numbering: Numbering::Sequence, messages: set("1"), to };
    runs(&mut imap, "COPY 1 y", MailboxCommand::Copy(copy));
    runs(&mut imap, "CLOSE", MailboxCommand::Unselect);
    imap.end();
}

#[test]
fn rfc9051_6_4_3_expunge() {
    let mut imap = Script::selected();
    imap.c("A202 EXPUNGE");
    imap.mailbox(|command, out| {
        assert_eq!(command, MailboxCommand::Expunge(Expunge::All));
        [3, 3, 5, 8].into_iter().for_each(|sequence| out.expunge(sequence));
        Outcome::ok("EXPUNGE completed")
    });
    imap.lines("* 3 EXPUNGE\n* 3 EXPUNGE\n* 5 EXPUNGE\n* 8 EXPUNGE\nA202 OK EXPUNGE completed");
    runs(&mut imap, "UID EXPUNGE 3000:3002", MailboxCommand::Expunge(Expunge::Uids(set("3000:3002"))));
    runs(&mut imap, "UID EXPUNGE $", MailboxCommand::Expunge(Expunge::Uids(MessageSet::Saved)));
    runs(&mut imap, "CHECK", MailboxCommand::Check);
    imap.end();
}

#[test]
fn rfc9051_6_4_5_fetch_of_some_header_fields() {
    let mut imap = Script::selected();
    imap.c("A654 FETCH 2:4 (FLAGS BODY[HEADER.FIELDS (DATE FROM)])");
    let names = || vec![HeaderName::try_from("date").unwrap(), HeaderName::try_from("from").unwrap()];
    imap.mailbox(|command, out| {
        let items = vec![FetchItem::Flags, section(part(&[], SectionText::Fields(names())))];
        let fetch = Fetch {
            numbering: Numbering::Sequence,
            messages: set("2:4"),
            items: items.clone(),
            changed_since: None,
        };
        assert_eq!(command, MailboxCommand::Fetch(fetch));
        let mut fetch = out.fetch(2);
        fetch.flags(&[]);
        let Some(FetchItem::Section { section, .. }) = items.last() else { panic!() };
        fetch.section(section, None, b"Date: x\r\n\r\n");
        fetch.finish();
        Outcome::ok("FETCH completed")
    });
    imap.lines(
        "* 2 FETCH (FLAGS () BODY[HEADER.FIELDS (date from)] {11}\nDate: x\n\n)\nA654 OK FETCH completed",
    );
    imap.end();
}

#[test]
fn rfc9051_6_4_5_every_item_is_read() {
    let binary = |part: &[u32], seen, partial| {
        let levels = part.iter().map(|&level| level.try_into().unwrap()).collect();
        FetchItem::Binary { part: PartPath::new(levels).unwrap(), partial, seen }
    };
    let window = |offset, length| Some(Partial { offset, length: NonZeroU64::new(length).unwrap() });
    let names = || vec![HeaderName::try_from("To").unwrap()];
    let legacy = FetchItem::Legacy;
    let mut imap = Script::selected();
    for (text, items) in [
        ("FLAGS", vec![FetchItem::Flags]),
        ("(FLAGS)", vec![FetchItem::Flags]),
        ("(UID FLAGS UID)", vec![FetchItem::Uid, FetchItem::Flags]),
        ("fast", vec![FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size]),
        ("ALL", vec![FetchItem::Flags, FetchItem::InternalDate, FetchItem::Size, FetchItem::Envelope]),
        (
            "(BODY BODYSTRUCTURE ENVELOPE)",
            vec![FetchItem::Body, FetchItem::BodyStructure, FetchItem::Envelope],
        ),
        ("(EMAILID THREADID SAVEDATE)", vec![FetchItem::EmailId, FetchItem::ThreadId, FetchItem::SaveDate]),
        ("(RFC822.SIZE INTERNALDATE)", vec![FetchItem::Size, FetchItem::InternalDate]),
        (
            "(RFC822 RFC822.HEADER RFC822.TEXT)",
            vec![legacy(Legacy::Full), legacy(Legacy::Header), legacy(Legacy::Text)],
        ),
        ("BODY[]", vec![section(Section::WHOLE)]),
        (
            "BODY.PEEK[]<0.2048>",
            vec![FetchItem::Section { section: Section::WHOLE, partial: window(0, 2048), seen: Seen::Keep }],
        ),
        ("BODY[TEXT]", vec![section(Section::TEXT)]),
        ("BODY[1]", vec![section(part(&[1], SectionText::All))]),
        ("BODY[3.HEADER]", vec![section(part(&[3], SectionText::Header))]),
        ("BODY[4.1.MIME]", vec![section(part(&[4, 1], SectionText::Mime))]),
        ("BODY[4.2.2.1]", vec![section(part(&[4, 2, 2, 1], SectionText::All))]),
        ("BODY[4.2.TEXT]", vec![section(part(&[4, 2], SectionText::Text))]),
        ("BODY[HEADER.FIELDS (\"to\")]", vec![section(part(&[], SectionText::Fields(names())))]),
        (
            "BODY[2.HEADER.FIELDS.NOT ({2+}\r\nTO)]",
            vec![section(part(&[2], SectionText::FieldsExcept(names())))],
        ),
        ("BINARY[]", vec![binary(&[], Seen::Set, None)]),
        ("BINARY.PEEK[1.2]<5.6>", vec![binary(&[1, 2], Seen::Keep, window(5, 6))]),
        ("BINARY.SIZE[7]", vec![FetchItem::BinarySize(PartPath::new(vec![7.try_into().unwrap()]).unwrap())]),
    ] {
        runs(&mut imap, &format!("FETCH 1 {text}"), fetch(items));
    }
    let items = vec![FetchItem::Flags, FetchItem::Uid];
    let by_uid = Fetch { numbering: Numbering::Uid, messages: MessageSet::Saved, items, changed_since: None };
    runs(&mut imap, "UID FETCH $ FLAGS", MailboxCommand::Fetch(by_uid));
    imap.end();
}

#[test]
fn what_is_not_a_fetch_item() {
    let mut imap = Script::selected();
    for text in [
        "",
        "()",
        "NONSENSE",
        "(FLAGS ALL)",
        "BODY[",
        "BODY[]x",
        "BODY[MIME]",
        "BODY[1.]",
        "BODY[0]",
        "BODY[1.0]",
        "BODY[1HEADER]",
        "BODY[HEADER.FIELDS]",
        "BODY[HEADER.FIELDS ()]",
        "BODY[HEADER.FIELDS (a:b)]",
        "BODY[HEADER.FIELDS (a b]",
        "BODY[TEXT.MIME]",
        "BODY[]<0>",
        "BODY[]<0.0>",
        "BODY[]<-1.5>",
        "BODY.PEEK",
        "BINARY",
        "BINARY[TEXT]",
        "BINARY[1.]",
        "BINARY.SIZE[1]<0.5>",
        "FLAGS  UID",
        "(FLAGS",
        "FLAGS)",
    ] {
        imap.c(&format!("a FETCH 1 {text}"));
        imap.s("a BAD ...");
        imap.c("b NOOP");
        imap.account(|_, _| Outcome::ok("done"));
        imap.s("b OK done");
    }
    let deep = format!("a FETCH 1 BODY[{}1]", "1.".repeat(64));
    imap.c(&deep);
    imap.s("a NO [LIMIT] more than 64 levels of a section in one command");
    imap.end();
}

#[test]
fn sections_are_answered_under_their_own_names() {
    let mut imap = Script::selected();
    imap.news(|out| {
        let mut fetch = out.fetch(1);
        fetch.section(&Section::WHOLE, Some(0), b"abc");
        fetch.section_missing(&part(&[7], SectionText::All), None);
        fetch.section(&part(&[4, 1], SectionText::Mime), None, b"");
        let fields = SectionText::FieldsExcept(vec![HeaderName::try_from("a]\"").unwrap()]);
        fetch.section(&part(&[1], fields), Some(5), b"x");
        let path = PartPath::new(vec![2.try_into().unwrap()]).unwrap();
        fetch.binary(&path, None, b"plain");
        fetch.binary(&path, Some(3), b"\0");
        fetch.binary_head(&path, None, 2);
        fetch.raw(b"xy");
        fetch.binary_missing(&PartPath::ROOT, None);
        fetch.binary_size(&path, 42);
        fetch.legacy_head(Legacy::Text, 1);
        fetch.raw(b"t");
        fetch.finish();
    });
    for line in [
        "* 1 FETCH (BODY[]<0> {3}",
        "abc BODY[7] NIL BODY[4.1.MIME] {0}",
        " BODY[1.HEADER.FIELDS.NOT (\"a]\\\"\")]<5> {1}",
        "x BINARY[2] {5}",
        "plain BINARY[2]<3> ~{1}",
        "\0 BINARY[2] ~{2}",
        "xy BINARY[] NIL BINARY.SIZE[2] 42 RFC822.TEXT {1}",
        "t)",
    ] {
        imap.s(line);
    }
    imap.end();
}

#[test]
fn rfc9051_6_4_6_store() {
    let mut imap = Script::selected();
    imap.c("A003 STORE 2:4 +FLAGS (\\Deleted)");
    let store = |action, echo, flags| Store {
        numbering: Numbering::Sequence,
        messages: set("2:4"),
        unchanged_since: None,
        action,
        echo,
        flags,
    };
    imap.mailbox(|command, out| {
        assert_eq!(command, MailboxCommand::Store(store(StoreAction::Add, Echo::Flags, vec![Flag::Deleted])));
        let flags = [
            vec![Flag::Deleted, Flag::Seen],
            vec![Flag::Deleted],
            vec![Flag::Deleted, Flag::Flagged, Flag::Seen],
        ];
        for (sequence, flags) in (2..).zip(&flags) {
            let mut fetch = out.fetch(sequence);
            fetch.flags(flags);
            fetch.finish();
        }
        Outcome::ok("STORE completed")
    });
    imap.lines(
        "* 2 FETCH (FLAGS (\\Deleted \\Seen))
         * 3 FETCH (FLAGS (\\Deleted))
         * 4 FETCH (FLAGS (\\Deleted \\Flagged \\Seen))
         A003 OK STORE completed",
    );
    for (text, action, echo, flags) in [
        ("FLAGS ()", StoreAction::Replace, Echo::Flags, vec![]),
        ("FLAGS.SILENT \\Seen", StoreAction::Replace, Echo::Silent, vec![Flag::Seen]),
        ("-flags \\Seen $x", StoreAction::Remove, Echo::Flags, vec![Flag::Seen, keyword("$x")]),
        ("-FLAGS.SILENT (\\Recent)", StoreAction::Remove, Echo::Silent, vec![]),
        ("+FLAGS.SILENT (\\seen \\SEEN)", StoreAction::Add, Echo::Silent, vec![Flag::Seen]),
    ] {
        runs(&mut imap, &format!("STORE 2:4 {text}"), MailboxCommand::Store(store(action, echo, flags)));
    }
    for bad in [
        "FLAGS",
        "FLAGS (\\Nonsense)",
        "FLAGS (a b",
        "*FLAGS ()",
        "FLAGS.LOUD ()",
        "FLAGS () ()",
        "FLAGS (\\*)",
    ] {
        imap.c(&format!("a STORE 1 {bad}"));
        imap.s("a BAD ...");
    }
    imap.end();
}

#[test]
fn rfc9051_6_4_7_copy() {
    let mut imap = Script::selected();
    imap.c("A003 COPY 2:4 MEETING");
    imap.mailbox(|command, _| {
        let copy = Transfer { numbering: Numbering::Sequence, messages: set("2:4"), to: name("MEETING") };
        assert_eq!(command, MailboxCommand::Copy(copy));
        let validity = UidValidity::new(38505).unwrap();
        let code = ResponseCode::CopyUid(
            validity,
            [304, 319, 320].into_iter().collect(),
            [3956, 3957, 3958].into_iter().collect(),
        );
        Outcome::Ok(Reply::coded(code, "COPY completed"))
    });
    imap.s("A003 OK [COPYUID 38505 304,319:320 3956:3958] COPY completed");
    imap.c("A005 UID COPY 305:310 meeting");
    imap.mailbox(|command, _| {
        let copy = Transfer { numbering: Numbering::Uid, messages: set("305:310"), to: name("meeting") };
        assert_eq!(command, MailboxCommand::Copy(copy));
        Outcome::No(Reply::coded(ResponseCode::TryCreate, "no such mailbox"))
    });
    imap.s("A005 NO [TRYCREATE] no such mailbox");
    imap.end();
}

#[test]
fn rfc6851_4_3_move_tells_copyuid_before_the_expunges() {
    let mut imap = Script::selected();
    imap.c("a UID MOVE 42:69 foo");
    imap.mailbox(|command, out| {
        let to = name("foo");
        let transfer = Transfer { numbering: Numbering::Uid, messages: set("42:69"), to };
        assert_eq!(command, MailboxCommand::Move(transfer));
        let validity = UidValidity::new(432_432).unwrap();
        let code = ResponseCode::CopyUid(validity, (42..=69).collect(), (1202..=1229).collect());
        out.remark(Condition::Ok, &Reply::coded(code, ""));
        out.expunge(22);
        Outcome::ok("Done")
    });
    imap.lines("* OK [COPYUID 432432 42:69 1202:1229] .\n* 22 EXPUNGE\na OK Done");
    imap.end();
}

#[test]
fn rfc9051_6_4_9_uid_fetch_tells_the_uid() {
    let mut imap = Script::selected();
    imap.c("A999 UID FETCH 4827313:4828442 FLAGS");
    imap.mailbox(|command, out| {
        let MailboxCommand::Fetch(fetch) = command else { panic!() };
        assert_eq!(fetch.items, [FetchItem::Flags, FetchItem::Uid]);
        for (sequence, uid) in [(23, 4_827_313), (24, 4_827_943), (25, 4_828_442)] {
            let mut fetch = out.fetch(sequence);
            fetch.flags(&[Flag::Seen]);
            fetch.uid(Uid::new(uid).unwrap());
            fetch.finish();
        }
        Outcome::ok("UID FETCH completed")
    });
    imap.lines(
        "* 23 FETCH (FLAGS (\\Seen) UID 4827313)
         * 24 FETCH (FLAGS (\\Seen) UID 4827943)
         * 25 FETCH (FLAGS (\\Seen) UID 4828442)
         A999 OK UID FETCH completed",
    );
    for nonsense in
        ["UID NOOP", "UID LIST", "UID", "UID  FETCH 1 FLAGS", "UID UID FETCH 1 FLAGS", "uid expunge"]
    {
        imap.c(&format!("a {nonsense}"));
        imap.s("a BAD ...");
    }
    imap.end();
}

#[test]
fn rfc9051_2_2_1_a_dot_is_a_tag() {
    let mut imap = Script::selected();
    imap.c(". UID EXPUNGE 3000:3002");
    imap.mailbox(|_, _| Outcome::ok("Ok"));
    imap.s(". OK Ok");
    assert!(Tag::new(b".").is_some());
    imap.end();
}
