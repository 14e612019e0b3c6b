//! ID: RFC 2971.

use crate::parse::{Cursor, Refusal};

/// What the client says about itself; empty for NIL. Never to be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Id {
    /// Field and value, at most 30 of them.
    pub fields: Vec<(String, Option<String>)>,
}

impl Id {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        if cursor.eat_word("NIL") {
            return Ok(Self { fields: Vec::new() });
        }
        let fields = cursor.list("fields", FIELDS_MAX, |cursor| {
            let field = cursor.string("the name of a field")?;
            cursor.space()?;
            let value = cursor.nstring("the value of a field")?;
            let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok((lossy(&field), value.as_deref().map(lossy)))
        })?;
        Ok(Self { fields })
    }
}

/// RFC 2971 section 3.3: no more than 30 pairs.
const FIELDS_MAX: usize = 30;
