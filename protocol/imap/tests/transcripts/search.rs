//! SEARCH: RFC 9051 section 6.4.4, RFC 4731 (RETURN), RFC 5182 (SAVE), RFC 5032 (WITHIN), RFC 3501 section 6.4.4.

use essaim_imap::command::{
    DateField, DateTest, EntryType, Header, HeaderName, ModSeqTest, SearchKey, SearchReturn,
    SearchReturnItem, Transfer,
};
use essaim_imap::response::{Encoder, NumberSet};
use essaim_imap::{Date, Flag, MailboxCommand, MessageSet, Numbering, ObjectId, Outcome, Reply, Tag};
use essaim_types::ModSeq;

use crate::script::{Script, keyword, name, set};

fn from(text: &str) -> SearchKey {
    SearchKey::Envelope(Header::From, text.to_owned())
}

fn not(key: SearchKey) -> SearchKey {
    SearchKey::Not(Box::new(key))
}

fn since(year: u16, month: u8, day: u8) -> SearchKey {
    SearchKey::Date(DateField::Internal, DateTest::Since, Date::new(year, month, day).unwrap())
}

/// `FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"`
fn flagged_and_not_smith() -> SearchKey {
    SearchKey::And(vec![SearchKey::Flag(Flag::Flagged), since(1994, 2, 1), not(from("Smith"))])
}

fn numbers(numbers: &[u32]) -> NumberSet {
    numbers.iter().copied().collect()
}

