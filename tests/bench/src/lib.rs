//! What the two benches have in common: the mail that is stored and moved, filling a mailbox, and what the machine says of itself.

pub mod fill;
pub mod machine;
pub mod mail;
pub mod memory;
