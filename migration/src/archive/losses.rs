//! `LOSSES.md`: what is not in an archive and what cannot be kept, in the member's language and in plain words.

/// The languages that it is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossesLanguage {
    /// English.
    English,
    /// French.
    French,
    /// Dutch.
    Dutch,
}

/// What this archive has or has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing<'a> {
    /// The account's first address.
    pub address: &'a str,
    /// Messages of the account that still wait to be sent. They are with the hoster, not in the archive.
    pub waiting: u64,
    /// Whether password hashes are inside.
    pub secrets: bool,
    /// Whether it has only what changed since another archive.
    pub partial: bool,
}

/// The text.
pub fn losses(language: LossesLanguage, missing: &Missing<'_>) -> String {
    let texts = match language {
        LossesLanguage::English => &ENGLISH,
        LossesLanguage::French => &FRENCH,
        LossesLanguage::Dutch => &DUTCH,
    };
    let mut lines =
        vec![if missing.secrets { texts.secrets_inside } else { texts.secrets_outside }.to_owned()];
    if missing.partial {
        lines.push(texts.partial.to_owned());
    }
    lines.push(texts.waiting.replace("{}", &missing.waiting.to_string()));
    lines.extend(texts.others.iter().map(|text| (*text).to_owned()));
    let list: String = lines.iter().map(|line| format!("- {line}\n")).collect();
    let title = texts.title.replace("{}", missing.address);
    format!("# {title}\n\n{}\n\n{list}\n{}\n", texts.intro, texts.outro)
}

struct Texts {
    title: &'static str,
    intro: &'static str,
    secrets_inside: &'static str,
    secrets_outside: &'static str,
    partial: &'static str,
    waiting: &'static str,
    others: [&'static str; 4],
    outro: &'static str,
}

const ENGLISH: Texts = Texts {
    title: "What is not in this archive of {}",
    intro: "Everything that you keep with your hoster is in this archive, but for what is listed here.",
    secrets_inside: "**The hashes of your passwords ARE inside**, because they were asked for. Whoever has this file can try passwords as \
                     often as they like: keep it as you keep a key.",
    secrets_outside: "Your passwords are not inside, nor their hashes. After an import the new hoster gives you a new password, and each device \
                      needs it.",
    partial: "Only what changed since another archive is inside. To have everything you need that one too.",
    waiting: "Messages that wait to be sent: {}. Your hoster goes on trying to send them.",
    others: [
        "Your address itself. The hoster of its domain decides for how long mail to it is passed on.",
        "Mail that others sent and that has not arrived yet.",
        "What your programs keep for themselves: drafts that were never saved, local folders, settings.",
        "What is computed again: search indexes and previews.",
    ],
    outro: "Messages are the files in `mail/`, and `folder.json` beside them says what each folder is called. `essaim account verify` tells \
            whether this archive is whole.",
};

const FRENCH: Texts = Texts {
    title: "Ce qui n'est pas dans cette archive de {}",
    intro: "Tout ce que vous gardez chez votre hébergeur est dans cette archive, sauf ce qui suit.",
    secrets_inside: "**Les empreintes de vos mots de passe SONT dedans**, parce que cela a été demandé. Qui possède ce fichier peut essayer des mots \
                     de passe aussi souvent qu'il veut : gardez-le comme une clé.",
    secrets_outside: "Vos mots de passe n'y sont pas, ni leurs empreintes. Après un import, le nouvel hébergeur vous donne un nouveau mot de passe, à \
                      saisir sur chaque appareil.",
    partial: "Seul ce qui a changé depuis une autre archive est dedans. Pour tout avoir, il faut aussi celle-là.",
    waiting: "Messages en attente d'envoi : {}. Votre hébergeur continue d'essayer de les envoyer.",
    others: [
        "Votre adresse elle-même. L'hébergeur de son domaine décide combien de temps le courrier est réexpédié.",
        "Le courrier envoyé par d'autres et qui n'est pas encore arrivé.",
        "Ce que vos logiciels gardent pour eux : brouillons jamais enregistrés, dossiers locaux, réglages.",
        "Ce qui se recalcule : index de recherche et aperçus.",
    ],
    outro: "Les messages sont les fichiers de `mail/`, et `folder.json` à côté donne le nom de chaque dossier. `essaim account verify` dit si cette \
            archive est complète.",
};

const DUTCH: Texts = Texts {
    title: "Wat niet in dit archief van {} zit",
    intro: "Alles wat u bij uw hoster bewaart zit in dit archief, behalve wat hier staat.",
    secrets_inside: "**De hashes van uw wachtwoorden ZITTEN erin**, omdat daarom gevraagd is. Wie dit bestand heeft kan zo vaak als hij wil wachtwoorden \
                     proberen: bewaar het als een sleutel.",
    secrets_outside: "Uw wachtwoorden zitten er niet in, en hun hashes ook niet. Na een import geeft de nieuwe hoster u een nieuw wachtwoord, dat op elk \
                      apparaat nodig is.",
    partial: "Alleen wat sinds een ander archief veranderd is zit erin. Om alles te hebben is ook dat archief nodig.",
    waiting: "Berichten die nog verzonden moeten worden: {}. Uw hoster blijft proberen ze te verzenden.",
    others: [
        "Uw adres zelf. De hoster van het domein bepaalt hoe lang post wordt doorgestuurd.",
        "Post die anderen verstuurd hebben en die nog niet is aangekomen.",
        "Wat uw programma's zelf bewaren: nooit opgeslagen concepten, lokale mappen, instellingen.",
        "Wat opnieuw berekend wordt: zoekindexen en voorvertoningen.",
    ],
    outro: "Berichten zijn de bestanden in `mail/`, en `folder.json` ernaast zegt hoe elke map heet. `essaim account verify` vertelt of dit archief heel \
            is.",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_said_plainly_in_every_language() {
        for language in [LossesLanguage::English, LossesLanguage::French, LossesLanguage::Dutch] {
            let missing = Missing { address: "a@b.test", waiting: 3, secrets: false, partial: false };
            let without = losses(language, &missing);
            let with = losses(language, &Missing { secrets: true, ..missing });
            assert!(with.contains("**") && !without.contains("**"));
            assert!(without.contains("a@b.test") && without.contains(": 3"), "{without}");
            assert_ne!(without, losses(language, &Missing { partial: true, ..missing }));
        }
    }
}
