//! PREVIEW (RFC 8970): the beginning of the text, as a line.

use mail_parser::decoders::html::html_to_text;

use super::charset;
use super::entity::Entity;
use super::transfer::Encoding;

/// The beginnings of the first plain text and the first HTML, as they are encoded.
#[derive(Debug, Default)]
pub(super) struct Sample {
    plain: Option<Text>,
    html: Option<Text>,
    taking: Option<Form>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    Html,
}

#[derive(Debug)]
struct Text {
    encoding: Encoding,
    charset: Option<String>,
    bytes: Vec<u8>,
}

impl Sample {
    /// A leaf begins; its body is what comes next.
    pub(super) fn begin(&mut self, entity: &Entity) {
        let html = entity.mime.is("text", "html");
        let plain = entity.mime.is("text", "plain") || entity.is_broken();
        self.taking = None;
        if entity.mime.is_attachment() || !(plain || html) {
            return;
        }
        let (slot, form) = if html { (&mut self.html, Form::Html) } else { (&mut self.plain, Form::Plain) };
        if slot.is_none() {
            let charset = entity.mime.charset.clone();
            *slot = Some(Text { encoding: entity.mime.encoding, charset, bytes: Vec::new() });
            self.taking = Some(form);
        }
    }

    /// A piece of the body.
    pub(super) fn more(&mut self, bytes: &[u8]) {
        let (slot, max) = match self.taking {
            Some(Form::Plain) => (&mut self.plain, PLAIN_MAX),
            Some(Form::Html) => (&mut self.html, HTML_MAX),
            None => return,
        };
        if let Some(text) = slot {
            let room = max - text.bytes.len();
            text.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
    }

    /// The body is complete.
    pub(super) fn end(&mut self) {
        self.taking = None;
    }

    /// The preview: at most [`PREVIEW_CHARS_MAX`] characters, and empty if there is no text.
    pub(super) fn preview(&self) -> String {
        let plain = self.plain.as_ref().map(Text::line).unwrap_or_default();
        match &self.html {
            Some(html) if plain.is_empty() => line(&html_to_text(&html.decoded(HTML_MAX))),
            _ => plain,
        }
    }
}

impl Text {
    /// Mostly the first of it is enough.
    fn line(&self) -> String {
        let first = line(&self.decoded(PLAIN_MAX / 4));
        if first.chars().count() + 1 < PREVIEW_CHARS_MAX { line(&self.decoded(PLAIN_MAX)) } else { first }
    }

    fn decoded(&self, max: usize) -> String {
        let bytes = self.bytes.get(..max).unwrap_or(&self.bytes);
        let mut plain = Vec::new();
        if let Some(mut decoder) = self.encoding.decoder() {
            decoder.push(bytes, &mut plain);
            decoder.finish(&mut plain);
        }
        charset::decode(self.charset.as_deref(), &plain).into_owned()
    }
}

/// The words with one blank between.
fn line(text: &str) -> String {
    let mut line = String::new();
    let mut room = PREVIEW_CHARS_MAX;
    let break_or_invisible = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    for word in text.split(break_or_invisible).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
            room -= 1;
        }
        let before = line.len();
        line.extend(word.chars().take(room));
        room -= line.get(before..).unwrap_or_default().chars().count();
        if room <= 1 {
            break;
        }
    }
    line
}

/// RFC 8970 section 3.1.
pub const PREVIEW_CHARS_MAX: usize = 200;
/// 200 characters in base64 of UTF-8 are 1,100 bytes; the rest is for blanks.
const PLAIN_MAX: usize = 4 * 1024;
/// Styles come first.
const HTML_MAX: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn preview(encoding: Encoding, plain: &str, html: &str) -> String {
        let text = |text: &str| Text { encoding, charset: None, bytes: text.as_bytes().to_vec() };
        Sample { plain: Some(text(plain)), html: Some(text(html)), taking: None }.preview()
    }

    #[test]
    fn plain_text_goes_before_html() {
        assert_eq!(preview(Encoding::Identity, " a\r\n\r\n b ", "<p>c"), "a b");
        assert_eq!(
            preview(Encoding::QuotedPrintable, "\r\n", "<style>x{}</style><p>caf&eacute;=20b</p>"),
            "café b"
        );
        assert_eq!(preview(Encoding::Base64, "aMOp", ""), "hé");
        assert_eq!(preview(Encoding::Unknown, "x", "y"), "");
    }

    #[test]
    fn at_most_200_characters() {
        for text in ["é".repeat(1000), "é ".repeat(1000), "ééé ".repeat(1000), "abcde ".repeat(1000)] {
            let line = line(&text);
            assert!((198..=PREVIEW_CHARS_MAX).contains(&line.chars().count()), "{line}");
            assert_eq!(line.trim(), line);
        }
    }
}
