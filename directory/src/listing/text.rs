//! Text and addresses that strangers may show to people: what they must not contain.

/// Why a text is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum TextFault {
    /// Empty, or nothing but space.
    #[error("is empty")]
    Empty,
    /// Too long for its field.
    #[error("is too long")]
    TooLong,
    /// A control character; line ends are allowed in descriptions and notes only.
    #[error("has a control character")]
    Control,
    /// A character that changes the direction of its neighbours.
    #[error("has a character that turns the text around")]
    Bidi,
    /// A character without width: two texts that look the same would differ.
    #[error("has an invisible character")]
    Invisible,
    /// Not `https://` with a host name, or with a user, a space or a quote in it.
    #[error("is not a plain https address")]
    Url,
    /// Not a mail address of ASCII letters.
    #[error("is not a mail address")]
    Email,
    /// Not a domain name in ASCII (`xn--` for others), or not one that can be registered.
    #[error("is not a domain in ASCII")]
    Domain,
}

/// Whether line ends are text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    One,
    Many,
}

/// Text for people: not empty, at most `max` bytes, nothing invisible.
pub(super) fn check_text(text: &str, max: usize, lines: Lines) -> Result<(), TextFault> {
    if text.trim().is_empty() {
        return Err(TextFault::Empty);
    }
    if text.len() > max {
        return Err(TextFault::TooLong);
    }
    text.chars().try_for_each(|c| check_char(c, lines))
}

/// `https://host/...`: what a page may make a link of.
pub(super) fn check_url(text: &str) -> Result<(), TextFault> {
    if text.len() > URL_MAX {
        return Err(TextFault::TooLong);
    }
    let rest = text.strip_prefix("https://").ok_or(TextFault::Url)?;
    let plain = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
    };
    if !rest.bytes().all(plain) {
        return Err(TextFault::Url);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(TextFault::Url);
    }
    check_domain(host).map_err(|_| TextFault::Url)
}

/// A registrable name in ASCII: at least two labels, the last not a number, so that no address hides in it.
pub(super) fn check_domain(text: &str) -> Result<(), TextFault> {
    let ascii = super::punycode::to_ascii(text).is_some_and(|domain| domain.as_str() == text);
    let last = text.rsplit('.').next().unwrap_or_default();
    let named =
        text.contains('.') && !last.starts_with(|c: char| c.is_ascii_digit()) && !text.starts_with('[');
    (ascii && named).then_some(()).ok_or(TextFault::Domain)
}

/// A mail address without quoting.
pub(super) fn check_email(text: &str) -> Result<(), TextFault> {
    let (local, domain) = text.rsplit_once('@').ok_or(TextFault::Email)?;
    let atext = |byte: u8| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&byte);
    let fits = !local.is_empty() && local.len() <= 64 && local.bytes().all(atext);
    (fits && check_domain(domain).is_ok()).then_some(()).ok_or(TextFault::Email)
}

/// Whether a character may stand in a line that is shown.
pub(crate) fn is_shown(c: char) -> bool {
    check_char(c, Lines::One).is_ok()
}

fn check_char(c: char, lines: Lines) -> Result<(), TextFault> {
    match c {
        '\n' if lines == Lines::Many => Ok(()),
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Err(TextFault::Bidi)
        }
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{2060}'..='\u{2065}'
        | '\u{206a}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => Err(TextFault::Invisible),
        c if c.is_control() => Err(TextFault::Control),
        _ => Ok(()),
    }
}

/// Longest address of a page.
const URL_MAX: usize = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r16_text_that_turns_or_hides_is_refused() {
        let check = |text| check_text(text, 80, Lines::One);
        assert_eq!(check("Les Abeilles, 蜂 и пчёлы"), Ok(()));
        assert_eq!(check(" \t"), Err(TextFault::Empty));
        assert_eq!(check("two\nlines"), Err(TextFault::Control));
        assert_eq!(check_text("two\nlines", 80, Lines::Many), Ok(()));
        assert_eq!(check("evil\u{202e}gpj.exe"), Err(TextFault::Bidi));
        assert_eq!(check("a\u{2067}b"), Err(TextFault::Bidi));
        assert_eq!(check("pay\u{200b}pal"), Err(TextFault::Invisible));
        assert_eq!(check("tag\u{e0041}"), Err(TextFault::Invisible));
        assert_eq!(check(&"x".repeat(81)), Err(TextFault::TooLong));
    }

    #[test]
    fn r16_only_plain_https_becomes_a_link() {
        for good in ["https://abeilles.example/", "https://a.example:8443/x?y=1#z"] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "javascript:alert(1)",
            "http://a.example/",
            "https://user@a.example/",
            "https://a.example/\"onclick=",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://p\u{430}ypal.example/",
            "data:text/html,x",
            "https://a.example:99999/",
            "https:///x",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn r16_domains_are_ascii_and_have_a_name() {
        assert_eq!(check_domain("xn--pypal-4ve.test"), Ok(()));
        for bad in ["p\u{430}ypal.test", "A.test", "192.168.0.1", "test", "a..b", ""] {
            assert!(check_domain(bad).is_err(), "{bad}");
        }
        assert_eq!(check_email("contact@abeilles.example"), Ok(()));
        assert!(check_email("a b@abeilles.example").is_err());
    }
}
