//! LOGIN and AUTHENTICATE: RFC 9051 sections 6.2.2 and 6.2.3.

use essaim_types::Secret;

use crate::parse::{Cursor, Refusal};

/// LOGIN with a name and a password in clear; refused until the connection is encrypted.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name, an address or what the hoster accepts as such.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// AUTHENTICATE with a mechanism. RFC 4616 PLAIN is the only one known.
#[derive(Clone, Debug)]
pub struct Authenticate {
    /// The name of the mechanism in capitals.
    pub mechanism: String,
    /// RFC 4959: the first response of the client, still in base64; `=` for an empty one.
    pub initial: Option<Secret>,
}

impl Login {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let user = cursor.text("the user name")?;
        cursor.space()?;
        Ok(Self { user, password: Secret::new(cursor.text("the password")?) })
    }
}

impl Authenticate {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let mechanism = cursor.atom("a mechanism")?.to_ascii_uppercase();
        if !cursor.eat(b' ') {
            return Ok(Self { mechanism, initial: None });
        }
        // RFC 4959 section 3: base64, or `=` for an empty response.
        let initial =
            cursor.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        let initial = std::str::from_utf8(initial).ok().filter(|initial| !initial.is_empty());
        let initial = initial.ok_or_else(|| cursor.expected("an initial response in base64"))?;
        Ok(Self { mechanism, initial: Some(Secret::new(initial)) })
    }
}
