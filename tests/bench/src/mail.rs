//! What is sent and read. Every message is unlike every other: a store that keeps equal bodies once gains nothing.

use essaim_harness::Account;
use essaim_harness::generate::{Random, Shape, message};

/// `user0@a.test` and so on.
pub fn accounts(count: usize) -> Vec<Account> {
    (0..count).map(|number| Account::new(&format!("user{number}@a.test"))).collect()
}

/// Members who get mail by SMTP.
pub fn recipients(accounts: &[Account]) -> &[Account] {
    accounts.get(..100).unwrap_or(accounts)
}

/// The member who appends.
pub fn writer(accounts: &[Account]) -> &Account {
    &accounts[accounts.len() - 1]
}

/// The member whose mailbox is read.
pub fn reader(accounts: &[Account]) -> &Account {
    &accounts[accounts.len() - 2]
}

/// The member who has the rest of a full node.
pub fn hoarder(accounts: &[Account]) -> &Account {
    &accounts[accounts.len() - 3]
}

/// `count` messages of `size` bytes, four in five plain; `label` keeps them apart from those of other turns.
pub fn batch(label: &str, count: usize, size: usize) -> Vec<Vec<u8>> {
    let seed = label.bytes().fold(0, |seed: u64, byte| seed.wrapping_mul(131).wrapping_add(u64::from(byte)));
    let mut random = Random::new(seed);
    (0..count)
        .map(|number| {
            let shape = if number % 5 == 0 { Shape::Attachment } else { Shape::Plain };
            message(&token(label, number), shape, size, &mut random)
        })
        .collect()
}

/// The word that only this message has.
pub fn token(label: &str, number: usize) -> String {
    format!("{label}-n{number}n")
}

/// A usual message of today without large pictures.
pub const SENT_SIZE: usize = 10 * 1024;
/// In the mailbox that is read.
pub const READ_SIZE: usize = 4 * 1024;
/// Where only the number of messages matters.
pub const SMALL_SIZE: usize = 1024;
