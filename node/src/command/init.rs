//! `essaim init`: the data directory and the configuration of a hoster, and what to do next.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::Args;
use essaim_types::Domain;
use serde::Serialize;

use super::dns::{Record, records, zone};
use super::place::{FILE_NAME, Place};
use crate::config::{self, Config, LOCAL_DOMAIN, Text};
use crate::failure::{Exit, Failure};
use crate::federation::{Keys, is_local};
use crate::terminal::Audience;

/// Set up a hoster: make the data directory and the configuration, and say what to do next.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The domain of the members' addresses.
    #[arg(long)]
    domain: Domain,

    /// The name of this machine in the DNS. Default: mail. and the domain.
    #[arg(long)]
    hostname: Option<Domain>,

    /// What members call the hoster. Default: the domain.
    #[arg(long)]
    name: Option<String>,
}

/// The answer of `init --json`.
#[derive(Debug, Serialize)]
struct Made {
    domain: String,
    hostname: String,
    config: PathBuf,
    data_dir: PathBuf,
    dns: Vec<Record>,
    /// What to do, in this order.
    next: Vec<String>,
}

impl Init {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let data_dir = absolute(&place.data_dir())?;
        let file = match &place.config {
            Some(named) => absolute(named)?,
            None => data_dir.join(FILE_NAME),
        };
        let text = self.configure(existing(&file)?, &data_dir);
        let config: Config = toml::from_str(text.as_str()).map_err(|error| {
            Failure::new(format!("the configuration would not be valid: {}", error.message()))
        })?;
        make_private_dir(&data_dir)?;
        if Keys::read(&data_dir)?.is_none() {
            Keys::make(&data_dir)?;
        }
        write_new(&file, text.as_str())?;
        let made = Made {
            domain: config.hoster.domain.to_string(),
            hostname: config.hoster.hostname().to_string(),
            dns: records(&config),
            next: next_steps(&config, &file),
            config: file,
            data_dir,
        };
        audience.show(&made, Made::text);
        Ok(Exit::Done)
    }

    fn configure(&self, text: Text, data_dir: &Path) -> Text {
        let name = self.name.clone().unwrap_or_else(|| self.domain.to_string());
        let text = text
            .set("", "data_dir", data_dir.display().to_string())
            .set("hoster", "domain", self.domain.to_string())
            .set("hoster", "name", name);
        if is_local(&self.domain) {
            return text;
        }
        let hostname =
            self.hostname.as_ref().map_or_else(|| format!("mail.{}", self.domain), ToString::to_string);
        PRODUCTION.iter().fold(text.set("hoster", "hostname", hostname), |text, (listener, at)| {
            text.set("listen", listener, *at)
        })
    }
}

impl Made {
    fn text(&self) -> String {
        let mut text = format!(
            "{} is set up.\n\n  configuration  {}\n  data           {}\n\nDNS records:\n\n{}\nWhat to do next:\n\n",
            self.domain,
            self.config.display(),
            self.data_dir.display(),
            zone(&self.dns)
        );
        for (at, step) in self.next.iter().enumerate() {
            text.push_str(&format!("  {}. {step}\n", at + 1));
        }
        text
    }
}

fn next_steps(config: &Config, file: &Path) -> Vec<String> {
    let essaim = format!("essaim --config {}", file.display());
    let packaged = file == Path::new(PACKAGED_CONFIG);
    let essaim = if packaged { "essaim".to_owned() } else { essaim };
    let mut steps = Vec::new();
    if !is_local(&config.hoster.domain) {
        steps.push(
            "Enter the DNS records above at your registrar, with the addresses of this machine.".to_owned(),
        );
        steps.push(format!(
            "Get a certificate for {}, set [tls] mode = \"files\", cert and key in {}.",
            config.hoster.hostname(),
            file.display()
        ));
    }
    steps.push(format!("Check it: {essaim} config check"));
    steps.push(match packaged {
        true => "Start it: systemctl enable --now essaim".to_owned(),
        false => format!("Start it: {essaim} serve"),
    });
    steps.push(format!("Make the first account: {essaim} account add you@{}", config.hoster.domain));
    steps.push(format!(
        "Join the federation: {essaim} peer join LINK, with the link of a hoster that you know."
    ));
    steps.push(format!("See whether all is well: {essaim} doctor"));
    steps
}

/// What is at the place of the configuration: nothing, the packaged file, or somebody's work.
fn existing(file: &Path) -> Result<Text, Failure> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Text::documented()),
        Err(error) => return Err(Failure::caused(format_args!("could not read {}", file.display()), &error)),
    };
    match config::load(Some(file), std::iter::empty()) {
        Ok(loaded) if loaded.config.hoster.domain.as_str() == LOCAL_DOMAIN => Ok(Text::of(text)),
        Ok(loaded) => Err(Failure::new(format!(
            "{} is already set up for {}",
            file.display(),
            loaded.config.hoster.domain
        ))
        .hint("edit the file to change it; to set up another hoster, name another file with --config")),
        Err(error) => Err(Failure::new(error.to_string()).hint("correct the file or move it away")),
    }
}

pub(super) fn make_private_dir(dir: &Path) -> Result<(), Failure> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| {
        Failure::caused(format_args!("could not make the data directory {}", dir.display()), &error)
    })
}

/// Whole or not at all.
pub(super) fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let partial = file.with_extension("toml.new");
        fs::write(&partial, text)?;
        fs::rename(&partial, file)
    };
    write().map_err(|error| Failure::caused(format_args!("could not write {}", file.display()), &error))
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::caused(path.display(), &error).usage())
}

/// The ports of DESIGN section 8. HTTP without TLS stays inside: it tells the metrics.
const PRODUCTION: [(&str, &str); 8] = [
    ("http", "127.0.0.1:8080"),
    ("https", "[::]:443"),
    ("smtp", "[::]:25"),
    ("submission", "[::]:587"),
    ("submissions", "[::]:465"),
    ("imap", "[::]:143"),
    ("imaps", "[::]:993"),
    ("peer", "[::]:4001"),
];
const PACKAGED_CONFIG: &str = "/etc/essaim/essaim.toml";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn init(domain: &str, dir: &Path) -> Result<Exit, Failure> {
        let place = Place { data_dir: Some(dir.join("data")), config: Some(dir.join("etc/essaim.toml")) };
        Init { domain: domain.parse().unwrap(), hostname: None, name: None }.run(&place, Audience::Scripts)
    }

    fn made(dir: &Path) -> Config {
        config::load(Some(&dir.join("etc/essaim.toml")), std::iter::empty()).unwrap().config
    }

    #[test]
    fn a_hoster_gets_production_ports_and_a_private_directory() {
        let dir = tempfile::tempdir().unwrap();
        init("coop.example", dir.path()).unwrap();
        let config = made(dir.path());
        assert_eq!(config.listen.smtp, Some("[::]:25".parse().unwrap()));
        assert_eq!(config.hoster.hostname().as_str(), "mail.coop.example");
        assert_eq!(config.data_dir, dir.path().join("data"));
        let mode = fs::metadata(&config.data_dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn a_local_domain_stays_on_this_machine() {
        let dir = tempfile::tempdir().unwrap();
        init("a.test", dir.path()).unwrap();
        assert_eq!(made(dir.path()).listen, Config::default().listen);
    }

    #[test]
    fn what_is_set_up_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        init("a.test", dir.path()).unwrap();
        let failure = init("b.test", dir.path()).unwrap_err();
        assert!(failure.message.ends_with("is already set up for a.test"), "{failure}");
        assert_eq!(made(dir.path()).hoster.domain.as_str(), "a.test");
    }
}
