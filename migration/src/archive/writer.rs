//! Writing an archive from its first byte to its last, holding one segment at most.

use std::io::{self, Write};

use bytes::Bytes;
use essaim_identity::cbor::CborError;
use essaim_identity::{Signed, SigningKey};
use essaim_types::{AccountId, BlobId, Lsn, ObjectKind};

use super::about::About;
use super::folder::{Folder, FolderNames};
use super::frame::FrameWriter;
use super::header::{BLOCK, FileHead, padding};
use super::limits::{SEGMENT_BYTES, SEGMENT_OBJECTS};
use super::manifest::{Manifest, Root, Totals};
use super::page::{self, Content, Item};
use super::path::{Directory, Names, Path};
use super::refusal::Why;
use super::seal::Seal;
use crate::object::Object;

/// Where the bytes of blobs come from.
pub trait Blobs {
    /// Why one could not be read.
    type Error;

    /// The bytes of a blob. A large object's are asked for twice.
    ///
    /// # Errors
    /// Whatever keeps them from being read: the archive is not finished then.
    fn read(&mut self, id: &BlobId) -> Result<Bytes, Self::Error>;
}

/// Why an archive could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// Where it goes takes no more.
    #[error("the archive could not be written")]
    Sink(#[source] io::Error),
    /// A blob could not be read.
    #[error("the bytes of an object could not be read")]
    Blob(#[source] E),
    /// What was given is nothing that a reader would take.
    #[error("{object} cannot be in an archive")]
    Impossible {
        /// Which file.
        object: String,
        /// What a reader would say.
        #[source]
        why: Why,
    },
    /// The seal could not be made.
    #[error("the seal cannot be written")]
    Seal(#[source] CborError),
}

/// What is known of the account when everything is inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// See [`Seal::epoch`].
    pub epoch: u32,
    /// See [`Seal::lsn_to`].
    pub lsn_to: Lsn,
    /// See [`Seal::log_head`].
    pub log_head: Option<Root>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The root of the whole: an archive of later changes names it.
    pub root: Root,
    /// What is inside.
    pub totals: Totals,
}

/// An archive on its way to `to`. Call in this order: losses, settings, log entries; objects and tombstones; folders; finish.
pub struct Writer<W> {
    frames: FrameWriter<W>,
    manifest: Manifest,
    names: Names,
    folder_names: FolderNames,
    page: PendingPage,
    account: AccountId,
    lsn_from: u64,
    base_root: Option<Root>,
    time: u64,
    log_entries: u32,
    /// Plain bytes before the segment.
    segment_start: u64,
}

/// Objects that will stand in the next page.
#[derive(Default)]
struct PendingPage {
    /// How many pages were written.
    written: u32,
    items: Vec<Item>,
    times: Vec<u64>,
    /// Bytes of content, for objects that are not too large to hold them.
    held: Vec<Bytes>,
    weight: u64,
}

impl<W> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("account", &self.account).finish_non_exhaustive()
    }
}

impl<W: Write> Writer<W> {
    /// Begins an archive. `time`: when, in seconds since 1970; `base_root`: of the archive that this one goes on from.
    ///
    /// # Errors
    /// Where it goes takes no bytes.
    pub fn begin<E>(to: W, about: &About, time: u64, base_root: Option<Root>) -> Result<Self, WriteError<E>> {
        let mut writer = Self {
            frames: FrameWriter::new(to).map_err(WriteError::Sink)?,
            manifest: Manifest::new(),
            names: Names::default(),
            folder_names: FolderNames::default(),
            page: PendingPage::default(),
            account: about.essaim.account,
            lsn_from: about.essaim.lsn_from,
            base_root,
            time,
            log_entries: 0,
            segment_start: 0,
        };
        let mut text = serde_json::to_vec_pretty(about).expect("text and numbers can be written as JSON");
        text.push(b'\n');
        writer.file(&Path::About, &text)?;
        Ok(writer)
    }

    /// What is not inside, for a person: Markdown.
    ///
    /// # Errors
    /// Where it goes takes no bytes.
    pub fn losses<E>(&mut self, text: &str) -> Result<(), WriteError<E>> {
        self.file(&Path::Losses, text.as_bytes())
    }

    /// The member's settings: JSON.
    ///
    /// # Errors
    /// Where it goes takes no bytes.
    pub fn settings<E>(&mut self, json: &[u8]) -> Result<(), WriteError<E>> {
        self.file(&Path::Settings, json)
    }

    /// The next entry of the account log.
    ///
    /// # Errors
    /// Where it goes takes no bytes.
    pub fn log_entry<E>(&mut self, entry: &[u8]) -> Result<(), WriteError<E>> {
        self.log_entries += 1;
        self.file(&Path::Log(self.log_entries), entry)
    }

