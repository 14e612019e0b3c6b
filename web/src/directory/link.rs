//! Links that strangers wrote: where they lead is seen, and they lead to the web or to a person, nowhere else.

/// A link out of the node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The whole address.
    pub(crate) href: String,
    /// What is shown: the host, or the address of a person.
    pub(crate) label: String,
}

impl Link {
    /// A link to a page; `None` for whatever else an address may be. The directory lets only `https` in: this is the second lock.
    pub(crate) fn to(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
        let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty())?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
        host.bytes().all(plain).then(|| Self { href: url.to_owned(), label: host.to_owned() })
    }

    /// A way to a person: of `email`, `phone`, `xmpp`. Others are text.
    pub(crate) fn contact(kind: &str, value: &str) -> Option<Self> {
        let href = match kind {
            "url" => return Self::to(value),
            "email" if is_address(value) => format!("mailto:{value}"),
            "xmpp" if is_address(value) => format!("xmpp:{value}"),
            "phone" => format!("tel:{}", number(value)?),
            _ => return None,
        };
        Some(Self { href, label: value.to_owned() })
    }
}

/// Without what has a meaning in such links: further recipients, headers.
fn is_address(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+@".contains(&byte);
    value.contains('@') && value.bytes().all(plain)
}

fn number(value: &str) -> Option<String> {
    let digits: String = value.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
    (digits.len() >= 3).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_web_and_people_are_linked() {
        assert_eq!(Link::to("https://a.example:8443/x?y#z").unwrap().label, "a.example:8443");
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//a.example",
            "https://",
            "https://u@a.example/",
            "ftp://a",
        ] {
            assert_eq!(Link::to(bad), None, "{bad}");
        }
        let href = |kind, value| Link::contact(kind, value).map(|link| link.href);
        assert_eq!(href("email", "a@b.example").as_deref(), Some("mailto:a@b.example"));
        assert_eq!(href("email", "a@b.example?bcc=c"), None);
        assert_eq!(href("phone", "+32 81 12 34 56").as_deref(), Some("tel:+3281123456"));
        assert_eq!(href("phone", "call us"), None);
        assert_eq!(href("matrix", "@a:b.example"), None);
    }
}
