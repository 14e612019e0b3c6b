//! ID: RFC 2971.

/// What the client says about itself; empty for NIL. Never to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    /// Field and value, at most 30 of them.
    pub fields: Vec<(String, Option<String>)>,
}
