//! How much memory an archive of gigabytes takes, written and read: `cargo nextest run -p essaim-migration --test large --run-ignored all`.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};

use bytes::Bytes;
use essaim_identity::SigningKey;
use essaim_migration::archive::{
    About, ArchiveAbout, Blobs, Dataset, Datasource, Ending, Essaim, Extent, PDPA_VERSION, Path, ReadLimits,
    Receiver, VERSION, Writer, read,
};
use essaim_migration::object::Object;
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

/// One blob; what is held for later is not asked for again.
struct Made(BlobId, Bytes);

impl Blobs for Made {
    type Error = Infallible;

    fn read(&mut self, id: &BlobId) -> Result<Bytes, Infallible> {
        assert_eq!(*id, self.0);
        Ok(self.1.clone())
    }
}

struct Nobody;

impl Receiver for Nobody {
    type Error = Infallible;
}

#[test]
#[ignore = "two gigabytes"]
fn two_gigabytes_take_less_than_64_mib() {
    let before = peak_kib();
    let file = std::env::temp_dir().join(format!("essaim-large-{}", std::process::id()));
    let to = BufWriter::new(File::create(&file).unwrap());
    let mut writer = Writer::begin::<Infallible>(to, &about(), 0, None).unwrap();
    let (mut bytes, mut uid) = (0u64, 0u32);
    while bytes < 2 << 30 {
        uid += 1;
        // Mostly small, some large.
        let length = if uid.is_multiple_of(50) { 2 << 20 } else { 20_000 };
        let mut content = vec![b'a'; length];
        blake3::Hasher::new().update(&uid.to_le_bytes()).finalize_xof().fill(&mut content[..length / 2]);
        let id = BlobId::of(&content);
        let object = Object {
            kind: ObjectKind::MESSAGE,
            key: [1u32.to_be_bytes(), uid.to_be_bytes()].concat(),
            lsn: Lsn(u64::from(uid)),
            charge: ByteSize(length as u64),
            blobs: vec![id],
            value: vec![1; 16],
        };
        bytes += length as u64;
        writer.object(object, Some(Path::mail(1, uid)), 0, &mut Made(id, content.into())).unwrap();
    }
    writer.end_objects(&mut Made(BlobId::of(b""), Bytes::new())).unwrap();
    let ending = Ending { epoch: 0, lsn_to: Lsn(u64::from(uid)), log_head: None };
    drop(writer.finish::<Infallible>(&ending, &SigningKey::from_seed(&[1; 32])).unwrap());
    let written = peak_kib() - before;
    let packed = fs::metadata(&file).unwrap().len();
    let seal = read(BufReader::new(File::open(&file).unwrap()), ReadLimits::NONE, &mut Nobody).unwrap();
    let both = peak_kib() - before;
    fs::remove_file(&file).unwrap();
    eprintln!(
        "{uid} messages, {bytes} bytes, {packed} packed: {written} KiB to write, {both} KiB with reading"
    );
    assert_eq!(seal.record().lsn_to, u64::from(uid));
    assert!(both < 64 << 10, "{both} KiB");
}

fn about() -> About {
    let text = String::new;
    let account = AccountId::from_bytes([1; 32]);
    About {
        archive: ArchiveAbout {
            id: text(),
            name: text(),
            timestamp: text(),
            version: PDPA_VERSION.to_owned(),
            generator: text(),
        },
        dataset: Dataset {
            extent: Extent::Full,
            datatypes: Vec::new(),
            languagetag: text(),
            timezone: text(),
        },
        datasource: Datasource { account: text(), service: text() },
        essaim: Essaim { version: VERSION, account, lsn_from: 0, base_root: None, secrets: false },
    }
}

/// The most that this process ever had in memory.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
