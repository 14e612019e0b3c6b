//! An account that came from another host, and one that leaves: what its client sees over the protocol.

use essaim_store::{Changes, Op, Store};
use essaim_types::{Lsn, ObjectKind};

use super::{ALICE, Client, mail, message};
use crate::delivery::{self, Envelope, Incoming};
use crate::{Mail, MailConfig};

fn lsn(store: &Store) -> Lsn {
    store.read().unwrap().account(ALICE).unwrap().unwrap().lsn
}

/// A copy that began at `base`, before anything it copies: adopted, replayed and opened.
async fn moved(from: &Mail, meanwhile: impl AsyncFnOnce()) -> Mail {
    let (source, target) = (from.store.clone(), Store::in_memory());
    let base = lsn(&source);
    meanwhile().await;
    let rows = source.read().unwrap().objects(ALICE, None).unwrap().map(Result::unwrap);
    let rows: Vec<_> = rows.collect();
    let Changes::Since(changes) = source.changes(ALICE, base, 1000).unwrap() else { panic!("it began here") };
    let named = changes.iter().flat_map(|change| &change.ops).filter_map(Op::object);
    for blob in rows.iter().map(|(_, _, object)| object).chain(named).flat_map(|object| &object.blobs) {
        target.put_blob_record(&source.blob_record(blob).unwrap()).unwrap();
    }
    target
        .commit_blocking(move |tx| {
            tx.create_account(super::HOSTER, None)?;
            tx.adopt_account(ALICE, None, base)?;
            for (kind, key, object) in rows {
                tx.adopt(ALICE, kind, &key, object)?;
            }
            for change in changes {
                tx.replay(ALICE, change.lsn, change.ops)?;
            }
            tx.open_account(ALICE)
        })
        .unwrap();
    Mail::new(target, super::HOSTER, MailConfig::default())
}