    /// An object, verbatim. `path`: the open file that its content is, if it has such a one; `time`: of that file.
    ///
    /// # Errors
    /// A blob is not there, or a name that cannot be in an archive.
    pub fn object<B: Blobs>(
        &mut self,
        object: Object,
        path: Option<Path>,
        time: u64,
        blobs: &mut B,
    ) -> Result<(), WriteError<B::Error>> {
        let mut lengths = Vec::with_capacity(object.blobs.len());
        let mut held = Vec::new();
        let mut size = 0;
        for id in &object.blobs {
            let bytes = blobs.read(id).map_err(WriteError::Blob)?;
            lengths.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            size += bytes.len() as u64;
            if size <= SEGMENT_BYTES {
                held.push(bytes);
            }
        }
        if size > SEGMENT_BYTES {
            held.clear();
        }
        let wanted = Item::Object { object, content: None }.weight_of(&lengths, size);
        if self.page.is_full_with(&wanted) {
            self.flush(blobs)?;
        }
        let Item::Object { object, .. } = wanted.item else { return Ok(()) };
        let own =
            Path::Blobs(self.page.written + 1, u32::try_from(self.page.items.len()).unwrap_or(u32::MAX));
        let content = (!lengths.is_empty()).then(|| Content { path: path.unwrap_or(own), lengths });
        if let Some(Content { path, .. }) = &content {
            self.names.take(path).map_err(|why| WriteError::Impossible { object: path.to_string(), why })?;
        }
        self.page.weight += wanted.weight;
        self.page.held.append(&mut held);
        self.page.times.push(time);
        self.page.items.push(Item::Object { object, content });
        if size > SEGMENT_BYTES { self.flush(blobs) } else { Ok(()) }
    }

    /// An object that went.
    ///
    /// # Errors
    /// As for [`Self::object`].
    pub fn gone<B: Blobs>(
        &mut self,
        kind: ObjectKind,
        key: Vec<u8>,
        lsn: Lsn,
        blobs: &mut B,
    ) -> Result<(), WriteError<B::Error>> {
        let wanted = Item::Gone { kind, key, lsn }.weight_of(&[], 0);
        if self.page.is_full_with(&wanted) {
            self.flush(blobs)?;
        }
        self.page.weight += wanted.weight;
        self.page.times.push(0);
        self.page.items.push(wanted.item);
        Ok(())
    }

    /// After the last object, before the first folder.
    ///
    /// # Errors
    /// As for [`Self::object`].
    pub fn end_objects<B: Blobs>(&mut self, blobs: &mut B) -> Result<(), WriteError<B::Error>> {
        self.flush(blobs)
    }

    /// A mailbox, readable; directories ascending.
    ///
    /// # Errors
    /// It contradicts itself, or was there before.
    pub fn folder<E>(&mut self, directory: Directory, folder: &Folder) -> Result<(), WriteError<E>> {
        let (path, bytes) = (Path::Folder(directory), folder.encode());
        let impossible = |why| WriteError::Impossible { object: path.to_string(), why };
        Folder::parse(directory, &bytes).map_err(|reason| impossible(Why::Json(reason)))?;
        self.folder_names.take(directory, &folder.name).map_err(impossible)?;
        self.names.take(&path).map_err(impossible)?;
        if self.segment_bytes() + bytes.len() as u64 > SEGMENT_BYTES {
            self.end_segment()?;
        }
        self.file(&path, &bytes)
    }

    /// Plain bytes so far.
    pub fn position(&self) -> u64 {
        self.frames.position()
    }

    /// Ends the archive with its seal.
    ///
    /// # Errors
    /// Where it goes takes no bytes.
    pub fn finish<E>(mut self, ending: &Ending, key: &SigningKey) -> Result<(W, Written), WriteError<E>> {
        assert!(self.page.items.is_empty(), "end_objects comes before the end");
        self.end_segment()?;
        let totals = self.manifest.totals();
        let seal = Seal {
            account: self.account,
            epoch: ending.epoch,
            lsn_from: self.lsn_from,
            lsn_to: ending.lsn_to.0,
            root: self.manifest.root(),
            segments: self.manifest.segments(),
            files: totals.files,
            objects: totals.objects,
            bytes: totals.bytes,
            key: key.public(),
            base_root: self.base_root,
            log_head: ending.log_head,
            frames: *self.frames.hash().as_bytes(),
        };
        let signed = Signed::sign(&seal, key).map_err(WriteError::Seal)?;
        self.plain_file(&Path::Seal, self.time, &signed.to_wire())?;
        self.put(&[0; 2 * BLOCK])?;
        let to = self.frames.finish().map_err(WriteError::Sink)?;
        Ok((to, Written { root: seal.root, totals }))
    }

