//! The hoster's secrets on this machine: `keys/` in the data directory, for the node's user alone.
//!
//! The node's key signs from day to day and is its name on the network. The root key changes the keyring; it lies beside the
//! other one until somebody takes it offline, and the node works without it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use essaim_identity::SigningKey;
use essaim_identity::domain::TxtRecord;
use essaim_types::base32;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// What lies in `keys/`.
#[derive(Debug)]
pub(crate) struct Keys {
    /// All that the node signs.
    pub(super) node: SigningKey,
    /// Changes of the keyring. `None`: somebody took it offline.
    pub(super) root: Option<SigningKey>,
}

impl Keys {
    /// The secrets of this data directory; `None` if it has none yet.
    pub(crate) fn read(data_dir: &Path) -> Result<Option<Self>, Failure> {
        let Some(node) = read(&place(data_dir, NODE))? else { return Ok(None) };
        Ok(Some(Self { node, root: read(&place(data_dir, ROOT))? }))
    }

    /// The key that signs archives, until accounts have a log that names another for each.
    pub(crate) fn into_host_key(self) -> SigningKey {
        self.node
    }

    /// A secret of this node for something else than signing; one that is forgotten at its end if it has no keys.
    pub(crate) fn derive(data_dir: &Path, context: &'static str) -> Result<[u8; 32], Failure> {
        let seed = match Self::read(data_dir)? {
            Some(keys) => keys.node.to_seed(),
            None => random().map_err(|error| Failure::caused("the system gives no random bytes", &error))?,
        };
        Ok(blake3::derive_key(context, &*seed))
    }

    /// The key of an operator's own machine; a root key it has none. What is there already stays.
    pub(crate) fn make_operator(data_dir: &Path) -> Result<Self, Failure> {
        if let Some(keys) = Self::read(data_dir)? {
            return Ok(keys);
        }
        prepare(data_dir)?;
        let node = make_one(data_dir, NODE)?;
        Ok(Self { node, root: None })
    }

    /// New secrets. Both are durable when this returns.
    pub(crate) fn make(data_dir: &Path) -> Result<Self, Failure> {
        prepare(data_dir)?;
        // The root first: a node without a root key could found nothing.
        let root = make_one(data_dir, ROOT)?;
        let node = make_one(data_dir, NODE)?;
        Ok(Self { node, root: Some(root) })
    }
}

/// The root key, if it is on this machine now: it may have been put back for one command.
pub(super) fn root(data_dir: &Path) -> Result<Option<SigningKey>, Failure> {
    read(&place(data_dir, ROOT))
}

/// Whether the root key still lies on this machine, and where.
pub(crate) fn root_on_disk(data_dir: &Path) -> Option<PathBuf> {
    Some(place(data_dir, ROOT)).filter(|path| path.is_file())
}

/// Writes down, beside the keys, what the domain's TXT record must say: for `essaim dns`, also when the root key is offline and the
/// node is down.
pub(super) fn note_record(data_dir: &Path, record: &TxtRecord) -> io::Result<()> {
    if noted_record(data_dir).is_some_and(|noted| noted == *record) {
        return Ok(());
    }
    write(&place(data_dir, RECORD), &format!("{record}\n"))
}

/// What was written down.
pub(super) fn noted_record(data_dir: &Path) -> Option<TxtRecord> {
    let text = fs::read_to_string(place(data_dir, RECORD)).ok()?;
    TxtRecord::find([text.trim().as_bytes()]).ok()
}

fn place(data_dir: &Path, name: &str) -> PathBuf {
    data_dir.join(DIRECTORY).join(name)
}

fn prepare(data_dir: &Path) -> Result<(), Failure> {
    let dir = data_dir.join(DIRECTORY);
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.and_then(|()| belong(&dir, data_dir)).map_err(|error| unkept(&dir, &error))
}

fn make_one(data_dir: &Path, name: &str) -> Result<SigningKey, Failure> {
    let key = new_key().and_then(|key| write(&place(data_dir, name), &text_of(&key)).map(|()| key));
    key.map_err(|error| unkept(&data_dir.join(DIRECTORY), &error))
}

fn unkept(dir: &Path, error: &io::Error) -> Failure {
    Failure::caused(format_args!("could not write the node's keys to {}", dir.display()), error)
        .hint("is there space, and is the data directory writable?")
}

fn new_key() -> io::Result<SigningKey> {
    Ok(SigningKey::from_seed(&*random()?))
}

/// Bytes from the system's source, for secrets.
pub(super) fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
    Ok(bytes)
}

fn read(path: &Path) -> Result<Option<SigningKey>, Failure> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::caused(format_args!("could not read {}", path.display()), &error)
                .hint("the node's user must be able to read it, and nobody else"));
        }
    };
    let seed = base32::decode(text.trim()).map(Zeroizing::new);
    let seed = seed.ok_or_else(|| {
        Failure::new(format!("{} is damaged: it is not a secret key", path.display()))
            .hint("restore it from the node's backup or from its paper kit")
    })?;
    Ok(Some(SigningKey::from_seed(&seed)))
}

fn text_of(key: &SigningKey) -> Zeroizing<String> {
    Zeroizing::new(base32::encode(&key.to_seed()) + "\n")
}

/// Whole or not at all, and there after a power cut.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if let Some(dir) = path.parent() {
        belong(&partial, dir)?;
    }
    fs::rename(&partial, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// `init` is run by root, and the node by the owner of the data directory.
fn belong(path: &Path, to_the_owner_of: &Path) -> io::Result<()> {
    let (owner, now) = (fs::metadata(to_the_owner_of)?, fs::metadata(path)?);
    if (owner.uid(), owner.gid()) == (now.uid(), now.gid()) {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

const DIRECTORY: &str = "keys";
const RECORD: &str = "dns.txt";
const NODE: &str = "node.secret";
const ROOT: &str = "root.secret";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_are_read_as_they_were_made_and_nobody_else_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Keys::read(dir.path()).unwrap().is_none());
        let made = Keys::make(dir.path()).unwrap();
        let read = Keys::read(dir.path()).unwrap().unwrap();
        assert_eq!(read.node.public(), made.node.public());
        assert_eq!(read.root.unwrap().public(), made.root.unwrap().public());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("keys")), 0o700);
        assert_eq!(mode(&place(dir.path(), NODE)), 0o600);
        assert_eq!(mode(&place(dir.path(), ROOT)), 0o600);
    }

    #[test]
    fn a_node_whose_root_key_is_offline_goes_on() {
        let dir = tempfile::tempdir().unwrap();
        Keys::make(dir.path()).unwrap();
        fs::remove_file(root_on_disk(dir.path()).unwrap()).unwrap();
        assert!(Keys::read(dir.path()).unwrap().unwrap().root.is_none());
        assert_eq!(root_on_disk(dir.path()), None);
    }

    #[test]
    fn keys_that_root_makes_are_the_nodes() {
        let dir = tempfile::tempdir().unwrap();
        // Only root can give a directory away; for others there is nothing to show.
        if chown(dir.path(), Some(65_534), Some(65_534)).is_err() {
            return;
        }
        Keys::make(dir.path()).unwrap();
        for path in ["keys", "keys/node.secret", "keys/root.secret"] {
            assert_eq!(fs::metadata(dir.path().join(path)).unwrap().uid(), 65_534, "{path}");
        }
    }

    #[test]
    fn a_damaged_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        Keys::make(dir.path()).unwrap();
        fs::write(place(dir.path(), NODE), "abc").unwrap();
        let failure = Keys::read(dir.path()).unwrap_err();
        assert!(failure.message.contains("node.secret is damaged"), "{failure}");
    }
}
