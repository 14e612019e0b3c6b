//! The first look at a change: its shape, without allocating and without automerge.

use sha2::{Digest, Sha256};

use super::column::{Kind, Tally};
use super::leb::Reader;

/// What the outside of a change says. Borrowed from the change's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outline<'a> {
    /// SHA-256 as automerge computes it: over chunk type, length and body.
    pub hash: ChangeHash,
    /// The hashes of the changes that this one follows, ascending, without repetition.
    pub deps: &'a [[u8; 32]],
    /// Who wrote the change: 16 bytes.
    pub actor: [u8; 16],
    /// The number of the change among those of its actor in this document, from 1.
    pub seq: u64,
    /// The number of its first operation.
    pub start_op: u64,
    /// How many operations it has; at least one.
    pub ops: u64,
}

/// The name that automerge gives a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChangeHash(pub [u8; 32]);

/// Why the outside of a change is refused. Always the sender's fault: no honest node writes or passes on such bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ScanRefusal {
    /// More than [`CHANGE_BYTES_MAX`](super::CHANGE_BYTES_MAX).
    #[error("the change is larger than 8 KiB")]
    Size,
    /// The four magic bytes are others.
    #[error("these bytes are not a change")]
    Magic,
    /// A saved document, a bundle or a compressed change (chunk types 0, 2, 3).
    #[error("the chunk is not of type 1, a plain change")]
    ChunkType,
    /// The checksum is not the hash's first four bytes.
    #[error("the checksum of the change is wrong")]
    Checksum,
    /// It ends in the middle of something.
    #[error("the change is cut short")]
    CutShort,
    /// A number of more than 64 bits, or not in its shortest form.
    #[error("a number in the change is too large or has superfluous bytes")]
    Number,
    /// More than [`DEPS_MAX`](super::DEPS_MAX), or not ascending.
    #[error("the change follows too many others, or names them out of order")]
    Deps,
    /// More than [`ACTORS_MAX`](super::ACTORS_MAX), or an actor that is not 16 bytes long.
    #[error("the change names too many actors, or one that is not 16 bytes long")]
    Actors,
    /// A commit message: a place to hide text.
    #[error("the change carries a message")]
    Message,
    /// Bytes after the columns.
    #[error("the change has bytes after its columns")]
    ExtraBytes,
    /// A column that listings do not have (among them every compressed one), or out of order.
    #[error("the change has a column that no listing needs")]
    Column,
    /// More than [`ROWS_MAX`](super::ROWS_MAX) in a column.
    #[error("a column of the change has more than 1024 rows")]
    Rows,
    /// An empty run.
    #[error("a column of the change has an empty run")]
    Run,
    /// An operation other than set and delete. Documents are flat, so that nothing nests and no map is made twice.
    #[error("the change has an operation that no listing needs")]
    Action,
    /// Columns disagree about how many rows or value bytes there are.
    #[error("the columns of the change do not fit together")]
    Values,
    /// A key is not UTF-8.
    #[error("a key in the change is not UTF-8")]
    Text,
    /// Sequence or operation numbers that no document of at most 32 changes reaches.
    #[error("the change has an impossible sequence or operation number")]
    Position,
}

/// Looks at the outside of a change. About a microsecond; allocates nothing.
pub fn scan(bytes: &[u8]) -> Result<Outline<'_>, ScanRefusal> {
    if bytes.len() > super::CHANGE_BYTES_MAX {
        return Err(ScanRefusal::Size);
    }
    let (hash, body) = chunk(bytes)?;
    let mut reader = Reader::new(body);
    let deps = deps(&mut reader)?;
    let actor = actor(&mut reader)?;
    let seq = reader.unsigned()?;
    let start_op = reader.unsigned()?;
    if !(1..=SEQ_MAX).contains(&seq) || !(1..=OP_MAX).contains(&start_op) {
        return Err(ScanRefusal::Position);
    }
    reader.signed()?; // the time; ours is in the envelope
    if reader.unsigned()? != 0 {
        return Err(ScanRefusal::Message);
    }
    for _ in 0..reader.count(super::ACTORS_MAX - 1, ScanRefusal::Actors)? {
        self::actor(&mut reader)?;
    }
    let ops = columns(&mut reader)?;
    if !reader.is_empty() {
        return Err(ScanRefusal::ExtraBytes);
    }
    Ok(Outline { hash, deps, actor, seq, start_op, ops })
}

impl Outline<'_> {
    /// The number of the last operation.
    pub fn max_op(&self) -> u64 {
        // Both are bounded by the scan, far below the end of u64.
        self.start_op.saturating_add(self.ops).saturating_sub(1)
    }
}

