//! What verify tells.

use essaim_types::{AccountId, BlobId};

/// What was looked at, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segments read.
    pub segments: u64,
    /// Bytes of segments read.
    pub bytes: u64,
    /// Blobs whose bytes were compared with their ids.
    pub blobs: u64,
    /// Transactions read.
    pub transactions: u64,
    /// Accounts there are.
    pub accounts: u64,
    /// Objects there are.
    pub objects: u64,
    /// The first things found wrong.
    pub findings: Vec<Finding>,
    /// How many things were found wrong in all.
    pub findings_total: u64,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// A blob's bytes are not those that its id says.
    #[error("blob {blob} in segment {segment} at offset {offset} is damaged: restore it from a backup")]
    Blob {
        /// Its id.
        blob: BlobId,
        /// Number of the segment.
        segment: u32,
        /// Where its record begins.
        offset: u64,
    },
    /// There is no valid record where one should be.
    #[error("segment {segment} is damaged at offset {offset} ({reason}): restore it from a backup")]
    Record {
        /// Number of the segment.
        segment: u32,
        /// Where the damage begins.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A transaction does not follow the one before it.
    #[error("the log breaks in segment {segment} at offset {offset}: {reason}")]
    Log {
        /// Number of the segment.
        segment: u32,
        /// Where the transaction's record begins.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// An object names a blob that the stream does not hold.
    #[error("blob {blob} is named {references} times and is not in the store")]
    BlobMissing {
        /// Its id.
        blob: BlobId,
        /// How often it is named.
        references: u64,
    },
    /// The index differs from what the log says.
    #[error("the index {difference} row {key} of table {table}{}: run `essaim store rebuild-index`", of(*account))]
    Index {
        /// How it differs.
        difference: Difference,
        /// In which table.
        table: &'static str,
        /// Of which account, where rows belong to one.
        account: Option<AccountId>,
        /// The row's key, printable.
        key: String,
    },
    /// A number of an account is not what its objects sum up to.
    #[error(
        "account {account} counts {counted} {what}, its objects sum up to {sum}: run `essaim store rebuild-index`"
    )]
    Account {
        /// Whose.
        account: AccountId,
        /// Which number.
        what: &'static str,
        /// The number in the index.
        counted: u64,
        /// What it should be.
        sum: u64,
    },
    /// A blob's count of references is not how often objects name it.
    #[error(
        "blob {blob} counts {counted} references, objects name it {named} times: run `essaim store rebuild-index`"
    )]
    References {
        /// Its id.
        blob: BlobId,
        /// The count in the index.
        counted: u64,
        /// How often it is named.
        named: u64,
    },
}

/// How a row of the index differs from what the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The log has it, the index does not.
    Lacks,
    /// The index has it, the log does not.
    Invents,
    /// Both have it, with other values.
    Alters,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lacks => "lacks",
            Self::Invents => "invents",
            Self::Alters => "alters",
        })
    }
}

impl VerifyReport {
    /// Nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.findings_total == 0
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.findings_total += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

fn of(account: Option<AccountId>) -> String {
    account.map_or_else(String::new, |account| format!(" (account {account})"))
}

/// Findings that a report lists; the rest it only counts.
const FINDINGS_MAX: usize = 1000;
