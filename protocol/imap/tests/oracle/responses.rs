//! What we encode as a response of rev1, read by imap-codec.

use std::borrow::Cow;

use bytes::BytesMut;
use essaim_imap::command::{PartPath, Section, SectionText, SpecialUse};
use essaim_imap::response::{
    BodyContent, BodyFields, BodyStructure, ChildInfo, Disposition, Encoder, Envelope, EnvelopeAddress,
    ListAttribute, ListEntry, NamespaceEntry, NumberSet, Parameter, PermanentFlag, QuotaResource, QuotaUsage,
    StatusValue, StructureForm,
};
use essaim_imap::{Condition, Date, Enabled, Flag, InternalDate, MailboxName, Reply, ResponseCode};
use essaim_types::{ModSeq, Uid, UidValidity};
use imap_codec::ResponseCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::body as theirs;
use imap_codec::imap_types::core::{IString, NString};
use imap_codec::imap_types::envelope::{Address, Envelope as TheirEnvelope};
use imap_codec::imap_types::fetch::MessageDataItem;
use imap_codec::imap_types::response::{Data, Response};
use proptest::prelude::*;

fn written(write: impl FnOnce(&mut Encoder<'_>)) -> BytesMut {
    let mut out = BytesMut::new();
    write(&mut Encoder::new(&mut out, Enabled::NONE));
    out
}

#[track_caller]
fn read(bytes: &[u8]) -> Response<'_> {
    match ResponseCodec::default().decode(bytes) {
        Ok((b"", response)) => response,
        Ok((rest, _)) => panic!("{:?} is left over", String::from_utf8_lossy(rest)),
        Err(error) => panic!("{:?}: {error:?}", String::from_utf8_lossy(bytes)),
    }
}

/// Writes a response, and returns how theirs looks.
#[track_caller]
fn shown(write: impl FnOnce(&mut Encoder<'_>)) -> String {
    format!("{:?}", read(&written(write)))
}

/// Any bytes but NUL, and often what quotes badly.
fn text() -> impl Strategy<Value = Cow<'static, [u8]>> {
    prop_oneof![
        "[a-zA-Z0-9 \"\\\\()%*{}]{0,12}".prop_map(|text| Cow::Owned(text.into_bytes())),
        prop::collection::vec(1..=255u8, 0..8).prop_map(Cow::Owned),
        Just(Cow::Borrowed(&b"NIL"[..])),
    ]
}

fn maybe() -> impl Strategy<Value = Option<Cow<'static, [u8]>>> {
    prop::option::of(text())
}

fn address() -> impl Strategy<Value = EnvelopeAddress<'static>> {
    let mailbox = (maybe(), text(), text()).prop_map(|(name, local, host)| EnvelopeAddress::Mailbox {
        name,
        local,
        host,
    });
    prop_oneof![4 => mailbox, 1 => text().prop_map(EnvelopeAddress::GroupStart), 1 => Just(EnvelopeAddress::GroupEnd)]
}

/// Boxed, like all that is nested: the generators of whole trees would fill the stack.
fn envelope() -> BoxedStrategy<Envelope<'static>> {
    let addresses = || prop::collection::vec(address(), 0..3);
    let texts = (maybe(), maybe(), maybe(), maybe());
    let lists = (addresses(), addresses(), addresses(), addresses(), addresses(), addresses());
    (texts, lists)
        .prop_map(|((date, subject, in_reply_to, message_id), (from, sender, reply_to, to, cc, bcc))| {
            Envelope { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id }
        })
        .boxed()
}

fn parameters() -> BoxedStrategy<Vec<Parameter<'static>>> {
    prop::collection::vec((text(), text()).prop_map(|(name, value)| Parameter { name, value }), 0..3).boxed()
}

fn fields() -> BoxedStrategy<BodyFields<'static>> {
    (maybe(), maybe(), text(), any::<u32>())
        .prop_map(|(id, description, encoding, size)| BodyFields {
            id,
            description,
            encoding,
            size: size.into(),
        })
        .boxed()
}

