//! The addresses of a From field: RFC 5322 sections 3.4, 3.6.2 and their obsolete forms in 4.4.
//!
//! Programs disagree about malformed fields, and a member must not be shown to others under an address that was never checked:
//! what cannot be read without doubt is [`FromField::Invalid`].

use essaim_types::{Address, Domain, LocalPart};

use super::FromField;

/// Reads what stands after the colon.
pub(super) fn parse(value: &[u8]) -> FromField {
    let text = String::from_utf8_lossy(value);
    match tokens(&text).and_then(|tokens| mailboxes(&tokens)) {
        Some(addresses) if !addresses.is_empty() => FromField::Addresses(addresses),
        _ => FromField::Invalid,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// `atext` and dots.
    Atom(String),
    /// The unquoted text.
    Quoted(String),
    /// With its brackets.
    Literal(String),
    /// One of `<>@,:;`.
    Special(char),
}

/// `None` if a quote, comment or bracket is not closed, or a character has no place here.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => {}
            '(' => skip_comment(&mut chars)?,
            '"' => out.push(Token::Quoted(until(&mut chars, '"')?)),
            '[' => out.push(Token::Literal(format!("[{}]", until(&mut chars, ']')?))),
            '<' | '>' | '@' | ',' | ':' | ';' => out.push(Token::Special(c)),
            ')' | ']' | '\\' => return None,
            c if c.is_control() => return None,
            c => {
                let mut atom = String::from(c);
                while let Some(next) = chars.next_if(|c| is_atom(*c)) {
                    atom.push(next);
                }
                out.push(Token::Atom(atom));
            }
        }
    }
    Some(out)
}

fn is_atom(c: char) -> bool {
    !c.is_control() && !" ()<>@,:;\\\"[]".contains(c)
}

