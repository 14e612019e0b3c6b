//! ENABLE: RFC 9051 section 6.3.1 and RFC 5161.

use crate::Extension;
use crate::parse::{Cursor, Refusal};

/// The extensions to switch on. Names that are not known are ignored, as the RFC asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enable {
    /// Known ones, in the order given, each once.
    pub extensions: Vec<Extension>,
}

impl Enable {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let mut extensions = Vec::new();
        cursor.space()?;
        loop {
            let name = cursor.atom("a capability")?;
            let known = Extension::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
            extensions.extend(known.filter(|known| !extensions.contains(known)));
            if !cursor.eat(b' ') {
                return Ok(Self { extensions });
            }
        }
    }
}
