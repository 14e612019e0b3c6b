//! Whole archives: what goes in comes out, and what was tampered with is refused by name.

mod hostile;
mod round;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroU32;

use bytes::Bytes;
use essaim_identity::{Signed, SigningKey};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

use super::frame::{FrameReader, FrameWriter};
use super::*;
use crate::object::Object;

/// A store of a few objects.
#[derive(Debug, Clone, Default)]
pub(super) struct Sample {
    pub(super) objects: Vec<(Object, Option<Path>)>,
    pub(super) gone: Vec<(ObjectKind, Vec<u8>, Lsn)>,
    pub(super) folders: Vec<(Directory, Folder)>,
    pub(super) log: Vec<Vec<u8>>,
    pub(super) blobs: BTreeMap<[u8; 32], Bytes>,
}

impl Blobs for BTreeMap<[u8; 32], Bytes> {
    type Error = String;

    fn read(&mut self, id: &BlobId) -> Result<Bytes, String> {
        self.get(id.as_bytes()).cloned().ok_or_else(|| format!("no blob {id}"))
    }
}

impl Sample {
    pub(super) fn add(&mut self, kind: u8, key: &[u8], pieces: &[&[u8]], path: Option<Path>) {
        let blobs: Vec<_> = pieces.iter().map(|piece| BlobId::of(piece)).collect();
        for piece in pieces {
            self.blobs.insert(*BlobId::of(piece).as_bytes(), Bytes::copy_from_slice(piece));
        }
        let object = Object {
            kind: ObjectKind(kind),
            key: key.to_vec(),
            lsn: Lsn(self.objects.len() as u64 + 1),
            charge: ByteSize(7),
            blobs,
            value: b"\x01value".to_vec(),
        };
        self.objects.push((object, path));
    }

    pub(super) fn mail(&mut self, mailbox: u32, uid: u32, pieces: &[&[u8]]) {
        let key = [mailbox.to_be_bytes(), uid.to_be_bytes()].concat();
        self.add(4, &key, pieces, Some(Path::mail(mailbox, uid)));
    }

    /// Two mailboxes, an object of an unknown kind with content, a tombstone, entries of a log.
    pub(super) fn small() -> Self {
        let mut sample = Self::default();
        sample.mail(1, 1, &[b"Subject: one\r\n\r\nfirst"]);
        sample.mail(1, 9, &[b"Subject: two\r\n\r\n", b"in two pieces"]);
        sample.mail(2, 1, &[b"Subject: three\r\n\r\nthird"]);
        sample.add(200, b"\xff unknown", &[b"content of a kind that nobody knows"], None);
        sample.add(3, &1u32.to_be_bytes(), &[], None);
        sample.gone.push((ObjectKind(4), vec![0, 0, 0, 1, 0, 0, 0, 2], Lsn(6)));
        sample.log = vec![b"entry 1".to_vec(), b"entry 2".to_vec()];
        sample.folders = vec![
            (Directory { mailbox: 1, part: 0 }, folder("INBOX", 1, &[1, 9])),
            (Directory { mailbox: 2, part: 0 }, folder("Archive/2024", 2, &[1])),
        ];
        sample
    }

    pub(super) fn write(&self) -> Vec<u8> {
        let mut blobs = self.blobs.clone();
        let mut writer = Writer::begin::<String>(Vec::new(), &about(), TIME, None).unwrap();
        let missing = Missing { address: "ann@bees.test", waiting: 0, secrets: false, partial: false };
        writer.losses::<String>(&losses(LossesLanguage::English, &missing)).unwrap();
        writer.settings::<String>(b"{}\n").unwrap();
        for entry in &self.log {
            writer.log_entry::<String>(entry).unwrap();
        }
        for (object, path) in &self.objects {
            writer.object(object.clone(), path.clone(), TIME, &mut blobs).unwrap();
        }
        for (kind, key, lsn) in &self.gone {
            writer.gone(*kind, key.clone(), *lsn, &mut blobs).unwrap();
        }
        writer.end_objects(&mut blobs).unwrap();
        for (directory, folder) in &self.folders {
            writer.folder::<String>(*directory, folder).unwrap();
        }
        let ending = Ending { epoch: 1, lsn_to: Lsn(10), log_head: Some([3; 32]) };
        writer.finish::<String>(&ending, &key()).unwrap().0
    }
}