/// Comments nest; a number remembers how deep.
fn skip_comment(chars: &mut impl Iterator<Item = char>) -> Option<()> {
    let mut depth = 1usize;
    while depth > 0 {
        match chars.next()? {
            '\\' => drop(chars.next()?),
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
    }
    Some(())
}

fn until(chars: &mut impl Iterator<Item = char>, end: char) -> Option<String> {
    let mut out = String::new();
    loop {
        match chars.next()? {
            '\\' => out.push(chars.next()?),
            c if c == end => return Some(out),
            // Folding inside quotes.
            '\r' | '\n' => {}
            c => out.push(c),
        }
    }
}

/// A list of mailboxes, groups included. Empty places in the list are obsolete and skipped.
fn mailboxes(tokens: &[Token]) -> Option<Vec<Address>> {
    let mut out = Vec::new();
    for entry in entries(tokens)? {
        let entry = match entry.iter().position(|token| *token == Token::Special(':')) {
            Some(colon) if !entry.iter().take(colon).any(|token| *token == Token::Special('<')) => {
                entry.get(colon + 1..)?
            }
            _ => entry,
        };
        if !entry.is_empty() {
            out.push(mailbox(entry)?);
        }
        if out.len() > ADDRESSES_MAX {
            return None;
        }
    }
    Some(out)
}

/// Cuts at the commas and semicolons outside of angle brackets.
fn entries(tokens: &[Token]) -> Option<Vec<&[Token]>> {
    let (mut out, mut from, mut in_brackets) = (Vec::new(), 0, false);
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Special('<') if in_brackets => return None,
            Token::Special('<') => in_brackets = true,
            Token::Special('>') if !in_brackets => return None,
            Token::Special('>') => in_brackets = false,
            Token::Special(',' | ';') if !in_brackets => {
                out.push(tokens.get(from..at)?);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push(tokens.get(from..)?);
    (!in_brackets).then_some(out)
}

/// `address` or `any phrase <address>`.
fn mailbox(entry: &[Token]) -> Option<Address> {
    let Some(open) = entry.iter().position(|token| *token == Token::Special('<')) else {
        return address(entry);
    };
    let (close, inside) = entry.get(open + 1..)?.split_last()?;
    (*close == Token::Special('>')).then_some(())?;
    // A route: `@a,@b:` before the address.
    let inside = match (inside.first(), inside.iter().position(|token| *token == Token::Special(':'))) {
        (Some(Token::Special('@')), Some(colon)) => inside.get(colon + 1..)?,
        _ => inside,
    };
    address(inside)
}

fn address(tokens: &[Token]) -> Option<Address> {
    let at = tokens.iter().position(|token| *token == Token::Special('@'))?;
    let (local, domain) = (tokens.get(..at)?, tokens.get(at + 1..)?);
    let local = match local {
        [Token::Quoted(text)] => LocalPart::new(text).ok()?,
        words => LocalPart::new(&dotted(words)?).ok()?,
    };
    let domain = match domain {
        [Token::Literal(text)] => Domain::new(text).ok()?,
        words => Domain::new(&dotted(words)?).ok()?,
    };
    Some(Address::new(local, domain))
}

/// Words with exactly one dot between any two, which may have blanks around it.
fn dotted(words: &[Token]) -> Option<String> {
    let mut out = String::new();
    for word in words {
        let Token::Atom(atom) = word else { return None };
        if !out.is_empty() && out.ends_with('.') == atom.starts_with('.') {
            return None;
        }
        out.push_str(atom);
    }
    out.split('.').all(|atom| !atom.is_empty()).then_some(out)
}

/// More authors than any message has.
const ADDRESSES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Option<Vec<String>> {
        match parse(value.as_bytes()) {
            FromField::Addresses(addresses) => Some(addresses.iter().map(ToString::to_string).collect()),
            FromField::Missing | FromField::Invalid => None,
        }
    }

    #[test]
    fn rfc5322_appendix_a_and_what_clients_write() {
        for (value, expected) in [
            (" John Doe <jdoe@machine.example>\r\n", &["jdoe@machine.example"][..]),
            ("\"Joe Q. Public\" <john.q.public@example.com>", &["john.q.public@example.com"]),
            (
                "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
                &["mary@x.test", "jdoe@example.org", "one@y.test"],
            ),
            ("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", &["pete@silly.test"]),
            (
                "A Group(Some people)\r\n :Chris Jones <c@(Chris's host.)public.example>,\r\n joe@example.org;",
                &["c@public.example", "joe@example.org"],
            ),
            ("Joe Q. Public <john . q .public@example. com>", &["john.q.public@example.com"]),
            (
                "Mary Smith <@node.test:mary@example.net>, , jdoe@test . example",
                &["mary@example.net", "jdoe@test.example"],
            ),
            ("<a@b.test>", &["a@b.test"]),
            ("a@b.test (comment (nested))", &["a@b.test"]),
            ("\"a b\"@c.test", &["\"a b\"@c.test"]),
            ("a@[192.0.2.1]", &["a@[192.0.2.1]"]),
            ("=?utf-8?q?J=C3=B6rg?= <j@b.test>", &["j@b.test"]),
            ("Jörg <jörg@b.test>", &["jörg@b.test"]),
            ("a@b.test <c@d.test>", &["c@d.test"]),
        ] {
            assert_eq!(
                read(value).as_deref(),
                Some(expected.iter().map(ToString::to_string).collect::<Vec<_>>().as_slice()),
                "{value}"
            );
        }
    }

    #[test]
    fn what_leaves_a_doubt_is_invalid() {
        for value in [
            "",
            " ",
            "x",
            "a@",
            "@b.test",
            "<>",
            "a b@c.test",
            "a@b.test c",
            "<a@b.test",
            "a@b.test>",
            "<a@b.test> <c@d.test>",
            "<a@b.test> x",
            "<<a@b.test>>",
            "Doe, John <a@b.test>",
            "\"a@b.test",
            "(a@b.test",
            "a@b.test)",
            "a..b@c.test",
            "a.@c.test",
            "a@b@c.test",
            "a@b.test\0",
            "undisclosed:;",
            "a@[b",
            "x: <a@b.test> y;",
            "\"a\".b@c.test",
        ] {
            assert_eq!(read(value), None, "{value:?}");
        }
        let many = "a@b.test,".repeat(65);
        assert_eq!(read(&many), None);
    }

    #[test]
    fn depth_costs_nothing() {
        let deep = format!("{}a@b.test", "(".repeat(200_000));
        assert_eq!(read(&deep), None);
        let deep = format!("{}{}a@b.test", "(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(read(&deep).unwrap(), ["a@b.test"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(value in "[ab.@<>,:;()\\[\\]\"\\\\ \r\n\u{e9}]{0,40}") {
            if let FromField::Addresses(addresses) = parse(value.as_bytes()) {
                for address in addresses {
                    prop_assert_eq!(address.to_string().parse(), Ok(address));
                }
            }
        }
    }
}
