//! LIST: RFC 9051 section 6.3.9.8 (RFC 5258 section 5 has the same examples), RFC 5819 (STATUS), RFC 6154 (SPECIAL-USE),
//! RFC 3501 section 6.3.9 (LSUB).

use essaim_imap::command::{
    Create, List, ListBase, ListPattern, ListQuery, ListReturn, ListSelect, Lsub, SpecialUse, StatusItem,
};
use essaim_imap::response::{ChildInfo, ListAttribute, ListEntry, StatusValue};
use essaim_imap::{AccountCommand, Outcome, Reply, ResponseCode};

use crate::script::{Script, name};

fn query(pattern: &str) -> ListQuery {
    ListQuery {
        patterns: vec![ListPattern::new("", pattern)],
        select: ListSelect::default(),
        tell: ListReturn::default(),
    }
}

fn subscribed() -> ListSelect {
    ListSelect { base: ListBase::Subscribed, ..ListSelect::default() }
}

fn children() -> ListReturn {
    ListReturn { children: true, ..ListReturn::default() }
}

#[test]
fn rfc9051_6_3_9_8_basic() {
    let mut imap = Script::authenticated();
    imap.c("A101 LIST \"\" \"\"");
    imap.account(|command, out| {
        assert_eq!(command, AccountCommand::List(List::Separator));
        out.list_separator();
        Outcome::ok("LIST Completed")
    });
    imap.lines("* LIST (\\Noselect) \"/\" \"\"\nA101 OK LIST Completed");
    let asked = imap.lists(
        "A202 LIST ~/Mail/ %",
        "S: * LIST (\\Noselect) \"/\" ~/Mail/foo
         S: * LIST () \"/\" ~/Mail/meetings",
    );
    assert_eq!(asked, query("~/Mail/%"));
    imap.end();
}

#[test]
fn rfc9051_6_3_9_8_example_1_and_2_all_and_subscribed() {
    let mut imap = Script::authenticated();
    let asked = imap.lists(
        "A01 LIST \"\" \"*\"",
        "S: * LIST (\\Marked \\NoInferiors) \"/\" \"inbox\"
         S: * LIST () \"/\" \"Fruit\"
         S: * LIST () \"/\" \"Fruit/Apple\"
         S: * LIST () \"/\" \"Fruit/Banana\"
         S: * LIST () \"/\" \"Tofu\"
         S: * LIST () \"/\" \"Vegetable\"
         S: * LIST () \"/\" \"Vegetable/Broccoli\"
         S: * LIST () \"/\" \"Vegetable/Corn\"",
    );
    assert_eq!(asked, query("*"));
    let asked = imap.lists(
        "A02 LIST (SUBSCRIBED) \"\" \"*\"",
        "S: * LIST (\\Marked \\NoInferiors \\Subscribed) \"/\" \"inbox\"
         S: * LIST (\\Subscribed) \"/\" \"Fruit/Banana\"
         S: * LIST (\\Subscribed \\NonExistent) \"/\" \"Fruit/Peach\"
         S: * LIST (\\Subscribed) \"/\" \"Vegetable\"
         S: * LIST (\\Subscribed) \"/\" \"Vegetable/Broccoli\"",
    );
    assert_eq!(asked, ListQuery { select: subscribed(), ..query("*") });
    imap.end();
}