#[tokio::test]
async fn a_client_finds_its_mailbox_as_it_was_and_learns_what_went() {
    let here = mail();
    let mut client = Client::connect(&here).await;
    for subject in ["a", "b", "c", "d", "e"] {
        client.append("INBOX", "", &message(subject)).await;
    }
    let old = lsn(&here.store);
    client.say("s SELECT INBOX\r\n").await;
    client.say("x STORE 2 +FLAGS (\\Deleted)\r\n").await;
    client.say("x EXPUNGE\r\n").await;
    client.say("x STORE 1 +FLAGS ($Keyword)\r\n").await;
    let known = lsn(&here.store);
    let there = moved(&here, async || {
        client.say("x STORE 3 +FLAGS (\\Deleted)\r\n").await;
        client.say("x EXPUNGE\r\n").await;
        client.append("INBOX", "", &message("f")).await;
    })
    .await;
    let select = |said: String| {
        let lines = said.lines().filter(|line| line.contains("UIDVALIDITY") || line.contains("UIDNEXT"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = select(Client::connect(&here).await.say("s SELECT INBOX (CONDSTORE)\r\n").await);
    let after = select(Client::connect(&there).await.say("s SELECT INBOX (CONDSTORE)\r\n").await);
    assert_eq!(before, after);
    let validity = before.iter().find_map(|line| line.split("UIDVALIDITY ").nth(1)).unwrap();
    let validity = validity.split(']').next().unwrap();
    for (since, vanished) in [(known, "4"), (old, "2,4")] {
        for mail in [&here, &there] {
            let mut back = Client::connect(mail).await;
            back.say("e ENABLE QRESYNC\r\n").await;
            let said = back.say(&format!("s SELECT INBOX (QRESYNC ({validity} {since}))\r\n")).await;
            // From before the base, and with it: every UID that is not there.
            assert!(said.contains(&format!("* VANISHED (EARLIER) {vanished}\r\n")), "{said}");
            assert_eq!(said.contains("UID 1 FLAGS ($Keyword)"), since == old, "{said}");
            assert!(said.contains("* 4 FETCH (UID 6 "), "{said}");
        }
    }
    let said = Client::connect(&there).await.say("l LIST \"\" *\r\n").await;
    assert_eq!(said, Client::connect(&here).await.say("l LIST \"\" *\r\n").await);
}

#[tokio::test]
async fn what_messages_contain_is_computed_again_before_it_is_asked_for() {
    let here = mail();
    let mut client = Client::connect(&here).await;
    for subject in ["a", "b", "c"] {
        client.append("INBOX", "", &message(subject)).await;
    }
    let there = moved(&here, async || {}).await;
    let derived = |mail: &Mail| {
        let snapshot = mail.store.read().unwrap();
        let all = std::ops::Bound::Unbounded;
        let rows = snapshot.derived_range(ALICE, ObjectKind::MESSAGE, all, all).unwrap();
        rows.map(Result::unwrap).collect::<Vec<_>>()
    };
    assert!(derived(&there).is_empty());
    assert_eq!(there.summarize(ALICE).unwrap(), 3);
    assert_eq!(derived(&there), derived(&here));
    assert_eq!(there.summarize(ALICE).unwrap(), 0, "what is known is not computed twice");
    let fetch = "f FETCH 1:* (ENVELOPE BODYSTRUCTURE)\r\n";
    let mut told = Vec::new();
    for mail in [&here, &there] {
        let mut client = Client::connect(mail).await;
        client.say("s SELECT INBOX\r\n").await;
        told.push(client.say(fetch).await);
    }
    assert!(told[0].contains("\"a\"") && told[0] == told[1], "{told:?}");
}

#[tokio::test]
async fn an_account_that_left_is_read_and_answers_unavailable_to_every_write() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    client.append("INBOX", "", &message("a")).await;
    client.say("s SELECT INBOX\r\n").await;
    let at = lsn(&mail.store);
    mail.store.commit(move |tx| tx.seal_account(ALICE, at)).await.unwrap();
    for command in [
        "STORE 1 +FLAGS (\\Seen)",
        "EXPUNGE",
        "COPY 1 Drafts",
        "MOVE 1 Drafts",
        "CREATE x",
        "DELETE Drafts",
        "RENAME Drafts x",
        "UNSUBSCRIBE INBOX",
    ] {
        let said = client.say(&format!("w {command}\r\n")).await;
        let nothing_to_do = command == "EXPUNGE" && said.contains("w OK");
        assert!(nothing_to_do || said.contains("w NO [UNAVAILABLE] "), "{command}: {said}");
    }
    let said = client.append("INBOX", "", &message("b")).await;
    assert!(said.contains("a NO [UNAVAILABLE] "), "{said}");
    let said = client.say("f FETCH 1 (BODY.PEEK[] FLAGS)\r\n").await;
    assert!(said.contains("Subject: a") && said.contains("f OK"), "{said}");
    assert_eq!(lsn(&mail.store), at);
}

#[tokio::test(start_paused = true)]
async fn a_command_waits_for_a_fence_and_is_done_after_it() {
    let mail = mail();
    let mut client = Client::connect(&mail).await;
    client.append("INBOX", "", &message("a")).await;
    client.say("s SELECT INBOX\r\n").await;
    let fence = mail.store.fence(ALICE).await.unwrap();
    let said = client.say("f FETCH 1 (FLAGS)\r\n").await;
    assert!(said.contains("f OK"), "reading does not wait: {said}");
    let begun = tokio::time::Instant::now();
    let said = client.say("x STORE 1 +FLAGS (\\Seen)\r\n").await;
    assert!(said.contains("x OK"), "{said}");
    assert_eq!(begun.elapsed().as_secs(), essaim_store::FENCE_MAX.as_secs());
    drop(fence);
}

#[tokio::test]
async fn mail_for_two_of_whom_one_has_left_is_for_nobody_yet() {
    let mail = mail();
    let bob = essaim_types::AccountId::from_bytes([2; 32]);
    mail.store.commit(move |tx| tx.create_account(bob, None)).await.unwrap();
    let deliver = async || {
        let mut incoming = Incoming::new(&mail.store);
        incoming.push(message("a").as_bytes()).unwrap();
        let envelope = Envelope { local: vec![bob, ALICE], ..Envelope::default() };
        delivery::deliver(&mail.store, mail.hoster, envelope, incoming.finish().unwrap()).await
    };
    let at = lsn(&mail.store);
    mail.store.commit(move |tx| tx.seal_account(ALICE, at)).await.unwrap();
    match deliver().await.unwrap_err() {
        essaim_store::CommitError::Refused(error) => assert_eq!(error.moving(), Some(ALICE), "{error}"),
        other => panic!("{other}"),
    }
    assert!(mail.store.read().unwrap().get(bob, ObjectKind::MAILBOX, b"").unwrap().is_none());
    mail.store.commit(|tx| tx.open_account(ALICE)).await.unwrap();
    let fence = mail.store.fence(ALICE).await.unwrap();
    let (delivered, ()) = tokio::join!(deliver(), async {
        tokio::task::yield_now().await;
        drop(fence);
    });
    assert_eq!(delivered.unwrap().len(), 2);
}
