//! RFC 9051 section 8: the sample connection, from the login on (its mechanism is not ours).

use bytes::BytesMut;
use essaim_imap::command::{Echo, Fetch, FetchItem, Section, Seen, Store, StoreAction};
use essaim_imap::response::{
    BodyContent, BodyFields, BodyStructure, Envelope, EnvelopeAddress, Parameter, StructureForm,
};
use essaim_imap::{Date, Flag, InternalDate, MailboxCommand, Numbering, Outcome};

use crate::script::{Script, set};

fn address(name: Option<&'static str>, local: &'static str, host: &'static str) -> EnvelopeAddress<'static> {
    EnvelopeAddress::Mailbox {
        name: name.map(|name| name.as_bytes().into()),
        local: local.as_bytes().into(),
        host: host.as_bytes().into(),
    }
}

fn envelope() -> Envelope<'static> {
    Envelope {
        date: Some(b"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)".into()),
        subject: Some(b"IMAP4rev2 WG mtg summary and minutes".into()),
        from: vec![address(Some("Terry Gray"), "gray", "cac.washington.edu")],
        to: vec![address(None, "imap", "cac.washington.edu")],
        cc: vec![
            address(None, "minutes", "CNRI.Reston.VA.US"),
            address(Some("John Klensin"), "KLENSIN", "MIT.EDU"),
        ],
        message_id: Some(b"<B27397-0100000@cac.washington.ed>".into()),
        ..Envelope::default()
    }
}

fn structure() -> BodyStructure<'static> {
    let fields = BodyFields { id: None, description: None, encoding: b"7BIT".into(), size: 3028 };
    let mut body = BodyStructure::new(BodyContent::Text { subtype: b"PLAIN".into(), fields, lines: 92 });
    body.parameters = vec![Parameter { name: b"CHARSET".into(), value: b"US-ASCII".into() }];
    body
}

#[test]
fn rfc9051_8_fetch_full_header_store_logout() {
    let mut imap = Script::enabled("IMAP4rev2").select();
    imap.c("a003 fetch 12 full");
    imap.mailbox(|command, out| {
        let items = vec![
            FetchItem::Flags,
            FetchItem::InternalDate,
            FetchItem::Size,
            FetchItem::Envelope,
            FetchItem::Body,
        ];
        let fetch = Fetch { numbering: Numbering::Sequence, messages: set("12"), items, changed_since: None };
        assert_eq!(command, MailboxCommand::Fetch(fetch));
        let mut rendered = BytesMut::new();
        envelope().render(&mut rendered);
        let envelope = rendered.split();
        structure().render(StructureForm::Basic, &mut rendered);
        let mut fetch = out.fetch(12);
        fetch.flags(&[Flag::Seen]);
        let date = InternalDate::new(Date::new(1996, 7, 17).unwrap(), 2, 44, 25, -420).unwrap();
        fetch.internal_date(date);
        fetch.size(4286);
        fetch.envelope(&envelope);
        fetch.body(&rendered);
        fetch.finish();
        Outcome::ok("FETCH completed")
    });
    imap.s(concat!(
        "* 12 FETCH (FLAGS (\\Seen) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 ENVELOPE (",
        "\"Wed, 17 Jul 1996 02:23:25 -0700 (PDT)\" \"IMAP4rev2 WG mtg summary and minutes\" ",
        "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ",
        "((\"Terry Gray\" NIL \"gray\" \"cac.washington.edu\")) ((NIL NIL \"imap\" \"cac.washington.edu\")) ",
        "((NIL NIL \"minutes\" \"CNRI.Reston.VA.US\")(\"John Klensin\" NIL \"KLENSIN\" \"MIT.EDU\")) NIL NIL ",
        "\"<B27397-0100000@cac.washington.ed>\") ",
        "BODY (\"text\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 3028 92))",
    ));
    imap.s("a003 OK FETCH completed");
    imap.c("a004 fetch 12 body[header]");
    imap.mailbox(|command, out| {
        let items = vec![FetchItem::Section { section: Section::HEADER, partial: None, seen: Seen::Set }];
        let fetch = Fetch { numbering: Numbering::Sequence, messages: set("12"), items, changed_since: None };
        assert_eq!(command, MailboxCommand::Fetch(fetch));
        let mut fetch = out.fetch(12);
        fetch.section(&Section::HEADER, None, b"Subject: minutes\r\n\r\n");
        fetch.finish();
        Outcome::ok("FETCH completed")
    });
    imap.lines("* 12 FETCH (BODY[HEADER] {20}\nSubject: minutes\n\n)\na004 OK FETCH completed");
    imap.c("a005 store 12 +flags \\deleted");
    imap.mailbox(|command, out| {
        let store = Store {
            numbering: Numbering::Sequence,
            messages: set("12"),
            unchanged_since: None,
            action: StoreAction::Add,
            echo: Echo::Flags,
            flags: vec![Flag::Deleted],
        };
        assert_eq!(command, MailboxCommand::Store(store));
        let mut fetch = out.fetch(12);
        fetch.flags(&[Flag::Seen, Flag::Deleted]);
        fetch.finish();
        Outcome::ok("+FLAGS completed")
    });
    imap.lines("* 12 FETCH (FLAGS (\\Seen \\Deleted))\na005 OK +FLAGS completed");
    imap.c("a006 logout");
    imap.s("* BYE ...");
    imap.s("a006 OK ...");
    imap.asked();
    imap.end();
}
