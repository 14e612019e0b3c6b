//! What a server says, written into a buffer of the caller's.
//!
//! [`Encoder`] has one method per untagged response. It never fails and never waits; the caller sends the buffer when it
//! is full enough. Tagged answers are written by the conversation from the [`Reply`] it is given.

mod body;
mod code;
mod encoder;
mod envelope;
mod fetch;
mod list;
mod quota;
mod search;
mod set;
mod status;
mod text;

pub use body::{BodyContent, BodyFields, BodyStructure, Disposition, Parameter, StructureForm};
pub use code::{Condition, PermanentFlag, Reply, ResponseCode};
pub use encoder::Encoder;
pub use envelope::{Envelope, EnvelopeAddress};
pub use fetch::FetchWriter;
pub use list::{ChildInfo, ListAttribute, ListEntry, NamespaceEntry};
pub use quota::{QuotaResource, QuotaUsage};
pub use search::EsearchWriter;
pub use set::NumberSet;
pub use status::StatusValue;
