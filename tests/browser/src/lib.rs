//! Hosters that a visitor finds interesting, and the browser that looks at them.

use std::path::{Path, PathBuf};
use std::process::Command;

use essaim_federation::{Hoster, eventually};
use essaim_harness::tools::{Tool, skipped};

/// A browser and what drives it.
#[derive(Debug)]
pub struct Browser {
    node: Tool,
    chromium: PathBuf,
}

impl Browser {
    /// Debian's chromium with npm's packages; `None`, and said so, if anything is missing.
    pub fn find() -> Option<Self> {
        let node = Tool::find("node", "nodejs npm")?;
        let chromium = Tool::find("chromium", "chromium")?;
        if !scripts().join("node_modules/playwright-core").is_dir() {
            skipped("tests/browser needs npm's playwright-core and axe-core: tests/install brings them");
            return None;
        }
        let chromium = chromium.command().get_program().into();
        Some(Self { node, chromium })
    }

    /// The program of `node/` with this name, about the pages at `base`; pictures go to `pictures`.
    pub fn script(&self, name: &str, base: &str, pictures: &Path) -> Command {
        let mut command = self.node.command();
        command.arg(scripts().join(name)).arg(base).arg(&self.chromium).arg(pictures);
        command
    }
}

/// Three hosters who know each other: the first has everything that a listing can have and is vouched for, the second is full, the
/// third says hardly anything.
///
/// # Panics
/// If they do not come up.
pub fn three_hosters() -> [Hoster; 3] {
    let all = ["abeilles", "gentmail", "petit"].map(Hoster::start);
    let [first, second, third] = &all;
    second.join(first);
    third.join(first);
    for (hoster, fields) in [(first, ABEILLES), (second, GENT), (third, PETIT)] {
        let edit = fields.iter().flat_map(|field| ["--set", field]);
        let arguments: Vec<&str> = ["directory", "edit"].into_iter().chain(edit).collect();
        eventually("the listing is edited", || hoster.node.essaim(&arguments, "").status.success());
    }
    first.sees_name("gentmail.test", "Gent Mail");
    first.sees_name("petit.test", "Le Petit Nœud");
    second.sees_name("abeilles.test", "Les Abeilles");
    let vouch = [
        "directory",
        "vouch",
        "gentmail.test",
        "--point",
        "backups",
        "--point",
        "exports",
        "--method",
        "visited",
    ];
    first.ask(&[&vouch[..], &["--evidence", "https://abeilles.example/visites/gent"]].concat());
    second.ask(&["directory", "vouch", "abeilles.test", "--point", "backups", "--method", "met"]);
    eventually("the vouch has come", || {
        let shown = first.ask(&["directory", "show", "abeilles.test"]);
        shown["said_by_others"].as_array().is_some_and(|said| said.len() == 1)
    });
    all
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("node")
}

const ABEILLES: &[&str] = &[
    "name=Les Abeilles",
    "description.fr=Une petite coopérative namuroise qui héberge le courrier, les fichiers et les agendas de ses membres. Pas de \
     publicité, pas de pistage : des machines que nous connaissons, et des gens qui répondent au téléphone.",
    "description.nl=Een kleine coöperatie in Namen die mail, bestanden en agenda’s van haar leden bewaart. Geen reclame, geen \
     gluren, en mensen die de telefoon opnemen.",
    "description.en=A small cooperative in Namur that keeps mail, files and calendars for its members. No advertising, no \
     tracking, and people who answer the telephone.",
    "website=https://abeilles.example/",
    "place.country=BE",
    "place.region=BE-WNA",
    "place.name=Namur",
    "place.cell=50.4,4.8",
    "service.mail=yes",
    "service.files=yes",
    "service.calendar=yes",
    "service.contacts=yes",
    "language.fr=yes",
    "language.nl=yes",
    "price.monthly=350",
    "price.currency=EUR",
    "price.note.fr=Tarif solidaire sur demande.",
    "join.open=yes",
    "join.who=anyone",
    "join.url=https://abeilles.example/rejoindre",
    "join.note.fr=Venez à la permanence du premier mardi du mois, ou écrivez-nous.",
    "join.note.en=Come to our open evening on the first Tuesday of the month, or write to us.",
    "legal.form=cooperative",
    "legal.since=2019",
    "provider=hosted-bay",
    "provider.name=Neutrinet",
    "members=50-199",
    "energy=renewable",
    "contact.email=bonjour@abeilles.example",
    "contact.phone=+32 81 12 34 56",
    "terms.url=https://abeilles.example/conditions",
    "terms.privacy=https://abeilles.example/vie-privee",
    "charter.chatons=https://abeilles.example/chatons",
    "maintenance.from=4102488000",
    "maintenance.until=4102495200",
    "maintenance.note.fr=Remplacement d’un disque.",
];
const GENT: &[&str] = &[
    "name=Gent Mail",
    "description.nl=Mail en agenda’s voor verenigingen in Gent.",
    "place.country=BE",
    "place.name=Gent",
    "place.cell=51.0,3.7",
    "service.mail=yes",
    "service.calendar=yes",
    "language.nl=yes",
    "language.en=yes",
    "price.monthly=0",
    "join.open=no",
    "join.who=organisations",
    "legal.form=association",
    "contact.email=hallo@gentmail.example",
];
const PETIT: &[&str] = &[
    "name=Le Petit Nœud",
    "service.mail=yes",
    "legal.form=individual",
    "place.country=FR",
    "place.region=FR-BRE",
];
