//! Changes written by hand, and honest ones to bend.

use essaim_directory::document::{Document, Edit};
use sha2::{Digest, Sha256};

/// Panics inside the guard are expected here by the thousand: do not print them.
pub(crate) fn silence_the_guard() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !essaim_directory::guard::is_checking() {
                loud(panic);
            }
        }));
    });
}

/// A chunk with a correct checksum around any body.
pub(crate) fn chunk(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut hashed = vec![kind];
    hashed.extend(leb(body.len() as u64));
    hashed.extend_from_slice(body);
    let mut out = vec![0x85, 0x6f, 0x4a, 0x83];
    out.extend_from_slice(&Sha256::digest(&hashed)[..4]);
    out.extend(hashed);
    out
}

/// Repairs length and checksum after the body of a change was bent.
pub(crate) fn reseal(change: &[u8]) -> Vec<u8> {
    chunk(change[8], body(change))
}

/// The body of a chunk.
pub(crate) fn body(change: &[u8]) -> &[u8] {
    let length_bytes = change[9..].iter().take_while(|byte| **byte & 0x80 != 0).count() + 1;
    &change[9 + length_bytes..]
}

pub(crate) fn leb(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

pub(crate) fn sleb(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap();
        value >>= 7;
        let done = (value == 0 && byte & 0x40 == 0) || (value == -1 && byte & 0x40 != 0);
        out.push(if done { byte } else { byte | 0x80 });
        if done {
            return out;
        }
    }
}

/// The parts of a change's body, to be put together in any wrong way.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) deps: Vec<[u8; 32]>,
    pub(crate) actor: Vec<u8>,
    pub(crate) seq: u64,
    pub(crate) start_op: u64,
    pub(crate) message: Vec<u8>,
    pub(crate) others: Vec<Vec<u8>>,
    pub(crate) columns: Vec<(u64, Vec<u8>)>,
    pub(crate) extra: Vec<u8>,
}

impl Default for Parts {
    /// One operation: the key `a` becomes null; automerge reads it, listings have no null.
    fn default() -> Self {
        Self {
            deps: Vec::new(),
            actor: vec![7; 16],
            seq: 1,
            start_op: 1,
            message: Vec::new(),
            others: Vec::new(),
            columns: vec![
                (0x15, vec![0x7f, 1, b'a']),
                (0x34, vec![1]),
                (0x42, vec![0x7f, 1]),
                (0x56, vec![0x7f, 0x16]),
                (0x57, vec![b'x']),
                (0x70, vec![0x7f, 0]),
            ],
            extra: Vec::new(),
        }
    }
}

impl Parts {
    pub(crate) fn change(&self) -> Vec<u8> {
        let mut body = leb(self.deps.len() as u64);
        self.deps.iter().for_each(|dep| body.extend_from_slice(dep));
        prefixed(&mut body, &self.actor);
        body.extend(leb(self.seq));
        body.extend(leb(self.start_op));
        body.extend(sleb(0));
        prefixed(&mut body, &self.message);
        body.extend(leb(self.others.len() as u64));
        self.others.iter().for_each(|actor| prefixed(&mut body, actor));
        body.extend(leb(self.columns.len() as u64));
        for (specification, data) in &self.columns {
            body.extend(leb(*specification));
            body.extend(leb(data.len() as u64));
        }
        self.columns.iter().for_each(|(_, data)| body.extend_from_slice(data));
        body.extend_from_slice(&self.extra);
        chunk(1, &body)
    }

    /// The same with one column's bytes replaced, or added.
    pub(crate) fn column(mut self, specification: u64, data: Vec<u8>) -> Self {
        self.columns.retain(|(known, _)| *known != specification);
        self.columns.push((specification, data));
        self.columns.sort();
        self
    }
}

fn prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(leb(bytes.len() as u64));
    out.extend_from_slice(bytes);
}

/// A document of an ordinary listing, the change that made it, and one that edits it.
pub(crate) fn honest() -> (Document, Vec<u8>, Vec<u8>) {
    let edits: Vec<Edit> = (0..24)
        .map(|n| {
            Edit::text(&format!("description.{n}"), &format!("Nous hébergeons le courrier de {n} voisins"))
        })
        .chain([Edit::flag("open", true), Edit::number("members", 50)])
        .collect();
    let genesis = Document::empty().edit([1; 16], &edits).unwrap();
    let (document, _) = Document::empty().apply(&genesis).unwrap();
    let change =
        document.edit([2; 16], &[Edit::text("description.3", "Autre"), Edit::flag("open", false)]).unwrap();
    (document, genesis, change)
}
