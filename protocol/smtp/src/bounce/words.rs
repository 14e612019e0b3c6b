//! Everything in a report that a member reads, in each language.

use crate::reply::EnhancedStatus;

/// The languages in which a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, which stands below every other.
    #[default]
    English,
    /// French.
    French,
    /// Dutch.
    Dutch,
}

/// The sentences around the addresses. Subjects are ASCII: a header beyond it would have to be encoded.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) subject_failed: &'static str,
    pub(super) subject_delayed: &'static str,
    /// Before the host's name.
    pub(super) this_is: &'static str,
    pub(super) failed: &'static str,
    pub(super) delayed: &'static str,
    /// Around the name of the other server.
    pub(super) said: [&'static str; 2],
    /// Before a time.
    pub(super) tried_until: &'static str,
    pub(super) nothing_to_do: &'static str,
    /// Around a number.
    pub(super) more: [&'static str; 2],
    pub(super) details: &'static str,
}

impl Language {
    /// The languages of a report for a hoster of this language.
    pub(super) fn all(self) -> impl Iterator<Item = Self> {
        [Some(self), (self != Self::English).then_some(Self::English)].into_iter().flatten()
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
            Self::Dutch => &DUTCH,
        }
    }

    /// One sentence for the codes of RFC 3463 and its successors that are seen in practice.
    pub(super) fn reason(self, status: EnhancedStatus) -> &'static str {
        let [english, french, dutch] = reason(status);
        match self {
            Self::English => english,
            Self::French => french,
            Self::Dutch => dutch,
        }
    }
}

const ENGLISH: Words = Words {
    subject_failed: "Your message was not delivered",
    subject_delayed: "Your message is delayed",
    this_is: "This is the mail server",
    failed: "Your message could not be delivered to:",
    delayed: "Your message has not yet been delivered to:",
    said: ["The server", "said:"],
    tried_until: "It will be tried again until",
    nothing_to_do: "You need not send it again.",
    more: ["The same goes for", "more recipients."],
    details: "The next parts of this message hold details for your mail program or your\r\n\
              administrator, and the header of your message.",
};

const FRENCH: Words = Words {
    subject_failed: "Message non remis",
    subject_delayed: "Message en attente de remise",
    this_is: "Ici le serveur de courrier",
    failed: "Votre message n'a pas pu être remis à :",
    delayed: "Votre message n'a pas encore été remis à :",
    said: ["Le serveur", "a répondu :"],
    tried_until: "De nouveaux essais auront lieu jusqu'au",
    nothing_to_do: "Il n'est pas nécessaire de le renvoyer.",
    more: ["Il en va de même pour", "autres destinataires."],
    details: "Les parties suivantes de ce message contiennent des détails pour votre\r\n\
              logiciel de courrier ou votre administrateur, et l'en-tête de votre message.",
};

const DUTCH: Words = Words {
    subject_failed: "Uw bericht is niet bezorgd",
    subject_delayed: "Uw bericht is vertraagd",
    this_is: "Dit is de mailserver",
    failed: "Uw bericht kon niet worden bezorgd bij:",
    delayed: "Uw bericht is nog niet bezorgd bij:",
    said: ["De server", "antwoordde:"],
    tried_until: "Er wordt opnieuw geprobeerd tot",
    nothing_to_do: "U hoeft het niet opnieuw te versturen.",
    more: ["Hetzelfde geldt voor nog", "ontvangers."],
    details: "De volgende delen van dit bericht bevatten details voor uw mailprogramma of uw\r\n\
              beheerder, en de koptekst van uw bericht.",
};

