//! Password hashes: argon2id (RFC 9106) in PHC strings, and the fast hash of app passwords.

use std::fmt;

use argon2::password_hash::{Error as PhcError, Output, PasswordHash, Salt, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use essaim_types::{ByteSize, Secret};
use memmap2::MmapMut;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::config::{ConfigError, HashConfig};
use crate::generate::random;

/// Makes and checks slow hashes. It takes tens of milliseconds and `memory` bytes: call it in the pool only.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    params: Params,
    /// A hash that no password has: checking it costs what checking a member's costs.
    nobody: String,
}

/// What one hash computes in.
pub(crate) struct Memory(MmapMut);

/// What a check found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    Wrong,
    Right,
    /// Right, but made with other costs than the node uses now: hash it again while the password is at hand.
    RightOutdated,
}

/// A stored hash that this node does not check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HashError {
    #[error("the stored password hash is not an argon2 PHC string")]
    Unreadable,
    #[error(
        "the stored password hash asks for {memory}, {passes} passes and {lanes} lanes, above this node's limits"
    )]
    TooCostly { memory: ByteSize, passes: u32, lanes: u32 },
}

/// The costs as argon2 takes them.
pub(crate) fn params(config: &HashConfig) -> Result<Params, ConfigError> {
    let refused = ConfigError::HashCost { memory: config.memory, passes: config.passes, lanes: config.lanes };
    if config.memory > MEMORY_MAX || config.passes > PASSES_MAX || config.lanes > LANES_MAX {
        return Err(refused);
    }
    let kib = u32::try_from(config.memory.0 >> 10).map_err(|_| refused.clone())?;
    Params::new(kib, config.passes, config.lanes, None).map_err(|_| refused)
}

impl Hasher {
    pub(crate) fn new(config: &HashConfig) -> Result<Self, ConfigError> {
        let params = params(config)?;
        // Random bytes in place of a hash: nobody paid for it, and nobody's password gives it.
        let salt = SaltString::encode_b64(&random::<16>()).expect("16 bytes are a valid salt");
        let output = Output::new(&random::<32>()).expect("32 bytes are a valid output");
        let nobody = phc(&params, salt.as_salt(), output);
        Ok(Self { params, nobody })
    }

    /// KiB of memory that a hash with the costs of now takes.
    pub(crate) fn cost_kib(&self) -> u32 {
        self.params.m_cost()
    }

    /// The hash to check when there is no account, or none with a password.
    pub(crate) fn nobody(&self) -> &str {
        &self.nobody
    }

    /// A new PHC string with a new salt.
    pub(crate) fn hash(&self, password: &Secret, memory: &mut Memory) -> String {
        let salt = SaltString::encode_b64(&random::<16>()).expect("16 bytes are a valid salt");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let output = compute(&argon2, password, salt.as_salt(), memory);
        phc(&self.params, salt.as_salt(), output.expect("the costs were checked when the node started"))
    }

    /// Compares in constant time.
    pub(crate) fn check(
        &self,
        stored: &str,
        password: &Secret,
        memory: &mut Memory,
    ) -> Result<Check, HashError> {
        let Stored { hash, algorithm, version, params } = Stored::read(stored)?;
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return Err(HashError::Unreadable) };
        let argon2 = Argon2::new(algorithm, version, params.clone());
        let output = compute(&argon2, password, salt, memory).map_err(|_| HashError::Unreadable)?;
        if output != expected {
            return Ok(Check::Wrong);
        }
        let current = algorithm == Algorithm::Argon2id && same_cost(&params, &self.params);
        Ok(if current { Check::Right } else { Check::RightOutdated })
    }
}

impl Memory {
    /// For a hash that needs so many KiB.
    ///
    /// It is a mapping of its own, which the system has back the moment it is dropped. Allocators keep such pieces: glibc one for
    /// each thread that ever hashed (measured, 160 MB for nothing), mimalloc all of it for seconds.
    ///
    /// # Panics
    /// If the system has no memory. In the pool that is a check that could not be made, not the end of the node.
    pub(crate) fn new(kib: u32) -> Self {
        let mapping = MmapMut::map_anon(kib as usize * Block::SIZE);
        Self(mapping.expect("the system maps the memory of one hash"))
    }

