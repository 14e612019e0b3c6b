//! What stands on a member's paper, in the member's language.

use super::KitMade;

/// What changes with the language.
struct Words {
    title: &'static str,
    keep: &'static str,
    use_for: &'static str,
    nobody: &'static str,
    account: &'static str,
    hoster: &'static str,
}

const ENGLISH: Words = Words {
    title: "The 24 words of",
    keep: "Write them down or print them, and keep the paper where you keep your passport.",
    use_for: "With them you move your account to another hoster, or get it back when this one is gone.",
    nobody: "Whoever has them can do so too. They are shown this once, and nobody can make them again.",
    account: "Account",
    hoster: "Hoster",
};

const FRENCH: Words = Words {
    title: "Les 24 mots de",
    keep: "Notez-les ou imprimez-les, et gardez le papier là où vous gardez votre passeport.",
    use_for: "Avec eux vous déménagez votre compte, ou le retrouvez si cet hébergeur disparaît.",
    nobody: "Qui les a peut en faire autant. Ils sont montrés cette seule fois; nul ne peut les refaire.",
    account: "Compte",
    hoster: "Hébergeur",
};

const DUTCH: Words = Words {
    title: "De 24 woorden van",
    keep: "Schrijf ze op of druk ze af, en bewaar het papier waar u uw paspoort bewaart.",
    use_for: "Daarmee verhuist u uw account, of krijgt u het terug als deze hoster er niet meer is.",
    nobody: "Wie ze heeft, kan dat ook. Ze worden alleen nu getoond en niemand kan ze opnieuw maken.",
    account: "Account",
    hoster: "Hoster",
};

/// The letter, line by line: for the terminal and for the page.
pub(super) fn lines(made: &KitMade) -> Vec<String> {
    let words = match made.language.split('-').next() {
        Some("fr") => FRENCH,
        Some("nl") => DUTCH,
        _ => ENGLISH,
    };
    let mut lines = vec![format!("{} {}", words.title, made.address), String::new()];
    for (row, four) in (0..).zip(made.words.chunks(COLUMNS)) {
        let cell = |(at, word): (usize, &String)| format!("{:>2} {word:<9}", row * COLUMNS + at + 1);
        let cells: Vec<String> = four.iter().enumerate().map(cell).collect();
        lines.push(format!("    {}", cells.join("  ").trim_end()));
    }
    lines.extend([
        String::new(),
        words.keep.into(),
        words.use_for.into(),
        words.nobody.into(),
        String::new(),
    ]);
    lines.push(format!("{:<10} {}", words.account, made.account));
    lines.push(format!("{:<10} {} {}", words.hoster, made.listing, made.hoster));
    lines
}

const COLUMNS: usize = 4;

#[cfg(test)]
pub(super) mod tests {
    use essaim_types::{AccountId, ListingId};

    use super::*;

    pub(in super::super) fn made(language: &str) -> KitMade {
        KitMade {
            address: "ann@coop.test".into(),
            account: AccountId::from_bytes([1; 32]),
            listing: ListingId::from_bytes([2; 32]),
            hoster: "coop.test".into(),
            language: language.into(),
            words: (0..24).map(|n| format!("word{n}")).collect(),
        }
    }

    #[test]
    fn the_letter_speaks_the_members_language() {
        let first = |language| lines(&made(language)).remove(0);
        assert_eq!(first("fr-BE"), "Les 24 mots de ann@coop.test");
        assert_eq!(first("nl"), "De 24 woorden van ann@coop.test");
        assert_eq!(first("de"), "The 24 words of ann@coop.test");
    }

    #[test]
    fn every_word_has_its_number_and_a_consent_finds_what_it_names() {
        let text = lines(&made("en")).join("\n");
        assert!((0..24).all(|n| text.contains(&format!("{:>2} word{n}", n + 1))), "{text}");
        let made = made("en");
        assert!(text.contains(&made.account.to_string()) && text.contains(&made.listing.to_string()));
    }
}
