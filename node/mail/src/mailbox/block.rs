//! What changes about messages after they came, kept for 64 neighbouring UIDs at a time: which there are, their flags and their
//! MODSEQs. A flag set on a whole mailbox is then a few hundred small objects, not one for each message; and a mailbox is opened
//! by reading these alone. See specs/06-mail.md.

use essaim_imap::command::StoreAction;
use essaim_store::Put;
use essaim_types::{MailboxId, ModSeq, Uid};
use serde::{Deserialize, Serialize};

use crate::record::{self, RecordError, SystemFlags};

/// The messages with UIDs from `64 n` to `64 n + 63` of a mailbox: an object of kind `FLAGS`, its key the mailbox and `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// One bit for each message that is there; the lowest is the first UID.
    present: u64,
    /// Who has each of [`SystemFlags::ALL`], in that order.
    system: [u64; SystemFlags::ALL.len()],
    /// Who has each keyword, as first written; sorted, and nobody's are left out.
    keywords: Vec<(String, u64)>,
    /// Of those that are there; 0 for the others.
    mod_seqs: [u64; SIZE],
}

/// Flags of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// The system flags.
    pub system: SystemFlags,
    /// Keywords as first written.
    pub keywords: Vec<String>,
}

/// What STORE does to the flags of messages: RFC 9051 section 6.4.6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagChange {
    /// Whether these flags are added, taken away, or all that is left.
    pub action: StoreAction,
    /// The flags.
    pub flags: Flags,
}

/// Which of the messages of a block: those whose bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Some64 {
    /// The number of the block.
    pub block: u32,
    /// The lowest bit is the first UID.
    pub mask: u64,
}

/// A block holds at most so many different keywords, or more would not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neighbouring messages have {KEYWORDS_MAX} different keywords, which is the limit: use fewer")]
pub struct TooManyKeywords;

impl Some64 {
    /// One message.
    pub fn one(uid: Uid) -> Self {
        Self { block: uid.value() / WIDTH, mask: 1 << (uid.value() % WIDTH) }
    }

    /// UIDs in ascending order, by the block that they belong to.
    pub fn group(uids: impl IntoIterator<Item = Uid>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for uid in uids {
            let Self { block, mask } = Self::one(uid);
            match groups.last_mut().filter(|last| last.block == block) {
                Some(last) => last.mask |= mask,
                None => groups.push(Self { block, mask }),
            }
        }
        groups
    }

    /// The UIDs, in ascending order.
    pub fn uids(self) -> impl Iterator<Item = Uid> {
        let mut left = self.mask;
        std::iter::from_fn(move || {
            let bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some(bit)
        })
        .filter_map(move |bit| Uid::new(self.first_uid() + bit))
    }

    /// The UID of the lowest bit; 0 for the first block, where no message stands.
    pub fn first_uid(self) -> u32 {
        self.block * WIDTH
    }

    /// The key of the block.
    pub fn key(self, mailbox: MailboxId) -> [u8; 8] {
        record::pair_key(mailbox, self.block)
    }
}

impl Default for Block {
    fn default() -> Self {
        Self { present: 0, system: Default::default(), keywords: Vec::new(), mod_seqs: [0; SIZE] }
    }
}

