//! Who signed what: keyrings, signed records, deterministic CBOR. No clock, no disk, no randomness of its own.
#![warn(clippy::indexing_slicing, missing_docs)]
