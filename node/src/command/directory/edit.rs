//! `essaim directory edit`: what this hoster says of itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;
use essaim_directory::envelope::DocumentKind;
use essaim_directory::listing::{FIELDS, parse_edit};
use serde::{Deserialize, Serialize};

use super::file::FileFormat;
use super::fill::{self, Consent};
use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::Done;
use crate::failure::{Exit, Failure};
use crate::federation::note::{DIRECTORY_EDIT, Note};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Change the own listing: with --set, from a file for another directory, or else in your editor.
#[derive(Debug, Args)]
#[command(after_help = fields_help())]
pub(crate) struct Edit {
    /// A field and its new value; an empty value removes the field. May be repeated; all together are one change.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,

    /// Fill fields that are empty from a file that this hoster has for CHATONS already.
    #[arg(long, value_name = "FILE", conflicts_with = "set")]
    from_chatons: Option<PathBuf>,

    /// Fill fields that are empty from a librehost.json of this hoster.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["set", "from_chatons"])]
    from_librehost: Option<PathBuf>,

    /// Do not ask whether the fields of the file are right.
    #[arg(long)]
    yes: bool,

    /// Do not wait until peers have told what this node has published before: you know that this data directory is the latest.
    #[arg(long)]
    without_peers: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct EditListing {
    set: BTreeMap<String, String>,
    without_peers: bool,
}

/// Asks for the fields as they are, to be edited.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReadOwnListing {}

impl Edit {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let set = match self.chosen(place, audience)? {
            set if set.is_empty() => {
                audience.show(&Done { done: "Nothing was changed.".to_owned() }, |done| done.done.clone());
                return Ok(Exit::Done);
            }
            set => set,
        };
        let edit = EditListing { set, without_peers: self.without_peers };
        audience.show(&ask(place, edit)?, |done| done.done.clone());
        Ok(Exit::Done)
    }

    /// What is to be changed: from the command line, a file, or the editor.
    fn chosen(&self, place: &Place, audience: Audience) -> Result<BTreeMap<String, String>, Failure> {
        let file = match (&self.from_chatons, &self.from_librehost) {
            (Some(path), _) => Some((path, FileFormat::Chatons)),
            (None, Some(path)) => Some((path, FileFormat::Librehost)),
            (None, None) => None,
        };
        if let Some((path, format)) = file {
            let language = place.node()?.config.hoster.language.code();
            let found = fill::read(path, format, language)?;
            let consent = if self.yes { Consent::Given } else { Consent::Asked };
            return fill::agreed(&ask(place, ReadOwnListing {})?, &found, consent, audience);
        }
        match self.set.as_slice() {
            [] => in_editor(&ask(place, ReadOwnListing {})?),
            set => set.iter().map(|text| pair(text)).collect(),
        }
    }
}

impl Operation for EditListing {
    type Answer = Done;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Done, Failure> {
        let edit = |(key, text): (&String, &String)| {
            parse_edit(key, text).map_err(|fault| {
                Failure::new(format!("{key} = {text:?} is not possible: {fault}"))
                    .hint("essaim directory edit --help lists the fields")
                    .usage()
            })
        };
        let edits = self.set.iter().map(edit).collect::<Result<Vec<_>, _>>()?;
        let without_peers = self.without_peers;
        let keys = self.set.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let note = Note::new(caller.journal(node), DIRECTORY_EDIT, keys.as_str());
        let change = node.federation.change(note, move |directory, now| {
            if without_peers {
                directory.trust_own_copy();
            }
            directory.edit(now, &edits)
        });
        change.await?;
        Ok(Done { done: format!("The listing says {keys} anew; peers are told.") })
    }
}

impl Operation for ReadOwnListing {
    type Answer = BTreeMap<String, String>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<BTreeMap<String, String>, Failure> {
        let look = |directory: &essaim_directory::View, _| {
            let own = directory.own_listing().and_then(|own| directory.hoster(own));
            let fields =
                own.map(|hoster| hoster.log(DocumentKind::Profile).fields().clone()).unwrap_or_default();
            fields.iter().map(|(key, value)| (key.to_owned(), value.to_string())).collect()
        };
        node.federation.look(look).await
    }
}

