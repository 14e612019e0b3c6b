//! RFC 7162: CONDSTORE and QRESYNC.

use essaim_imap::command::{
    Access, ChangedSince, Echo, EntryType, Fetch, FetchItem, ModSeqTest, Qresync, Resync, SearchKey,
    SearchReturn, SearchReturnItem, Select, Store, StoreAction, Vanished,
};
use essaim_imap::response::{Encoder, NumberSet, StatusValue};
use essaim_imap::{
    AccountCommand, Awareness, Condition, Flag, MailboxCommand, Numbering, Outcome, Reply, ResponseCode,
    SequenceSet,
};
use essaim_types::{ModSeq, Uid, UidValidity};

use crate::script::{Script, keyword, name, set};

fn changed(out: &mut Encoder<'_>, sequence: u32, uid: Option<u32>, mod_seq: u64, flags: Option<&[Flag]>) {
    let mut fetch = out.fetch(sequence);
    if let Some(uid) = uid.and_then(Uid::new) {
        fetch.uid(uid);
    }
    fetch.mod_seq(ModSeq(mod_seq));
    if let Some(flags) = flags {
        fetch.flags(flags);
    }
    fetch.finish();
}

fn store(
    numbering: Numbering,
    messages: &str,
    since: u64,
    action: StoreAction,
    flags: Vec<Flag>,
) -> MailboxCommand {
    MailboxCommand::Store(Store {
        numbering,
        messages: set(messages),
        unchanged_since: Some(ModSeq(since)),
        action,
        echo: Echo::Silent,
        flags,
    })
}

#[test]
fn example_1_and_2_select_tells_the_highest_mod_sequence_or_that_there_is_none() {
    let mut imap = Script::authenticated();
    imap.c("A142 SELECT INBOX");
    imap.account(|_, out| {
        let highest = ResponseCode::HighestModSeq(ModSeq(715_194_045_007));
        out.remark(Condition::Ok, &Reply::coded(highest, "Highest"));
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::Unseen(12), "Message 12 is first unseen"));
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::NoModSeq, "Sorry"));
        Outcome::Selected { access: Access::ReadWrite, text: "SELECT completed".into() }
    });
    imap.lines(
        "* OK [HIGHESTMODSEQ 715194045007] Highest
         * OK [UNSEEN 12] Message 12 is first unseen
         * OK [NOMODSEQ] Sorry
         A142 OK [READ-WRITE] SELECT completed",
    );
    imap.end();
}

#[test]
fn examples_3_to_5_conditional_store() {
    let mut imap = Script::selected();
    imap.c("a103 UID STORE 6,4,8 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)");
    assert_eq!(imap.awareness(), Awareness::New);
    imap.mailbox(|command, out| {
        let expected = store(Numbering::Uid, "6,4,8", 12_121_230_045, StoreAction::Add, vec![Flag::Deleted]);
        assert_eq!(command, expected);
        changed(out, 1, Some(4), 12_121_231_000, None);
        changed(out, 2, Some(6), 12_121_230_852, None);
        Outcome::ok("Conditional Store completed")
    });
    imap.lines(
        "* 1 FETCH (UID 4 MODSEQ (12121231000))
         * 2 FETCH (UID 6 MODSEQ (12121230852))
         a103 OK Conditional Store completed",
    );
    imap.c("a104 STORE * (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted $Processed)");
    assert_eq!(imap.awareness(), Awareness::Unchanged);
    imap.mailbox(|command, _| {
        let flags = vec![Flag::Deleted, keyword("$Processed")];
        assert_eq!(command, store(Numbering::Sequence, "*", 12_121_230_045, StoreAction::Add, flags));
        Outcome::ok("Store (conditional) completed")
    });
    imap.s("a104 OK Store (conditional) completed");
    imap.end();
}

#[test]
fn example_5_the_first_use_tells_the_highest_mod_sequence() {
    let mut imap = Script::selected();
    imap.c("c101 STORE 50 (UNCHANGEDSINCE 12121230045) -FLAGS.SILENT (\\Deleted)");
    assert_eq!(imap.awareness(), Awareness::New);
    imap.mailbox(|_, out| {
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::HighestModSeq(ModSeq(12_111_230_047)), "now"));
        changed(out, 50, None, 12_111_230_048, None);
        Outcome::ok("Store (conditional) completed")
    });
    imap.lines(
        "* OK [HIGHESTMODSEQ 12111230047] now
         * 50 FETCH (MODSEQ (12111230048))
         c101 OK Store (conditional) completed",
    );
    imap.end();
}

