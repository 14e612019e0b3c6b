//! ENABLE: RFC 9051 section 6.3.1 and RFC 5161.

use crate::Extension;

/// The extensions to switch on. Names that are not known are ignored, as the RFC asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enable {
    /// Known ones, in the order given, each once.
    pub extensions: Vec<Extension>,
}