#[test]
fn rfc9051_6_3_9_8_examples_3_to_6_children_and_remote() {
    let mut imap = Script::authenticated();
    let asked = imap.lists(
        "A03 LIST () \"\" \"%\" RETURN (CHILDREN)",
        "S: * LIST (\\Marked \\NoInferiors) \"/\" \"inbox\"
         S: * LIST (\\HasChildren) \"/\" \"Fruit\"
         S: * LIST (\\HasNoChildren) \"/\" \"Tofu\"
         S: * LIST (\\HasChildren) \"/\" \"Vegetable\"",
    );
    assert_eq!(asked, ListQuery { tell: children(), ..query("%") });
    let remote = ListSelect { remote: true, ..ListSelect::default() };
    let asked = imap.lists(
        "A04 LIST (REMOTE) \"\" \"%\" RETURN (CHILDREN)",
        "S: * LIST (\\Remote \\HasNoChildren) \"/\" \"Bread\"
         S: * LIST (\\HasChildren \\Remote) \"/\" \"Meat\"",
    );
    assert_eq!(asked, ListQuery { select: remote, tell: children(), ..query("%") });
    let asked = imap.lists(
        "A05 LIST (REMOTE SUBSCRIBED) \"\" \"*\"",
        "S: * LIST (\\Remote \\Subscribed) \"/\" \"Bread\"",
    );
    assert_eq!(asked, ListQuery { select: ListSelect { remote: true, ..subscribed() }, ..query("*") });
    let asked =
        imap.lists("A06 LIST (REMOTE) \"\" \"*\" RETURN (SUBSCRIBED)", "S: * LIST (\\Remote) \"/\" \"Meat\"");
    let tell = ListReturn { subscribed: true, ..ListReturn::default() };
    assert_eq!(asked, ListQuery { select: remote, tell, ..query("*") });
    imap.end();
}

#[test]
fn rfc5258_5_example_7_several_patterns() {
    let mut imap = Script::authenticated();
    let asked = imap.lists(
        "BBB LIST \"\" (\"INBOX\" \"Drafts\" \"Sent/%\")",
        "S: * LIST () \"/\" \"INBOX\"
         S: * LIST (\\NoInferiors) \"/\" \"Drafts\"
         S: * LIST () \"/\" \"Sent/March2004\"
         S: * LIST (\\Marked) \"/\" \"Sent/December2003\"
         S: * LIST () \"/\" \"Sent/August2004\"",
    );
    let patterns: Vec<_> = ["INBOX", "Drafts", "Sent/%"].map(|pattern| ListPattern::new("", pattern)).into();
    assert_eq!(asked.patterns, patterns);
    let asked = imap.lists("a3.1 LIST \"\" (% music/rock)", "S: * LIST () \"/\" music/rock");
    assert_eq!(asked.patterns, [ListPattern::new("", "%"), ListPattern::new("", "music/rock")]);
    imap.end();
}

#[test]
fn rfc9051_6_3_9_8_examples_7_to_10_recursive_match() {
    let mut imap = Script::authenticated();
    let recursive = ListSelect { recursive: true, ..subscribed() };
    let asked = imap.lists(
        "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\"",
        "S: * LIST () \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))",
    );
    assert_eq!(asked, ListQuery { select: recursive, ..query("%") });
    let asked = imap.lists(
        "C04 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" \"%\" RETURN (CHILDREN)",
        "S: * LIST (\\Subscribed \\HasChildren) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: * LIST (\\NonExistent) \"/\" \"Foo\" (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: * LIST (\\HasNoChildren \\Subscribed) \"/\" \"Moo\"",
    );
    assert_eq!(asked, ListQuery { select: recursive, tell: children(), ..query("%") });
    let asked = imap.lists(
        "D03 LIST (RECURSIVEMATCH SUBSCRIBED) \"\" \"*2\"",
        "S: * LIST () \"/\" \"foo2\" (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: * LIST (\\Subscribed) \"/\" \"foo2/bar2\"
         S: * LIST (\\Subscribed) \"/\" \"baz2/bar2\"
         S: * LIST (\\Subscribed) \"/\" \"baz2/bar22\"
         S: * LIST (\\Subscribed) \"/\" \"baz2/bar222\"
         S: * LIST (\\Subscribed) \"/\" \"eps2\" (\"CHILDINFO\" (\"SUBSCRIBED\"))
         S: * LIST (\\Subscribed) \"/\" \"qux2/bar2\"",
    );
    assert_eq!(asked, ListQuery { select: recursive, ..query("*2") });
    let asked = imap.lists(
        "a3 LIST (SUBSCRIBED RECURSIVEMATCH) \"\" foo RETURN (CHILDREN)",
        "S: * LIST (\\HasNoChildren) \"/\" foo (\"CHILDINFO\" (\"SUBSCRIBED\"))",
    );
    assert_eq!(asked, ListQuery { select: recursive, tell: children(), ..query("foo") });
    for (command, why) in [
        ("LIST (RECURSIVEMATCH) \"\" %", "RECURSIVEMATCH goes with SUBSCRIBED"),
        ("LIST (REMOTE RECURSIVEMATCH) \"\" %", "RECURSIVEMATCH goes with SUBSCRIBED"),
        ("LIST (SPECIAL-USE RECURSIVEMATCH) \"\" %", "RECURSIVEMATCH goes with SUBSCRIBED"),
        ("LIST (NONSENSE) \"\" %", "expected a selection option of LIST at byte 9"),
        ("LIST () \"\" % RETURN (NONSENSE)", "expected a return option of LIST at byte 24"),
    ] {
        imap.c(&format!("a {command}"));
        imap.s(&format!("a BAD {why}"));
    }
    imap.end();
}

