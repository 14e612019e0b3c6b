//! The lines of a header: where each field begins and ends (RFC 5322 section 2.2). What a value means is in `value`.

use std::ops::Range;

use memchr::memchr;

/// One field as it stands in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'h> {
    /// Without the colon. Empty for lines that are no field: they belong to the header all the same.
    pub(super) name: &'h [u8],
    /// After the colon, folded as it is, with its line end.
    pub(super) value: &'h [u8],
    /// All lines of the field, counted from the start of the header.
    pub(super) range: Range<usize>,
}

/// The fields of a header, in order; the empty line that ends it is not one.
pub(super) fn fields(header: &[u8]) -> Fields<'_> {
    Fields { header, at: 0 }
}

/// See [`fields`].
#[derive(Debug)]
pub(super) struct Fields<'h> {
    header: &'h [u8],
    at: usize,
}

impl<'h> Iterator for Fields<'h> {
    type Item = Field<'h>;

    fn next(&mut self) -> Option<Field<'h>> {
        let rest = self.header.get(self.at..)?;
        let first = line_end(rest);
        let mut end = first;
        if rest.is_empty() || is_blank(rest.get(..first)?) {
            return None;
        }
        while rest.get(end).is_some_and(|byte| is_space(*byte)) {
            end += line_end(rest.get(end..)?);
        }
        let field = rest.get(..end)?;
        let name = field_name(field.get(..first)?).unwrap_or_default();
        let colon = if name.is_empty() { 0 } else { memchr(b':', field)? + 1 };
        let range = self.at..self.at + end;
        self.at = range.end;
        Some(Field { name, value: field.get(colon..)?, range })
    }
}

/// The name of the field that begins with this line; `None` if none begins here.
///
/// RFC 5322 section 4.5 lets blanks stand before the colon. A byte order mark before the first name is passed over.
pub(super) fn field_name(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let name = line.get(..memchr(b':', line)?)?.trim_ascii_end();
    (!name.is_empty() && name.iter().all(u8::is_ascii_graphic)).then_some(name)
}

/// Is this the line that ends a header? Stray CRs are as good as nothing.
pub(super) fn is_blank(line: &[u8]) -> bool {
    line.strip_suffix(b"\n").is_some_and(|line| line.iter().all(|byte| *byte == b'\r'))
}

/// RFC 5234: WSP.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The length of the first line, its LF included. A CR alone ends no line.
pub(super) fn line_end(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(header: &[u8]) -> Vec<(&str, &str)> {
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        fields(header).map(|field| (text(field.name), text(field.value))).collect()
    }

    #[test]
    fn folded_lines_belong_to_their_field() {
        let header = b"A: 1\r\n 2\r\n\t3\r\nb : x\n\r\nc: body\r\n";
        assert_eq!(names(header), [("A", " 1\r\n 2\r\n\t3\r\n"), ("b", " x\n")]);
    }

    #[test]
    fn ranges_join_without_gap_up_to_the_empty_line() {
        let header = b"\xef\xbb\xbfA: 1\r\nno field\r\n folded\r\n: nameless\r\nB:\r\n\r\n";
        let mut at = 0;
        for field in fields(header) {
            assert_eq!(field.range.start, at);
            at = field.range.end;
        }
        assert_eq!(header.get(at..), Some(&b"\r\n"[..]));
        assert_eq!(fields(header).map(|field| field.name.len()).collect::<Vec<_>>(), [1, 0, 0, 1]);
    }

    #[test]
    fn a_header_may_end_anywhere() {
        for header in ["", "\n", "\r\n", "\r\r\n"] {
            assert_eq!(names(header.as_bytes()), []);
        }
        assert_eq!(names(b"A:"), [("A", "")]);
        assert_eq!(names(b"A: 1\r\n b"), [("A", " 1\r\n b")]);
    }
}
