//! Extensions with few examples: RFC 4315 (UIDPLUS), 7889 (APPENDLIMIT), 8474 (OBJECTID), 8514 (SAVEDATE), 9208 (QUOTA).

use essaim_imap::command::{
    DateField, DateTest, FetchItem, GetQuota, GetQuotaRoot, ListReturn, SearchKey, StatusItem,
};
use essaim_imap::response::{NumberSet, QuotaResource, QuotaUsage, StatusValue};
use essaim_imap::{
    AccountCommand, Condition, Date, InternalDate, MailboxCommand, ObjectId, Outcome, Reply, ResponseCode,
};
use essaim_types::UidValidity;

use crate::script::{Script, name};

fn id(text: &str) -> ObjectId {
    ObjectId::try_from(text).unwrap()
}

#[test]
fn rfc8474_4_the_id_of_a_mailbox() {
    let mut imap = Script::authenticated();
    imap.c("3 create foo");
    let foo = "F2212ea87-6097-4256-9d51-71338625";
    imap.account(|_, _| Outcome::Ok(Reply::coded(ResponseCode::MailboxId(id(foo)), "Completed")));
    imap.s("3 OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Completed");
    imap.c("5 create foo");
    imap.account(|_, _| Outcome::No(Reply::coded(ResponseCode::AlreadyExists, "Mailbox already exists")));
    imap.s("5 NO [ALREADYEXISTS] Mailbox already exists");
    imap.c("27 select \"foo\"");
    imap.account(|_, out| {
        out.remark(Condition::Ok, &Reply::coded(ResponseCode::MailboxId(id(foo)), "Ok"));
        Outcome::ok("Completed")
    });
    imap.s("* OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Ok");
    imap.s("27 OK Completed");
    imap.c("6 status foo (mailboxid)");
    imap.account(|command, out| {
        let AccountCommand::Status(status) = command else { panic!() };
        assert_eq!(status.items, [StatusItem::MailboxId]);
        out.status(&status.mailbox, [StatusValue::MailboxId(id(foo))]);
        Outcome::ok("Completed")
    });
    imap.lines("* STATUS foo (MAILBOXID (F2212ea87-6097-4256-9d51-71338625))\n6 OK Completed");
    let asked = imap
        .lists("11 list \"\" \"*\" return (status (mailboxid))", "S: * LIST (\\HasNoChildren) \"/\" INBOX");
    let status = Some(vec![StatusItem::MailboxId]);
    assert_eq!(asked.tell, ListReturn { status, ..ListReturn::default() });
    imap.end();
}

#[test]
fn rfc8474_5_ids_of_messages_and_threads() {
    let mut imap = Script::selected();
    imap.c("22 fetch 1:* (emailid threadid)");
    imap.mailbox(|command, out| {
        let MailboxCommand::Fetch(fetch) = command else { panic!() };
        assert_eq!(fetch.items, [FetchItem::EmailId, FetchItem::ThreadId]);
        for thread in [Some(id("T64b478a75b7ea9")), None] {
            let mut fetch = out.fetch(1);
            fetch.email_id(&id("M6d99ac3275bb4e"));
            fetch.thread_id(thread.as_ref());
            fetch.finish();
        }
        Outcome::ok("Completed (0.000 sec)")
    });
    imap.lines(
        "* 1 FETCH (EMAILID (M6d99ac3275bb4e) THREADID (T64b478a75b7ea9))
         * 1 FETCH (EMAILID (M6d99ac3275bb4e) THREADID NIL)
         22 OK Completed (0.000 sec)",
    );
    for (command, key) in [
        ("27 search emailid M6d99ac3275bb4e", SearchKey::EmailId(id("M6d99ac3275bb4e"))),
        ("28 search threadid T64b478a75b7ea9", SearchKey::ThreadId(id("T64b478a75b7ea9"))),
    ] {
        imap.c(command);
        imap.mailbox(|command, out| {
            let MailboxCommand::Search(search) = command else { panic!() };
            assert_eq!(search.key, key);
            out.search([1], None);
            Outcome::ok("Completed")
        });
        imap.s("* SEARCH 1");
        imap.s(&format!("{} OK Completed", &command[..2]));
    }
    imap.end();
}

#[test]
fn rfc8514_4_save_dates() {
    let mut imap = Script::selected();
    imap.c("A101 FETCH 998 (SAVEDATE)");
    imap.mailbox(|command, out| {
        let MailboxCommand::Fetch(fetch) = command else { panic!() };
        assert_eq!(fetch.items, [FetchItem::SaveDate]);
        let date = InternalDate::new(Date::new(2015, 1, 1).unwrap(), 18, 50, 53, 60);
        for date in [date, None] {
            let mut fetch = out.fetch(998);
            fetch.save_date(date);
            fetch.finish();
        }
        Outcome::ok("Fetch completed.")
    });
    imap.lines(
        "* 998 FETCH (SAVEDATE \" 1-Jan-2015 18:50:53 +0100\")
         * 998 FETCH (SAVEDATE NIL)
         A101 OK Fetch completed.",
    );
    imap.c("A103 SEARCH SAVEDSINCE 28-Dec-2014");
    imap.mailbox(|command, out| {
        let MailboxCommand::Search(search) = command else { panic!() };
        let day = Date::new(2014, 12, 28).unwrap();
        assert_eq!(search.key, SearchKey::Date(DateField::Saved, DateTest::Since, day));
        out.search(993..=996, None);
        Outcome::ok("Search completed.")
    });
    imap.lines("* SEARCH 993 994 995 996\nA103 OK Search completed.");
    imap.end();
}

