//! Reading the configuration: the file, the environment over it, and what is wrong with either.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::environment::{Override, overrides};
use super::problem::{Place, line_of};
use super::schema::unknown_keys;
use super::{Config, ConfigError, ListenConfig, Problem};

/// A configuration and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// `None`: there is no file, the defaults hold.
    pub(crate) file: Option<PathBuf>,
    /// The environment variables that were used.
    pub(crate) environment: Vec<String>,
}

/// Reads `file` if there is one, then the environment.
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let overrides = overrides(environment).map_err(|problems| ConfigError { problems })?;
    let mut table = match file {
        Some(path) => read_file(path)?,
        None => Table::new(),
    };
    // Without the section the local addresses hold, and a variable changes one of them; with it, only what it lists.
    table.entry("listen").or_insert_with(|| as_value(&ListenConfig::local()));
    for setting in &overrides {
        try_alone(setting)?;
        setting.apply(&mut table);
    }
    if let Some(path) = file {
        require_domain(path, &table)?;
    }
    let config = Config::deserialize_from(table).map_err(|message| match file {
        Some(path) => one(Place::File(path.to_owned()), None, message),
        None => one(Place::Environment("ESSAIM_*".to_owned()), None, message),
    })?;
    let environment = overrides.into_iter().map(|setting| setting.variable).collect();
    Ok(Loaded { config, file: file.map(Path::to_owned), environment })
}

impl Config {
    fn deserialize_from(table: Table) -> Result<Self, String> {
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }
}

fn read_file(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        one(Place::File(path.to_owned()), None, format!("the configuration cannot be read: {error}"))
    })?;
    let at = |error: &toml::de::Error| match error.span() {
        Some(span) => Place::Line(path.to_owned(), line_of(&text, span.start)),
        None => Place::File(path.to_owned()),
    };
    let parsed = DeTable::parse(&text).map_err(|error| one(at(&error), None, error.message().to_owned()))?;
    let problems = unknown_keys(path, &text, parsed.get_ref());
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    toml::from_str::<Config>(&text).map_err(|error| {
        let key = error.span().and_then(|span| key_at(parsed.get_ref(), span.start));
        one(at(&error), key, error.message().to_owned())
    })?;
    text.parse().map_err(|error| one(at(&error), None, error.message().to_owned()))
}

/// A value that does not fit is the variable's fault, not the file's: each is tried over the defaults.
fn try_alone(setting: &Override) -> Result<(), ConfigError> {
    let mut table = Table::new();
    setting.apply(&mut table);
    match Config::deserialize_from(table) {
        Ok(_) => Ok(()),
        Err(message) => Err(one(Place::Environment(setting.variable.clone()), Some(setting.path()), message)),
    }
}

fn require_domain(path: &Path, table: &Table) -> Result<(), ConfigError> {
    let domain = table.get("hoster").and_then(|hoster| hoster.get("domain"));
    if domain.is_some() {
        return Ok(());
    }
    Err(ConfigError {
        problems: vec![Problem {
            place: Place::File(path.to_owned()),
            key: Some("hoster.domain".to_owned()),
            message: "hoster.domain is missing".to_owned(),
            hint: Some(
                "add the domain of your members' addresses: [hoster] domain = \"coop.example\"".to_owned(),
            ),
        }],
    })
}

/// The key whose value is at this offset.
fn key_at(table: &DeTable<'_>, offset: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| match value.get_ref() {
        DeValue::Table(inner) => key_at(inner, offset).map(|below| format!("{}.{below}", key.get_ref())),
        _ => value.span().contains(&offset).then(|| key.get_ref().to_string()),
    })
}

fn one(place: Place, key: Option<String>, message: String) -> ConfigError {
    let message = message.trim_end().replace('\n', ", ");
    let message = match &key {
        Some(key) => format!("{key}: {message}"),
        None => message,
    };
    ConfigError { problems: vec![Problem { place, key, message, hint: None }] }
}

fn as_value(listen: &ListenConfig) -> Value {
    Value::try_from(listen).unwrap_or_else(|_| Value::Table(Table::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("essaim.toml");
        std::fs::write(&path, text).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Some(&path), variables)
            .map(|loaded| loaded.config)
            .map_err(|error| error.to_string().replace(&format!("{}/", dir.path().display()), ""))
    }

    #[test]
    fn without_a_file_the_defaults_hold_and_a_variable_changes_one_of_them() {
        let variables = [("ESSAIM_LISTEN__HTTP".to_owned(), "127.0.0.1:0".to_owned())];
        let config = load(None, variables.into_iter()).unwrap().config;
        assert_eq!(config.listen.http, Some("127.0.0.1:0".parse().unwrap()));
        assert_eq!(config.listen.imap, ListenConfig::local().imap);
        assert_eq!(load(None, std::iter::empty()).unwrap().config, Config::default());
    }

    #[test]
    fn a_listen_section_starts_only_what_it_lists() {
        let config =
            read("[hoster]\ndomain = \"a.test\"\n[listen]\nsmtp = \"[::]:25\"\nimap = \"off\"\n", &[])
                .unwrap();
        assert_eq!(
            config.listen,
            ListenConfig { smtp: Some("[::]:25".parse().unwrap()), ..ListenConfig::default() }
        );
        let local = read("[hoster]\ndomain = \"a.test\"\n", &[("ESSAIM_LISTEN__SMTP", "off")]).unwrap();
        assert_eq!(local.listen, ListenConfig { smtp: None, ..ListenConfig::local() });
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, expected) in [
            (
                "[tls]\nmode = \"off\"\n",
                "essaim.toml: hoster.domain is missing; add the domain of your members' addresses: [hoster] domain = \"coop.example\"",
            ),
            (
                "[hoster]\ndomain = \"a..b\"\n",
                "essaim.toml:2: hoster.domain: the domain is empty, too long or has a forbidden character",
            ),
            (
                "[hoster]\ndomain = 3\n",
                "essaim.toml:2: hoster.domain: invalid type: integer `3`, expected a string",
            ),
            (
                "[tls]\n\nmode = \"acme\"\n",
                "essaim.toml:3: tls.mode: unknown variant `acme`, expected one of `self-signed`, `files`, `off`",
            ),
            ("[hoster\n", "essaim.toml:1: unclosed table, expected `]`"),
            (
                "[listen]\nsmtp = \":25\"\n",
                "essaim.toml:2: listen.smtp: \":25\" is not an address with a port; write for example \"127.0.0.1:2525\", \"[::]:25\", or \"off\"",
            ),
            (
                "[accounts]\nquota = \"much\"\n",
                "essaim.toml:2: accounts.quota: \"much\" is not a size; write for example \"25 MiB\", \"10 GB\" or a number of bytes",
            ),
        ] {
            assert_eq!(read(text, &[]), Err(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_wrong_variable_is_blamed_by_name() {
        let error = read("[hoster]\ndomain = \"a.test\"\n", &[("ESSAIM_TLS__MODE", "maybe")]).unwrap_err();
        assert_eq!(
            error,
            "environment variable ESSAIM_TLS__MODE: tls.mode: unknown variant `maybe`, expected one of `self-signed`, `files`, `off`"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error =
            load(Some(Path::new("/nowhere/essaim.toml")), std::iter::empty()).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/essaim.toml: the configuration cannot be read: "), "{error}");
    }
}
