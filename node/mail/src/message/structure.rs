//! From what the scanner found to BODYSTRUCTURE (RFC 9051 section 7.5.2) and to the [`Parts`] that are kept.

use std::borrow::Cow;

use essaim_imap::response::{BodyContent, BodyFields, BodyStructure, Disposition, Parameter};

use super::entity::{Content, Entity};
use super::part::{Part, PartKind, Parts};
use super::transfer::Encoding;

/// The structure of the first entity with all inside it. Recurses, at most [`DEPTH_MAX`](super::DEPTH_MAX) levels.
pub(super) fn structure(entities: &[Entity]) -> BodyStructure<'_> {
    let Some((entity, inside)) = entities.split_first() else {
        return BodyStructure::new(BodyContent::opaque(0));
    };
    let mime = &entity.mime;
    let subtype = bytes(if entity.is_broken() { "plain" } else { &mime.subtype });
    let size = (entity.end - entity.body) as u64;
    let fields = BodyFields {
        id: mime.id.as_deref().map(bytes),
        description: mime.description.as_deref().map(bytes),
        encoding: bytes(&mime.encoding_name),
        size,
    };
    let content = match entity.content {
        Content::Sealed => return BodyStructure::new(BodyContent::opaque(size)),
        Content::Multipart => {
            BodyContent::Multipart { subtype, parts: children(inside).map(structure).collect() }
        }
        Content::Message => BodyContent::Message {
            subtype,
            fields,
            envelope: Box::new(inside.first().map(|message| message.envelope.clone()).unwrap_or_default()),
            body: Box::new(structure(inside)),
            lines: entity.lines,
        },
        Content::Leaf if entity.is_text() => BodyContent::Text { subtype, fields, lines: entity.lines },
        Content::Leaf => BodyContent::Other { kind: bytes(&mime.kind), subtype, fields },
    };
    BodyStructure {
        content,
        parameters: if entity.is_broken() { Vec::new() } else { parameters(&mime.parameters) },
        md5: mime.md5.as_deref().map(bytes),
        disposition: mime
            .disposition
            .as_ref()
            .map(|(kind, list)| Disposition { kind: bytes(kind), parameters: parameters(list) }),
        language: mime.language.iter().map(|tag| bytes(tag)).collect(),
        location: mime.location.as_deref().map(bytes),
    }
}

/// Where everything stands.
pub(super) fn parts(entities: &[Entity]) -> Parts {
    Parts(entities.iter().map(part).collect())
}

/// Is there anything that people would call an attachment?
///
/// What is declared as one, and what is neither text nor inline: but not the signature of the text, nor what belongs to
/// an HTML text beside it (RFC 2387).
pub(super) fn has_attachment(entities: &[Entity]) -> bool {
    let mut related_end = 0;
    entities.iter().enumerate().any(|(at, entity)| {
        if entity.content == Content::Multipart {
            if entity.mime.subtype == "related" {
                related_end = related_end.max(at + 1 + entity.inside);
            }
            return false;
        }
        let mime = &entity.mime;
        let embedded = at < related_end && mime.id.is_some();
        let inline = mime.disposition.as_ref().is_some_and(|(kind, _)| kind == "inline");
        let signature = SIGNATURES.contains(&mime.subtype.as_str());
        mime.is_attachment() || !(entity.is_text() || inline || embedded || signature)
    })
}

fn part(entity: &Entity) -> Part {
    let charset = entity.mime.charset.clone();
    let kind = match entity.content {
        Content::Multipart => PartKind::Multipart,
        Content::Message => PartKind::Message,
        Content::Leaf if entity.is_broken() => PartKind::Plain(None),
        Content::Leaf if entity.mime.is("text", "plain") => PartKind::Plain(charset),
        Content::Leaf if entity.mime.is("text", "html") => PartKind::Html(charset),
        Content::Leaf if entity.is_text() => PartKind::Text(charset),
        Content::Leaf | Content::Sealed => PartKind::Other,
    };
    Part {
        kind,
        encoding: if entity.content == Content::Sealed { Encoding::Identity } else { entity.mime.encoding },
        inside: u32::try_from(entity.inside).unwrap_or(u32::MAX),
        header_start: entity.header as u64,
        header_len: (entity.body - entity.header) as u64,
        body_len: (entity.end - entity.body) as u64,
    }
}

