//! RFC 9051 section 6.3: commands on the account, but for LIST, APPEND and IDLE, which have their own files.

use essaim_imap::command::{Access, Create, Rename, Resync, Select, Status, StatusItem};
use essaim_imap::response::{ChildInfo, ListEntry, NamespaceEntry, PermanentFlag, StatusValue};
use essaim_imap::{
    AccountCommand, Condition, Extension, Flag, MailboxName, Outcome, Reply, ResponseCode, State,
};
use essaim_types::UidValidity;

use crate::script::{Script, name};

/// What the rules tell of a mailbox that is opened.
struct Opened<'a> {
    mailbox: &'a MailboxName,
    exists: u32,
    validity: u32,
    uid_next: u32,
    permanent: &'a [PermanentFlag],
}

impl Opened<'_> {
    fn tell(&self, out: &mut essaim_imap::response::Encoder<'_>) {
        out.exists(self.exists);
        let validity = UidValidity::new(self.validity).unwrap();
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::UidValidity(validity), "UIDs valid"));
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::UidNext(self.uid_next), "Predicted next UID"));
        out.list(&ListEntry {
            attributes: &[],
            mailbox: self.mailbox,
            old_name: None,
            child_info: ChildInfo::Omit,
        });
        out.flags(&Flag::SYSTEM);
        let permanent = ResponseCode::PermanentFlags(self.permanent.to_vec());
        out.remark(Condition::Ok, &Reply::coded(permanent, "Limited"));
    }
}

#[test]
fn rfc9051_6_3_1_enable_tells_what_it_switched_on_just_now() {
    let mut imap = Script::authenticated();
    imap.c("t2 ENABLE CONDSTORE X-GOOD-IDEA");
    imap.lines("* ENABLED CONDSTORE\nt2 OK enabled");
    imap.c("t3 enable condstore");
    imap.lines("* ENABLED\nt3 OK enabled");
    imap.c("t4 ENABLE IMAP4rev2 UTF8=ACCEPT QRESYNC");
    imap.lines("* ENABLED IMAP4rev2 UTF8=ACCEPT QRESYNC\nt4 OK enabled");
    assert!(Extension::ALL.into_iter().all(|one| imap.connection().enabled().contains(one)));
    imap.c("t5 ENABLE");
    imap.s("t5 BAD expected a space at byte 10");
    imap.end();
}

#[test]
fn rfc9051_6_3_2_select_and_select_again() {
    let mut imap = Script::authenticated();
    imap.c("A142 SELECT INBOX");
    imap.account(|command, out| {
        let inbox = MailboxName::inbox();
        let select = Select { mailbox: inbox.clone(), access: Access::ReadWrite, resync: Resync::Full };
        assert_eq!(command, AccountCommand::Select(select));
        let permanent =
            [PermanentFlag::Flag(Flag::Deleted), PermanentFlag::Flag(Flag::Seen), PermanentFlag::NewKeywords];
        let opened = Opened {
            mailbox: &inbox,
            exists: 172,
            validity: 3_857_529_045,
            uid_next: 4392,
            permanent: &permanent,
        };
        opened.tell(out);
        Outcome::Selected { access: Access::ReadWrite, text: "SELECT completed".into() }
    });
    imap.lines(
        "* 172 EXISTS
         * OK [UIDVALIDITY 3857529045] UIDs valid
         * OK [UIDNEXT 4392] Predicted next UID
         * LIST () \"/\" INBOX
         * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         * OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited
         A142 OK [READ-WRITE] SELECT completed",
    );
    assert_eq!(imap.connection().state(), State::Selected(Access::ReadWrite));
    imap.c("A143 SELECT Drafts");
    imap.account(|_, out| {
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::Closed, "Previous mailbox is now closed"));
        out.exists(5);
        Outcome::Selected { access: Access::ReadOnly, text: "SELECT completed".into() }
    });
    imap.lines(
        "* OK [CLOSED] Previous mailbox is now closed
         * 5 EXISTS
         A143 OK [READ-ONLY] SELECT completed",
    );
    assert_eq!(imap.connection().state(), State::Selected(Access::ReadOnly));
    imap.end();
}

#[test]
fn rfc9051_6_3_2_a_select_that_fails_deselects() {
    let mut imap = Script::selected();
    imap.c("a SELECT nowhere");
    imap.account(|_, _| Outcome::No(Reply::coded(ResponseCode::NonExistent, "no such mailbox")));
    imap.s("a NO [NONEXISTENT] no such mailbox");
    assert_eq!(imap.connection().state(), State::Authenticated);
    let mut imap = Script::selected();
    imap.c("a SELECT");
    imap.s("a BAD expected a space at byte 9");
    assert_eq!(imap.connection().state(), State::Selected(Access::ReadWrite), "it was not run");
    imap.end();
}

