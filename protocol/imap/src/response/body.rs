//! BODY and BODYSTRUCTURE: RFC 9051 section 7.5.2.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::{Envelope, text};
use crate::Enabled;

/// A part of a message with everything inside it.
///
/// A message from a stranger can nest without end. Whoever builds a structure must stop at [`BodyStructure::DEPTH_MAX`]
/// levels and put [`BodyContent::opaque`] there; the encoder, should it get deeper, does the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyStructure<'a> {
    /// What it is.
    pub content: BodyContent<'a>,
    /// Parameters of Content-Type.
    pub parameters: Vec<Parameter<'a>>,
    /// Content-MD5; of a multipart it is not told.
    pub md5: Option<Cow<'a, [u8]>>,
    /// Content-Disposition.
    pub disposition: Option<Disposition<'a>>,
    /// Content-Language: the tags.
    pub language: Vec<Cow<'a, [u8]>>,
    /// Content-Location.
    pub location: Option<Cow<'a, [u8]>>,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyContent<'a> {
    /// multipart/*
    Multipart {
        /// mixed, alternative, ...
        subtype: Cow<'a, [u8]>,
        /// The parts; if there are none, an empty text is told, since the grammar wants one.
        parts: Vec<BodyStructure<'a>>,
    },
    /// message/rfc822 and message/global, taken apart.
    Message {
        /// rfc822 or global.
        subtype: Cow<'a, [u8]>,
        /// The common fields.
        fields: BodyFields<'a>,
        /// The header of the message inside.
        envelope: Box<Envelope<'a>>,
        /// The structure of the message inside.
        body: Box<BodyStructure<'a>>,
        /// How many lines.
        lines: u64,
    },
    /// text/*
    Text {
        /// plain, html, ...
        subtype: Cow<'a, [u8]>,
        /// The common fields.
        fields: BodyFields<'a>,
        /// How many lines.
        lines: u64,
    },
    /// Everything else.
    Other {
        /// image, application, ...
        kind: Cow<'a, [u8]>,
        /// png, pdf, ...
        subtype: Cow<'a, [u8]>,
        /// The common fields.
        fields: BodyFields<'a>,
    },
}

/// What every part but a multipart has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodyFields<'a> {
    /// Content-ID, with its angle brackets.
    pub id: Option<Cow<'a, [u8]>>,
    /// Content-Description.
    pub description: Option<Cow<'a, [u8]>>,
    /// Content-Transfer-Encoding; `7bit` if there is none.
    pub encoding: Cow<'a, [u8]>,
    /// Bytes, as encoded.
    pub size: u64,
}

/// A parameter of a field: `charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its name.
    pub name: Cow<'a, [u8]>,
    /// Its value, unquoted.
    pub value: Cow<'a, [u8]>,
}

/// Content-Disposition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disposition<'a> {
    /// inline or attachment.
    pub kind: Cow<'a, [u8]>,
    /// filename and others.
    pub parameters: Vec<Parameter<'a>>,
}

/// How much to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructureForm {
    /// BODY: no extension data.
    Basic,
    /// BODYSTRUCTURE: with extension data.
    Extended,
}

impl<'a> BodyContent<'a> {
    /// application/octet-stream: for what is nested too deep, or cannot be read.
    pub fn opaque(size: u64) -> Self {
        let fields = BodyFields { id: None, description: None, encoding: Cow::Borrowed(b"binary"), size };
        Self::Other { kind: Cow::Borrowed(b"application"), subtype: Cow::Borrowed(b"octet-stream"), fields }
    }
}

impl<'a> BodyStructure<'a> {
    /// The most levels that are told.
    pub const DEPTH_MAX: usize = 64;

    /// Without parameters and extension data.
    pub fn new(content: BodyContent<'a>) -> Self {
        Self {
            content,
            parameters: Vec::new(),
            md5: None,
            disposition: None,
            language: Vec::new(),
            location: None,
        }
    }

    /// `("TEXT" "PLAIN" ..)`, in a form that every client can read, whatever it has enabled: 8-bit text becomes literals.
    /// To be kept and passed to [`FetchWriter::body`](super::FetchWriter::body) or
    /// [`body_structure`](super::FetchWriter::body_structure).
    pub fn render(&self, form: StructureForm, out: &mut BytesMut) {
        self.render_within(Self::DEPTH_MAX, form, out);
    }