/// The entities directly inside, each with those inside it.
fn children(mut inside: &[Entity]) -> impl Iterator<Item = &[Entity]> {
    std::iter::from_fn(move || {
        let (child, rest) = inside.split_at_checked(inside.first()?.inside + 1)?;
        inside = rest;
        Some(child)
    })
}

fn parameters(list: &[(String, String)]) -> Vec<Parameter<'_>> {
    list.iter().map(|(name, value)| Parameter { name: bytes(name), value: bytes(value) }).collect()
}

fn bytes(text: &str) -> Cow<'_, [u8]> {
    Cow::Borrowed(text.as_bytes())
}

const SIGNATURES: [&str; 3] = ["pgp-signature", "pkcs7-signature", "x-pkcs7-signature"];

#[cfg(test)]
mod tests {
    use crate::message::Summary;

    fn summary(raw: &str) -> Summary {
        Summary::of(raw.replace('\n', "\r\n").as_bytes())
    }

    fn told(raw: &str) -> String {
        String::from_utf8(summary(raw).body_structure().to_vec()).unwrap()
    }

    #[test]
    fn a_message_without_mime_is_plain_text() {
        assert_eq!(
            told("Subject: s\n\none\ntwo"),
            r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 8 1 NIL NIL NIL NIL)"#
        );
        assert_eq!(told(""), r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0 NIL NIL NIL NIL)"#);
    }

    #[test]
    fn every_field_of_a_part_is_told() {
        let raw = "Content-Type: IMAGE/Png; name=\"a b\"\nContent-ID: <i>\nContent-Description: d\n\
            Content-Transfer-Encoding: Base64\nContent-MD5: m\n\
            Content-Disposition: attachment;\n filename*=iso-8859-1''caf%E9\n\
            Content-Language: fr, nl\nContent-Location: l\n\nAAAA\n";
        assert_eq!(
            told(raw),
            r#"("image" "png" ("name" "a b") "<i>" "d" "base64" 6 "m" "#.to_owned()
                + r#"("attachment" ("filename*" "utf-8''caf%C3%A9")) ("fr" "nl") "l")"#
        );
    }

    #[test]
    fn parts_and_messages_nest() {
        let raw = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n1\n--b\nContent-Type: message/rfc822\n\n\
            Subject: s\n\n2\n\n--b--\n";
        let text = r#"("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" "#;
        let envelope = r#"(NIL "s" NIL NIL NIL NIL NIL NIL NIL NIL)"#;
        assert_eq!(
            told(raw),
            format!(
                "({text}1 0 NIL NIL NIL NIL)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 {envelope} {text}3 1 NIL NIL \
                 NIL NIL) 3 NIL NIL NIL NIL) \"mixed\" (\"boundary\" \"b\") NIL NIL NIL)"
            )
        );
        assert_eq!(
            String::from_utf8(summary(raw).body()).unwrap(),
            format!(
                "({text}1 0)(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 17 {envelope} {text}3 1) 3) \"mixed\")"
            )
        );
    }

    #[test]
    fn what_is_no_multipart_is_shown_as_text() {
        for head in ["multipart/mixed", "multipart/mixed; boundary=never", "nonsense", "text", ""] {
            let told = told(&format!("Content-Type: {head}\n\nx"));
            assert!(
                told.starts_with(r#"("text" "plain" "#) && told.ends_with(r#""7bit" 1 0 NIL NIL NIL NIL)"#),
                "{told}"
            );
        }
    }

    #[test]
    fn attachments_as_people_understand_them() {
        let mixed = |part: &str| {
            let raw = format!(
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n{part}\n\nx\n--b--\n"
            );
            summary(&raw).has_attachment()
        };
        assert!(mixed("Content-Type: application/pdf"));
        assert!(mixed("Content-Type: text/plain\nContent-Disposition: attachment"));
        assert!(mixed("Content-Type: message/rfc822"));
        assert!(!mixed("Content-Type: text/html"));
        assert!(!mixed("Content-Type: image/png\nContent-Disposition: inline"));
        assert!(!mixed("Content-Type: application/pgp-signature"));
        let related = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n\
            --b\nContent-Type: image/png\nContent-ID: <i>\n\n--b--\n";
        assert!(!summary(related).has_attachment());
    }
}
