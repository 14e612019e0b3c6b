//! `archive.json`: which archive this is. Members `archive`, `dataset` and `datasource` are those of the IETF's draft
//! (draft-ietf-mailmaint-pdparchive); `essaim` is ours.

use essaim_types::AccountId;
use serde::{Deserialize, Serialize};

/// Which archive this is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The archive itself.
    pub archive: ArchiveAbout,
    /// What is in it.
    pub dataset: Dataset,
    /// Where it comes from.
    pub datasource: Datasource,
    /// What an import at another hoster needs.
    pub essaim: Essaim,
}

/// The archive itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveAbout {
    /// Different for every archive.
    pub id: String,
    /// For people.
    pub name: String,
    /// When it was begun (RFC 3339).
    pub timestamp: String,
    /// Of the draft's format.
    pub version: String,
    /// Which program wrote it.
    pub generator: String,
}

/// What is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Everything, or what changed since another archive.
    pub extent: Extent,
    /// `MAIL` and its like.
    pub datatypes: Vec<String>,
    /// The member's language (RFC 5646).
    pub languagetag: String,
    /// Of dates without an offset; there are none.
    pub timezone: String,
}

/// How much is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Extent {
    /// Everything.
    Full,
    /// What changed.
    Partial,
}

/// Where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Datasource {
    /// The account's first address.
    pub account: String,
    /// The hoster's domain.
    pub service: String,
}

/// What an import at another hoster needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Essaim {
    /// Of `specs/15-archive.md`.
    pub version: u32,
    /// Whose.
    pub account: AccountId,
    /// Changes after this one are inside; 0 of a full archive.
    pub lsn_from: u64,
    /// The root of the archive that it goes on from, in hex.
    pub base_root: Option<String>,
    /// Whether password hashes are inside.
    pub secrets: bool,
}

/// The draft's version that is written.
pub const PDPA_VERSION: &str = "PDPA v1.0";
/// Of `specs/15-archive.md`.
pub const VERSION: u32 = 1;

impl About {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let about: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let (partial, from) = (about.dataset.extent == Extent::Partial, about.essaim.lsn_from);
        match about.essaim.version {
            VERSION if partial == (from > 0) && partial == about.essaim.base_root.is_some() => Ok(about),
            VERSION => Err("whether it is full or goes on from another is not clear".to_owned()),
            version => Err(format!("version {version} of the archive: read it with a newer essaim")),
        }
    }
}
