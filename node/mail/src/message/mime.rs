//! What the MIME fields of one header say about the part (RFC 2045, RFC 2183).

use encoding_rs::Encoding as Charset;

use super::gather::{Gathered, Known};
use super::plain::{Budget, ascii_parameter, ascii_words};
use super::transfer::Encoding;
use super::value::{self, Parameterized};

/// A part as its header describes it; text in ASCII, ready for BODYSTRUCTURE.
#[derive(Debug)]
pub(super) struct Mime {
    /// `text`, in lower case.
    pub(super) kind: String,
    /// `plain`, in lower case.
    pub(super) subtype: String,
    pub(super) parameters: Vec<(String, String)>,
    /// Of a text.
    pub(super) charset: Option<String>,
    /// Of a multipart; not empty.
    pub(super) boundary: Option<Vec<u8>>,
    pub(super) encoding: Encoding,
    /// The encoding as it is told.
    pub(super) encoding_name: String,
    pub(super) id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) md5: Option<String>,
    pub(super) disposition: Option<(String, Vec<(String, String)>)>,
    pub(super) language: Vec<String>,
    pub(super) location: Option<String>,
}

impl Mime {
    /// `default` is what a part without Content-Type is, for example `("text", "plain")`.
    pub(super) fn of(
        fields: &Gathered,
        default: (&str, &str),
        fallback: &'static Charset,
        budget: &mut Budget,
    ) -> Self {
        let line = |field, budget: &mut Budget| {
            let text = ascii_words(value::text(fields.value(field)?, fallback));
            budget.text(text).filter(|text| !text.is_empty())
        };
        let content_type =
            fields.value(Known::ContentType).and_then(|value| Parameterized::of(value, fallback));
        let content_type = content_type.unwrap_or_else(|| absent(default));
        let disposition =
            fields.value(Known::ContentDisposition).and_then(|value| Parameterized::of(value, fallback));
        let encoding_name = fields.value(Known::ContentTransferEncoding).map(value::first_token);
        let encoding_name =
            encoding_name.filter(|name| !name.is_empty()).unwrap_or_else(|| "7bit".to_owned());
        let charset = content_type.parameter("charset").filter(|label| budget.take(label.len()));
        // RFC 2045 section 5.2: what is no media type is text/plain.
        let (kind, subtype) = match &content_type.subtype {
            Some(subtype) if !subtype.is_empty() && !content_type.kind.is_empty() => {
                (content_type.kind.as_str(), subtype.as_str())
            }
            _ => ("text", "plain"),
        };
        Self {
            kind: budget.text(kind.to_owned()).unwrap_or_else(|| "text".to_owned()),
            subtype: budget.text(subtype.to_owned()).unwrap_or_else(|| "plain".to_owned()),
            charset: charset.map(str::to_owned),
            boundary: boundary(&content_type),
            encoding: Encoding::named(&encoding_name),
            encoding_name: budget.text(encoding_name).unwrap_or_else(|| "7bit".to_owned()),
            parameters: parameters(content_type.parameters, budget),
            id: line(Known::ContentId, budget),
            description: line(Known::ContentDescription, budget),
            md5: line(Known::ContentMd5, budget),
            disposition: disposition.and_then(|disposition| {
                let kind = budget.text(disposition.kind).filter(|kind| !kind.is_empty())?;
                Some((kind, parameters(disposition.parameters, budget)))
            }),
            language: fields
                .value(Known::ContentLanguage)
                .map(value::words)
                .unwrap_or_default()
                .into_iter()
                .map_while(|word| budget.text(word))
                .collect(),
            location: line(Known::ContentLocation, budget),
        }
    }

    pub(super) fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// RFC 2046 section 5.2.1 and RFC 6532 section 3.7.
    pub(super) fn is_message(&self) -> bool {
        self.is("message", "rfc822") || self.is("message", "global")
    }

    /// RFC 2183 section 2.2.
    pub(super) fn is_attachment(&self) -> bool {
        self.disposition.as_ref().is_some_and(|(kind, _)| kind == "attachment")
    }
}

/// RFC 2046 section 5.1.1: it does not end in a blank.
pub(super) fn boundary(content_type: &Parameterized) -> Option<Vec<u8>> {
    let boundary = content_type.parameter("boundary")?.trim_end();
    (!boundary.is_empty()).then(|| boundary.as_bytes().to_vec())
}

fn absent((kind, subtype): (&str, &str)) -> Parameterized {
    let charset = ("charset".to_owned(), "us-ascii".to_owned());
    Parameterized {
        kind: kind.to_owned(),
        subtype: Some(subtype.to_owned()),
        parameters: if kind == "text" { vec![charset] } else { Vec::new() },
    }
}

fn parameters(parameters: Vec<(String, String)>, budget: &mut Budget) -> Vec<(String, String)> {
    parameters
        .into_iter()
        .map_while(|(name, value)| {
            let (name, value) = ascii_parameter(name, value);
            Some((budget.text(name)?, budget.text(value)?))
        })
        .collect()
}