    #[expect(unsafe_code, reason = "argon2 offers no other way to compute in memory that is not a Vec's")]
    pub(crate) fn blocks(&mut self) -> &mut [Block] {
        // SAFETY: a block is an array of 128 u64 and nothing else, so every pattern of bytes is one.
        let (before, blocks, after) = unsafe { self.0.align_to_mut::<Block>() };
        debug_assert!(
            before.is_empty() && after.is_empty(),
            "a mapping begins at a page and holds whole blocks"
        );
        blocks
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({} KiB)", self.0.len() / Block::SIZE)
    }
}

/// KiB of memory that checking a stored hash takes. A moved account brings hashes that another hoster chose: a cost
/// above the named limits is an error, so that nobody's hash can take the node down.
pub(crate) fn stored_cost_kib(stored: &str) -> Result<u32, HashError> {
    Stored::read(stored).map(|stored| stored.params.m_cost())
}

/// The hash of an app password. Fast on purpose: 99 random bits need no slowing down, and a client with an app password
/// costs the node a microsecond.
pub(crate) fn app_password_hash(salt: &[u8; 16], symbols: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("essaim 2026 app password 1");
    hasher.update(salt).update(symbols.as_bytes());
    hasher.finalize()
}

/// A PHC string, taken apart.
struct Stored<'a> {
    hash: PasswordHash<'a>,
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl<'a> Stored<'a> {
    fn read(text: &'a str) -> Result<Self, HashError> {
        let unreadable = |_| HashError::Unreadable;
        let hash = PasswordHash::new(text).map_err(unreadable)?;
        let algorithm = Algorithm::try_from(hash.algorithm).map_err(unreadable)?;
        let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from);
        let version = version.map_err(|_| HashError::Unreadable)?;
        let params = Params::try_from(&hash).map_err(unreadable)?;
        let memory = ByteSize::kib(u64::from(params.m_cost()));
        let (passes, lanes) = (params.t_cost(), params.p_cost());
        if memory > MEMORY_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
            return Err(HashError::TooCostly { memory, passes, lanes });
        }
        Ok(Self { hash, algorithm, version, params })
    }
}

fn compute(
    argon2: &Argon2<'_>,
    password: &Secret,
    salt: Salt<'_>,
    memory: &mut Memory,
) -> Result<Output, PhcError> {
    let mut buffer = [0; Salt::MAX_LENGTH];
    let salt = salt.decode_b64(&mut buffer)?;
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    Output::init_with(length, |output| {
        let password = prepared(password.expose());
        Ok(argon2.hash_password_into_with_memory(password.as_bytes(), salt, output, memory.blocks())?)
    })
}

/// One password however a keyboard composes it: RFC 8265 section 4.2.2, other spaces become a space, then NFC.
fn prepared(password: &str) -> Zeroizing<String> {
    if password.is_ascii() {
        return Zeroizing::new(password.to_owned());
    }
    let is_space = |c: char| c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    Zeroizing::new(password.chars().map(|c| if is_space(c) { ' ' } else { c }).nfc().collect())
}

fn same_cost(a: &Params, b: &Params) -> bool {
    (a.m_cost(), a.t_cost(), a.p_cost()) == (b.m_cost(), b.t_cost(), b.p_cost())
}

fn phc(params: &Params, salt: Salt<'_>, output: Output) -> String {
    PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params.try_into().expect("checked costs have a PHC form"),
        salt: Some(salt),
        hash: Some(output),
    }
    .to_string()
}