#[test]
fn rfc9051_6_3_3_examine() {
    let mut imap = Script::authenticated();
    imap.c("A932 EXAMINE blurdybloop");
    imap.account(|command, out| {
        let mailbox = name("blurdybloop");
        let select = Select { mailbox: mailbox.clone(), access: Access::ReadOnly, resync: Resync::Full };
        assert_eq!(command, AccountCommand::Select(select));
        Opened { mailbox: &mailbox, exists: 17, validity: 3_857_529_045, uid_next: 4392, permanent: &[] }
            .tell(out);
        Outcome::Selected { access: Access::ReadOnly, text: "EXAMINE completed".into() }
    });
    imap.lines(
        "* 17 EXISTS
         * OK [UIDVALIDITY 3857529045] UIDs valid
         * OK [UIDNEXT 4392] Predicted next UID
         * LIST () \"/\" blurdybloop
         * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)
         * OK [PERMANENTFLAGS ()] Limited
         A932 OK [READ-ONLY] EXAMINE completed",
    );
    imap.end();
}

#[test]
fn recent_is_told_until_rev2_is_enabled() {
    let mut imap = Script::selected();
    imap.news(|out| out.recent(0));
    imap.s("* 0 RECENT");
    imap.end();
    let mut imap = Script::enabled("IMAP4rev2").select();
    imap.news(|out| out.recent(0));
    imap.end();
}

#[test]
fn rfc9051_6_3_4_create() {
    let mut imap = Script::authenticated();
    for (command, mailbox) in [
        ("CREATE owatagusiam/", "owatagusiam"),
        ("CREATE owatagusiam/blurdybloop", "owatagusiam/blurdybloop"),
    ] {
        imap.c(&format!("A003 {command}"));
        imap.account(|command, _| {
            assert_eq!(command, AccountCommand::Create(Create { mailbox: name(mailbox), uses: Vec::new() }));
            Outcome::ok("CREATE completed")
        });
        imap.s("A003 OK CREATE completed");
    }
    imap.c("A005 CREATE NonNormalized");
    imap.account(|_, out| {
        let (mailbox, old_name) = (name("Normalized"), name("NonNormalized"));
        let child_info = ChildInfo::Omit;
        out.list(&ListEntry { attributes: &[], mailbox: &mailbox, old_name: Some(&old_name), child_info });
        Outcome::ok("CREATE completed")
    });
    imap.lines(
        "* LIST () \"/\" Normalized (\"OLDNAME\" (NonNormalized))
         A005 OK CREATE completed",
    );
    imap.end();
}

#[test]
fn a_name_that_no_mailbox_has_is_no_for_every_command() {
    let mut imap = Script::authenticated();
    for command in ["CREATE a//b", "SELECT \"\"", "DELETE \"a*\"", "STATUS /x (MESSAGES)", "SUBSCRIBE {2}"] {
        imap.c(&format!("a {command}"));
        if command.ends_with('}') {
            imap.s("+ go on");
            imap.c("\x07x");
        }
        imap.s("a NO [CANNOT] ...");
    }
    imap.c("a SELECT \"\u{e9}\"");
    imap.s("a NO [CANNOT] the mailbox name is not well-formed modified UTF-7");
    imap.end();
}

#[test]
fn rfc9051_6_3_5_delete() {
    let mut imap = Script::authenticated();
    imap.c("A683 DELETE blurdybloop");
    imap.account(|command, _| {
        assert_eq!(command, AccountCommand::Delete(name("blurdybloop")));
        Outcome::ok("DELETE completed")
    });
    imap.s("A683 OK DELETE completed");
    imap.c("A684 DELETE foo");
    imap.account(|_, _| {
        let text = "Name \"foo\" has inferior hierarchical names";
        Outcome::No(Reply::coded(ResponseCode::HasChildren, text))
    });
    imap.s("A684 NO [HASCHILDREN] Name \"foo\" has inferior hierarchical names");
    imap.end();
}

#[test]
fn rfc9051_6_3_6_rename() {
    let mut imap = Script::authenticated();
    for (from, to) in [("blurdybloop", "sarasoop"), ("foo", "zowie"), ("INBOX", "old-mail")] {
        imap.c(&format!("A683 RENAME {from} {to}"));
        imap.account(|command, _| {
            assert_eq!(command, AccountCommand::Rename(Rename { from: name(from), to: name(to) }));
            Outcome::ok("RENAME completed")
        });
        imap.s("A683 OK RENAME completed");
    }
    imap.end();
}