/// Sends a SEARCH, checks what it asks, answers.
#[track_caller]
fn search(
    imap: &mut Script,
    command: &str,
    answer: SearchReturn,
    key: SearchKey,
    respond: impl FnOnce(&mut Encoder<'_>, &Tag),
) {
    imap.c(command);
    let tag = command.split(' ').next().unwrap();
    imap.mailbox(|command, out| {
        let MailboxCommand::Search(search) = command else { panic!("not a SEARCH: {command:?}") };
        assert_eq!((&search.answer, &search.key), (&answer, &key));
        // A line behind a literal has no tag; such an example is answered without it.
        respond(out, &Tag::new(tag.as_bytes()).unwrap_or_else(|| Tag::new(b"none").unwrap()));
        Outcome::ok("SEARCH completed")
    });
}

fn extended(items: &[SearchReturnItem]) -> SearchReturn {
    SearchReturn::Extended(items.to_vec())
}

#[test]
fn rfc9051_6_4_4_search_with_return() {
    use SearchReturnItem::{All, Count, Max, Min};
    let mut imap = Script::selected();
    let command = "A282 SEARCH RETURN (MIN COUNT) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"";
    search(&mut imap, command, extended(&[Min, Count]), flagged_and_not_smith(), |out, tag| {
        out.esearch(tag, Numbering::Sequence).min(Some(2)).count(3).finish();
    });
    imap.lines("* ESEARCH (TAG \"A282\") MIN 2 COUNT 3\nA282 OK SEARCH completed");
    let command = "A283 SEARCH RETURN () FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"";
    search(&mut imap, command, extended(&[All]), flagged_and_not_smith(), |out, tag| {
        out.esearch(tag, Numbering::Sequence).all(&numbers(&[2, 10, 11])).finish();
    });
    imap.lines("* ESEARCH (TAG \"A283\") ALL 2,10:11\nA283 OK SEARCH completed");
    let key = SearchKey::Text("string not in mailbox".to_owned());
    search(
        &mut imap,
        "A284 SEARCH TEXT \"string not in mailbox\"",
        SearchReturn::Classic,
        key,
        |out, tag| {
            out.esearch(tag, Numbering::Sequence).all(&NumberSet::default()).finish();
        },
    );
    imap.lines("* ESEARCH (TAG \"A284\")\nA284 OK SEARCH completed");
    search(
        &mut imap,
        "A284 SEARCH RETURN (MIN) UNSEEN",
        extended(&[Min]),
        not(SearchKey::Flag(Flag::Seen)),
        |out, tag| {
            out.esearch(tag, Numbering::Sequence).min(Some(4)).finish();
        },
    );
    imap.lines("* ESEARCH (TAG \"A284\") MIN 4\nA284 OK SEARCH completed");
    let key = SearchKey::Set(set("1:5000"));
    search(&mut imap, "A285 UID SEARCH RETURN (MIN MAX) 1:5000", extended(&[Min, Max]), key, |out, tag| {
        out.esearch(tag, Numbering::Uid).min(Some(7)).max(Some(3800)).finish();
    });
    imap.lines("* ESEARCH (TAG \"A285\") UID MIN 7 MAX 3800\nA285 OK SEARCH completed");
    let key = SearchKey::Flag(Flag::Deleted);
    search(&mut imap, "A286 SEARCH RETURN (COUNT) DELETED", extended(&[Count]), key, |out, tag| {
        out.esearch(tag, Numbering::Sequence).count(15).finish();
    });
    imap.lines("* ESEARCH (TAG \"A286\") COUNT 15\nA286 OK SEARCH completed");
    imap.end();
}

#[test]
fn rfc9051_6_4_4_a_text_as_a_literal_in_utf8() {
    let mut imap = Script::selected();
    imap.c("A285 SEARCH CHARSET UTF-8 TEXT {12}");
    imap.s("+ go on");
    let key = SearchKey::Text("отпуск".to_owned());
    search(&mut imap, "отпуск", SearchReturn::Classic, key, |out, _| out.search([43], None));
    imap.lines("* SEARCH 43\nA285 OK SEARCH completed");
    imap.end();
}

#[test]
fn rfc3501_6_4_4_classic_answers() {
    let mut imap = Script::selected();
    let key = flagged_and_not_smith();
    let command = "A282 SEARCH FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"";
    search(&mut imap, command, SearchReturn::Classic, key, |out, _| out.search([2, 84, 882], None));
    imap.lines("* SEARCH 2 84 882\nA282 OK SEARCH completed");
    let key = SearchKey::Text("string not in mailbox".to_owned());
    let command = "A283 SEARCH TEXT \"string not in mailbox\"";
    search(&mut imap, command, SearchReturn::Classic, key, |out, _| out.search([], Some(ModSeq(7))));
    imap.lines("* SEARCH\nA283 OK SEARCH completed");
    imap.end();
}

#[test]
fn rfc9051_6_4_4_4_saved_results() {
    use SearchReturnItem::{All, Count, Max, Min, Save};
    let mut imap = Script::selected();
    let command = "A282 SEARCH RETURN (SAVE) FLAGGED SINCE 1-Feb-1994 NOT FROM \"Smith\"";
    search(&mut imap, command, extended(&[Save]), flagged_and_not_smith(), |_, _| {});
    imap.s("A282 OK SEARCH completed");
    let both = |first| SearchKey::And(vec![first, SearchKey::Smaller(4096)]);
    let key = both(SearchKey::Uid(MessageSet::Saved));
    search(&mut imap, "A301 UID SEARCH UID $ SMALLER 4096", SearchReturn::Classic, key, |out, tag| {
        out.esearch(tag, Numbering::Uid).all(&numbers(&[17, 900, 901])).finish();
    });
    imap.lines("* ESEARCH (TAG \"A301\") UID ALL 17,900:901\nA301 OK SEARCH completed");
    let key = both(SearchKey::Set(MessageSet::Saved));
    search(&mut imap, "A301 UID SEARCH $ SMALLER 4096", SearchReturn::Classic, key, |_, _| {});
    imap.s("A301 OK SEARCH completed");
    imap.raw("P283 SEARCH CHARSET UTF-8 (OR $ 1,3000:3021) TEXT {8+}\r\n".as_bytes());
    let either = SearchKey::Or(vec![SearchKey::Set(MessageSet::Saved), SearchKey::Set(set("1,3000:3021"))]);
    let key = SearchKey::And(vec![either, SearchKey::Text("мать".to_owned())]);
    search(&mut imap, "мать", SearchReturn::Classic, key, |_, _| {});
    imap.s("P283 OK SEARCH completed");
    imap.c("E283 COPY $ \"Other Messages\"");
    imap.mailbox(|command, _| {
        let to = name("Other Messages");
        let copy = Transfer { numbering: Numbering::Sequence, messages: MessageSet::Saved, to };
        assert_eq!(command, MailboxCommand::Copy(copy));
        Outcome::ok("COPY completed, nothing copied")
    });
    imap.s("E283 OK COPY completed, nothing copied");
    let key = || SearchKey::And(vec![since(2006, 2, 12), not(from("Smith"))]);
    for (options, items) in [
        ("ALL", &[All][..]),
        ("ALL SAVE", &[All, Save]),
        ("SAVE MIN", &[Save, Min]),
        ("MAX SAVE MIN", &[Max, Save, Min]),
        ("MAX SAVE MIN COUNT", &[Max, Save, Min, Count]),
        ("ALL SAVE MIN", &[All, Save, Min]),
        ("SAVE save SAVE", &[Save]),
    ] {
        let command = format!("C286 SEARCH RETURN ({options}) SINCE 12-Feb-2006 NOT FROM \"Smith\"");
        search(&mut imap, &command, extended(items), key(), |_, _| {});
        imap.s("C286 OK SEARCH completed");
    }
    imap.end();
}

#[test]
fn rfc9051_6_4_4_4_example_5_a_charset_that_is_not_known_empties_the_saved_result() {
    let mut imap = Script::selected();
    imap.raw(b"B283 SEARCH RETURN (SAVE) CHARSET KOI8-R (OR $ 1,3000:3021) TEXT {4+}\r\nXXXX\r\n");
    imap.mailbox(|command, _| match command {
        MailboxCommand::SearchRefused(reply) => Outcome::No(reply),
        other => panic!("{other:?}"),
    });
    imap.s("B283 NO [BADCHARSET (UTF-8 US-ASCII)] the charset is not known");
    imap.c("B284 SEARCH CHARSET KOI8-R ALL");
    imap.s("B284 NO [BADCHARSET (UTF-8 US-ASCII)] the charset is not known");
    imap.c("B285 SEARCH RETURN (SAVE) NONSENSE");
    imap.s("B285 BAD expected a search key at byte 27");
    imap.end();
}

#[test]
fn texts_are_in_the_charset_that_was_named() {
    let mut imap = Script::selected();
    imap.raw(b"a SEARCH CHARSET US-ASCII SUBJECT {2+}\r\n\xc3\xa9\r\n");
    imap.s("a BAD the text is not in the charset of the SEARCH");
    imap.raw(b"b SEARCH SUBJECT {1+}\r\n\xe9\r\n");
    imap.s("b BAD the text is not in the charset of the SEARCH");
    imap.raw(b"c SEARCH SUBJECT \"\xe9\"\r\n");
    imap.s("c BAD a quoted string is UTF-8; send other bytes as a literal");
    let mut imap = Script::enabled("UTF8=ACCEPT").select();
    imap.c("d SEARCH CHARSET UTF-8 ALL");
    imap.s("d BAD after ENABLE UTF8=ACCEPT, SEARCH takes no CHARSET");
    imap.end();
}

#[test]
fn every_key_is_read() {
    let day = || Date::new(2026, 11, 2).unwrap();
    let flag = SearchKey::Flag;
    let dated = |field, test| SearchKey::Date(field, test, day());
    let about = |header| SearchKey::Envelope(header, "x y".to_owned());
    let id = || ObjectId::try_from("M6d99ac3275bb4e").unwrap();
    let table = [
        ("ALL", SearchKey::All),
        ("ANSWERED", flag(Flag::Answered)),
        ("BCC \"x y\"", about(Header::Bcc)),
        ("BEFORE 2-Nov-2026", dated(DateField::Internal, DateTest::Before)),
        ("BODY {3+}\r\nx y", SearchKey::Body("x y".to_owned())),
        ("CC \"x y\"", about(Header::Cc)),
        ("DELETED", flag(Flag::Deleted)),
        ("DRAFT", flag(Flag::Draft)),
        ("EMAILID M6d99ac3275bb4e", SearchKey::EmailId(id())),
        ("FLAGGED", flag(Flag::Flagged)),
        ("FROM \"x y\"", about(Header::From)),
        (
            "HEADER Message-ID \"\"",
            SearchKey::Header(HeaderName::try_from("message-id").unwrap(), String::new()),
        ),
        ("KEYWORD $Junk", flag(keyword("$junk"))),
        ("LARGER 9223372036854775807", SearchKey::Larger(i64::MAX as u64)),
        ("MODSEQ 0", SearchKey::ModSeq(ModSeqTest { at_least: ModSeq(0), entry: None })),
        ("NEW", SearchKey::And(vec![SearchKey::Recent, not(flag(Flag::Seen))])),
        ("NOT 7", not(SearchKey::Set(set("7")))),
        ("OLD", not(SearchKey::Recent)),
        ("OLDER 60", SearchKey::Older(60)),
        ("ON \"2-Nov-2026\"", dated(DateField::Internal, DateTest::On)),
        ("OR SEEN DRAFT", SearchKey::Or(vec![flag(Flag::Seen), flag(Flag::Draft)])),
        ("RECENT", SearchKey::Recent),
        ("SAVEDATESUPPORTED", SearchKey::SaveDateSupported),
        ("SAVEDBEFORE 02-Nov-2026", dated(DateField::Saved, DateTest::Before)),
        ("SAVEDON 02-Nov-2026", dated(DateField::Saved, DateTest::On)),
        ("SAVEDSINCE 02-Nov-2026", dated(DateField::Saved, DateTest::Since)),
        ("SEEN", flag(Flag::Seen)),
        ("SENTBEFORE 2-nov-2026", dated(DateField::Sent, DateTest::Before)),
        ("SENTON 2-NOV-2026", dated(DateField::Sent, DateTest::On)),
        ("SENTSINCE 2-Nov-2026", dated(DateField::Sent, DateTest::Since)),
        ("SINCE 2-Nov-2026", dated(DateField::Internal, DateTest::Since)),
        ("SMALLER 1", SearchKey::Smaller(1)),
        ("SUBJECT \"x y\"", about(Header::Subject)),
        ("TEXT atom", SearchKey::Text("atom".to_owned())),
        ("THREADID M6d99ac3275bb4e", SearchKey::ThreadId(id())),
        ("TO \"x y\"", about(Header::To)),
        ("UID 1:*", SearchKey::Uid(set("1:*"))),
        ("UNANSWERED", not(flag(Flag::Answered))),
        ("UNDELETED", not(flag(Flag::Deleted))),
        ("UNDRAFT", not(flag(Flag::Draft))),
        ("UNFLAGGED", not(flag(Flag::Flagged))),
        ("UNKEYWORD $Junk", not(flag(keyword("$Junk")))),
        ("UNSEEN", not(flag(Flag::Seen))),
        ("YOUNGER 259200", SearchKey::Younger(259_200)),
        ("2,4:7,9,12:*", SearchKey::Set(set("2,4:7,9,12:*"))),
        ("$", SearchKey::Set(MessageSet::Saved)),
    ];
    let mut imap = Script::selected();
    for (text, key) in table {
        search(&mut imap, &format!("a SEARCH {text}"), SearchReturn::Classic, key.clone(), |_, _| {});
        imap.s("a OK SEARCH completed");
        // Case never matters, but in the texts, and in object ids.
        if !text.contains("ID M") && !text.contains("atom") {
            search(
                &mut imap,
                &format!("a search {}", text.to_lowercase()),
                SearchReturn::Classic,
                key,
                |_, _| {},
            );
            imap.s("a OK SEARCH completed");
        }
    }
    imap.end();
}

#[test]
fn rfc5032_3_younger() {
    let mut imap = Script::selected();
    let key = SearchKey::And(vec![not(SearchKey::Flag(Flag::Seen)), SearchKey::Younger(259_200)]);
    search(&mut imap, "a1 SEARCH UNSEEN YOUNGER 259200", SearchReturn::Classic, key, |out, _| {
        out.search([4, 8, 15, 16, 23, 42], None);
    });
    imap.lines("* SEARCH 4 8 15 16 23 42\na1 OK SEARCH completed");
    imap.end();
}

#[test]
fn rfc4731_3_2_mod_sequences_with_return() {
    use SearchReturnItem::{Count, Max, Min};
    let key = || {
        let entry = Some((Flag::Draft, EntryType::All));
        SearchKey::ModSeq(ModSeqTest { at_least: ModSeq(620_162_338), entry })
    };
    let mut imap = Script::selected();
    let command = "a1 SEARCH RETURN (MIN) MODSEQ \"/flags/\\\\draft\" all 620162338";
    search(&mut imap, command, extended(&[Min]), key(), |out, tag| {
        out.esearch(tag, Numbering::Sequence).min(Some(2)).mod_seq(Some(ModSeq(917_162_488))).finish();
    });
    imap.lines("* ESEARCH (TAG \"a1\") MIN 2 MODSEQ 917162488\na1 OK SEARCH completed");
    let command = "a3 SEARCH RETURN (MIN MAX) MODSEQ \"/flags/\\\\draft\" all 620162338";
    search(&mut imap, command, extended(&[Min, Max]), key(), |out, tag| {
        let writer = out.esearch(tag, Numbering::Sequence).min(Some(2)).max(Some(23));
        writer.mod_seq(Some(ModSeq(917_162_488))).finish();
    });
    imap.lines("* ESEARCH (TAG \"a3\") MIN 2 MAX 23 MODSEQ 917162488\na3 OK SEARCH completed");
    let command = "a4 SEARCH RETURN (MIN COUNT) MODSEQ \"/flags/\\\\draft\" all 620162338";
    search(&mut imap, command, extended(&[Min, Count]), key(), |out, tag| {
        let writer = out.esearch(tag, Numbering::Sequence).min(Some(2)).count(10);
        writer.mod_seq(Some(ModSeq(917_162_500))).finish();
    });
    imap.lines("* ESEARCH (TAG \"a4\") MIN 2 COUNT 10 MODSEQ 917162500\na4 OK SEARCH completed");
    imap.end();
}

#[test]
fn rfc5182_2_1_a_result_that_is_not_saved() {
    let mut imap = Script::selected();
    imap.c("a SEARCH RETURN (SAVE) ALL");
    let reply = Reply::coded(essaim_imap::ResponseCode::NotSaved, "too many results are saved");
    imap.mailbox(|_, _| Outcome::No(reply));
    imap.s("a NO [NOTSAVED] too many results are saved");
    imap.end();
}