fn chunk(bytes: &[u8]) -> Result<(ChangeHash, &[u8]), ScanRefusal> {
    let mut reader = Reader::new(bytes);
    if reader.take(MAGIC.len())? != MAGIC {
        return Err(ScanRefusal::Magic);
    }
    let checksum = reader.take(4)?;
    let hashed = bytes.get(MAGIC.len() + 4..).ok_or(ScanRefusal::CutShort)?;
    if reader.byte()? != CHUNK_CHANGE {
        return Err(ScanRefusal::ChunkType);
    }
    let length = reader.count(super::CHANGE_BYTES_MAX, ScanRefusal::CutShort)?;
    let body = reader.take(length)?;
    if !reader.is_empty() {
        return Err(ScanRefusal::ExtraBytes);
    }
    let hash: [u8; 32] = Sha256::digest(hashed).into();
    if !hash.starts_with(checksum) {
        return Err(ScanRefusal::Checksum);
    }
    Ok((ChangeHash(hash), body))
}

fn deps<'a>(reader: &mut Reader<'a>) -> Result<&'a [[u8; 32]], ScanRefusal> {
    let count = reader.count(super::DEPS_MAX, ScanRefusal::Deps)?;
    let (deps, _) = reader.take(count * 32)?.as_chunks::<32>();
    deps.is_sorted_by(|a, b| a < b).then_some(deps).ok_or(ScanRefusal::Deps)
}

fn actor(reader: &mut Reader<'_>) -> Result<[u8; 16], ScanRefusal> {
    let length = reader.count(16, ScanRefusal::Actors)?;
    reader.take(length)?.try_into().map_err(|_| ScanRefusal::Actors)
}

/// Checks all columns; the answer is the number of operations.
fn columns(reader: &mut Reader<'_>) -> Result<u64, ScanRefusal> {
    let count = reader.count(COLUMNS_MAX, ScanRefusal::Column)?;
    let mut table = *reader;
    let mut before = None;
    for _ in 0..count {
        let specification = reader.unsigned()?;
        if before >= Some(specification) {
            return Err(ScanRefusal::Column);
        }
        before = Some(specification);
        reader.unsigned()?;
    }
    let mut found = Found::default();
    for _ in 0..count {
        let specification = table.unsigned()?;
        let length = table.count(super::CHANGE_BYTES_MAX, ScanRefusal::CutShort)?;
        let kind = Kind::of(specification).ok_or(ScanRefusal::Column)?;
        found.note(specification, kind, kind.tally(reader.take(length)?)?);
    }
    found.agree()
}

/// The columns side by side: each operation is one row in all of them.
#[derive(Debug, Default)]
struct Found {
    ops: usize,
    longest: usize,
    values: usize,
    raw: usize,
    pred_rows: usize,
    preds: usize,
    meta_rows: usize,
    group_rows: usize,
}

impl Found {
    fn note(&mut self, specification: u64, kind: Kind, tally: Tally) {
        match kind {
            Kind::Action => self.ops = tally.rows,
            Kind::Group => (self.group_rows, self.preds) = (tally.rows, tally.sum),
            Kind::ValueMeta => (self.meta_rows, self.values) = (tally.rows, tally.sum),
            Kind::Raw => self.raw = tally.sum,
            _ if specification >> 4 == 7 => self.pred_rows = self.pred_rows.max(tally.rows),
            _ => self.longest = self.longest.max(tally.rows),
        }
    }

    fn agree(&self) -> Result<u64, ScanRefusal> {
        let rows = self.ops > 0
            && self.longest <= self.ops
            && self.meta_rows == self.ops
            && self.group_rows == self.ops
            && self.values == self.raw
            && self.pred_rows == self.preds;
        if !rows {
            return Err(ScanRefusal::Values);
        }
        u64::try_from(self.ops).map_err(|_| ScanRefusal::Rows)
    }
}

impl std::fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<&[u8; 32]> for ChangeHash {
    fn from(bytes: &[u8; 32]) -> Self {
        Self(*bytes)
    }
}

const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
const CHUNK_CHANGE: u8 = 1;
/// One for each kind of column that a listing's change can have.
const COLUMNS_MAX: usize = 8;
/// More changes than an epoch holds.
const SEQ_MAX: u64 = 64;
/// More operations than all changes of an epoch can hold: 8 actors, 32 changes, 1024 rows.
const OP_MAX: u64 = 8 * 32 * 1024 + 1;