#[test]
fn rfc9051_6_3_7_and_8_subscribe_and_unsubscribe() {
    let mut imap = Script::authenticated();
    imap.c("A002 SUBSCRIBE #news.comp.mail.mime");
    imap.account(|command, _| {
        assert_eq!(command, AccountCommand::Subscribe(name("#news.comp.mail.mime")));
        Outcome::ok("SUBSCRIBE completed")
    });
    imap.s("A002 OK SUBSCRIBE completed");
    imap.c("A002 UNSUBSCRIBE #news.comp.mail.mime");
    imap.account(|command, _| {
        assert_eq!(command, AccountCommand::Unsubscribe(name("#news.comp.mail.mime")));
        Outcome::ok("UNSUBSCRIBE completed")
    });
    imap.s("A002 OK UNSUBSCRIBE completed");
    imap.end();
}

#[test]
fn rfc9051_6_3_10_namespaces() {
    const OWN: &[NamespaceEntry<'_>] = &[NamespaceEntry { prefix: "" }];
    const USERS: &[NamespaceEntry<'_>] = &[NamespaceEntry { prefix: "Other Users/" }];
    const FOLDERS: &[NamespaceEntry<'_>] =
        &[NamespaceEntry { prefix: "Public Folders/" }, NamespaceEntry { prefix: "#ftp/" }];
    for (own, others, shared, line) in [
        (OWN, &[][..], &[][..], "* NAMESPACE ((\"\" \"/\")) NIL NIL"),
        (&[], &[], OWN, "* NAMESPACE NIL NIL ((\"\" \"/\"))"),
        (OWN, USERS, &[], "* NAMESPACE ((\"\" \"/\")) ((\"Other Users/\" \"/\")) NIL"),
        (OWN, &[], FOLDERS, "* NAMESPACE ((\"\" \"/\")) NIL ((\"Public Folders/\" \"/\")(\"#ftp/\" \"/\"))"),
    ] {
        let mut imap = Script::authenticated();
        imap.c("A001 NAMESPACE");
        imap.account(|command, out| {
            assert_eq!(command, AccountCommand::Namespace);
            out.namespace(own, others, shared);
            Outcome::ok("NAMESPACE command completed")
        });
        imap.s(line);
        imap.s("A001 OK NAMESPACE command completed");
        imap.end();
    }
}

#[test]
fn rfc9051_6_3_11_status() {
    let mut imap = Script::authenticated();
    imap.c("A042 STATUS blurdybloop (UIDNEXT MESSAGES)");
    imap.account(|command, out| {
        let items = vec![StatusItem::UidNext, StatusItem::Messages];
        assert_eq!(command, AccountCommand::Status(Status { mailbox: name("blurdybloop"), items }));
        out.status(&name("blurdybloop"), [StatusValue::Messages(231), StatusValue::UidNext(44292)]);
        Outcome::ok("STATUS completed")
    });
    imap.lines(
        "* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)
         A042 OK STATUS completed",
    );
    imap.end();
}

#[test]
fn every_status_item_is_read_and_written() {
    let mut imap = Script::authenticated();
    let names: Vec<&str> = StatusItem::ALL.iter().map(|item| item.as_str()).collect();
    imap.c(&format!("a STATUS x ({})", names.join(" ").to_lowercase()));
    imap.account(|command, out| {
        let items = StatusItem::ALL.to_vec();
        assert_eq!(command, AccountCommand::Status(Status { mailbox: name("x"), items }));
        let id = essaim_imap::ObjectId::try_from("F-1").unwrap();
        out.status(
            &name("é"),
            [
                StatusValue::Messages(1),
                StatusValue::Recent(0),
                StatusValue::UidNext(2),
                StatusValue::UidValidity(UidValidity::new(3).unwrap()),
                StatusValue::Unseen(4),
                StatusValue::Deleted(5),
                StatusValue::Size(1 << 40),
                StatusValue::DeletedStorage(6),
                StatusValue::HighestModSeq(essaim_types::ModSeq(7)),
                StatusValue::AppendLimit(None),
                StatusValue::MailboxId(id),
            ],
        );
        Outcome::ok("done")
    });
    imap.lines(
        "* STATUS &AOk- (MESSAGES 1 RECENT 0 UIDNEXT 2 UIDVALIDITY 3 UNSEEN 4 DELETED 5 SIZE 1099511627776 DELETED-STORAGE 6 HIGHESTMODSEQ 7 APPENDLIMIT NIL MAILBOXID (F-1))
         a OK done",
    );
    for bad in
        ["STATUS x ()", "STATUS x (NONSENSE)", "STATUS x MESSAGES", "STATUS x (MESSAGES UNSEEN", "STATUS x"]
    {
        imap.c(&format!("a {bad}"));
        imap.s("a BAD ...");
    }
    imap.end();
}