fn pair(text: &str) -> Result<(String, String), Failure> {
    let wrong =
        || Failure::new(format!("{text:?} is not key=value")).hint("for example --set join.open=yes").usage();
    let (key, value) = text.split_once('=').ok_or_else(wrong)?;
    Ok((key.trim().to_owned(), value.trim().to_owned()))
}

/// The listing as TOML in the operator's editor; what differs afterwards.
fn in_editor(before: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Failure> {
    let failed = |error: &dyn std::error::Error| {
        Failure::caused("the listing could not be opened in an editor", error)
    };
    let file = std::env::temp_dir().join(format!("essaim-listing-{}.toml", std::process::id()));
    std::fs::write(&file, document(before)).map_err(|error| failed(&error))?;
    let editor = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    let editor = editor.into_iter().find(|editor| !editor.is_empty()).unwrap_or_else(|| "vi".to_owned());
    // An editor may have arguments: EDITOR="code --wait".
    let mut words = editor.split_whitespace();
    let status = Command::new(words.next().unwrap_or("vi")).args(words).arg(&file).status();
    let status =
        status.map_err(|error| failed(&error).hint("set EDITOR to your editor, or use --set key=value"))?;
    let text = std::fs::read_to_string(&file).map_err(|error| failed(&error))?;
    let _ = std::fs::remove_file(&file);
    if !status.success() {
        return Err(Failure::new("the editor ended with an error; nothing was changed"));
    }
    changes(before, &text)
}

/// Fields in the order of their keys, and below them those that are free.
fn document(fields: &BTreeMap<String, String>) -> String {
    let mut text =
        "# The listing of this hoster. Change, add or delete lines; an empty file changes nothing.\n\n"
            .to_owned();
    for (key, value) in fields {
        text.push_str(&format!("{key:?} = {}\n", toml::Value::from(value.as_str())));
    }
    text.push_str("\n# Further fields:\n");
    for field in FIELDS.iter().filter(|field| !fields.contains_key(field.key)) {
        text.push_str(&format!("#\"{}\" = \"\"\n", field.key));
    }
    text
}

fn changes(before: &BTreeMap<String, String>, text: &str) -> Result<BTreeMap<String, String>, Failure> {
    let after: BTreeMap<String, toml::Value> = toml::from_str(text).map_err(|error| {
        Failure::caused("the listing is not valid TOML any more; nothing was changed", &error)
            .hint("every line is \"key\" = \"value\"")
    })?;
    let after: BTreeMap<String, String> = after
        .into_iter()
        .map(|(key, value)| match value {
            toml::Value::String(text) => (key, text),
            toml::Value::Boolean(flag) => (key, if flag { "yes" } else { "no" }.to_owned()),
            other => (key, other.to_string()),
        })
        .collect();
    if after.is_empty() {
        return Ok(after);
    }
    let gone = before.keys().filter(|key| !after.contains_key(*key)).map(|key| (key.clone(), String::new()));
    let changed = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    Ok(changed.map(|(key, value)| (key.clone(), value.clone())).chain(gone).collect())
}

fn fields_help() -> String {
    let mut text = "Fields (* is a language, a service, or a number):\n".to_owned();
    for line in FIELDS.chunks(4) {
        let keys: Vec<&str> = line.iter().map(|field| field.key).collect();
        text.push_str(&format!("  {}\n", keys.join("  ")));
    }
    text.push_str("\nExamples: --set name='Les Abeilles' --set description.fr='...' --set service.mail=yes --set join.open=no");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_the_editor_leaves_alone_is_no_change() {
        let before =
            fields(&[("name", "Les \"Abeilles\""), ("description.fr", "un\ndeux"), ("join.open", "yes")]);
        assert_eq!(changes(&before, &document(&before)).unwrap(), fields(&[]));
        let after = "\"name\" = \"Ruche\"\n\"join.open\" = true\n\"price.monthly\" = 350\n";
        let expected = fields(&[("name", "Ruche"), ("description.fr", ""), ("price.monthly", "350")]);
        assert_eq!(changes(&before, after).unwrap(), expected);
        assert!(changes(&before, "").unwrap().is_empty());
        assert!(changes(&before, "name").is_err());
    }

    #[test]
    fn a_pair_has_an_equals_sign() {
        assert_eq!(pair("name = a=b").unwrap(), ("name".to_owned(), "a=b".to_owned()));
        assert!(pair("name").is_err());
    }
}