impl Block {
    /// Reads a stored block.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        let stored: Stored = record::decode(KIND, value)?;
        stored.into_block().ok_or(RecordError::Damaged { kind: KIND })
    }

    /// As it is stored.
    pub fn encode(&self) -> Put {
        Put::new(record::encode(&Stored::of(self)))
    }

    /// Which messages there are.
    pub fn present(&self) -> u64 {
        self.present
    }

    /// Who has each of [`SystemFlags::ALL`], in that order.
    pub fn system(&self) -> &[u64; SystemFlags::ALL.len()] {
        &self.system
    }

    /// Who has each keyword.
    pub fn keywords(&self) -> impl Iterator<Item = (&str, u64)> {
        self.keywords.iter().map(|(keyword, mask)| (keyword.as_str(), *mask))
    }

    /// The flags and the MODSEQ of a message; `None` if it is not there.
    pub fn message(&self, uid: Uid) -> Option<(Flags, ModSeq)> {
        let Some64 { mask, .. } = Some64::one(uid);
        if self.present & mask == 0 {
            return None;
        }
        let system = SystemFlags::ALL.iter().zip(self.system).filter(|(_, who)| who & mask != 0);
        let system = system.fold(SystemFlags::default(), |flags, (flag, _)| flags.with(*flag));
        let keywords = self.keywords.iter().filter(|(_, who)| who & mask != 0);
        let keywords = keywords.map(|(keyword, _)| keyword.clone()).collect();
        Some((Flags { system, keywords }, self.mod_seq(mask.trailing_zeros())))
    }

    /// Who was changed after `since`.
    pub fn changed_after(&self, since: ModSeq) -> u64 {
        bits(self.present).filter(|bit| self.mod_seq(*bit) > since).fold(0, |mask, bit| mask | 1 << bit)
    }

    /// Who was changed last at `at`.
    pub fn changed_at(&self, at: ModSeq) -> u64 {
        bits(self.present).filter(|bit| self.mod_seq(*bit) == at).fold(0, |mask, bit| mask | 1 << bit)
    }

    /// A message comes.
    pub fn insert(&mut self, uid: Uid, flags: &Flags, at: ModSeq) -> Result<(), TooManyKeywords> {
        let Some64 { mask, .. } = Some64::one(uid);
        self.present |= mask;
        let change = FlagChange { action: StoreAction::Replace, flags: flags.clone() };
        self.change(mask, &change, at).inspect_err(|_| self.present &= !mask)?;
        self.set_mod_seqs(mask, at);
        Ok(())
    }

    /// Messages go; those that were there.
    pub fn remove(&mut self, mask: u64) -> u64 {
        let gone = self.present & mask;
        self.present &= !gone;
        self.system.iter_mut().for_each(|who| *who &= !gone);
        self.keywords.iter_mut().for_each(|(_, who)| *who &= !gone);
        self.keywords.retain(|(_, who)| *who != 0);
        self.set_mod_seqs(gone, ModSeq(0));
        gone
    }

    /// Changes the flags of messages; those that have others now. Nothing is changed if it fails.
    pub fn change(&mut self, among: u64, change: &FlagChange, at: ModSeq) -> Result<u64, TooManyKeywords> {
        let among = among & self.present;
        let keywords = self.changed_keywords(among, change);
        if keywords.len() > KEYWORDS_MAX && keywords.len() > self.keywords.len() {
            return Err(TooManyKeywords);
        }
        let mut changed = self.differing(&keywords);
        for (flag, who) in SystemFlags::ALL.iter().zip(&mut self.system) {
            let new = change.action.apply(*who, among, change.flags.system.contains(*flag));
            changed |= *who ^ new;
            *who = new;
        }
        self.keywords = keywords;
        self.set_mod_seqs(changed, at);
        Ok(changed)
    }

    fn changed_keywords(&self, among: u64, change: &FlagChange) -> Vec<(String, u64)> {
        let named = &change.flags.keywords;
        let has = |keyword: &str| named.iter().any(|name| name.eq_ignore_ascii_case(keyword));
        let mut keywords: Vec<(String, u64)> = self
            .keywords
            .iter()
            .map(|(keyword, who)| (keyword.clone(), change.action.apply(*who, among, has(keyword))))
            .collect();
        for name in named {
            if !keywords.iter().any(|(keyword, _)| keyword.eq_ignore_ascii_case(name)) {
                keywords.push((name.clone(), change.action.apply(0, among, true)));
            }
        }
        keywords.retain(|(_, who)| *who != 0);
        keywords.sort_unstable();
        keywords
    }

    /// Who has other keywords than in `new`.
    fn differing(&self, new: &[(String, u64)]) -> u64 {
        let of = |keywords: &[(String, u64)], name: &str| {
            keywords.iter().find(|(keyword, _)| keyword == name).map_or(0, |(_, who)| *who)
        };
        let names = self.keywords.iter().chain(new).map(|(keyword, _)| keyword);
        names.fold(0, |mask, name| mask | (of(&self.keywords, name) ^ of(new, name)))
    }

    fn mod_seq(&self, bit: u32) -> ModSeq {
        ModSeq(self.mod_seqs.get(bit as usize).copied().unwrap_or_default())
    }

    fn set_mod_seqs(&mut self, mask: u64, at: ModSeq) {
        for bit in bits(mask) {
            if let Some(mod_seq) = self.mod_seqs.get_mut(bit as usize) {
                *mod_seq = at.0;
            }
        }
    }
}

