//! Who plays: three hosters as they could be, and what they say of each other.

/// A hoster of the demo.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) domain: &'static str,
    pub(super) name: &'static str,
    pub(super) language: &'static str,
    /// Local parts of its members.
    pub(super) members: [&'static str; 2],
    /// Fields of its listing, as for `directory edit --set`.
    pub(super) listing: &'static [&'static str],
    /// For whom it vouches, by place in [`CAST`], and for what.
    pub(super) vouches: &'static [(usize, &'static str, &'static str)],
}

pub(super) const CAST: [Role; 3] = [
    Role {
        domain: "ruche.test",
        name: "La Ruche",
        language: "fr",
        members: ["alice", "amir"],
        listing: &[
            "name=La Ruche",
            "description.fr=Une coopérative de quartier : courrier et fichiers, hébergés à Namur.",
            "description.nl=Een buurtcoöperatie: mail en bestanden, gehost in Namen.",
            "description.en=A neighbourhood cooperative: mail and files, hosted in Namur.",
            "place.country=BE",
            "place.name=Namur",
            "place.cell=50.4,4.8",
            "service.mail=yes",
            "service.files=yes",
            "language.fr=yes",
            "language.nl=yes",
            "price.monthly=250",
            "price.currency=EUR",
            "join.open=yes",
            "join.who=anyone",
            "legal.form=cooperative",
            "members=200-999",
            "energy=renewable",
            "contact.email=bonjour@ruche.test",
        ],
        vouches: &[(1, "backups", "visited"), (2, "exports", "met")],
    },
    Role {
        domain: "zwerm.test",
        name: "De Zwerm",
        language: "nl",
        members: ["bram", "bea"],
        listing: &[
            "name=De Zwerm",
            "description.nl=Mail voor verenigingen in Gent, door vrijwilligers.",
            "description.en=Mail for associations in Ghent, run by volunteers.",
            "place.country=BE",
            "place.name=Gent",
            "place.cell=51.0,3.7",
            "service.mail=yes",
            "language.nl=yes",
            "language.en=yes",
            "price.monthly=0",
            "price.currency=EUR",
            "join.open=yes",
            "join.who=organisations",
            "legal.form=association",
            "members=50-199",
            "contact.email=hallo@zwerm.test",
        ],
        vouches: &[(0, "backups", "visited")],
    },
    Role {
        domain: "rayon.test",
        name: "Le Rayon",
        language: "fr",
        members: ["chloe", "carlos"],
        listing: &[
            "name=Le Rayon",
            "description.fr=Un hébergeur associatif à Lille, complet pour le moment.",
            "description.en=An association in Lille, full at the moment.",
            "place.country=FR",
            "place.name=Lille",
            "place.cell=50.6,3.0",
            "service.mail=yes",
            "service.files=yes",
            "language.fr=yes",
            "price.monthly=300",
            "price.currency=EUR",
            "join.open=no",
            "join.who=region",
            "legal.form=association",
            "members=50-199",
            "contact.email=contact@rayon.test",
        ],
        vouches: &[],
    },
];

/// Mail that is sent when all is set up: from whom, to whom, and what.
pub(super) const LETTERS: [(&str, &str, &str, &str); 4] = [
    (
        "alice@ruche.test",
        "bram@zwerm.test",
        "Bienvenue dans l'essaim",
        "Cette lettre est venue d'une coopérative à l'autre, sans passer par personne.",
    ),
    (
        "bram@zwerm.test",
        "chloe@rayon.test",
        "Een eerste brief",
        "Deze brief ging rechtstreeks van onze vereniging naar de jouwe.",
    ),
    (
        "chloe@rayon.test",
        "alice@ruche.test",
        "Bien reçu",
        "La boucle est bouclée : regarde les en-têtes Received de ce message.",
    ),
    (
        "alice@ruche.test",
        "amir@ruche.test",
        "Bon déménagement",
        "Cette lettre part avec toi : même numéro, même date, rien à télécharger de nouveau.",
    ),
];

/// Who moves, and where to, by place in [`CAST`].
pub(super) const MOVER: (&str, usize, usize) = ("amir@ruche.test", 0, 1);
