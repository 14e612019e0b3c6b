//! What the tests of the whole program share: a real node started in a temporary directory, small blocking SMTP and
//! IMAP clients, the corpus of real mail, generated mail, and programs of other people.
//!
//! Not here: anything of the product. The node is known by its command line, its `ports.json` and its protocols only,
//! so that a test cannot pass by sharing a mistake with the code it tests. Helpers that set a test up panic with a
//! sentence that says what failed; the clients return `io::Result`, because a killed node is an expected event.

pub mod account;
pub mod binary;
pub mod corpus;
pub mod generate;
pub mod imap;
pub mod imap_value;
pub mod node;
pub mod peers;
pub mod smtp;
pub mod stream;
pub mod tools;

pub use account::Account;
pub use imap::Imap;
pub use imap_value::Value;
pub use node::{Node, NodeBuilder};
pub use smtp::Smtp;
