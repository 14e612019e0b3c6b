//! Real and difficult mail through everything that this module does.

use essaim_harness::corpus::{Collection, with_crlf};
use essaim_imap::command::{Header, HeaderName};

use super::check::checked;
use super::*;

/// Without optimization all would take minutes.
const STEP: usize = if cfg!(debug_assertions) { 20 } else { 1 };

#[test]
fn ordinary_mail() {
    for (name, raw) in Collection::mail().messages().step_by(STEP) {
        told(&name, || seek(&raw, &checked(&raw)));
    }
}

#[test]
fn difficult_mail_as_it_travels_and_as_it_may_be_appended() {
    for (name, raw) in
        Collection::torture().raw().step_by(STEP.div_ceil(5)).chain(Collection::smuggling().raw())
    {
        told(&name, || seek(&raw, &checked(&raw)));
        let raw = with_crlf(&raw);
        told(&name, || seek(&raw, &checked(&raw)));
    }
}

/// What was found once is found again.
fn seek(raw: &[u8], summary: &Summary) {
    let mut content = Content::new(raw, summary);
    let everywhere = Needle::new("");
    assert!(content.text_has(&everywhere) || raw.is_empty());
    for needle in ["the", "é", "no such text \u{1f41d}"].map(Needle::new) {
        let (text, body) = (content.text_has(&needle), content.body_has(&needle));
        assert!(text || !body, "TEXT is more than BODY");
        for field in [Header::Subject, Header::From, Header::To, Header::Cc, Header::Bcc] {
            summary.envelope_has(field, &needle);
        }
        for name in ["subject", "message-id", "in-reply-to", "date"] {
            let name = HeaderName::try_from(name).unwrap();
            let known = summary.header_has(&name, &needle);
            assert!(known.is_none_or(|known| known == content.header_has(&name, &needle)), "{name:?}");
        }
    }
    assert!(!content.text_has(&Needle::new("no such text \u{1f41d}")));
}

/// Says which message it was.
fn told(name: &str, test: impl FnOnce() + std::panic::UnwindSafe) {
    if std::panic::catch_unwind(test).is_err() {
        panic!("the message was {name}");
    }
}