/// English, French, Dutch.
fn reason(status: EnhancedStatus) -> [&'static str; 3] {
    match (status.subject(), status.detail()) {
        (1, 1) => [
            "There is no mailbox with this address. Please check how it is written.",
            "Il n'y a pas de boîte à cette adresse. Veuillez vérifier son orthographe.",
            "Er is geen mailbox met dit adres. Controleer hoe het geschreven is.",
        ],
        (1, 2) => [
            "The domain after the @ does not exist. Please check how it is written.",
            "Le domaine après le @ n'existe pas. Veuillez vérifier son orthographe.",
            "Het domein na de @ bestaat niet. Controleer hoe het geschreven is.",
        ],
        (1, 3) => [
            "The address is not written in a valid way.",
            "L'adresse n'est pas écrite de façon valable.",
            "Het adres is niet geldig geschreven.",
        ],
        (1, 6) => [
            "The mailbox has moved and left no new address.",
            "La boîte a déménagé sans laisser de nouvelle adresse.",
            "De mailbox is verhuisd zonder nieuw adres achter te laten.",
        ],
        (1, 10) => [
            "The domain after the @ takes no mail.",
            "Le domaine après le @ n'accepte pas de courrier.",
            "Het domein na de @ neemt geen mail aan.",
        ],
        (1, 7 | 8) => [
            "The other server does not accept your sender address.",
            "L'autre serveur n'accepte pas votre adresse d'expéditeur.",
            "De andere server aanvaardt uw afzenderadres niet.",
        ],
        (1, _) => [
            "The other server does not accept the address.",
            "L'autre serveur n'accepte pas l'adresse.",
            "De andere server aanvaardt het adres niet.",
        ],
        (2, 1) => ["The mailbox is closed.", "La boîte est fermée.", "De mailbox is gesloten."],
        (2, 2) => ["The mailbox is full.", "La boîte est pleine.", "De mailbox is vol."],
        (2, 3) => [
            "The message is larger than the mailbox allows.",
            "Le message est plus grand que la boîte ne l'admet.",
            "Het bericht is groter dan de mailbox toelaat.",
        ],
        (2, _) => [
            "The mailbox cannot take the message.",
            "La boîte ne peut pas recevoir le message.",
            "De mailbox kan het bericht niet ontvangen.",
        ],
        (3, 1) => [
            "The other server has no space left.",
            "L'autre serveur n'a plus de place.",
            "De andere server heeft geen plaats meer.",
        ],
        (3, 4) => [
            "The message is too large for the other server.",
            "Le message est trop grand pour l'autre serveur.",
            "Het bericht is te groot voor de andere server.",
        ],
        (3, _) => [
            "The other server has a problem of its own.",
            "L'autre serveur a un problème qui lui est propre.",
            "De andere server heeft zelf een probleem.",
        ],
        (4, 1) => [
            "The other server does not answer.",
            "L'autre serveur ne répond pas.",
            "De andere server antwoordt niet.",
        ],
        (4, 3 | 4) => [
            "The name of the other server cannot be found.",
            "Le nom de l'autre serveur est introuvable.",
            "De naam van de andere server is niet te vinden.",
        ],
        (4, 6) => [
            "The message goes round in circles between servers.",
            "Le message tourne en rond entre les serveurs.",
            "Het bericht draait in een kring tussen servers.",
        ],
        (4, 7) => [
            "It was tried for too long without success.",
            "Les essais ont duré trop longtemps sans succès.",
            "Er is te lang zonder succes geprobeerd.",
        ],
        (4, _) => [
            "The connection to the other server failed.",
            "La connexion à l'autre serveur a échoué.",
            "De verbinding met de andere server is mislukt.",
        ],
        (5, 3) => [
            "The message has too many recipients.",
            "Le message a trop de destinataires.",
            "Het bericht heeft te veel ontvangers.",
        ],
        (5, _) => [
            "The two servers did not understand each other.",
            "Les deux serveurs ne se sont pas compris.",
            "De twee servers begrepen elkaar niet.",
        ],
        (6, 3) => [
            "The other server is too old for letters such as é in a message. Please send it again\r\n    \
             with your mail program set to “quoted-printable”.",
            "L'autre serveur est trop ancien pour des lettres comme é dans un message. Veuillez le\r\n    \
             renvoyer avec votre logiciel de courrier réglé sur « quoted-printable ».",
            "De andere server is te oud voor letters zoals é in een bericht. Verstuur het opnieuw\r\n    \
             met uw mailprogramma ingesteld op “quoted-printable”.",
        ],
        (6, 7..=9) => [
            "The other server does not support addresses with letters such as é.",
            "L'autre serveur n'admet pas les adresses avec des lettres comme é.",
            "De andere server ondersteunt geen adressen met letters zoals é.",
        ],
        (6, _) => [
            "The other server does not accept the content of the message.",
            "L'autre serveur n'accepte pas le contenu du message.",
            "De andere server aanvaardt de inhoud van het bericht niet.",
        ],
        (7, 10) => [
            "No protected connection to the other server was possible.",
            "Aucune connexion protégée avec l'autre serveur n'a été possible.",
            "Er was geen beveiligde verbinding met de andere server mogelijk.",
        ],
        (7, _) => [
            "The other server refuses the message by its rules.",
            "L'autre serveur refuse le message selon ses règles.",
            "De andere server weigert het bericht volgens zijn regels.",
        ],
        _ if status.class() == 5 => [
            "The other server refuses the message.",
            "L'autre serveur refuse le message.",
            "De andere server weigert het bericht.",
        ],
        _ => [
            "The other server does not take the message now.",
            "L'autre serveur ne prend pas le message pour le moment.",
            "De andere server neemt het bericht nu niet aan.",
        ],
    }
}