/// Who has a flag after a change among some, which names the flag or not.
trait Apply {
    fn apply(&self, who: u64, among: u64, named: bool) -> u64;
}

impl Apply for StoreAction {
    fn apply(&self, who: u64, among: u64, named: bool) -> u64 {
        match (self, named) {
            (Self::Add | Self::Replace, true) => who | among,
            (Self::Remove, true) | (Self::Replace, false) => who & !among,
            (Self::Add | Self::Remove, false) => who,
        }
    }
}

/// The bytes of a block.
#[derive(Serialize, Deserialize)]
struct Stored {
    present: u64,
    system: [u64; SystemFlags::ALL.len()],
    keywords: Vec<(String, u64)>,
    /// The lowest MODSEQ.
    base: u64,
    /// How many messages, in the order of their UIDs, have a MODSEQ so much above it.
    runs: Vec<(u8, u64)>,
}

impl Stored {
    fn of(block: &Block) -> Self {
        let mod_seqs = || bits(block.present).map(|bit| block.mod_seq(bit).0);
        let base = mod_seqs().min().unwrap_or_default();
        let mut runs: Vec<(u8, u64)> = Vec::new();
        for above in mod_seqs().map(|mod_seq| mod_seq - base) {
            match runs.last_mut().filter(|(_, last)| *last == above) {
                Some((count, _)) => *count += 1,
                None => runs.push((1, above)),
            }
        }
        let (present, system, keywords) = (block.present, block.system, block.keywords.clone());
        Self { present, system, keywords, base, runs }
    }

    /// `None` if the numbers do not fit each other.
    fn into_block(self) -> Option<Block> {
        let Self { present, system, keywords, base, runs } = self;
        let masks = system.iter().chain(keywords.iter().map(|(_, who)| who));
        if masks.into_iter().any(|who| who & !present != 0) {
            return None;
        }
        let mut mod_seqs = [0; SIZE];
        let mut left = bits(present);
        for (count, above) in runs {
            for _ in 0..count {
                let bit = left.next()?;
                *mod_seqs.get_mut(bit as usize)? = base.checked_add(above)?;
            }
        }
        left.next().is_none().then_some(Block { present, system, keywords, mod_seqs })
    }
}

fn bits(mut mask: u64) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let bit = (mask != 0).then(|| mask.trailing_zeros())?;
        mask &= mask - 1;
        Some(bit)
    })
}