#[test]
fn examples_6_to_11_modified() {
    let mut imap = Script::selected();
    imap.c("d105 STORE 7,5,9 (UNCHANGEDSINCE 320162338) +FLAGS.SILENT (\\Deleted)");
    imap.mailbox(|_, out| {
        changed(out, 7, None, 320_162_342, Some(&[Flag::Seen, Flag::Deleted]));
        changed(out, 5, None, 320_162_350, None);
        let code = ResponseCode::Modified([7, 9].into_iter().collect());
        Outcome::Ok(Reply::coded(code, "Conditional STORE failed"))
    });
    imap.lines(
        "* 7 FETCH (MODSEQ (320162342) FLAGS (\\Seen \\Deleted))
         * 5 FETCH (MODSEQ (320162350))
         d105 OK [MODIFIED 7,9] Conditional STORE failed",
    );
    imap.c("a102 STORE 12 (UNCHANGEDSINCE 0) +FLAGS.SILENT ($MDNSent)");
    imap.mailbox(|command, _| {
        assert_eq!(command, store(Numbering::Sequence, "12", 0, StoreAction::Add, vec![keyword("$MDNSent")]));
        let code = ResponseCode::Modified([12].into_iter().collect());
        Outcome::No(Reply::coded(code, "Some of the messages no longer exist."))
    });
    imap.s("a102 NO [MODIFIED 12] Some of the messages no longer exist.");
    imap.c("e105 STORE 7,3:9 (UNCHANGEDSINCE 12121230045) +FLAGS.SILENT (\\Deleted)");
    imap.mailbox(|command, _| {
        let MailboxCommand::Store(Store { messages: essaim_imap::MessageSet::Set(messages), .. }) = command
        else {
            panic!()
        };
        assert_eq!(messages.resolve(None), [3..=9], "each message once");
        Outcome::ok("done")
    });
    imap.s("e105 OK done");
    imap.end();
}

#[test]
fn examples_12_and_13_fetch_of_mod_sequences() {
    let mut imap = Script::selected();
    imap.c("s100 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12345)");
    assert_eq!(imap.awareness(), Awareness::New);
    imap.mailbox(|command, out| {
        let fetch = Fetch {
            numbering: Numbering::Uid,
            messages: set("1:*"),
            items: vec![FetchItem::Flags, FetchItem::ModSeq, FetchItem::Uid],
            changed_since: Some(ChangedSince { mod_seq: ModSeq(12345), vanished: Vanished::Omit }),
        };
        assert_eq!(command, MailboxCommand::Fetch(fetch));
        changed(out, 1, Some(4), 65402, Some(&[Flag::Seen]));
        changed(out, 4, Some(8), 29738, Some(&["$NoJunk", "$AutoJunk", "$MDNSent"].map(keyword)));
        Outcome::ok("FETCH completed")
    });
    imap.lines(
        "* 1 FETCH (UID 4 MODSEQ (65402) FLAGS (\\Seen))
         * 4 FETCH (UID 8 MODSEQ (29738) FLAGS ($NoJunk $AutoJunk $MDNSent))
         s100 OK FETCH completed",
    );
    imap.c("a FETCH 1:3 (MODSEQ)");
    imap.mailbox(|command, out| {
        let MailboxCommand::Fetch(fetch) = command else { panic!() };
        assert_eq!(fetch.items, [FetchItem::ModSeq]);
        changed(out, 1, None, 624_140_003, None);
        Outcome::ok("Fetch complete")
    });
    imap.lines("* 1 FETCH (MODSEQ (624140003))\na OK Fetch complete");
    imap.end();
}

