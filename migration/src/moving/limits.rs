//! Every bound of a move, by name.

use std::time::Duration;

/// So much may be on its way and not acknowledged; after a broken connection at most this is sent again. One change of the log
/// that is larger travels alone.
pub const WINDOW_BYTES: u64 = 4 << 20;

/// What a batch aims at: large enough that a commit per batch costs little, small enough that four fit the window.
pub const BATCH_BYTES: u64 = 1 << 20;

/// A batch has at most so many objects and operations.
pub const BATCH_OBJECTS_MAX: usize = 4096;

/// One frame on the wire: the store's largest transaction (64 MiB) and a little. Only a single change of the log comes near.
pub const FRAME_BYTES_MAX: usize = 65 << 20;

/// Blobs are sent in frames of about so many bytes; one blob (at most 4 MiB) may be more.
pub const BLOB_FRAME_BYTES: usize = 1 << 20;

/// Blobs that came and are named by no batch yet: the window, and one blob above it.
pub const LOOSE_BYTES_MAX: u64 = WINDOW_BYTES + (4 << 20);

/// Blobs of one object or change that are kept at the target before it; the store names as many for one object.
pub const STAGED_MAX: usize = 65_536;

/// Signed texts within messages: consent, acceptance, entries of the account log.
pub const TEXT_BYTES_MAX: usize = 16 << 10;

/// A reason for people, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 500;

/// An address: RFC 5321 section 4.5.3.1 allows 64 and 255 bytes around the `@`.
pub const ADDRESS_BYTES_MAX: usize = 320;

/// Pages told, and ranges asked for, in one message.
pub const PAGES_MAX: usize = 4096;

/// Objects in one repaired range; a longer one is repaired in pieces.
pub const REPAIR_OBJECTS_MAX: usize = 16_384;

/// How often pages may be repaired before the move is given up: what does not heal is a fault, not an accident.
pub const REPAIRS_MAX: u32 = 5;

/// The last changes must be fewer than this before writes are held.
pub const LAG_MAX: u64 = 100;

/// Writes are held at most so long; then they go on, and the move tries again later.
pub const FENCE_MAX: Duration = Duration::from_secs(10);

/// The pause after a fence that did not lead to the commit; it doubles each time up to [`FENCE_PAUSE_MAX`].
pub const FENCE_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause between two fences.
pub const FENCE_PAUSE_MAX: Duration = Duration::from_secs(600);

/// When nothing was heard for so long although something is awaited, it is asked again.
pub const SILENCE_MAX: Duration = Duration::from_secs(20);

/// How long the source keeps its sealed copy.
pub const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);
