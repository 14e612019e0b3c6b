//! `essaim directory import` and `forget`: hosters that run something else and that somebody mentions.

use std::path::PathBuf;

use clap::Args;
use essaim_directory::export::json::DraftJson;
use essaim_directory::import::{Found, LeftOut};
use essaim_directory::listing::to_ascii;
use serde::{Deserialize, Serialize};

use super::file::{self, FileFormat};
use super::list::text_of;
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::federation::Mentioned;
use crate::federation::note::{DIRECTORY_FORGET, DIRECTORY_IMPORT, Note};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Take in hosters that others mention: librehost.json, or a .properties for CHATONS. They are shown apart, on this node alone.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The file.
    file: PathBuf,

    /// Who mentions them: the domain or name of the list that the file is from.
    #[arg(long = "from", value_name = "SOURCE")]
    source: String,

    /// The format. Default: by the end of the file's name.
    #[arg(long, value_enum)]
    format: Option<FileFormat>,

    /// The language of its texts, if it does not say: fr, nl, ...
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,

    /// Only show what would be taken in.
    #[arg(long)]
    dry_run: bool,
}

/// Forget a hoster that is only mentioned.
#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// Its domain.
    draft: String,
}

/// What is asked of the node, some hosters at a time.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MentionHosters {
    mentioned_by: String,
    found: Vec<Found>,
    dry_run: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ForgetDraft {
    domain: String,
}

/// What became of one hoster of a file.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MentionedView {
    #[serde(flatten)]
    draft: DraftJson,
    /// Who mentioned it before.
    replaces: Option<String>,
    /// It has a listing of its own, which is shown instead.
    listed: bool,
}

/// The answer of `directory import --json`.
#[derive(Debug, Serialize)]
struct ImportedView {
    dry_run: bool,
    mentioned: Vec<MentionedView>,
    left_out: Vec<LeftOutView>,
}

/// Something in the file that was not taken.
#[derive(Debug, Serialize)]
struct LeftOutView {
    /// The hoster's domain, if it has one.
    hoster: Option<String>,
    /// As the file names it.
    field: String,
    why: String,
}

impl Import {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let found = file::read(&self.file, self.format, self.language.as_deref())?;
        let mut left_out: Vec<LeftOutView> = found.iter().flat_map(LeftOutView::of).collect();
        let (usable, without): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| found.domain.is_some());
        left_out.extend(without.into_iter().map(|found| LeftOutView {
            hoster: None,
            field: found.fields.get("name").cloned().unwrap_or_default(),
            why: "the hoster has no home page with a domain".to_owned(),
        }));
        let mut mentioned = Vec::new();
        for found in usable.chunks(AT_ONCE) {
            let (mentioned_by, dry_run) = (self.source.clone(), self.dry_run);
            mentioned.extend(ask(place, MentionHosters { mentioned_by, found: found.to_vec(), dry_run })?);
        }
        let view = ImportedView { dry_run: self.dry_run, mentioned, left_out };
        audience.show(&view, ImportedView::text);
        Ok(Exit::Done)
    }
}

impl Forget {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, ForgetDraft { domain: self.draft })?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for MentionHosters {
    type Answer = Vec<MentionedView>;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Vec<MentionedView>, Failure> {
        let what = format!("{}, {}", self.mentioned_by, self.found.len());
        let keep = (!self.dry_run).then(|| Note::new(caller.journal(node), DIRECTORY_IMPORT, what));
        let mentioned = node.federation.mention(self.found, &self.mentioned_by, keep).await?;
        Ok(mentioned.into_iter().map(MentionedView::from).collect())
    }
}

impl Operation for ForgetDraft {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let domain =
            to_ascii(&self.domain).map_or_else(|| self.domain.clone(), |domain| domain.as_str().to_owned());
        let note = Note::new(caller.journal(node), DIRECTORY_FORGET, domain.as_str());
        match node.federation.forget_draft(&domain, note).await? {
            Some(draft) => Ok(Done::new(format!("{domain}, mentioned by {}, is forgotten.", draft.mentioned_by))),
            None => Err(Failure::new(format!("nobody mentions {domain}"))
                .hint("essaim directory list --mentioned shows who is mentioned; a listing is hidden with essaim directory hide")),
        }
    }
}

impl From<Mentioned> for MentionedView {
    fn from(mentioned: Mentioned) -> Self {
        let Mentioned { draft, replaces, is_listed } = mentioned;
        Self { draft: DraftJson::of(&draft), replaces, listed: is_listed }
    }
}

impl LeftOutView {
    fn of(found: &Found) -> impl Iterator<Item = Self> {
        let one = |LeftOut { field, why }: &LeftOut| Self {
            hoster: found.domain.clone(),
            field: field.clone(),
            why: why.clone(),
        };
        found.left_out.iter().map(one)
    }
}

impl ImportedView {
    fn text(&self) -> String {
        let mut text = String::new();
        for MentionedView { draft, replaces, listed } in &self.mentioned {
            text.push_str(&format!("{}  {}", draft.draft, text_of(&draft.said, "name")));
            if let Some(before) = replaces {
                text.push_str(&format!("  (instead of what {before} said)"));
            }
            text.push_str(if *listed { "  (not shown: it has a listing of its own)\n" } else { "\n" });
        }
        for LeftOutView { hoster, field, why } in &self.left_out {
            let hoster = hoster.as_deref().unwrap_or("without a domain");
            text.push_str(&format!("  left out: {hoster}: {field}: {why}\n"));
        }
        let count = self.mentioned.len();
        text.push_str(&match self.dry_run {
            true => format!("{count} would be taken in; nothing was changed.\n"),
            false => format!("{count} taken in. essaim directory list --mentioned shows them.\n"),
        });
        text
    }
}

/// Hosters of one request, of at most 24 KiB each: a call holds a mebibyte.
const AT_ONCE: usize = 20;