#[test]
fn rfc9051_6_3_9_8_example_11_status() {
    let mut imap = Script::authenticated();
    imap.c("A01 LIST \"\" % RETURN (STATUS (MESSAGES UNSEEN))");
    imap.account(|command, out| {
        let status = Some(vec![StatusItem::Messages, StatusItem::Unseen]);
        let tell = ListReturn { status, ..ListReturn::default() };
        assert_eq!(command, AccountCommand::List(List::Mailboxes(ListQuery { tell, ..query("%") })));
        let (inbox, bar) = (name("INBOX"), name("bar"));
        let attributes = &[ListAttribute::NoSelect];
        out.list(&ListEntry {
            attributes: &[],
            mailbox: &inbox,
            old_name: None,
            child_info: ChildInfo::Omit,
        });
        out.status(&inbox, [StatusValue::Messages(17), StatusValue::Unseen(16)]);
        out.list(&ListEntry { attributes, mailbox: &bar, old_name: None, child_info: ChildInfo::Omit });
        Outcome::ok("List completed.")
    });
    imap.lines(
        "* LIST () \"/\" INBOX
         * STATUS INBOX (MESSAGES 17 UNSEEN 16)
         * LIST (\\Noselect) \"/\" bar
         A01 OK List completed.",
    );
    imap.end();
}

#[test]
fn in_the_extended_form_empty_patterns_are_ignored() {
    let mut imap = Script::authenticated();
    for command in
        ["LIST () \"x\" \"\"", "LIST \"x\" (\"\")", "LIST \"x\" \"\" RETURN ()", "LIST () \"x\" {0+}\r\n"]
    {
        imap.c(&format!("a {command}"));
        imap.account(|command, _| {
            let query = ListQuery { patterns: Vec::new(), ..query("") };
            assert_eq!(command, AccountCommand::List(List::Mailboxes(query)));
            Outcome::ok("done")
        });
        imap.s("a OK done");
    }
    imap.c("a LIST \"\" ");
    imap.s("a BAD expected a pattern at byte 11");
    imap.c("a LIST \"\" ( )");
    imap.s("a BAD expected a pattern at byte 12");
    imap.end();
}

