//! LOGIN and AUTHENTICATE: RFC 9051 sections 6.2.2 and 6.2.3.

use essaim_types::Secret;

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
