//! `essaim account consent`: a member agrees to a move, with the words from the paper and without any node.

use std::time::Duration;

use clap::{Args, ValueEnum};
use essaim_identity::Cosigning;
use essaim_identity::account::{AcceptanceCode, ConsentText, Kit, MoveId, MoveIntent};
use essaim_types::{AccountId, ListingId};
use serde::Serialize;

use super::password::from_stdin;
use crate::command::view::time;
use crate::failure::{Exit, Failure};
use crate::terminal::Audience;
use crate::vitals::now;

/// Agree to the move of an account: reads the 24 words from standard input, asks no server, and prints a text for the hoster that
/// starts the move.
#[derive(Debug, Args)]
pub(crate) struct Consent {
    /// The account, as it stands on the paper.
    #[arg(long, value_name = "ID")]
    account: AccountId,

    /// The hoster that it leaves, as it stands on the paper.
    #[arg(long, value_name = "LISTING")]
    from: ListingId,

    /// What the new hoster has given you: essaim-accept:...
    #[arg(long, value_name = "CODE")]
    accept: AcceptanceCode,

    /// For how many days it is good.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..=13))]
    days: u64,

    /// In which language to say what it allows.
    #[arg(long, value_enum, default_value_t = Language::En)]
    language: Language,
}

/// The languages of members.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    En,
    Fr,
    Nl,
}

/// The answer of `account consent --json`.
#[derive(Debug, Serialize)]
pub(super) struct Consented {
    pub(super) consent: String,
    account: AccountId,
    mid: String,
    from: ListingId,
    to: ListingId,
    expires: String,
}

impl Consent {
    pub(crate) fn run(self, audience: Audience) -> Result<Exit, Failure> {
        let language = self.language;
        let words = zeroize::Zeroizing::new(from_stdin()?);
        let consented = self.sign(&words)?;
        audience.show(&consented, |consented| text(consented, language));
        Ok(Exit::Done)
    }

    /// For a move that is started with the words at hand.
    pub(super) fn to_move(account: AccountId, from: ListingId, accept: AcceptanceCode) -> Self {
        Self { account, from, accept, days: 7, language: Language::En }
    }

    pub(super) fn sign(self, words: &str) -> Result<Consented, Failure> {
        let kit =
            Kit::from_words(words).map_err(|error| Failure::caused("the words cannot be read", &error))?;
        let now = now();
        let accepted = self.accept.verify(now).map_err(|error| {
            Failure::caused("the acceptance code cannot be used", &error)
                .hint("ask the new hoster for another: essaim account accept")
        })?;
        let offer = accepted.record();
        if offer.node.listing == self.from {
            return Err(Failure::new("the acceptance code is of the hoster where the account is already")
                .hint("ask for one at the hoster to which it shall go"));
        }
        let mut mid = [0; 16];
        getrandom::fill(&mut mid).map_err(|error| {
            Failure::caused("the system gives no random bytes", &std::io::Error::other(error))
        })?;
        let intent = MoveIntent {
            account: self.account,
            mid: MoveId(mid),
            source: self.from,
            target: offer.node.listing,
            nonce: offer.nonce,
            expires: now.after(Duration::from_hours(24 * self.days)),
        };
        let unmade = || Failure::new("the consent could not be made; please report this");
        let mut consent = Cosigning::propose(&whole(intent.clone())).map_err(|_| unmade())?;
        consent.sign(&kit.member_key()).map_err(|_| unmade())?;
        Ok(Consented {
            consent: ConsentText(consent).to_string(),
            account: intent.account,
            mid: intent.mid.to_string(),
            from: intent.source,
            to: intent.target,
            expires: time(intent.expires),
        })
    }
}

/// Papers know whole seconds only.
fn whole(mut intent: MoveIntent) -> MoveIntent {
    intent.expires = essaim_types::Timestamp::from_seconds(intent.expires.seconds());
    intent
}

fn text(consented: &Consented, language: Language) -> String {
    let Consented { consent, account, from, to, expires, .. } = consented;
    match language {
        Language::En => format!(
            "{consent}\n\nThis allows one move of account {account}\nfrom {from}\nto   {to}\nuntil {expires}. \
             Give it to the hoster that you leave.\n"
        ),
        Language::Fr => format!(
            "{consent}\n\nCeci permet un seul déménagement du compte {account}\nde   {from}\nvers {to}\njusqu'au {expires}. \
             Donnez-le à l'hébergeur que vous quittez.\n"
        ),
        Language::Nl => format!(
            "{consent}\n\nDit staat één verhuizing toe van account {account}\nvan  {from}\nnaar {to}\ntot {expires}. \
             Geef het aan de hoster die u verlaat.\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use essaim_identity::account::Acceptance;
    use essaim_identity::node::NodeClaim;
    use essaim_identity::{RecordHash, SigningKey};

    use super::*;

    #[test]
    fn a_consent_is_made_from_the_words_alone() {
        let kit = Kit::from_bytes(&[7; 32]);
        let text = consent(1, 2).sign(&kit.to_words()).unwrap().consent;
        let ConsentText(read) = text.parse().unwrap();
        let checked = read.verify().unwrap();
        assert_eq!(checked.signers().collect::<Vec<_>>(), [&kit.member_key().public()]);
        let intent = checked.record();
        assert_eq!((intent.source, intent.target, intent.nonce), (listing(1), listing(2), [5; 16]));
    }

    #[test]
    fn wrong_words_and_a_move_to_nowhere_are_refused() {
        assert!(consent(1, 2).sign("one two three").unwrap_err().message.contains("words"));
        let kit = Kit::from_bytes(&[7; 32]);
        assert!(consent(2, 2).sign(&kit.to_words()).is_err());
    }

    fn consent(from: u8, to: u8) -> Consent {
        let key = SigningKey::from_seed(&[9; 32]);
        let node = NodeClaim {
            listing: listing(to),
            head: RecordHash::from_bytes([3; 32]),
            key: key.public(),
            addresses: Vec::new(),
        };
        let expires = essaim_types::Timestamp::from_seconds(now().seconds() + 3600);
        let acceptance = Acceptance { node, nonce: [5; 16], quota: 1 << 30, expires };
        Consent {
            account: AccountId::from_bytes([4; 32]),
            from: listing(from),
            accept: AcceptanceCode::sign(&acceptance, &key).unwrap(),
            days: 7,
            language: Language::En,
        }
    }

    fn listing(n: u8) -> ListingId {
        ListingId::from_bytes([n; 32])
    }
}
