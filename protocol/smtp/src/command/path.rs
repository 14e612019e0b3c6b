//! Paths: RFC 5321 section 4.1.2, always in angle brackets.

use essaim_types::Address;

/// Whom RCPT names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Recipient {
    /// A complete address.
    Address(Address),
    /// RFC 5321 section 4.5.1: `<Postmaster>` without a domain is whoever runs this host.
    Postmaster,
}

/// `<>` or `<address>`, and what follows it.
pub(super) fn reverse(text: &str) -> Option<(Option<Address>, &str)> {
    let (inside, rest) = brackets(text)?;
    if inside.is_empty() {
        return Some((None, rest));
    }
    Some((Some(address(inside)?), rest))
}

/// `<address>` or `<Postmaster>`, and what follows it.
pub(super) fn forward(text: &str) -> Option<(Recipient, &str)> {
    let (inside, rest) = brackets(text)?;
    if inside.eq_ignore_ascii_case("postmaster") {
        return Some((Recipient::Postmaster, rest));
    }
    Some((Recipient::Address(address(inside)?), rest))
}

/// Splits after the `>` that is not inside a quoted local part. What follows is empty or begins with a blank.
fn brackets(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('<')?;
    let (mut quoted, mut escaped) = (false, false);
    let end = text.find(|c| {
        let ends = c == '>' && !quoted;
        (quoted, escaped) = match c {
            _ if escaped => (quoted, false),
            '\\' => (quoted, quoted),
            '"' => (!quoted, false),
            _ => (quoted, false),
        };
        ends
    })?;
    let (inside, rest) = text.split_at_checked(end)?;
    let rest = rest.strip_prefix('>')?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some((inside, rest))
}

/// RFC 5321 section 4.1.1.3 and appendix C: a source route is ignored.
fn address(text: &str) -> Option<Address> {
    match text.strip_prefix('@') {
        Some(route) => route.split_once(':')?.1.parse().ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_bracket_does_not_end_the_path() {
        let (recipient, rest) = forward("<\"a>\\\"b\"@c.test> X").unwrap();
        assert_eq!(recipient, Recipient::Address("\"a>\\\"b\"@c.test".parse().unwrap()));
        assert_eq!(rest, " X");
    }

    #[test]
    fn what_is_not_a_path() {
        for text in [
            "",
            "<",
            "<a@b.test",
            "a@b.test>",
            "<a@b.test>>",
            "<\"a@b.test>",
            "<@x.test>",
            "<@x.test,@y.test>",
            "< a@b.test>",
        ] {
            assert!(forward(text).is_none(), "{text}");
        }
    }
}