#[test]
fn rfc9208_4_quota() {
    let mut imap = Script::authenticated();
    imap.c("G0001 GETQUOTA \"!partition/sda4\"");
    imap.account(|command, out| {
        assert_eq!(command, AccountCommand::GetQuota(GetQuota { root: "!partition/sda4".to_owned() }));
        let storage =
            QuotaUsage { resource: QuotaResource::Storage, used: 104 << 10, limit: 10_923_847 << 10 };
        out.quota("!partition/sda4", &[storage]);
        Outcome::ok("Getquota complete")
    });
    imap.lines("* QUOTA !partition/sda4 (STORAGE 104 10923847)\nG0001 OK Getquota complete");
    imap.c("G0002 GETQUOTAROOT INBOX");
    imap.account(|command, out| {
        assert_eq!(command, AccountCommand::GetQuotaRoot(GetQuotaRoot { mailbox: name("INBOX") }));
        out.quota_root(&name("INBOX"), &["#user/alice", ""]);
        let storage = QuotaUsage { resource: QuotaResource::Storage, used: 1, limit: 512 << 10 };
        let message = QuotaUsage { resource: QuotaResource::Message, used: 42, limit: 1000 };
        out.quota("#user/alice", &[message]);
        out.quota("", &[storage, QuotaUsage { resource: QuotaResource::Mailbox, ..message }]);
        out.quota_root(&name("comp.mail.mime"), &[]);
        Outcome::ok("Getquotaroot complete")
    });
    imap.lines(
        "* QUOTAROOT INBOX #user/alice \"\"
         * QUOTA #user/alice (MESSAGE 42 1000)
         * QUOTA \"\" (STORAGE 1 512 MAILBOX 42 1000)
         * QUOTAROOT comp.mail.mime
         G0002 OK Getquotaroot complete",
    );
    imap.c("S0003 STATUS INBOX (MESSAGES DELETED DELETED-STORAGE)");
    imap.account(|_, out| {
        let values = [StatusValue::Messages(12), StatusValue::Deleted(4), StatusValue::DeletedStorage(8)];
        out.status(&name("INBOX"), values);
        Outcome::ok("Status complete.")
    });
    imap.lines("* STATUS INBOX (MESSAGES 12 DELETED 4 DELETED-STORAGE 8)\nS0003 OK Status complete.");
    imap.end();
}

#[test]
fn rfc9208_4_3_a_soft_quota_is_a_remark() {
    let mut imap = Script::selected();
    imap.c("A004 COPY 2:4 MEETING");
    imap.mailbox(|_, out| {
        out.remark(Condition::No, &Reply::coded(ResponseCode::OverQuota, "Soft quota has been exceeded"));
        let from: NumberSet = [304, 319, 320].into_iter().collect();
        let to: NumberSet = (3956..=3958).collect();
        let code = ResponseCode::CopyUid(UidValidity::new(38505).unwrap(), from, to);
        Outcome::Ok(Reply::coded(code, "COPY completed"))
    });
    imap.lines(
        "* NO [OVERQUOTA] Soft quota has been exceeded
         A004 OK [COPYUID 38505 304,319:320 3956:3958] COPY completed",
    );
    imap.end();
}

#[test]
fn rfc7889_4_the_append_limit_of_a_mailbox() {
    let mut imap = Script::authenticated();
    imap.c("t1 STATUS INBOX (APPENDLIMIT)");
    imap.account(|_, out| {
        out.status(&name("INBOX"), [StatusValue::AppendLimit(Some(257_890))]);
        Outcome::ok("STATUS completed")
    });
    imap.lines("* STATUS INBOX (APPENDLIMIT 257890)\nt1 OK STATUS completed");
    imap.end();
}

#[test]
fn every_code_is_written() {
    let codes = [
        (ResponseCode::Alert, "ALERT"),
        (ResponseCode::ContactAdmin, "CONTACTADMIN"),
        (ResponseCode::Corruption, "CORRUPTION"),
        (ResponseCode::Expired, "EXPIRED"),
        (ResponseCode::ExpungeIssued, "EXPUNGEISSUED"),
        (ResponseCode::InUse, "INUSE"),
        (ResponseCode::Limit, "LIMIT"),
        (ResponseCode::NoPerm, "NOPERM"),
        (ResponseCode::Parse, "PARSE"),
        (ResponseCode::ServerBug, "SERVERBUG"),
        (ResponseCode::UidNotSticky, "UIDNOTSTICKY"),
        (ResponseCode::Unavailable, "UNAVAILABLE"),
        (ResponseCode::UnknownCte, "UNKNOWN-CTE"),
    ];
    let mut imap = Script::authenticated();
    for (code, text) in codes {
        imap.news(|out| out.remark(Condition::No, &Reply::coded(code, "a\r\nb")));
        imap.s(&format!("* NO [{text}] a  b"));
    }
    imap.end();
}
