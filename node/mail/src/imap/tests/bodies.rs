//! FETCH of bodies: many, large, sparse, and one that is damaged.

use std::sync::Arc;

use essaim_store::{Disk as _, OpenMode, Options, SimDisk};

use super::*;

/// The text of message `number`: mostly short, now and then longer than what is read ahead, and once longer than what is sent at once.
fn text(number: usize) -> String {
    let lines = match number {
        150 => 12_000,
        n if n % 40 == 7 => 4_000,
        n => n % 90,
    };
    let noise = |line: usize| blake3::hash(&(number * 100_000 + line).to_le_bytes()).to_hex();
    let body: String = (0..lines).map(|line| format!("{}\r\n", noise(line))).collect();
    format!("Subject: {number}\r\nX-Number: {number}\r\n\r\n{body}")
}

async fn filled(mail: &Mail, count: usize) -> Client {
    let mut client = Client::connect(mail).await;
    for number in 1..=count {
        assert!(client.append("INBOX", "", &text(number)).await.contains("a OK"));
    }
    client.say("s SELECT INBOX\r\n").await;
    client
}

fn whole(number: usize) -> String {
    format!("* {number} FETCH (UID {number} BODY[] {{{}}}\r\n{})\r\n", text(number).len(), text(number))
}

#[tokio::test]
async fn every_body_comes_whole_and_in_order() {
    let mail = mail();
    let mut client = filled(&mail, 300).await;
    let expected: String = (1..=300).map(whole).collect();
    let said = client.say("f UID FETCH 1:* BODY.PEEK[]\r\n").await;
    assert!(said == format!("{expected}f OK Fetched\r\n"), "differs at {:?}", differs(&said, &expected));
    // Few of many, and some that are gone: rows are looked up one by one.
    client.say("x STORE 47,101:110 +FLAGS.SILENT (\\Deleted)\r\n").await;
    client.say("x UID EXPUNGE 1:*\r\n").await;
    let said = client.say("f UID FETCH 7,47,150,299 BODY.PEEK[]\r\n").await;
    let number = |uid: usize| if uid > 110 { uid - 11 } else { uid };
    let renumbered = |uid| whole(uid).replacen(&format!("* {uid} "), &format!("* {} ", number(uid)), 1);
    let expected: String = [7, 150, 299].map(renumbered).concat();
    assert!(said == format!("{expected}f OK Fetched\r\n"), "differs at {:?}", differs(&said, &expected));
    let said = client.say("f FETCH 1:* (BODY.PEEK[HEADER.FIELDS (X-NUMBER)] RFC822.SIZE)\r\n").await;
    assert_eq!(said.matches("FETCH (").count(), 289);
    assert!(said.contains("X-Number: 300\r\n\r\n") && !said.contains("X-Number: 105\r\n"));
    let said = client.say("f UID FETCH 150 (BODY.PEEK[]<10.12> BODY.PEEK[TEXT]<0.64>)\r\n").await;
    assert!(said.contains("BODY[]<10> {12}\r\n50\r\nX-Number"), "{said}");
}

/// Where two texts differ first.
fn differs(one: &str, other: &str) -> Option<usize> {
    one.bytes().zip(other.bytes()).position(|(one, other)| one != other)
}

#[tokio::test]
async fn a_damaged_body_is_refused_and_nothing_of_it_is_told() {
    let disk = Arc::new(SimDisk::new());
    let store = Store::open_on(Arc::clone(&disk) as _, &Options::default()).unwrap();
    let mail = mail_on(store);
    let mut client = filled(&mail, 9).await;
    let file = disk.open("segments/0000000001.seg", OpenMode::Existing).unwrap();
    let mut bytes = vec![0; usize::try_from(file.size().unwrap()).unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    let id = essaim_types::BlobId::of(text(6).as_bytes());
    let at = bytes.windows(32).position(|window| window == id.as_bytes()).unwrap();
    file.write_all_at(&[bytes[at + 60] ^ 1], at as u64 + 60).unwrap();
    let said = client.say("f UID FETCH 1:* BODY.PEEK[]\r\n").await;
    let (told, answer) = said.split_at((1..=5).map(|number| whole(number).len()).sum());
    assert_eq!(told, (1..=5).map(whole).collect::<String>());
    assert!(answer.starts_with("f NO [UNAVAILABLE] "), "{answer}");
    let said = client.say("f UID FETCH 7:* BODY.PEEK[]\r\n").await;
    assert_eq!(said, (7..=9).map(whole).collect::<String>() + "f OK Fetched\r\n");
}
