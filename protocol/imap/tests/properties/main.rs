//! What holds for every command and every way it can arrive: round trips, chunking, nonsense.
#![expect(clippy::unwrap_used, reason = "a property that does not hold panics")]

mod chunks;
mod generate;
mod nonsense;
mod round_trip;
mod run;
mod spell;
