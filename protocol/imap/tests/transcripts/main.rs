//! The examples of the RFCs, as conversations. Where the RFC's text for people differs from ours, ours is not compared.
#![expect(clippy::unwrap_used, reason = "a transcript that does not hold panics")]

mod append;
mod handed_over;
mod hostile;
mod idle;
mod list;
mod rfc7162;
mod rfc9051_6_1_any_state;
mod rfc9051_6_2_not_authenticated;
mod rfc9051_6_3_authenticated;
mod rfc9051_6_4_selected;
mod rfc9051_8_sample;
mod script;
mod search;
mod small;