#[test]
fn examples_15_to_19_search() {
    let mut imap = Script::selected();
    imap.c("a SEARCH MODSEQ \"/flags/\\\\draft\" all 620162338");
    assert_eq!(imap.awareness(), Awareness::New);
    imap.mailbox(|command, out| {
        let MailboxCommand::Search(search) = command else { panic!() };
        let entry = Some((Flag::Draft, EntryType::All));
        assert_eq!(search.key, SearchKey::ModSeq(ModSeqTest { at_least: ModSeq(620_162_338), entry }));
        out.search([2, 5, 6, 7, 11, 12, 18, 19, 20, 23], Some(ModSeq(917_162_500)));
        Outcome::ok("Search complete")
    });
    imap.lines("* SEARCH 2 5 6 7 11 12 18 19 20 23 (MODSEQ 917162500)\na OK Search complete");
    imap.c("t SEARCH OR NOT MODSEQ 720162338 LARGER 50000");
    imap.mailbox(|command, out| {
        let MailboxCommand::Search(search) = command else { panic!() };
        let changed = SearchKey::ModSeq(ModSeqTest { at_least: ModSeq(720_162_338), entry: None });
        let either = vec![SearchKey::Not(Box::new(changed)), SearchKey::Larger(50000)];
        assert_eq!(search.key, SearchKey::Or(either));
        assert!(search.key.asks_mod_seq());
        out.search([], Some(ModSeq(1)));
        Outcome::ok("Search complete, nothing found")
    });
    imap.lines("* SEARCH\nt OK Search complete, nothing found");
    imap.c("a SEARCH RETURN (ALL) MODSEQ 1234");
    imap.mailbox(|command, out| {
        let MailboxCommand::Search(search) = command else { panic!() };
        assert_eq!(search.answer, SearchReturn::Extended(vec![SearchReturnItem::All]));
        let all: NumberSet = [1, 2, 3, 5].into_iter().collect();
        let tag = essaim_imap::Tag::new(b"a").unwrap();
        out.esearch(&tag, search.numbering).all(&all).mod_seq(Some(ModSeq(1236))).finish();
        Outcome::ok("Extended SEARCH completed")
    });
    imap.lines("* ESEARCH (TAG \"a\") ALL 1:3,5 MODSEQ 1236\na OK Extended SEARCH completed");
    for bad in [
        "\"/flags/\\\\nonsense\" all 1",
        "\"/comment\" all 1",
        "\"/flags/\\\\seen\" any 1",
        "\"/flags/\\\\seen\" all",
    ] {
        imap.c(&format!("a SEARCH MODSEQ {bad}"));
        imap.s("a BAD ...");
    }
    imap.end();
}

#[test]
fn example_17_status_makes_the_client_aware() {
    let mut imap = Script::authenticated();
    imap.c("A042 STATUS blurdybloop (UIDNEXT MESSAGES HIGHESTMODSEQ)");
    assert_eq!(imap.awareness(), Awareness::New);
    imap.account(|_, out| {
        let values = [
            StatusValue::Messages(231),
            StatusValue::UidNext(44292),
            StatusValue::HighestModSeq(ModSeq(7_011_231_777)),
        ];
        out.status(&name("blurdybloop"), values);
        Outcome::ok("STATUS completed")
    });
    imap.lines(
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 HIGHESTMODSEQ 7011231777)
         A042 OK STATUS completed",
    );
    imap.end();
    let mut imap = Script::authenticated();
    imap.c("a LIST \"\" * RETURN (STATUS (HIGHESTMODSEQ))");
    assert_eq!(imap.awareness(), Awareness::New);
}

#[test]
fn example_18_select_with_condstore() {
    let mut imap = Script::authenticated();
    imap.c("A142 SELECT INBOX (CONDSTORE)");
    assert_eq!(imap.awareness(), Awareness::New);
    imap.account(|command, _| {
        let select = Select { mailbox: name("INBOX"), access: Access::ReadWrite, resync: Resync::Condstore };
        assert_eq!(command, AccountCommand::Select(select));
        let text = "SELECT completed, CONDSTORE is now enabled".into();
        Outcome::Selected { access: Access::ReadWrite, text }
    });
    imap.s("A142 OK [READ-WRITE] SELECT completed, CONDSTORE is now enabled");
    imap.end();
}

fn selects(imap: &mut Script, parameter: &str, expected: Qresync) {
    imap.c(&format!("A02 SELECT INBOX ({parameter})"));
    imap.account(|command, _| {
        let resync = Resync::Qresync(expected);
        let select = Select { mailbox: name("INBOX"), access: Access::ReadWrite, resync };
        assert_eq!(command, AccountCommand::Select(select));
        Outcome::Selected { access: Access::ReadWrite, text: "mailbox selected".into() }
    });
    imap.s("A02 OK [READ-WRITE] mailbox selected");
}

