//! Hosters that somebody mentions: kept here alone, unsigned, told to no other node.

use std::collections::BTreeSet;

use essaim_directory::View;
use essaim_directory::import::{Draft, Found};
use essaim_types::ObjectKind;

use super::Federation;
use super::note::Note;
use super::rows::{Write, unwritten};
use crate::failure::Failure;
use crate::vitals::now;

/// What became, or would become, of one hoster in a file.
#[derive(Debug, Clone)]
pub(crate) struct Mentioned {
    pub(crate) draft: Draft,
    /// Who mentioned the same domain before.
    pub(crate) replaces: Option<String>,
    /// The hoster has a listing of its own, which is shown instead.
    pub(crate) is_listed: bool,
}

impl Federation {
    /// Hosters that are mentioned and have no listing of their own, by domain.
    pub(crate) async fn drafts(&self) -> Result<Vec<Draft>, Failure> {
        let drafts = self.all_drafts()?;
        if drafts.is_empty() {
            return Ok(drafts);
        }
        let listed = self.look(listed).await?;
        Ok(drafts.into_iter().filter(|draft| !listed.contains(draft.domain.as_str())).collect())
    }

    /// Keeps what a file tells of hosters, or only tells what it would keep if there is no note of it; one without a domain, or beyond the
    /// limit, is an error and nothing is kept.
    pub(crate) async fn mention(
        &self,
        found: Vec<Found>,
        by: &str,
        keep: Option<Note>,
    ) -> Result<Vec<Mentioned>, Failure> {
        let now = now();
        let drafts = found.into_iter().map(|found| Draft::new(found, by, now).ok_or_else(|| unusable(by)));
        let drafts = drafts.collect::<Result<Vec<_>, _>>()?;
        let (known, listed) = (self.all_drafts()?, self.look(listed).await?);
        let domains: BTreeSet<&str> =
            known.iter().chain(&drafts).map(|draft| draft.domain.as_str()).collect();
        if domains.len() > DRAFTS_MAX {
            return Err(Failure::new(format!(
                "no more than {DRAFTS_MAX} hosters are kept that are only mentioned"
            ))
            .hint("forget some: essaim directory list --mentioned, essaim directory forget DOMAIN"));
        }
        let mentioned = drafts.into_iter().map(|draft| {
            let before = known.iter().find(|known| known.domain == draft.domain);
            let replaces = before.map(|before| before.mentioned_by.clone());
            Mentioned { replaces, is_listed: listed.contains(draft.domain.as_str()), draft }
        });
        let mentioned: Vec<Mentioned> = mentioned.collect();
        if let Some(note) = keep {
            let writes = mentioned.iter().map(|Mentioned { draft, .. }| {
                Write::record(ObjectKind::MENTIONED, draft.domain.as_bytes(), draft)
            });
            let writes = writes.chain([Write::Note(note)]).collect();
            self.0.rows.commit(writes).await.map_err(|error| unwritten(&error))?;
        }
        Ok(mentioned)
    }

    /// Forgets a hoster that is only mentioned; `None` if none has this domain.
    pub(crate) async fn forget_draft(&self, domain: &str, note: Note) -> Result<Option<Draft>, Failure> {
        let draft = self.0.rows.record::<Draft>(ObjectKind::MENTIONED, domain.as_bytes())?;
        if draft.is_some() {
            let write = Write::Delete(ObjectKind::MENTIONED, domain.as_bytes().to_vec());
            self.0.rows.commit(vec![write, Write::Note(note)]).await.map_err(|error| unwritten(&error))?;
        }
        Ok(draft)
    }

    fn all_drafts(&self) -> Result<Vec<Draft>, Failure> {
        let records = self.0.rows.records::<Draft>(ObjectKind::MENTIONED)?;
        Ok(records.into_iter().map(|(_, draft)| draft).collect())
    }
}

/// Domains of hosters that have proven that they are theirs.
fn listed(directory: &View, now: essaim_types::Timestamp) -> BTreeSet<String> {
    let proven = directory.hosters().filter(|hoster| hoster.is_proven(now));
    proven.filter_map(|hoster| hoster.listing().domain.as_deref().map(str::to_owned)).collect()
}

fn unusable(by: &str) -> Failure {
    Failure::new(format!("{by:?} cannot be named as a source, or a hoster in the file has no domain"))
        .hint("a source is a short name such as chatons.org; a hoster needs a home page")
        .usage()
}

/// Hosters that are only mentioned.
const DRAFTS_MAX: usize = 2_000;