fn with_extension(
    content: impl Strategy<Value = BodyContent<'static>> + 'static,
) -> BoxedStrategy<BodyStructure<'static>> {
    let disposition = prop::option::of(
        (text(), parameters()).prop_map(|(kind, parameters)| Disposition { kind, parameters }),
    );
    let language = prop::collection::vec(text(), 0..3);
    (content, parameters(), maybe(), disposition, language, maybe())
        .prop_map(|(content, parameters, md5, disposition, language, location)| BodyStructure {
            content,
            parameters,
            md5,
            disposition,
            language,
            location,
        })
        .boxed()
}

fn structure() -> BoxedStrategy<BodyStructure<'static>> {
    let text_part = (text(), fields(), any::<u32>()).prop_map(|(subtype, fields, lines)| BodyContent::Text {
        subtype,
        fields,
        lines: lines.into(),
    });
    let other = (prop::sample::select(vec!["image", "application"]), text(), fields()).prop_map(
        |(kind, subtype, fields)| BodyContent::Other { kind: kind.as_bytes().into(), subtype, fields },
    );
    let leaf = with_extension(prop_oneof![text_part, other]);
    leaf.prop_recursive(4, 12, 3, |inner| {
        let multipart = (text(), prop::collection::vec(inner.clone(), 1..4))
            .prop_map(|(subtype, parts)| BodyContent::Multipart { subtype, parts });
        let message =
            (fields(), envelope(), inner, any::<u32>()).prop_map(|(fields, envelope, body, lines)| {
                let (envelope, body) = (Box::new(envelope), Box::new(body));
                BodyContent::Message {
                    subtype: b"rfc822".into(),
                    fields,
                    envelope,
                    body,
                    lines: lines.into(),
                }
            });
        with_extension(prop_oneof![multipart, message])
    })
    .boxed()
}

fn same(ours: &[u8], theirs: &IString<'_>) -> bool {
    ours == theirs.as_ref()
}

fn same_maybe(ours: Option<&[u8]>, theirs: &NString<'_>) -> bool {
    ours == theirs.0.as_ref().map(AsRef::as_ref)
}

fn same_addresses(ours: &[EnvelopeAddress<'_>], theirs: &[Address<'_>]) -> bool {
    let same_address = |ours: &EnvelopeAddress<'_>, theirs: &Address<'_>| {
        let (name, mailbox, host) = match ours {
            EnvelopeAddress::Mailbox { name, local, host } => {
                (name.as_deref(), Some(&**local), Some(&**host))
            }
            EnvelopeAddress::GroupStart(group) => (None, Some(&**group), None),
            EnvelopeAddress::GroupEnd => (None, None, None),
        };
        same_maybe(name, &theirs.name)
            && same_maybe(None, &theirs.adl)
            && same_maybe(mailbox, &theirs.mailbox)
            && same_maybe(host, &theirs.host)
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same_address(ours, theirs))
}

fn same_envelope(ours: &Envelope<'_>, theirs: &TheirEnvelope<'_>) -> bool {
    fn or<'a, T>(list: &'a [T], from: &'a [T]) -> &'a [T] {
        if list.is_empty() { from } else { list }
    }
    same_maybe(ours.date.as_deref(), &theirs.date)
        && same_maybe(ours.subject.as_deref(), &theirs.subject)
        && same_addresses(&ours.from, &theirs.from)
        && same_addresses(or(&ours.sender, &ours.from), &theirs.sender)
        && same_addresses(or(&ours.reply_to, &ours.from), &theirs.reply_to)
        && same_addresses(&ours.to, &theirs.to)
        && same_addresses(&ours.cc, &theirs.cc)
        && same_addresses(&ours.bcc, &theirs.bcc)
        && same_maybe(ours.in_reply_to.as_deref(), &theirs.in_reply_to)
        && same_maybe(ours.message_id.as_deref(), &theirs.message_id)
}

