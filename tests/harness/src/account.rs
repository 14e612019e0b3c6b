//! An account that a test made.

/// The address and password of one member of the node under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// `name@domain`, which is also the login name.
    pub address: String,
    /// In clear: it guards nothing.
    pub password: String,
}

impl Account {
    /// An account to be, with a password of its own.
    pub fn new(address: &str) -> Self {
        Self { address: address.to_owned(), password: format!("s3cret of {address}") }
    }
}