    fn render_within(&self, levels: usize, form: StructureForm, out: &mut BytesMut) {
        let Some(levels) = levels.checked_sub(1) else {
            let size = self.content.fields().map_or(0, |fields| fields.size);
            return Self::new(BodyContent::opaque(size)).render_leaf(form, out);
        };
        match &self.content {
            BodyContent::Multipart { subtype, parts } => {
                out.put_u8(b'(');
                parts.iter().for_each(|part| part.render_within(levels, form, out));
                if parts.is_empty() {
                    Self::empty_text().render_leaf(form, out);
                }
                out.put_u8(b' ');
                write_string(out, subtype);
                if form == StructureForm::Extended {
                    out.put_u8(b' ');
                    write_parameters(out, &self.parameters);
                    self.write_extension(out);
                }
                out.put_u8(b')');
            }
            BodyContent::Message { envelope, body, lines, .. } => {
                self.write_head(out);
                out.put_u8(b' ');
                envelope.render(out);
                out.put_u8(b' ');
                body.render_within(levels, form, out);
                out.put_u8(b' ');
                text::number(out, *lines);
                self.write_tail(form, out);
            }
            BodyContent::Text { .. } | BodyContent::Other { .. } => self.render_leaf(form, out),
        }
    }

    fn render_leaf(&self, form: StructureForm, out: &mut BytesMut) {
        self.write_head(out);
        if let BodyContent::Text { lines, .. } = &self.content {
            out.put_u8(b' ');
            text::number(out, *lines);
        }
        self.write_tail(form, out);
    }

    /// `("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 2279`
    fn write_head(&self, out: &mut BytesMut) {
        let (kind, subtype) = self.content.media_type();
        out.put_u8(b'(');
        write_string(out, kind);
        out.put_u8(b' ');
        write_string(out, subtype);
        out.put_u8(b' ');
        write_parameters(out, &self.parameters);
        if let Some(fields) = self.content.fields() {
            out.put_u8(b' ');
            write_nstring(out, fields.id.as_deref());
            out.put_u8(b' ');
            write_nstring(out, fields.description.as_deref());
            out.put_u8(b' ');
            write_string(out, &fields.encoding);
            out.put_u8(b' ');
            text::number(out, fields.size);
        }
    }

    fn write_tail(&self, form: StructureForm, out: &mut BytesMut) {
        if form == StructureForm::Extended {
            out.put_u8(b' ');
            write_nstring(out, self.md5.as_deref());
            self.write_extension(out);
        }
        out.put_u8(b')');
    }

    /// Disposition, language, location.
    fn write_extension(&self, out: &mut BytesMut) {
        match &self.disposition {
            None => out.put_slice(b" NIL"),
            Some(disposition) => {
                out.put_slice(b" (");
                write_string(out, &disposition.kind);
                out.put_u8(b' ');
                write_parameters(out, &disposition.parameters);
                out.put_u8(b')');
            }
        }
        out.put_u8(b' ');
        write_languages(out, &self.language);
        out.put_u8(b' ');
        write_nstring(out, self.location.as_deref());
    }

    fn empty_text() -> Self {
        let fields = BodyFields { id: None, description: None, encoding: Cow::Borrowed(b"7bit"), size: 0 };
        Self::new(BodyContent::Text { subtype: Cow::Borrowed(b"plain"), fields, lines: 0 })
    }
}

impl BodyContent<'_> {
    fn media_type(&self) -> (&[u8], &[u8]) {
        match self {
            Self::Multipart { subtype, .. } => (b"multipart", subtype),
            Self::Message { subtype, .. } => (b"message", subtype),
            Self::Text { subtype, .. } => (b"text", subtype),
            Self::Other { kind, subtype, .. } => (kind, subtype),
        }
    }

    fn fields(&self) -> Option<&BodyFields<'_>> {
        match self {
            Self::Multipart { .. } => None,
            Self::Message { fields, .. } | Self::Text { fields, .. } | Self::Other { fields, .. } => {
                Some(fields)
            }
        }
    }
}

