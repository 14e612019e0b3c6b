//! The directory and single listings in the formats of others. Writers only: pure, each fact as the listing says it.
//!
//! What is not known is absent. Nothing is computed that a reader could take for something that the hoster has said: a year is no
//! date, a cell is no address, a charter is no membership.

pub mod atom;
pub mod chatons;
pub mod csv;
pub mod json;
pub mod jsonld;
pub mod librehost;
mod page;

pub use page::{Page, Request, page};

/// The program that writes, where a format asks for it.
#[derive(Debug, Clone, Copy)]
pub struct Software<'a> {
    /// `Essaim`.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// SPDX.
    pub licence: &'a str,
}