pub(super) fn key() -> SigningKey {
    SigningKey::from_seed(&[9; 32])
}

pub(super) fn about() -> About {
    About {
        archive: ArchiveAbout {
            id: "an-archive".to_owned(),
            name: "ann@bees.test".to_owned(),
            timestamp: "2026-11-22T00:00:00Z".to_owned(),
            version: PDPA_VERSION.to_owned(),
            generator: "a test".to_owned(),
        },
        dataset: Dataset {
            extent: Extent::Full,
            datatypes: vec!["MAIL".to_owned()],
            languagetag: "en".to_owned(),
            timezone: "UTC".to_owned(),
        },
        datasource: Datasource { account: "ann@bees.test".to_owned(), service: "bees.test".to_owned() },
        essaim: Essaim {
            version: VERSION,
            account: AccountId::from_bytes([7; 32]),
            lsn_from: 0,
            base_root: None,
            secrets: false,
        },
    }
}

pub(super) fn folder(name: &str, mailbox: u32, uids: &[u32]) -> Folder {
    let last = uids.last().copied().unwrap_or(0);
    fn each<T>(uids: &[u32], value: impl Fn(u32) -> T) -> ByUid<T> {
        ByUid(uids.iter().map(|uid| (*uid, value(*uid))).collect())
    }
    Folder {
        name: name.to_owned(),
        mailboxid: format!("m{mailbox}"),
        uidvalidity: NonZeroU32::MIN,
        uidnext: NonZeroU32::new(last + 1).unwrap(),
        last_uid: last,
        highest_modseq: 10,
        is_subscribed: true,
        special_use: None,
        uids: each(uids, |uid| format!("{uid}.eml")),
        flags: each(uids, |_| vec!["\\Seen".to_owned()]),
        modseqs: each(uids, u64::from),
        internaldates: each(uids, |_| "2026-11-22T00:00:00.000Z".to_owned()),
        emailids: each(uids, |uid| format!("e{uid}")),
        removed: Vec::new(),
        keywords_left_out: Vec::new(),
    }
}

/// Keeps what it is told.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) items: Vec<Item>,
    pub(super) blobs: Vec<(BlobId, Vec<u8>)>,
    pub(super) folders: Vec<(Directory, Folder)>,
    pub(super) log: Vec<Vec<u8>>,
    pub(super) checkpoints: Vec<Checkpoint>,
}

impl Receiver for Kept {
    type Error = Infallible;

    fn log_entry(&mut self, _: u32, entry: &[u8]) -> Result<(), Infallible> {
        self.log.push(entry.to_vec());
        Ok(())
    }

    fn page(&mut self, _: u32, items: Vec<Item>) -> Result<(), Infallible> {
        self.items.extend(items);
        Ok(())
    }

    fn blob(&mut self, id: &BlobId, bytes: &[u8]) -> Result<(), Infallible> {
        self.blobs.push((*id, bytes.to_vec()));
        Ok(())
    }

    fn folder(&mut self, directory: Directory, folder: &Folder) -> Result<(), Infallible> {
        self.folders.push((directory, folder.clone()));
        Ok(())
    }

    fn segment(&mut self, checkpoint: &Checkpoint) -> Result<(), Infallible> {
        self.checkpoints.push(*checkpoint);
        Ok(())
    }
}

pub(super) fn read_all(bytes: &[u8]) -> Result<(Kept, Signed<Seal>), Refusal> {
    let mut kept = Kept::default();
    match read(bytes, ReadLimits::NONE, &mut kept) {
        Ok(seal) => Ok((kept, seal)),
        Err(ReadError::Refused(refusal)) => Err(refusal),
        Err(error) => panic!("{error}"),
    }
}

/// The plain bytes of each frame.
pub(super) fn frames(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = FrameReader::new(bytes).unwrap();
    let mut frames = Vec::new();
    loop {
        match reader.take(usize::MAX) {
            Ok([]) => return frames,
            Ok(frame) => frames.push(frame.to_vec()),
            Err(_) => panic!("not frames"),
        }
    }
}

/// The archive that these frames are.
pub(super) fn framed(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut writer = FrameWriter::new(Vec::new()).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        writer.write(frame).unwrap();
        if number + 1 < frames.len() {
            writer.end_frame().unwrap();
        }
    }
    writer.finish().unwrap()
}

pub(super) const TIME: u64 = 1_790_000_000;