fn write_parameters(out: &mut BytesMut, parameters: &[Parameter<'_>]) {
    if parameters.is_empty() {
        return out.put_slice(b"NIL");
    }
    for (at, parameter) in parameters.iter().enumerate() {
        out.put_u8(if at == 0 { b'(' } else { b' ' });
        write_string(out, &parameter.name);
        out.put_u8(b' ');
        write_string(out, &parameter.value);
    }
    out.put_u8(b')');
}

/// One tag is a string, several are a list.
fn write_languages(out: &mut BytesMut, languages: &[Cow<'_, [u8]>]) {
    match languages {
        [] => out.put_slice(b"NIL"),
        [language] => write_string(out, language),
        several => {
            for (at, language) in several.iter().enumerate() {
                out.put_u8(if at == 0 { b'(' } else { b' ' });
                write_string(out, language);
            }
            out.put_u8(b')');
        }
    }
}

fn write_string(out: &mut BytesMut, value: &[u8]) {
    text::string(out, value, Enabled::NONE);
}

fn write_nstring(out: &mut BytesMut, value: Option<&[u8]>) {
    text::nstring(out, value, Enabled::NONE);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(structure: &BodyStructure<'_>, form: StructureForm) -> String {
        let mut out = BytesMut::new();
        structure.render(form, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn text(encoding: &'static str, size: u64, lines: u64) -> BodyStructure<'static> {
        let fields = BodyFields { id: None, description: None, encoding: encoding.as_bytes().into(), size };
        let mut text = BodyStructure::new(BodyContent::Text { subtype: b"PLAIN".into(), fields, lines });
        text.parameters = vec![Parameter { name: b"CHARSET".into(), value: b"US-ASCII".into() }];
        text
    }

    #[test]
    fn rfc9051_7_5_2_a_text_and_an_attachment() {
        let first = text("7BIT", 1152, 23);
        assert_eq!(
            rendered(&first, StructureForm::Basic),
            "(\"text\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)"
        );
        let mut second = text("BASE64", 4554, 73);
        second.parameters.push(Parameter { name: b"NAME".into(), value: b"cc.diff".into() });
        if let BodyContent::Text { fields, .. } = &mut second.content {
            fields.id = Some(b"<960723163407.20117h@cac.washington.edu>".into());
            fields.description = Some(b"Compiler diff".into());
        }
        let parts = vec![first, second];
        let both = BodyStructure::new(BodyContent::Multipart { subtype: b"MIXED".into(), parts });
        assert_eq!(
            rendered(&both, StructureForm::Basic),
            concat!(
                "((\"text\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\") NIL NIL \"7BIT\" 1152 23)",
                "(\"text\" \"PLAIN\" (\"CHARSET\" \"US-ASCII\" \"NAME\" \"cc.diff\") ",
                "\"<960723163407.20117h@cac.washington.edu>\" \"Compiler diff\" \"BASE64\" 4554 73) \"MIXED\")",
            )
        );
        assert!(
            rendered(&both, StructureForm::Extended)
                .ends_with(" NIL NIL NIL NIL) \"MIXED\" NIL NIL NIL NIL)")
        );
    }

    #[test]
    fn a_multipart_without_parts_has_an_empty_text() {
        let empty =
            BodyStructure::new(BodyContent::Multipart { subtype: b"mixed".into(), parts: Vec::new() });
        assert_eq!(
            rendered(&empty, StructureForm::Basic),
            "((\"text\" \"plain\" NIL NIL NIL \"7bit\" 0 0) \"mixed\")"
        );
    }

    #[test]
    fn what_is_nested_too_deep_is_opaque() {
        let mut nest = text("7bit", 1, 1);
        for _ in 0..1000 {
            nest = BodyStructure::new(BodyContent::Multipart { subtype: b"mixed".into(), parts: vec![nest] });
        }
        let rendered = rendered(&nest, StructureForm::Basic);
        let depth = rendered.bytes().take_while(|&byte| byte == b'(').count();
        assert_eq!(depth, BodyStructure::DEPTH_MAX + 1);
        assert!(rendered.contains("\"application\" \"octet-stream\"") && !rendered.contains("PLAIN"));
    }
}
