//! Every bound of the archive, with its name. What a stranger's file can make grow ends at one of these.

/// The most plain bytes of one zstd frame, and so of what is held of a file at a time.
pub const FRAME_MAX: usize = 4 << 20;
/// A frame gives at most so many plain bytes for each of its own. The writer stores what would compress better.
pub const RATIO_MAX: u64 = 200;
/// A segment is full at so many bytes of pages, content and manifest. Only a single object may be larger.
pub const SEGMENT_BYTES: u64 = FRAME_MAX as u64;
/// A segment is full at so many objects.
pub const SEGMENT_OBJECTS: usize = 65_536;
/// The longest page of objects: one object of the store at its largest (a value of a MiB, 65,536 blobs) fits.
pub const PAGE_MAX: usize = 4 << 20;
/// The longest piece of the manifest.
pub const PIECE_MAX: usize = 32 << 20;
/// The longest `archive.json`, `settings.json` and `LOSSES.md`.
pub const SMALL_FILE_MAX: u64 = 1 << 20;
/// The longest entry of the account log.
pub const LOG_ENTRY_MAX: u64 = 64 << 10;
/// The longest `folder.json`.
pub const FOLDER_FILE_MAX: u64 = 24 << 20;
/// A directory of mail holds the messages of so many neighbouring UIDs; a larger mailbox has several directories.
pub const UIDS_PER_DIRECTORY: u32 = 16_384;
/// The longest name of a path, in bytes.
pub const NAME_MAX: usize = 255;
/// The longest path, in bytes: what a ustar header holds with a prefix, whatever its cuts.
pub const PATH_MAX: usize = 240;
/// The most names in a path or levels in a mailbox's name.
pub const DEPTH_MAX: usize = 64;
/// The longest name of a mailbox, in bytes.
pub const MAILBOX_NAME_MAX: usize = 1024;
/// The most mailboxes.
pub const MAILBOXES_MAX: usize = 65_536;
/// The most files that have names of their own (contacts, calendars, files); mail has numbers and is not counted.
pub const NAMES_MAX: usize = 524_288;
/// One file or object is never larger than this: 64 GiB.
pub const OBJECT_MAX: u64 = 64 << 30;
/// A blob is at most this long.
pub const BLOB_MAX: u64 = 4 << 20;
