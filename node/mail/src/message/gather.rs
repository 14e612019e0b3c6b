//! The fields of one header that the summary is made of, gathered as the lines come.

use super::fields::field_name;

/// A field that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Bcc,
    Cc,
    ContentDescription,
    ContentDisposition,
    ContentId,
    ContentLanguage,
    ContentLocation,
    ContentMd5,
    ContentTransferEncoding,
    ContentType,
    Date,
    From,
    InReplyTo,
    MessageId,
    References,
    ReplyTo,
    Sender,
    Subject,
    To,
}

/// The values gathered so far, as they stand in the header. Of a field that may occur only once (RFC 5322 section 3.6)
/// the first counts; lists of recipients (section 4.5.3) are joined.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    values: Vec<(Known, Vec<u8>)>,
    /// Which of these the next bytes belong to.
    growing: Option<usize>,
    /// Some line has come.
    begun: bool,
    /// Something was passed over: a second field where one is allowed, or the end of a long one.
    lossy: bool,
}

impl Gathered {
    /// Has no line come yet?
    pub(super) fn is_empty(&self) -> bool {
        !self.begun
    }

    /// Something of the fields is not here.
    pub(super) fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// A line at which a field may begin. Says whether one does.
    pub(super) fn begin(&mut self, line: &[u8]) -> bool {
        self.begun = true;
        self.growing = None;
        let Some(name) = field_name(line) else {
            return false;
        };
        if let Some(known) = Known::named(name) {
            self.growing = self.values.iter().position(|(field, _)| *field == known);
            match self.growing {
                None => {
                    self.growing = Some(self.values.len());
                    self.values.push((known, Vec::new()));
                }
                Some(_) if known.may_repeat() => self.more(b", "),
                Some(_) => {
                    self.growing = None;
                    self.lossy = true;
                }
            }
            self.more(line.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default());
        }
        true
    }

    /// The next bytes of the field that began last.
    pub(super) fn more(&mut self, bytes: &[u8]) {
        self.begun = true;
        let Some((_, value)) = self.growing.and_then(|at| self.values.get_mut(at)) else {
            return;
        };
        let room = FIELD_MAX.saturating_sub(value.len());
        self.lossy |= room < bytes.len();
        value.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    /// The value of a field.
    pub(super) fn value(&self, field: Known) -> Option<&[u8]> {
        self.values.iter().find(|(known, _)| *known == field).map(|(_, value)| value.as_slice())
    }
}

impl Known {
    fn named(name: &[u8]) -> Option<Self> {
        NAMES.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())).map(|(_, known)| *known)
    }

    /// RFC 5322 section 4.5.3 lets these.
    fn may_repeat(self) -> bool {
        matches!(self, Self::Bcc | Self::Cc | Self::To)
    }
}

const NAMES: [(&str, Known); 19] = [
    ("Bcc", Known::Bcc),
    ("Cc", Known::Cc),
    ("Content-Description", Known::ContentDescription),
    ("Content-Disposition", Known::ContentDisposition),
    ("Content-ID", Known::ContentId),
    ("Content-Language", Known::ContentLanguage),
    ("Content-Location", Known::ContentLocation),
    ("Content-MD5", Known::ContentMd5),
    ("Content-Transfer-Encoding", Known::ContentTransferEncoding),
    ("Content-Type", Known::ContentType),
    ("Date", Known::Date),
    ("From", Known::From),
    ("In-Reply-To", Known::InReplyTo),
    ("Message-ID", Known::MessageId),
    ("References", Known::References),
    ("Reply-To", Known::ReplyTo),
    ("Sender", Known::Sender),
    ("Subject", Known::Subject),
    ("To", Known::To),
];

/// Of a longer value only the start is read: about 3,000 addresses.
pub const FIELD_MAX: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_counts_but_recipients_add_up() {
        let mut gathered = Gathered::default();
        assert!(gathered.is_empty());
        for line in ["SUBJECT: one\r\n", "To: a\r\n", "X: y\r\n", "To : b\r\n"] {
            assert!(gathered.begin(line.as_bytes()));
        }
        gathered.more(b" c\r\n");
        assert!(!gathered.is_lossy());
        assert!(gathered.begin(b"Subject: two\r\n"));
        gathered.more(b" three\r\n");
        assert!(gathered.is_lossy());
        assert_eq!(gathered.value(Known::Subject), Some(&b" one\r\n"[..]));
        assert_eq!(gathered.value(Known::To), Some(&b" a\r\n,  b\r\n c\r\n"[..]));
        assert!(!gathered.begin(b"no field\r\n"));
    }

    /// Mail of 2002 with a hundred Cc fields lost its Content-Type.
    #[test]
    fn a_hundred_recipient_fields_hide_nothing() {
        let mut gathered = Gathered::default();
        (0..100).for_each(|_| assert!(gathered.begin(b"Cc: a@b\r\n")));
        gathered.begin(b"Content-Type: text/html\r\n");
        assert_eq!(gathered.value(Known::ContentType), Some(&b" text/html\r\n"[..]));
        assert!(!gathered.is_lossy());
    }

    #[test]
    fn a_long_value_is_cut() {
        let mut gathered = Gathered::default();
        gathered.begin(b"To: ");
        (0..1000).for_each(|_| gathered.more(&[b'x'; 1000]));
        assert_eq!(gathered.value(Known::To).map(<[u8]>::len), Some(FIELD_MAX));
        assert!(gathered.is_lossy());
    }
}
