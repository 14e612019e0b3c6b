//! Passwords that the node makes up: easy to read aloud and to type, hard to guess.

use essaim_types::Secret;
use zeroize::Zeroizing;

/// A first or a reset password: 4 groups of 4, 79 bits. It is kept as a slow hash, like a chosen one.
pub(crate) fn one_time_password() -> Secret {
    readable(4)
}

/// An app password: 5 groups of 4, 99 bits. So many that a fast hash keeps it safe.
pub(crate) fn app_password() -> Secret {
    readable(5)
}

/// What two ways to type one app password have in common: nothing but the symbols, in lower case.
/// `None` if it cannot be one, so that nothing else is ever hashed fast.
pub(crate) fn app_password_symbols(typed: &str) -> Option<Zeroizing<String>> {
    let mut symbols = Zeroizing::new(String::with_capacity(APP_PASSWORD_SYMBOLS));
    for c in typed.chars().filter(|c| !matches!(c, '-' | ' ')) {
        let c = c.to_ascii_lowercase();
        let known = u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte));
        if !known || symbols.len() == APP_PASSWORD_SYMBOLS {
            return None;
        }
        symbols.push(c);
    }
    (symbols.len() == APP_PASSWORD_SYMBOLS).then_some(symbols)
}

/// Random bytes from the system.
///
/// # Panics
/// If the system has none. A node that cannot draw a salt must not go on.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

fn readable(groups: usize) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(groups * (GROUP + 1)));
    for group in 0..groups {
        if group > 0 {
            text.push('-');
        }
        for _ in 0..GROUP {
            text.push(symbol());
        }
    }
    Secret::new(text.as_str())
}

/// One symbol, each as likely as the other: what is above the alphabet is drawn again.
fn symbol() -> char {
    loop {
        let [byte] = random::<1>();
        if let Some(&symbol) = ALPHABET.get(usize::from(byte & 31)) {
            return char::from(symbol);
        }
    }
}

/// Without 0, 1, i, l and o.
const ALPHABET: &[u8; 31] = b"23456789abcdefghjkmnpqrstuvwxyz";
const GROUP: usize = 4;
const APP_PASSWORD_SYMBOLS: usize = 5 * GROUP;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn generated_passwords_are_readable_and_all_different() {
        let mut seen = HashSet::new();
        for _ in 0..200 {
            let password = app_password();
            let groups: Vec<&str> = password.expose().split('-').collect();
            assert_eq!(groups.len(), 5);
            assert!(groups.iter().all(|group| group.len() == 4));
            assert!(!password.expose().contains(['0', '1', 'i', 'l', 'o']));
            assert!(seen.insert(password.expose().to_owned()));
            assert_eq!(one_time_password().expose().len(), 19);
        }
    }

    #[test]
    fn every_symbol_is_drawn() {
        let drawn: HashSet<char> = (0..4000).map(|_| symbol()).collect();
        assert_eq!(drawn.len(), ALPHABET.len());
    }

    #[test]
    fn an_app_password_may_be_typed_without_dashes_or_in_capitals() {
        let password = app_password();
        let symbols = app_password_symbols(password.expose()).unwrap();
        let typed = password.expose().replace('-', " ").to_uppercase();
        assert_eq!(app_password_symbols(&typed), Some(symbols.clone()));
        assert_eq!(app_password_symbols(&symbols), Some(symbols));
    }

    #[test]
    fn what_cannot_be_an_app_password_is_not_hashed_fast() {
        for typed in
            ["", "correct horse battery staple", "abcd-efgh-jkmn-pqrs", "abcd-efgh-jkmn-pqrs-tuvw-x", "é"]
        {
            assert_eq!(app_password_symbols(typed), None, "{typed}");
        }
    }
}
