//! What stands in an archive, line by line, and the root that grows with it. The pieces in their order are one file of JSON lines
//! (`manifest.jsonl`), cut so that every segment can be checked when it is there.

use serde::Serialize;

use super::path::Path;

/// The root of an archive up to some segment. It commits to every name, size and byte before it.
pub type Root = [u8; 32];

/// The lines of a segment, as they come.
#[derive(Debug)]
pub(super) struct Manifest {
    root: Root,
    /// Segments that are complete.
    segments: u32,
    lines: String,
    totals: Totals,
}

/// What was in an archive so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Files, but for the manifest and the seal.
    pub files: u64,
    /// Objects and tombstones of all pages.
    pub objects: u64,
    /// Bytes of those files.
    pub bytes: u64,
}

/// A place at which a reader may stop and another may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The segments before it.
    pub segments: u32,
    /// What they hold.
    pub totals: Totals,
    /// The root up to here.
    pub root: Root,
    /// Bytes of the archive before the next frame; what is not known yet is 0.
    pub offset: u64,
}

#[derive(Serialize)]
struct FileLine<'a> {
    path: &'a str,
    size: u64,
    blake3: &'a str,
    kind: &'static str,
    offset: u64,
}

#[derive(Serialize)]
struct SegmentLine<'a> {
    segment: u32,
    files: u64,
    objects: u64,
    bytes: u64,
    root: &'a str,
}

impl Manifest {
    pub(super) fn new() -> Self {
        Self {
            root: *blake3::hash(BEGIN).as_bytes(),
            segments: 0,
            lines: String::new(),
            totals: Totals::default(),
        }
    }

    /// A file was there. `offset`: plain bytes of the tar before its own.
    pub(super) fn file(&mut self, path: &Path, size: u64, hash: &blake3::Hash, offset: u64) {
        let (name, hash) = (path.to_string(), hash.to_hex());
        let line = FileLine { path: &name, size, blake3: hash.as_str(), kind: path.kind(), offset };
        self.push(&line);
        self.totals.files += 1;
        self.totals.bytes += size;
    }

    /// A page with so many objects was there.
    pub(super) fn objects(&mut self, count: usize) {
        self.totals.objects += count as u64;
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    pub(super) fn root(&self) -> Root {
        self.root
    }

    pub(super) fn segments(&self) -> u32 {
        self.segments
    }

    /// Whether no file came since the last segment.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The piece that ends the segment.
    pub(super) fn end_segment(&mut self) -> String {
        self.root =
            *blake3::Hasher::new().update(&self.root).update(self.lines.as_bytes()).finalize().as_bytes();
        self.segments += 1;
        let Totals { files, objects, bytes } = self.totals;
        let root = blake3::Hash::from(self.root).to_hex();
        self.push(&SegmentLine { segment: self.segments, files, objects, bytes, root: root.as_str() });
        std::mem::take(&mut self.lines)
    }

    fn push(&mut self, line: &impl Serialize) {
        let text = serde_json::to_string(line).expect("text and numbers can be written as JSON");
        self.lines.push_str(&text);
        self.lines.push('\n');
    }
}

/// The first line in which a piece differs from what it should be, as the name of the file that it tells of.
pub(super) fn difference(said: &[u8], expected: &str) -> (Option<String>, &'static str) {
    let mut said = said.split_inclusive(|byte| *byte == b'\n');
    for expected in expected.split_inclusive('\n') {
        let line = said.next();
        if line == Some(expected.as_bytes()) {
            continue;
        }
        let path = |line: &[u8]| {
            let value: serde_json::Value = serde_json::from_slice(line).ok()?;
            Some((
                value.get("path")?.as_str()?.to_owned(),
                value.get("blake3").cloned(),
                value.get("size").cloned(),
            ))
        };
        return match (path(expected.as_bytes()), line.and_then(path)) {
            (None, _) => (None, "the root differs"),
            (Some((name, ..)), None) => (Some(name), "it is not in the manifest"),
            (Some((name, hash, _)), Some((same, other, _))) if name == same && hash != other => {
                (Some(name), "its bytes differ")
            }
            (Some((name, ..)), Some((same, ..))) if name == same => (Some(name), "its size or place differs"),
            (Some((name, ..)), Some(_)) => (Some(name), "the manifest has another file there"),
        };
    }
    (None, "it has lines of files that are not there")
}

/// The root before the first segment is the BLAKE3 of this.
const BEGIN: &[u8] = b"essaim/archive-root/1\0";