    /// Writes the segment of the objects that wait.
    fn flush<B: Blobs>(&mut self, blobs: &mut B) -> Result<(), WriteError<B::Error>> {
        if self.page.items.is_empty() {
            return Ok(());
        }
        self.end_segment()?;
        let page = std::mem::take(&mut self.page);
        let number = page.written + 1;
        self.manifest.objects(page.items.len());
        self.file(&Path::Page(number), &page::encode(&page.items))?;
        let mut held = page.held.into_iter();
        for (item, time) in page.items.iter().zip(&page.times) {
            let (Item::Object { object, .. }, Some(content)) = (item, item.content()) else { continue };
            let fits = content.size() <= SEGMENT_BYTES;
            let mut next = |id: &BlobId| match fits {
                true => Ok(held.next().unwrap_or_default()),
                false => blobs.read(id),
            };
            self.content(object, content, *time, &mut next)?;
        }
        self.page.written = number;
        self.end_segment()
    }

    fn content<E>(
        &mut self,
        object: &Object,
        content: &Content,
        time: u64,
        read: &mut dyn FnMut(&BlobId) -> Result<Bytes, E>,
    ) -> Result<(), WriteError<E>> {
        let size = content.size();
        self.put(&FileHead { path: content.path.clone(), size, time }.encode())?;
        let (offset, mut hasher) = (self.frames.position(), blake3::Hasher::new());
        for (id, length) in object.blobs.iter().zip(&content.lengths) {
            let bytes = read(id).map_err(WriteError::Blob)?;
            assert_eq!(bytes.len(), *length as usize, "a blob never changes");
            hasher.update(&bytes);
            self.put(&bytes)?;
        }
        self.pad(size)?;
        self.manifest.file(&content.path, size, &hasher.finalize(), offset);
        Ok(())
    }

    /// A file that is in the manifest.
    fn file<E>(&mut self, path: &Path, bytes: &[u8]) -> Result<(), WriteError<E>> {
        let (size, max) = (bytes.len() as u64, path.size_max());
        if size > max {
            let why = Why::TooLong { bytes: size, max };
            return Err(WriteError::Impossible { object: path.to_string(), why });
        }
        let offset = self.plain_file(path, self.time, bytes)?;
        self.manifest.file(path, size, &blake3::hash(bytes), offset);
        Ok(())
    }

    /// Where its bytes begin.
    fn plain_file<E>(&mut self, path: &Path, time: u64, bytes: &[u8]) -> Result<u64, WriteError<E>> {
        self.put(&FileHead { path: path.clone(), size: bytes.len() as u64, time }.encode())?;
        let offset = self.frames.position();
        self.put(bytes)?;
        self.pad(bytes.len() as u64)?;
        Ok(offset)
    }

    fn end_segment<E>(&mut self) -> Result<(), WriteError<E>> {
        if self.manifest.is_empty() {
            return Ok(());
        }
        let piece = self.manifest.end_segment();
        self.plain_file(&Path::Manifest(self.manifest.segments()), self.time, piece.as_bytes())?;
        self.frames.end_frame().map_err(WriteError::Sink)?;
        self.segment_start = self.frames.position();
        Ok(())
    }

    fn segment_bytes(&self) -> u64 {
        self.frames.position() - self.segment_start
    }

    fn pad<E>(&mut self, size: u64) -> Result<(), WriteError<E>> {
        self.put([0; BLOCK].get(..padding(size)).unwrap_or_default())
    }

    fn put<E>(&mut self, bytes: &[u8]) -> Result<(), WriteError<E>> {
        self.frames.write(bytes).map_err(WriteError::Sink)
    }
}

/// An item that wants to be in the page, and about how many bytes of a segment it takes.
struct Wanted {
    item: Item,
    weight: u64,
}

impl Item {
    fn weight_of(self, lengths: &[u32], size: u64) -> Wanted {
        let file = if lengths.is_empty() { 0 } else { size + 2 * BLOCK as u64 + LINE };
        let weight = self.weight() + file;
        Wanted { item: self, weight }
    }
}

impl PendingPage {
    fn is_full_with(&self, wanted: &Wanted) -> bool {
        !self.items.is_empty()
            && (self.items.len() >= SEGMENT_OBJECTS || self.weight + wanted.weight + HEAD > SEGMENT_BYTES)
    }
}

/// About the longest line of a manifest.
const LINE: u64 = 400;
/// Headers of page and manifest, and the segment's line.
const HEAD: u64 = 4096;
