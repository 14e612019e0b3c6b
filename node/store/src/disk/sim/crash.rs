//! What is left of an image when the power goes.

use super::image::{Change, File, Image, folder_of, write_at};

/// Which changes that were not synced survive a crash. Synced ones always do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survival {
    /// None.
    Nothing,
    /// All.
    Everything,
    /// By this seed: each sector of each write on its own, so that writes are lost, torn and reordered; of the changes of
    /// names of a folder, a first part.
    Some(u64),
}

impl Image {
    /// The image that is found afterwards; everything in it is durable.
    pub(super) fn after_crash(&self, survival: Survival) -> Self {
        let mut dice = Dice(match survival {
            Survival::Some(seed) => seed,
            Survival::Nothing | Survival::Everything => 0,
        });
        let mut survives = |_: ()| match survival {
            Survival::Nothing => false,
            Survival::Everything => true,
            Survival::Some(_) => dice.roll().is_multiple_of(2),
        };
        let mut names = self.durable_names.clone();
        let mut lost_folders: Vec<&str> = Vec::new();
        for change in &self.pending_names {
            let folder = folder_of(change.name());
            if lost_folders.contains(&folder) || !survives(()) {
                lost_folders.push(folder);
            } else {
                change.apply(&mut names);
            }
        }
        let files = self.files.iter().map(|file| file.after_crash(&mut survives)).collect();
        Self { files, durable_names: names.clone(), names, pending_names: Vec::new() }
    }
}

impl File {
    fn after_crash(&self, survives: &mut impl FnMut(()) -> bool) -> Self {
        let mut left = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::SetLen(_) => {
                    if survives(()) {
                        change.apply(&mut left);
                    }
                }
                Change::Write { offset, bytes } => {
                    for (at, sector) in sectors(*offset, bytes) {
                        if survives(()) {
                            write_at(&mut left, at, sector);
                        }
                    }
                }
            }
        }
        Self { now: left.clone(), durable: left, pending: Vec::new() }
    }
}

/// The parts of a write that a disk writes as one.
fn sectors(mut offset: usize, mut bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let at = offset;
        let (sector, rest) = bytes.split_at(bytes.len().min(SECTOR - offset % SECTOR));
        (offset, bytes) = (offset + sector.len(), rest);
        Some((at, sector))
    })
}

/// SplitMix64: the same sequence for the same seed, on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

const SECTOR: usize = 512;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Disk, OpenMode, SimDisk};
    use super::*;

    fn content(disk: &SimDisk, name: &str) -> Option<Vec<u8>> {
        let file = disk.open(name, OpenMode::Existing).ok()?;
        let mut bytes = vec![0; usize::try_from(file.size().ok()?).ok()?];
        file.read_exact_at(&mut bytes, 0).ok()?;
        Some(bytes)
    }

    #[test]
    fn what_was_synced_survives_and_the_rest_may() {
        let disk = SimDisk::new();
        let file = disk.open("a", OpenMode::New).unwrap();
        file.write_all_at(b"synced", 0).unwrap();
        file.sync().unwrap();
        disk.sync_folder("").unwrap();
        file.write_all_at(&[1; 4096], 6).unwrap();
        Arc::new(disk.clone()).rename("a", "b").unwrap();
        let nothing = disk.after_crash(Survival::Nothing);
        assert_eq!((content(&nothing, "a"), content(&nothing, "b")), (Some(b"synced".to_vec()), None));
        let everything = disk.after_crash(Survival::Everything);
        assert_eq!(content(&everything, "b").map(|bytes| bytes.len()), Some(4102));
        let torn = (0..64).filter_map(|seed| {
            let disk = disk.after_crash(Survival::Some(seed));
            content(&disk, "a").or_else(|| content(&disk, "b"))
        });
        let torn: Vec<_> = torn.inspect(|bytes| assert!(bytes.starts_with(b"sync"))).collect();
        assert_eq!(torn.len(), 64);
        assert!(torn.iter().any(|bytes| bytes.contains(&0) && bytes.ends_with(&[1])), "reordered");
    }
}