const KIND: &str = "flags";
const SIZE: usize = 64;
const WIDTH: u32 = 64;
/// Different keywords in one block: eight for each of its messages.
const KEYWORDS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flags(system: u8, keywords: &[&str]) -> Flags {
        let keywords = keywords.iter().map(|&keyword| keyword.to_owned()).collect();
        Flags { system: SystemFlags(system), keywords }
    }

    fn uid(value: u32) -> Uid {
        Uid::new(value).unwrap()
    }

    #[test]
    fn uids_are_grouped_by_blocks_and_come_back() {
        let uids: Vec<_> = [1, 63, 64, 127, 128, u32::MAX].map(uid).to_vec();
        let groups = Some64::group(uids.clone());
        assert_eq!(groups.iter().map(|some| some.block).collect::<Vec<_>>(), [0, 1, 2, 67_108_863]);
        assert_eq!(groups.into_iter().flat_map(Some64::uids).collect::<Vec<_>>(), uids);
    }

    #[test]
    fn keywords_are_the_same_in_any_case_and_kept_as_first_written() {
        let mut block = Block::default();
        block.insert(uid(1), &flags(0, &["Work"]), ModSeq(5)).unwrap();
        let add = FlagChange { action: StoreAction::Add, flags: flags(0, &["work"]) };
        assert_eq!(block.change(0b10, &add, ModSeq(6)), Ok(0));
        block.insert(uid(2), &flags(0, &["WORK"]), ModSeq(7)).unwrap();
        assert_eq!(block.message(uid(2)), Some((flags(0, &["Work"]), ModSeq(7))));
        let remove = FlagChange { action: StoreAction::Remove, flags: flags(0, &["wORK"]) };
        assert_eq!(block.change(u64::MAX, &remove, ModSeq(8)), Ok(0b110));
        assert_eq!(block.keywords().count(), 0);
    }

    #[test]
    fn a_block_takes_so_many_keywords_and_says_when_there_are_too_many() {
        let mut block = Block::default();
        let many: Vec<String> = (0..KEYWORDS_MAX).map(|number| format!("k{number}")).collect();
        let add = |keywords: Vec<String>| FlagChange {
            action: StoreAction::Add,
            flags: Flags { system: SystemFlags::SEEN, keywords },
        };
        block.insert(uid(1), &Flags::default(), ModSeq(1)).unwrap();
        block.change(2, &add(many), ModSeq(2)).unwrap();
        let before = block.clone();
        assert_eq!(block.change(2, &add(vec!["more".into()]), ModSeq(3)), Err(TooManyKeywords));
        assert_eq!(block, before);
    }

    #[test]
    fn a_damaged_block_is_named() {
        let mut block = Block::default();
        block.insert(uid(3), &flags(1, &["a"]), ModSeq(9)).unwrap();
        let good = block.encode().value;
        assert_eq!(Block::decode(&good), Ok(block));
        for at in 1..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            if let Ok(other) = Block::decode(&bad) {
                assert_eq!(Block::decode(&other.encode().value), Ok(other), "byte {at}");
            }
        }
    }

    /// One message, as the model has it.
    type Model = std::collections::BTreeMap<u32, (u8, std::collections::BTreeSet<String>, u64)>;

    proptest! {
        #[test]
        fn a_block_is_64_messages_each_with_its_flags(
            steps in prop::collection::vec((0u8..5, any::<u64>(), 0u8..32, prop::collection::vec("[ab]", 0..2)), 1..40),
        ) {
            let (mut block, mut model) = (Block::default(), Model::new());
            for (at, (step, mask, system, keywords)) in (1u64..).zip(steps) {
                let keywords: std::collections::BTreeSet<String> = keywords.into_iter().collect();
                let flags = Flags { system: SystemFlags(system), keywords: keywords.iter().cloned().collect() };
                let action = match step {
                    0 => {
                        let new = 1 + (mask % 63) as u32;
                        model.entry(new).or_insert_with(|| {
                            block.insert(uid(new), &flags, ModSeq(at)).unwrap();
                            (system, keywords, at)
                        });
                        continue;
                    }
                    1 => {
                        block.remove(mask);
                        model.retain(|uid, _| mask & (1 << uid) == 0);
                        continue;
                    }
                    2 => StoreAction::Add,
                    3 => StoreAction::Remove,
                    _ => StoreAction::Replace,
                };
                let changed = block.change(mask, &FlagChange { action, flags }, ModSeq(at)).unwrap();
                for (uid, (had, words, mod_seq)) in model.iter_mut().filter(|(uid, _)| mask & (1 << **uid) != 0) {
                    let new = match action {
                        StoreAction::Add => (*had | system, &*words | &keywords),
                        StoreAction::Remove => (*had & !system, &*words - &keywords),
                        StoreAction::Replace => (system, keywords.clone()),
                    };
                    prop_assert_eq!(changed & (1 << uid) != 0, new != (*had, words.clone()));
                    if new != (*had, words.clone()) {
                        (*had, *words, *mod_seq) = (new.0, new.1, at);
                    }
                }
            }
            for number in 1..64 {
                let seen = block.message(uid(number)).map(|(flags, mod_seq)| {
                    (flags.system.0, flags.keywords.into_iter().collect(), mod_seq.0)
                });
                prop_assert_eq!(seen.as_ref(), model.get(&number));
            }
            prop_assert_eq!(Block::decode(&block.encode().value), Ok(block));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            _ = Block::decode(&bytes);
        }
    }
}
