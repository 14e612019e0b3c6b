//! Reading an archive that anybody may have made: every byte is checked before somebody else sees it as something.

use std::io::Read;

use essaim_identity::{PublicKey, Signed, Unverified};
use essaim_types::BlobId;

use super::about::About;
use super::folder::{Folder, FolderNames};
use super::header::FileHead;
use super::limits::{FRAME_MAX, OBJECT_MAX};
use super::manifest::{self, Checkpoint, Manifest, Totals};
use super::page::{self, Content, Item};
use super::path::{Directory, Names, Path};
use super::refusal::{ReadError, Why};
use super::seal::Seal;
use super::tar_stream::TarStream;

/// Whoever takes what an archive holds. Each method is called when what it gets is checked; that it is *of this archive* is certain with
/// [`Self::segment`], and that the archive is whole and somebody's with the end of [`read`].
pub trait Receiver {
    /// Why it gives up.
    type Error;

    /// Which archive it is.
    fn about(&mut self, _about: &About) -> Result<(), Self::Error> {
        Ok(())
    }

    /// The member's settings: JSON of some form.
    fn settings(&mut self, _json: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// An entry of the account log.
    fn log_entry(&mut self, _number: u32, _entry: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Objects; their blobs come next.
    fn page(&mut self, _number: u32, _items: Vec<Item>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Bytes of a blob that the page names.
    fn blob(&mut self, _id: &BlobId, _bytes: &[u8]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// A mailbox, readable.
    fn folder(&mut self, _directory: Directory, _folder: &Folder) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Everything since the checkpoint before is what the manifest says.
    fn segment(&mut self, _checkpoint: &Checkpoint) -> Result<(), Self::Error> {
        Ok(())
    }
}

/// How much may be in an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimits {
    /// Bytes of all files.
    pub bytes_max: u64,
    /// Objects and tombstones.
    pub objects_max: u64,
}

impl ReadLimits {
    /// As much as numbers can say: for looking only.
    pub const NONE: Self = Self { bytes_max: u64::MAX, objects_max: u64::MAX };
}

/// Reads an archive to its end.
///
/// The seal is good when this returns; whether its signer is the account's hoster is for the caller to say.
///
/// # Errors
/// The first thing that is wrong, by its name.
pub fn read<R: Read, T: Receiver>(
    from: R,
    limits: ReadLimits,
    receiver: &mut T,
) -> Result<Signed<Seal>, ReadError<T::Error>> {
    let stream = TarStream::new(from).map_err(ReadError::Source)?;
    let mut reader = Reader {
        stream,
        limits,
        receiver,
        manifest: Manifest::new(),
        names: Names::default(),
        folder_names: FolderNames::default(),
        pages: 0,
        log_entries: 0,
        about: None,
        last: 0,
        buffer: Vec::new(),
    };
    loop {
        if let Some(seal) = reader.next()? {
            return Ok(seal);
        }
    }
}

struct Reader<'a, R, T> {
    stream: TarStream<R>,
    limits: ReadLimits,
    receiver: &'a mut T,
    manifest: Manifest,
    names: Names,
    folder_names: FolderNames,
    pages: u32,
    log_entries: u32,
    about: Option<About>,
    /// The place in the order of the file before.
    last: u8,
    buffer: Vec<u8>,
}

impl<R: Read, T: Receiver> Reader<'_, R, T> {
    /// One file, with what belongs to it. The seal is the last one.
    fn next(&mut self) -> Result<Option<Signed<Seal>>, ReadError<T::Error>> {
        let Some(head) = self.stream.head()? else { return self.unexpected("the seal (manifest.sig)") };
        self.order(&head.path)?;
        match head.path.clone() {
            Path::About => self.read_about(&head)?,
            Path::Losses => drop(self.small(&head)?),
            Path::Settings => {
                let bytes = self.small(&head)?;
                self.receiver.settings(&bytes).map_err(ReadError::Receiver)?;
            }
            Path::Log(number) => self.read_log_entry(&head, number)?,
            Path::Page(number) => self.read_page(&head, number)?,
            Path::Folder(directory) => self.read_folder(&head, directory)?,
            Path::Manifest(number) => self.read_piece(&head, number)?,
            Path::Seal => return self.read_seal(&head).map(Some),
            path @ (Path::Mail(..) | Path::Blobs(..) | Path::Named(_)) => {
                return self
                    .refuse(&path, Why::Unexpected { expected: "an object that names it".to_owned() });
            }
        }
        Ok(None)
    }

    /// Files come in one order, and those that there is one of come once.
    fn order(&mut self, path: &Path) -> Result<(), ReadError<T::Error>> {
        let (place, many) = match path {
            Path::About => (1, false),
            Path::Losses => (2, false),
            Path::Settings => (3, false),
            Path::Log(_) => (4, true),
            Path::Page(_) | Path::Mail(..) | Path::Blobs(..) | Path::Named(_) => (5, true),
            Path::Folder(_) => (6, true),
            Path::Manifest(_) => return Ok(()),
            Path::Seal => (7, false),
        };
        if self.about.is_none() && *path != Path::About {
            return self.refuse(path, Why::Unexpected { expected: "archive.json".to_owned() });
        }
        match place > self.last || (many && place == self.last) {
            true => self.last = place,
            false if place == self.last => return self.refuse(path, Why::Duplicate),
            false => return self.refuse(path, Why::Unexpected { expected: "what comes later".to_owned() }),
        }
        Ok(())
    }

    fn read_about(&mut self, head: &FileHead) -> Result<(), ReadError<T::Error>> {
        let bytes = self.small(head)?;
        let about = About::parse(&bytes).or_else(|reason| self.refuse(&head.path, Why::Json(reason)))?;
        self.receiver.about(&about).map_err(ReadError::Receiver)?;
        self.about = Some(about);
        Ok(())
    }

    fn read_log_entry(&mut self, head: &FileHead, number: u32) -> Result<(), ReadError<T::Error>> {
        self.log_entries += 1;
        if number != self.log_entries {
            return self.instead(&head.path, &Path::Log(self.log_entries));
        }
        let bytes = self.small(head)?;
        self.receiver.log_entry(number, &bytes).map_err(ReadError::Receiver)
    }

    fn read_page(&mut self, head: &FileHead, number: u32) -> Result<(), ReadError<T::Error>> {
        self.pages += 1;
        if number != self.pages {
            return self.instead(&head.path, &Path::Page(self.pages));
        }
        if !self.manifest.is_empty() {
            return self.instead(&head.path, &Path::Manifest(self.manifest.segments() + 1));
        }
        let bytes = self.small(head)?;
        let items = page::decode(number, &bytes).or_else(|why| self.refuse(&head.path, why))?;
        self.manifest.objects(items.len());
        let (total, max) = (self.manifest.totals().objects, self.limits.objects_max);
        if total > max {
            return self.refuse(&head.path, Why::OverTotal { total, max, unit: "objects" });
        }
        let contents: Vec<_> = items.iter().filter_map(named).collect();
        for (content, _) in &contents {
            self.names.take(&content.path).or_else(|why| self.refuse(&content.path, why))?;
        }
        self.receiver.page(number, items).map_err(ReadError::Receiver)?;
        contents.iter().try_for_each(|(content, blobs)| self.read_content(content, blobs))
    }

    fn read_content(&mut self, content: &Content, blobs: &[BlobId]) -> Result<(), ReadError<T::Error>> {
        let Some(head) = self.stream.head()? else { return self.missing(&content.path) };
        if head.path != content.path {
            return self.instead(&head.path, &content.path);
        }
        if head.size != content.size() {
            let expected = format!("a file of {} bytes, as its object says,", content.size());
            return self.refuse(&head.path, Why::Unexpected { expected });
        }
        self.room_for(&head)?;
        let (offset, mut whole) = (self.stream.position(), blake3::Hasher::new());
        let one = blobs.len() == 1;
        let mut start = 0;
        for (id, length) in blobs.iter().zip(&content.lengths) {
            let Self { stream, buffer, receiver, .. } = &mut *self;
            let bytes = stream.bytes(&head, u64::from(*length), buffer)?;
            whole.update(bytes);
            let hash = if one { whole.finalize() } else { blake3::hash(bytes) };
            if hash.as_bytes() != id.as_bytes() {
                return self.refuse(&head.path, Why::Blob { blob: *id, offset: start });
            }
            receiver.blob(id, bytes).map_err(ReadError::Receiver)?;
            start += u64::from(*length);
        }
        self.stream.padding(&head)?;
        self.manifest.file(&head.path, head.size, &whole.finalize(), offset);
        Ok(())
    }

    fn read_folder(&mut self, head: &FileHead, directory: Directory) -> Result<(), ReadError<T::Error>> {
        self.names.take(&head.path).or_else(|why| self.refuse(&head.path, why))?;
        let bytes = self.small(head)?;
        let folder =
            Folder::parse(directory, &bytes).or_else(|reason| self.refuse(&head.path, Why::Json(reason)))?;
        let unique = self.folder_names.take(directory, &folder.name);
        unique.or_else(|why| self.refuse(&head.path, why))?;
        self.receiver.folder(directory, &folder).map_err(ReadError::Receiver)
    }

    fn read_piece(&mut self, head: &FileHead, number: u32) -> Result<(), ReadError<T::Error>> {
        if self.manifest.is_empty() || number != self.manifest.segments() + 1 {
            let expected = "the seal or the next segment".to_owned();
            return self.refuse(&head.path, Why::Unexpected { expected });
        }
        let said = self.whole(head)?;
        let expected = self.manifest.end_segment();
        if said != expected.as_bytes() {
            let (object, why) = manifest::difference(&said, &expected);
            let object = object.unwrap_or_else(|| head.path.to_string());
            return Err(ReadError::refuse(object, self.stream.offset(), Why::Manifest(why)));
        }
        if !self.stream.at_boundary() {
            return self.refuse(&head.path, Why::Unexpected { expected: "the end of a frame".to_owned() });
        }
        let checkpoint = self.checkpoint();
        self.receiver.segment(&checkpoint).map_err(ReadError::Receiver)
    }

    fn read_seal(&mut self, head: &FileHead) -> Result<Signed<Seal>, ReadError<T::Error>> {
        if !self.manifest.is_empty() {
            return self.instead(&head.path, &Path::Manifest(self.manifest.segments() + 1));
        }
        let bytes = self.whole(head)?;
        let seal =
            Unverified::<Seal>::parse(&bytes).or_else(|why| self.refuse(&head.path, Why::SealForm(why)))?;
        let key: PublicKey = seal.claims().key;
        let seal = seal.verify(&key).or_else(|why| self.refuse(&head.path, why.into()))?;
        if let Some(what) = self.differs(seal.record()) {
            return self.refuse(&head.path, Why::Seal(what));
        }
        self.stream.end()?;
        Ok(seal)
    }

    /// In what the seal differs from the archive.
    fn differs(&self, seal: &Seal) -> Option<&'static str> {
        let Checkpoint { segments, totals: Totals { files, objects, bytes }, root, .. } = self.checkpoint();
        let about = self.about.as_ref()?;
        let base = seal.base_root.map(|root| blake3::Hash::from(root).to_hex().to_string());
        [
            ("the root", seal.root != root),
            ("the account", seal.account != about.essaim.account),
            ("the first change", seal.lsn_from != about.essaim.lsn_from || seal.lsn_to < seal.lsn_from),
            ("the archive before", base != about.essaim.base_root),
            ("the number of segments", seal.segments != segments),
            ("the number of files", seal.files != files),
            ("the number of objects", seal.objects != objects),
            ("the number of bytes", seal.bytes != bytes),
            ("a byte of a compressed frame", seal.frames != *self.stream.hash_before_frame().as_bytes()),
        ]
        .into_iter()
        .find_map(|(what, differs)| differs.then_some(what))
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            segments: self.manifest.segments(),
            totals: self.manifest.totals(),
            root: self.manifest.root(),
            offset: self.stream.end_of_frame(),
        }
    }

    /// A file that is held whole and is in the manifest.
    fn small(&mut self, head: &FileHead) -> Result<Vec<u8>, ReadError<T::Error>> {
        self.room_for(head)?;
        let offset = self.stream.position();
        let bytes = self.whole(head)?;
        self.manifest.file(&head.path, head.size, &blake3::hash(&bytes), offset);
        Ok(bytes)
    }

    fn whole(&mut self, head: &FileHead) -> Result<Vec<u8>, ReadError<T::Error>> {
        let max = head.path.size_max();
        if head.size > max {
            return self.refuse(&head.path, Why::TooLong { bytes: head.size, max });
        }
        let mut bytes = Vec::new();
        self.stream.append(head, &mut bytes)?;
        self.stream.padding(head)?;
        Ok(bytes)
    }

    fn room_for(&self, head: &FileHead) -> Result<(), ReadError<T::Error>> {
        if head.size > OBJECT_MAX {
            return self.refuse(&head.path, Why::TooLong { bytes: head.size, max: OBJECT_MAX });
        }
        let (total, max) = (self.manifest.totals().bytes + head.size, self.limits.bytes_max);
        match total > max {
            true => self.refuse(&head.path, Why::OverTotal { total, max, unit: "bytes" }),
            false => Ok(()),
        }
    }

    fn instead<V>(&self, path: &Path, expected: &Path) -> Result<V, ReadError<T::Error>> {
        self.refuse(path, Why::Unexpected { expected: expected.to_string() })
    }

    fn missing<V>(&self, path: &Path) -> Result<V, ReadError<T::Error>> {
        self.refuse(path, Why::CutOff)
    }

    fn unexpected<V>(&self, expected: &str) -> Result<V, ReadError<T::Error>> {
        let why = Why::Unexpected { expected: expected.to_owned() };
        Err(ReadError::refuse("the end of the archive", self.stream.offset(), why))
    }

    fn refuse<V>(&self, path: &Path, why: Why) -> Result<V, ReadError<T::Error>> {
        Err(ReadError::refuse(path, self.stream.offset(), why))
    }
}

/// The content of an item, and its blobs.
fn named(item: &Item) -> Option<(Content, Vec<BlobId>)> {
    match item {
        Item::Object { object, content: Some(content) } => Some((content.clone(), object.blobs.clone())),
        _ => None,
    }
}

const _: () = assert!(super::limits::BLOB_MAX <= FRAME_MAX as u64, "a blob is held whole, as a frame is");