#[test]
fn section_3_2_5_select_with_qresync() {
    let known = |text: &str| Some(text.parse::<SequenceSet>().unwrap());
    let qresync = |mod_seq, known_uids| Qresync {
        uid_validity: UidValidity::new(67_890_007).unwrap(),
        mod_seq: ModSeq(mod_seq),
        known_uids,
        sample: None,
    };
    let mut imap = Script::enabled("QRESYNC");
    let uids = "41,43:211,214:541";
    let expected = qresync(20_050_715_194_045_000, known(uids));
    selects(&mut imap, &format!("QRESYNC (67890007 20050715194045000 {uids})"), expected);
    selects(&mut imap, "QRESYNC (67890007 90060115194045000)", qresync(90_060_115_194_045_000, None));
    selects(&mut imap, "condstore qresync (67890007 1 1)", qresync(1, known("1")));
    let sample = || Some(("5000,7500,9990:9999".parse().unwrap(), "15000,22500,29970".parse().unwrap()));
    let mut expected = qresync(90_060_115_194_045_000, known("1:29997"));
    expected.sample = sample();
    let parameter = "QRESYNC (67890007 90060115194045000 1:29997 (5000,7500,9990:9999 15000,22500,29970))";
    selects(&mut imap, parameter, expected);
    let mut expected = qresync(7, None);
    expected.sample = sample();
    selects(&mut imap, "QRESYNC (67890007 7 (5000,7500,9990:9999 15000,22500,29970))", expected);
    for bad in [
        "QRESYNC",
        "QRESYNC ()",
        "QRESYNC (0 1)",
        "QRESYNC (1)",
        "QRESYNC (1 1 *)",
        "QRESYNC (1 1 1:*)",
        "QRESYNC (1 1 $)",
        "QRESYNC (1 1 1 (1))",
        "QRESYNC (1 1 1 (* 1))",
        "QRESYNC (1 1 1 (1 1)",
        "NONSENSE",
        "",
    ] {
        imap.c(&format!("a SELECT INBOX ({bad})"));
        imap.s("a BAD ...");
    }
    imap.end();
}

#[test]
fn section_3_2_3_qresync_and_vanished_are_bad_before_enable() {
    let mut imap = Script::selected();
    imap.c("a SELECT INBOX (QRESYNC (1 1))");
    imap.s("a BAD QRESYNC is used after ENABLE QRESYNC");
    imap.c("a UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)");
    imap.s("a BAD VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC");
    let mut imap = Script::enabled("QRESYNC").select();
    for command in ["FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)", "UID FETCH 1 FLAGS (VANISHED)"] {
        imap.c(&format!("a {command}"));
        imap.s("a BAD VANISHED goes with UID FETCH, CHANGEDSINCE and ENABLE QRESYNC");
    }
    imap.end();
}

#[test]
fn section_3_2_6_uid_fetch_with_vanished() {
    let mut imap = Script::enabled("QRESYNC").select();
    imap.c("s100 UID FETCH 300:500 (FLAGS) (CHANGEDSINCE 12345 VANISHED)");
    assert_eq!(imap.awareness(), Awareness::Unchanged, "ENABLE QRESYNC said so");
    imap.mailbox(|command, out| {
        let MailboxCommand::Fetch(fetch) = command else { panic!() };
        let changed_since = ChangedSince { mod_seq: ModSeq(12345), vanished: Vanished::Tell };
        assert_eq!(fetch.changed_since, Some(changed_since));
        out.vanished_earlier((300..=310).chain([405, 411]).filter_map(Uid::new));
        changed(out, 1, Some(404), 65402, Some(&[Flag::Seen]));
        Outcome::ok("FETCH completed")
    });
    imap.lines(
        "* VANISHED (EARLIER) 300:310,405,411
         * 1 FETCH (UID 404 MODSEQ (65402) FLAGS (\\Seen))
         s100 OK FETCH completed",
    );
    imap.end();
}

#[test]
fn section_3_2_7_expunge_tells_vanished() {
    let mut imap = Script::enabled("QRESYNC").select();
    imap.c("B202 EXPUNGE");
    imap.mailbox(|_, out| {
        out.vanished([405, 407, 410, 425].into_iter().filter_map(Uid::new));
        out.vanished([]);
        out.vanished_earlier([]);
        let highest = ResponseCode::HighestModSeq(ModSeq(20_010_715_194_045_319));
        Outcome::Ok(Reply::coded(highest, "expunged"))
    });
    imap.lines("* VANISHED 405,407,410,425\nB202 OK [HIGHESTMODSEQ 20010715194045319] expunged");
    imap.end();
}
