//! The head of a literal at the end of a line: RFC 9051 section 4.3, RFC 7888, RFC 3516.

/// `{n}`, `{n+}`, `~{n}` or `~{n+}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LiteralHead {
    /// How many bytes follow the line end.
    pub(crate) size: u64,
    /// Does the client wait to be asked for them?
    pub(crate) waiting: Waiting,
    /// `~`: any byte may follow, NUL too.
    pub(crate) binary: bool,
    /// The length of the head itself.
    pub(crate) length: usize,
}

/// RFC 7888: who speaks next after the head of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// The client waits for `+`.
    ForContinuation,
    /// `{n+}`: the bytes come at once.
    ForNothing,
}

impl LiteralHead {
    /// The head at the end of a line (without its CR LF), if there is one.
    pub(crate) fn at_end_of(line: &[u8]) -> Option<Self> {
        let open = line.iter().rposition(|&byte| byte == b'{')?;
        let (before, head) = line.split_at_checked(open)?;
        let digits = head.strip_prefix(b"{")?.strip_suffix(b"}")?;
        let (digits, waiting) = match digits.strip_suffix(b"+") {
            Some(digits) => (digits, Waiting::ForNothing),
            None => (digits, Waiting::ForContinuation),
        };
        let binary = before.ends_with(b"~");
        Some(Self { size: decimal(digits)?, waiting, binary, length: head.len() + usize::from(binary) })
    }
}

/// RFC 9051 section 9 `number64`: digits below 2^63.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    let fits = (1..=DIGITS_MAX).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let value = digits.iter().try_fold(0u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit.wrapping_sub(b'0')))
    });
    value.filter(|&value| fits && value <= NUMBER64_MAX)
}

const NUMBER64_MAX: u64 = (1 << 63) - 1;
/// Leading zeros are in the grammar, but not without end.
const DIGITS_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_literals() {
        for (line, size, waiting, binary) in [
            ("a LOGIN {5}", 5, Waiting::ForContinuation, false),
            ("{0+}", 0, Waiting::ForNothing, false),
            ("x ~{310}", 310, Waiting::ForContinuation, true),
            ("x ~{9223372036854775807+}", NUMBER64_MAX, Waiting::ForNothing, true),
        ] {
            let head = LiteralHead::at_end_of(line.as_bytes()).unwrap();
            assert_eq!((head.size, head.waiting, head.binary), (size, waiting, binary), "{line}");
        }
        for line in
            ["", "{}", "{+}", "{5", "5}", "{5}x", "{-1}", "{5-}", "{ 5}", "{9223372036854775808}", "{1{2}x"]
        {
            assert_eq!(LiteralHead::at_end_of(line.as_bytes()), None, "{line}");
        }
    }
}
