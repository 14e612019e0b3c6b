//! Reports, word for word.

use proptest::prelude::*;

use super::*;

struct Case {
    language: Language,
    host: Domain,
    to: Address,
    recipients: Vec<(Address, Fate, &'static str)>,
    header: String,
}

impl Case {
    fn new() -> Self {
        Self {
            language: Language::English,
            host: "coop.test".parse().unwrap(),
            to: "alice@coop.test".parse().unwrap(),
            recipients: vec![("bob@peer.test".parse().unwrap(), Fate::Failed, "550 5.1.1 No such user")],
            header: "From: alice@coop.test\r\nMessage-ID: <m@coop.test>\r\nSubject: hi\r\n\r\nbody\r\n"
                .into(),
        }
    }

    fn compose(&self) -> (String, Composed) {
        let recipients: Vec<_> = self.recipients.iter().map(undelivered).collect();
        let composed = Bounce {
            host: &self.host,
            language: self.language,
            to: &self.to,
            at: Timestamp::from_seconds(86_400),
            message_id: &MessageId::new("r1", self.host.clone()),
            boundary: "abc",
            queue_id: &QueueId::new("q1"),
            arrived: Timestamp::from_seconds(0),
            recipients: &recipients,
            original_header: self.header.as_bytes(),
        }
        .compose();
        (String::from_utf8(composed.message.clone()).unwrap(), composed)
    }
}

fn undelivered<'a>((recipient, fate, diagnostic): &'a (Address, Fate, &'static str)) -> Undelivered<'a> {
    let class = if *fate == Fate::Failed { 5 } else { 4 };
    Undelivered {
        recipient,
        fate: *fate,
        status: EnhancedStatus::new(class, 1, 1).unwrap(),
        remote_host: (!diagnostic.is_empty()).then_some("mx.peer.test"),
        diagnostic,
        last_attempt: Timestamp::from_seconds(60),
    }
}

#[test]
fn rfc3464_a_failure_word_for_word() {
    let (text, composed) = Case::new().compose();
    let expected = "\
From: Mail delivery at coop.test <mailer-daemon@coop.test>
To: <alice@coop.test>
Subject: Your message was not delivered
Date: Fri, 2 Jan 1970 00:00:00 +0000
Message-ID: <r1@coop.test>
In-Reply-To: <m@coop.test>
References: <m@coop.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"report-abc\"
Content-Transfer-Encoding: 7bit

--report-abc
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

This is the mail server coop.test.

Your message could not be delivered to:

  bob@peer.test
    There is no mailbox with this address. Please check how it is written.
    The server mx.peer.test said: 550 5.1.1 No such user

The next parts of this message hold details for your mail program or your
administrator, and the header of your message.

--report-abc
Content-Type: message/delivery-status
Content-Transfer-Encoding: 7bit

Reporting-MTA: dns; coop.test
X-Queue-ID: q1
Arrival-Date: Thu, 1 Jan 1970 00:00:00 +0000

Final-Recipient: rfc822; bob@peer.test
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.peer.test
Diagnostic-Code: smtp; 550 5.1.1 No such user
Last-Attempt-Date: Thu, 1 Jan 1970 00:01:00 +0000

--report-abc
Content-Type: text/rfc822-headers
Content-Transfer-Encoding: 7bit

From: alice@coop.test
Message-ID: <m@coop.test>
Subject: hi

--report-abc--
";
    assert_eq!(text.replace("\r\n", "\n"), expected);
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']));
    assert_eq!((composed.body, composed.smtputf8), (BodyType::SevenBit, false));
}

#[test]
fn a_delay_says_that_nothing_is_to_be_done() {
    let mut case = Case::new();
    let until = Timestamp::from_seconds(4 * 86_400);
    case.recipients = vec![("bob@peer.test".parse().unwrap(), Fate::Delayed { until }, "")];
    let (text, _) = case.compose();
    for line in [
        "Subject: Your message is delayed\r\n",
        "Your message has not yet been delivered to:\r\n",
        "It will be tried again until 1970-01-05 00:00 UTC.\r\n    You need not send it again.\r\n",
        "Action: delayed\r\nStatus: 4.1.1\r\nLast-Attempt-Date: ",
        "Will-Retry-Until: Mon, 5 Jan 1970 00:00:00 +0000\r\n",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// The part for people as it is read, without the encoding of its letters.
fn readable(text: &str) -> String {
    let parsed = mail_parser::MessageParser::new().parse(text.as_bytes()).unwrap();
    parsed.body_text(0).unwrap().into_owned()
}

#[test]
fn french_comes_first_where_members_read_it_and_english_below() {
    let case = Case { language: Language::French, ..Case::new() };
    let (text, composed) = case.compose();
    assert!(text.contains("Subject: Message non remis / Your message was not delivered\r\n"), "{text}");
    assert!(text.contains("charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"), "{text}");
    assert_eq!((composed.body, composed.smtputf8), (BodyType::SevenBit, false), "any host can carry it");
    let expected = "\
Ici le serveur de courrier coop.test.

Votre message n'a pas pu être remis à :

  bob@peer.test
    Il n'y a pas de boîte à cette adresse. Veuillez vérifier son orthographe.
    Le serveur mx.peer.test a répondu : 550 5.1.1 No such user

Les parties suivantes de ce message contiennent des détails pour votre
logiciel de courrier ou votre administrateur, et l'en-tête de votre message.

----------------------------------------

This is the mail server coop.test.

Your message could not be delivered to:

  bob@peer.test
    There is no mailbox with this address. Please check how it is written.
    The server mx.peer.test said: 550 5.1.1 No such user

The next parts of this message hold details for your mail program or your
administrator, and the header of your message.
";
    assert_eq!(readable(&text).replace("\r\n", "\n"), expected);
}

#[test]
fn a_delay_in_dutch_word_for_word() {
    let until = Timestamp::from_seconds(4 * 86_400);
    let recipients = vec![("bob@peer.test".parse().unwrap(), Fate::Delayed { until }, "")];
    let (text, _) = Case { language: Language::Dutch, recipients, ..Case::new() }.compose();
    assert!(text.contains("Subject: Uw bericht is vertraagd / Your message is delayed\r\n"), "{text}");
    let expected = "\
Dit is de mailserver coop.test.

Uw bericht is nog niet bezorgd bij:

  bob@peer.test
    Er is geen mailbox met dit adres. Controleer hoe het geschreven is.
    Er wordt opnieuw geprobeerd tot 1970-01-05 00:00 UTC.
    U hoeft het niet opnieuw te versturen.

De volgende delen van dit bericht bevatten details voor uw mailprogramma of uw
beheerder, en de koptekst van uw bericht.

----------------------------------------
";
    let read = readable(&text).replace("\r\n", "\n");
    assert!(read.starts_with(expected), "{read}");
    assert!(text.is_ascii() && text.contains("Will-Retry-Until: Mon, 5 Jan 1970 00:00:00 +0000\r\n"));
}

#[test]
fn every_reason_is_said_in_every_language_and_fits() {
    for (class, subject, detail) in
        (0..10).flat_map(|subject| (0..12).map(move |detail| (5, subject, detail)))
    {
        let status = EnhancedStatus::new(class, subject, detail).unwrap();
        let said =
            [Language::English, Language::French, Language::Dutch].map(|language| language.reason(status));
        for text in said {
            assert!(text.lines().all(|line| line.chars().count() <= 90) && text.ends_with('.'), "{text}");
        }
        assert!(said[0] != said[1] && said[1] != said[2] && said[0] != said[2], "{said:?}");
    }
}

#[test]
fn rfc6533_internationalized_addresses() {
    let mut case = Case::new();
    case.recipients = vec![("zoë@peer.test".parse().unwrap(), Fate::Failed, "550 caf\u{e9}")];
    let (text, composed) = case.compose();
    assert!(text.contains("  zo=C3=AB@peer.test\r\n"), "{text}");
    assert!(
        text.contains("Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: 8bit\r\n")
    );
    assert!(text.contains("Final-Recipient: utf-8; zoë@peer.test\r\n"));
    assert!(text.contains("message/global-headers"));
    assert!(text.contains("Diagnostic-Code: smtp; 550 caf?\r\n"));
    assert_eq!((composed.body, composed.smtputf8), (BodyType::EightBit, true));
}

#[test]
fn what_strangers_said_cannot_break_the_report() {
    let mut case = Case::new();
    case.recipients =
        vec![("bob@peer.test".parse().unwrap(), Fate::Failed, "550 x\r\n\r\n--report-abc--\r\nevil")];
    case.header = "Subject: \0\r\n--report-abcx\nMessage-ID: <a> <b>\r\n\r\n".into();
    let (text, _) = case.compose();
    assert!(text.contains("boundary=\"report-abcxx\""), "{text}");
    assert_eq!(text.matches("\r\n--report-abcxx").count(), 4);
    assert!(text.contains("Subject: ?\r\n--report-abcx\r\n"));
    assert!(!text.contains("References"));
}

#[test]
fn a_report_is_small_whatever_it_is_about() {
    let mut case = Case::new();
    let bob = case.recipients.first().unwrap().clone();
    case.recipients = vec![bob; 5000];
    case.header = "X: y\r\n".repeat(100_000);
    let (text, _) = case.compose();
    assert!(text.contains("The same goes for 4900 more recipients."));
    assert!(text.len() < 200_000, "{}", text.len());
}

proptest! {
    #[test]
    fn any_original_header_gives_a_proper_report(header in prop::collection::vec(any::<u8>(), 0..500)) {
        let mut case = Case::new();
        case.header = String::from_utf8_lossy(&header).into_owned();
        let (text, _) = case.compose();
        prop_assert!(text.split("\r\n").all(|line| !line.contains(['\r', '\n', '\0'])));
        prop_assert_eq!(text.matches("\r\n--report-abc").count(), 4);
    }
}