fn same_parameters(ours: &[Parameter<'_>], theirs: &[(IString<'_>, IString<'_>)]) -> bool {
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .all(|(ours, (name, value))| same(&ours.name, name) && same(&ours.value, value))
}

fn same_tail(ours: &BodyStructure<'_>, theirs: Option<&theirs::Disposition<'_>>) -> bool {
    let Some(theirs) = theirs else { return false };
    let disposition = match (&ours.disposition, &theirs.disposition) {
        (None, None) => true,
        (Some(ours), Some((kind, parameters))) => {
            same(&ours.kind, kind) && same_parameters(&ours.parameters, parameters)
        }
        _ => false,
    };
    let Some(language) = &theirs.tail else { return false };
    let languages = ours.language.len() == language.language.len()
        && ours.language.iter().zip(&language.language).all(|(ours, theirs)| same(ours, theirs));
    let location =
        language.tail.as_ref().is_some_and(|theirs| same_maybe(ours.location.as_deref(), &theirs.location));
    disposition && languages && location
}

fn same_structure(ours: &BodyStructure<'_>, theirs: &theirs::BodyStructure<'_>, form: StructureForm) -> bool {
    match (&ours.content, theirs) {
        (
            BodyContent::Multipart { subtype, parts },
            theirs::BodyStructure::Multi { bodies, subtype: kind, extension_data },
        ) => {
            let inner = parts.len() == bodies.as_ref().len()
                && parts.iter().zip(bodies.as_ref()).all(|(ours, theirs)| same_structure(ours, theirs, form));
            let extension = match (extension_data, form) {
                (None, StructureForm::Basic) => true,
                (Some(data), StructureForm::Extended) => {
                    same_parameters(&ours.parameters, &data.parameter_list)
                        && same_tail(ours, data.tail.as_ref())
                }
                _ => false,
            };
            inner && extension && same(subtype, kind)
        }
        (content, theirs::BodyStructure::Single { body, extension_data }) => {
            let extension = match (extension_data, form) {
                (None, StructureForm::Basic) => true,
                (Some(data), StructureForm::Extended) => {
                    same_maybe(ours.md5.as_deref(), &data.md5) && same_tail(ours, data.tail.as_ref())
                }
                _ => false,
            };
            let same_fields = |fields: &BodyFields<'_>| {
                same_maybe(fields.id.as_deref(), &body.basic.id)
                    && same_maybe(fields.description.as_deref(), &body.basic.description)
                    && same(&fields.encoding, &body.basic.content_transfer_encoding)
                    && fields.size == u64::from(body.basic.size)
                    && same_parameters(&ours.parameters, &body.basic.parameter_list)
            };
            let specific = match (content, &body.specific) {
                (
                    BodyContent::Other { kind, subtype, fields },
                    theirs::SpecificFields::Basic { r#type, subtype: theirs },
                ) => same(kind, r#type) && same(subtype, theirs) && same_fields(fields),
                (
                    BodyContent::Text { subtype, fields, lines },
                    theirs::SpecificFields::Text { subtype: theirs, number_of_lines },
                ) => same(subtype, theirs) && same_fields(fields) && *lines == u64::from(*number_of_lines),
                (
                    BodyContent::Message { fields, envelope, body, lines, .. },
                    theirs::SpecificFields::Message { envelope: theirs, body_structure, number_of_lines },
                ) => {
                    same_fields(fields)
                        && same_envelope(envelope, theirs)
                        && same_structure(body, body_structure, form)
                        && *lines == u64::from(*number_of_lines)
                }
                _ => false,
            };
            specific && extension
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn envelopes_mean_the_same_to_imap_codec(envelope in envelope()) {
        let mut rendered = BytesMut::new();
        envelope.render(&mut rendered);
        let bytes = written(|out| {
            let mut fetch = out.fetch(1);
            fetch.envelope(&rendered);
            fetch.finish();
        });
        let Response::Data(Data::Fetch { items, .. }) = read(&bytes) else { panic!() };
        let [MessageDataItem::Envelope(theirs)] = items.as_ref() else { panic!() };
        prop_assert!(same_envelope(&envelope, theirs), "{:?}", theirs);
    }

    #[test]
    fn structures_mean_the_same_to_imap_codec(structure in structure()) {
        for form in [StructureForm::Basic, StructureForm::Extended] {
            let mut rendered = BytesMut::new();
            structure.render(form, &mut rendered);
            let bytes = written(|out| {
                let mut fetch = out.fetch(1);
                match form {
                    StructureForm::Basic => fetch.body(&rendered),
                    StructureForm::Extended => fetch.body_structure(&rendered),
                }
                fetch.finish();
            });
            let Response::Data(Data::Fetch { items, .. }) = read(&bytes) else { panic!() };
            let theirs = match items.as_ref() {
                [MessageDataItem::Body(theirs)] if form == StructureForm::Basic => theirs,
                [MessageDataItem::BodyStructure(theirs)] if form == StructureForm::Extended => theirs,
                other => panic!("{other:?}"),
            };
            prop_assert!(same_structure(&structure, theirs, form), "{:?}", theirs);
        }
    }

    #[test]
    fn internal_dates_mean_the_same_to_imap_codec(seconds in -62_000_000_000i64..253_000_000_000, zone in -1439i16..=1439) {
        let date = InternalDate { at: essaim_types::Timestamp::from_seconds(seconds), zone_minutes: zone };
        let bytes = written(|out| {
            let mut fetch = out.fetch(1);
            fetch.internal_date(date);
            fetch.finish();
        });
        let Response::Data(Data::Fetch { items, .. }) = read(&bytes) else { panic!() };
        let [MessageDataItem::InternalDate(theirs)] = items.as_ref() else { panic!() };
        prop_assert_eq!(theirs.as_ref().timestamp(), seconds);
        prop_assert_eq!(theirs.as_ref().offset().local_minus_utc(), i32::from(zone) * 60);
    }

    #[test]
    fn any_name_comes_through_a_list(name in "[a-z &\"\\\\(){\u{e9}\u{53f0}\u{1f600}-]{1,12}") {
        let Ok(name) = MailboxName::new(&name) else { return Ok(()) };
        let bytes = written(|out| {
            out.list(&ListEntry { attributes: &[], mailbox: &name, old_name: None, child_info: ChildInfo::Omit });
        });
        let Response::Data(Data::List { mailbox, .. }) = read(&bytes) else { panic!() };
        prop_assert_eq!(crate::translate::name(&mailbox), Some(name));
    }

    #[test]
    fn any_section_comes_through_a_fetch(bytes in prop::collection::vec(1..=255u8, 0..40), part in prop::option::of(1..9u32)) {
        let levels = part.into_iter().map(|level| level.try_into().unwrap()).collect();
        let section = Section { part: PartPath::new(levels).unwrap(), text: SectionText::Header };
        let wire = written(|out| {
            let mut fetch = out.fetch(7);
            fetch.section(&section, part.map(u64::from), &bytes);
            fetch.uid(Uid::FIRST);
            fetch.finish();
        });
        let Response::Data(Data::Fetch { items, .. }) = read(&wire) else { panic!() };
        let [MessageDataItem::BodyExt { origin, data, .. }, MessageDataItem::Uid(_)] = items.as_ref() else { panic!() };
        prop_assert_eq!(*origin, part);
        prop_assert!(same_maybe(Some(&bytes), data));
    }
}

#[test]
fn small_responses_mean_the_same_to_imap_codec() {
    let inbox = MailboxName::inbox();
    let attributes =
        [ListAttribute::HasNoChildren, ListAttribute::Marked, ListAttribute::Use(SpecialUse::Sent)];
    let table: Vec<(String, &[&str])> = vec![
        (shown(|out| out.exists(23)), &["Exists(23)"]),
        (shown(|out| out.recent(0)), &["Recent(0)"]),
        (shown(|out| out.expunge(44)), &["Expunge(44)"]),
        (shown(|out| out.flags(&Flag::SYSTEM)), &["Flags([Answered, Flagged, Deleted, Seen, Draft])"]),
        (shown(|out| out.search([2, 84, 882], None)), &["Search([2, 84, 882], None)"]),
        (shown(|out| out.search([2], Some(ModSeq(7)))), &["Search([2], Some(7))"]),
        (shown(|out| out.search([], None)), &["Search([], None)"]),
        (
            shown(|out| out.vanished([1, 2, 9].into_iter().filter_map(Uid::new))),
            &["earlier: false", "Range(Value(1), Value(2))"],
        ),
        (shown(|out| out.vanished_earlier(Uid::new(9))), &["earlier: true", "Single(Value(9))"]),
        (
            shown(|out| {
                out.list(&ListEntry {
                    attributes: &attributes,
                    mailbox: &inbox,
                    old_name: None,
                    child_info: ChildInfo::Omit,
                })
            }),
            &["HasNoChildren", "Marked", "Sent", "Inbox"],
        ),
        (shown(|out| out.list_separator()), &["List", "Noselect", "QuotedChar('/')"]),
        (shown(|out| out.lsub(&[], &inbox)), &["Lsub", "Inbox"]),
        (
            shown(|out| out.namespace(&[NamespaceEntry { prefix: "" }], &[], &[])),
            &["Namespace", "other: []", "shared: []"],
        ),
        (shown(|out| out.id(&[("name", "Essaim")])), &["Id", "Essaim"]),
        (shown(|out| out.id(&[])), &["Id { parameters: None }"]),
        (shown(|out| out.quota_root(&inbox, &["", "a b"])), &["QuotaRoot", "Inbox"]),
        (
            shown(|out| {
                out.quota("", &[QuotaUsage { resource: QuotaResource::Storage, used: 1, limit: 4096 }])
            }),
            &["Quota", "Storage", "usage: 1", "limit: 4"],
        ),
        (
            shown(|out| {
                let validity = UidValidity::new(3).unwrap();
                let values = [
                    StatusValue::Messages(1),
                    StatusValue::UidValidity(validity),
                    StatusValue::Size(9),
                    StatusValue::HighestModSeq(ModSeq(5)),
                ];
                out.status(&inbox, values);
            }),
            &["Messages(1), UidValidity(3), Size(9), HighestModSeq(5)"],
        ),
        (shown(|out| out.capability("IMAP4rev1 IDLE")), &["Capability", "Imap4Rev1", "Idle"]),
        (shown(|out| out.enabled_now(&[])), &["Enabled { capabilities: [] }"]),
    ];
    for (shown, parts) in table {
        for part in parts {
            assert!(shown.contains(part), "{part} is not in {shown}");
        }
    }
}

#[test]
fn codes_mean_the_same_to_imap_codec() {
    let validity = UidValidity::new(38505).unwrap();
    let numbers = |numbers: &[u32]| -> NumberSet { numbers.iter().copied().collect() };
    for (code, expected) in [
        (ResponseCode::Alert, "Alert"),
        (ResponseCode::Parse, "Parse"),
        (ResponseCode::ReadOnly, "ReadOnly"),
        (ResponseCode::ReadWrite, "ReadWrite"),
        (ResponseCode::TryCreate, "TryCreate"),
        (ResponseCode::UidNext(4392), "UidNext(4392)"),
        (ResponseCode::UidValidity(validity), "UidValidity(38505)"),
        (ResponseCode::Unseen(12), "Unseen(12)"),
        (ResponseCode::OverQuota, "OverQuota"),
        (ResponseCode::TooBig, "TooBig"),
        (ResponseCode::UnknownCte, "UnknownCte"),
        (ResponseCode::UidNotSticky, "UidNotSticky"),
        (ResponseCode::NoModSeq, "NoModSeq"),
        (ResponseCode::Closed, "Closed"),
        (ResponseCode::HighestModSeq(ModSeq(7)), "HighestModSeq(7)"),
        (ResponseCode::Modified(numbers(&[7, 9])), "Modified("),
        (ResponseCode::AppendUid(validity, numbers(&[3955])), "AppendUid { uid_validity: 38505, uid: 3955 }"),
        (
            ResponseCode::CopyUid(validity, numbers(&[304, 319, 320]), numbers(&[3956, 3957, 3958])),
            "CopyUid { uid_validity: 38505",
        ),
        (ResponseCode::BadCharset(&["UTF-8"]), "BadCharset"),
        (ResponseCode::Capability("IMAP4rev1".into()), "Capability("),
        (
            ResponseCode::PermanentFlags(vec![PermanentFlag::Flag(Flag::Seen), PermanentFlag::NewKeywords]),
            "PermanentFlags([Flag(Seen), Asterisk])",
        ),
    ] {
        let shown = shown(|out| out.remark(Condition::Ok, &Reply::coded(code, "text")));
        assert!(shown.contains(expected), "{expected} is not in {shown}");
    }
}

#[test]
fn dates_that_are_short_are_padded() {
    let date = InternalDate::new(Date::new(94, 2, 7).unwrap(), 1, 2, 3, -5).unwrap();
    let bytes = written(|out| {
        let mut fetch = out.fetch(1);
        fetch.internal_date(date);
        fetch.finish();
    });
    assert_eq!(&bytes[..], b"* 1 FETCH (INTERNALDATE \" 7-Feb-0094 01:02:03 -0005\")\r\n");
}