const MEMORY_MAX: ByteSize = ByteSize::gib(1);
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    fn config(memory: ByteSize, passes: u32) -> HashConfig {
        HashConfig { memory, passes, ..HashConfig::default() }
    }

    fn memory() -> Memory {
        Memory::new(64)
    }

    fn cheap() -> Hasher {
        Hasher::new(&config(ByteSize::kib(64), 1)).unwrap()
    }

    #[test]
    fn a_password_is_right_and_another_is_wrong() {
        let hasher = cheap();
        let stored = hasher.hash(&Secret::new("right"), &mut memory());
        assert!(stored.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{stored}");
        assert_eq!(hasher.check(&stored, &Secret::new("right"), &mut memory()), Ok(Check::Right));
        assert_eq!(hasher.check(&stored, &Secret::new("wrong"), &mut memory()), Ok(Check::Wrong));
        assert_ne!(stored, hasher.hash(&Secret::new("right"), &mut memory()), "salts differ");
    }

    #[test]
    fn nobody_has_a_hash_of_the_same_cost_that_is_never_right() {
        let hasher = cheap();
        assert_eq!(stored_cost_kib(hasher.nobody()), Ok(hasher.cost_kib()));
        assert_eq!(hasher.check(hasher.nobody(), &Secret::new(""), &mut memory()), Ok(Check::Wrong));
    }

    #[test]
    fn other_costs_and_kinds_of_argon2_are_right_but_outdated() {
        let hasher = cheap();
        let old =
            Hasher::new(&config(ByteSize::kib(32), 1)).unwrap().hash(&Secret::new("right"), &mut memory());
        assert_eq!(hasher.check(&old, &Secret::new("right"), &mut memory()), Ok(Check::RightOutdated));
        let salt = SaltString::encode_b64(&[7; 16]).unwrap();
        let argon2i = Argon2::new(Algorithm::Argon2i, Version::V0x13, hasher.params.clone());
        let old = argon2i.hash_password(b"right", &salt).unwrap().to_string();
        assert_eq!(hasher.check(&old, &Secret::new("right"), &mut memory()), Ok(Check::RightOutdated));
    }

    #[test]
    fn rfc9106_test_vector_costs_are_readable_and_hostile_costs_refused() {
        let stored = |cost: &str| {
            format!(
                "$argon2id$v=19${cost}$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            )
        };
        assert_eq!(stored_cost_kib(&stored("m=32,t=3,p=4")), Ok(32));
        for cost in ["m=4194304,t=1,p=1", "m=64,t=4000000,p=1", "m=8192,t=1,p=1024"] {
            assert!(matches!(stored_cost_kib(&stored(cost)), Err(HashError::TooCostly { .. })), "{cost}");
        }
        for text in ["", "x", "$2b$12$abc", "$argon2id$v=19$m=64,t=1,p=1", &stored("m=1,t=1,p=1")] {
            assert!(cheap().check(text, &Secret::new("x"), &mut memory()) != Ok(Check::Right), "{text}");
        }
        assert_eq!(stored_cost_kib("$2b$12$abc"), Err(HashError::Unreadable));
    }

    #[test]
    fn rfc8265_4_2_a_password_is_the_same_however_it_is_composed() {
        let hasher = cheap();
        let stored = hasher.hash(&Secret::new("\u{e9}t\u{e9} \u{2126}"), &mut memory());
        for typed in ["e\u{301}te\u{301}\u{a0}\u{3a9}", "\u{e9}te\u{301}\u{3000}\u{3a9}"] {
            assert_eq!(
                hasher.check(&stored, &Secret::new(typed), &mut memory()),
                Ok(Check::Right),
                "{typed}"
            );
        }
        assert_eq!(
            hasher.check(&stored, &Secret::new("\u{c9}t\u{e9} \u{3a9}"), &mut memory()),
            Ok(Check::Wrong)
        );
    }

    #[test]
    fn memory_that_was_used_before_changes_nothing() {
        let (hasher, mut memory) = (cheap(), memory());
        let stored = hasher.hash(&Secret::new("right"), &mut memory);
        for _ in 0..2 {
            assert_eq!(hasher.check(&stored, &Secret::new("wrong"), &mut memory), Ok(Check::Wrong));
            assert_eq!(hasher.check(&stored, &Secret::new("right"), &mut memory), Ok(Check::Right));
        }
        assert!(
            hasher.check(&stored, &Secret::new("right"), &mut Memory::new(63)).is_err(),
            "too little is an error"
        );
    }

    #[test]
    fn an_app_password_hash_depends_on_salt_and_symbols() {
        let hash = app_password_hash(&[1; 16], "abcd");
        assert_eq!(hash, app_password_hash(&[1; 16], "abcd"));
        assert_ne!(hash, app_password_hash(&[2; 16], "abcd"));
        assert_ne!(hash, app_password_hash(&[1; 16], "abce"));
    }
}