#[test]
fn rfc6154_5_special_use() {
    let mut imap = Script::authenticated();
    let asked = imap.lists(
        "t2 LIST \"\" \"%\" RETURN (SPECIAL-USE)",
        "S: * LIST (\\Marked) \"/\" Inbox
         S: * LIST (\\Sent) \"/\" SentMail
         S: * LIST (\\Marked \\Drafts) \"/\" MyDrafts
         S: * LIST (\\Trash) \"/\" Trash",
    );
    let tell = ListReturn { special_use: true, ..ListReturn::default() };
    assert_eq!(asked, ListQuery { tell, ..query("%") });
    let asked = imap.lists(
        "t3 LIST (SPECIAL-USE) \"\" \"*\"",
        "S: * LIST (\\NonExistent \\Archive) \"/\" Archives
         S: * LIST (\\All \\Flagged \\Junk \\Important) \"/\" \"Sent Mail\"",
    );
    assert_eq!(
        asked,
        ListQuery { select: ListSelect { special_use: true, ..ListSelect::default() }, ..query("*") }
    );
    imap.end();
}

#[test]
fn rfc6154_5_3_create_with_a_use() {
    let mut imap = Script::authenticated();
    imap.c("t2 CREATE MyDrafts (USE (\\Drafts))");
    imap.account(|command, _| {
        let create = Create { mailbox: name("MyDrafts"), uses: vec![SpecialUse::Drafts] };
        assert_eq!(command, AccountCommand::Create(create));
        Outcome::ok("MyDrafts created")
    });
    imap.s("t2 OK MyDrafts created");
    imap.c("t3 CREATE Everything (USE (\\All))");
    imap.account(|_, _| Outcome::No(Reply::coded(ResponseCode::UseAttr, "\\All not supported")));
    imap.s("t3 NO [USEATTR] \\All not supported");
    imap.c("t4 CREATE MySpecial (use (\\Drafts \\sent))");
    imap.account(|command, _| {
        let uses = vec![SpecialUse::Drafts, SpecialUse::Sent];
        assert_eq!(command, AccountCommand::Create(Create { mailbox: name("MySpecial"), uses }));
        Outcome::ok("done")
    });
    imap.s("t4 OK done");
    imap.c("t5 CREATE x (USE (\\Nonsense))");
    imap.s("t5 NO [USEATTR] no mailbox can be for \\Nonsense");
    imap.c("t6 CREATE x (NONSENSE (a))");
    imap.s("t6 BAD expected USE at byte 14");
    imap.end();
}

#[test]
fn rfc3501_6_3_9_lsub() {
    let mut imap = Script::authenticated();
    imap.c("A002 LSUB \"#news.\" \"comp.mail.*\"");
    imap.account(|command, out| {
        assert_eq!(
            command,
            AccountCommand::Lsub(Lsub { pattern: ListPattern::new("", "#news.comp.mail.*") })
        );
        out.lsub(&[], &name("#news.comp.mail.mime"));
        out.lsub(&[ListAttribute::NoSelect], &name("#news.comp mail"));
        Outcome::ok("LSUB completed")
    });
    imap.lines(
        "* LSUB () \"/\" #news.comp.mail.mime
         * LSUB (\\Noselect) \"/\" \"#news.comp mail\"
         A002 OK LSUB completed",
    );
    imap.end();
}

#[test]
fn names_and_patterns_are_spelled_as_the_client_has_enabled() {
    let mut imap = Script::authenticated();
    let asked = imap.lists("a LIST \"&AOk-/\" \"&U,BTFw-*%\"", "S: * LIST () \"/\" ab");
    assert_eq!(asked.patterns, [ListPattern::new("é/", "台北*%")]);
    imap.end();
    let mut imap = Script::authenticated();
    imap.news(|out| out.lsub(&[], &name("é&")));
    imap.s("* LSUB () \"/\" &AOk-&-");
    let mut imap = Script::enabled("UTF8=ACCEPT");
    imap.news(|out| out.lsub(&[], &name("é&")));
    imap.s("* LSUB () \"/\" \"é&\"");
    imap.c("a LIST \"\" \"é*\"");
    imap.account(|command, _| {
        assert_eq!(command, AccountCommand::List(List::Mailboxes(query("é*"))));
        Outcome::ok("done")
    });
    imap.s("a OK done");
    imap.end();
}
