//! The pages over HTTP, from a directory that is made here.
#![expect(clippy::unwrap_used, reason = "what is made here is right")]

mod addresses;
mod bundle;
mod fixture;
mod headers;
mod hostile;
mod html;
mod texts;
mod weight;
