//! What stands at a domain: TXT records and the card. The first byte says whether the rest is records (one a line) or a card; a card that
//! can be read is also signed with a key that is known, so that what comes after the signature is reached.
#![no_main]

use essaim_identity::SigningKey;
use essaim_identity::cbor;
use essaim_identity::domain::{CARD_BYTES_MAX, Card, CardError, TxtRecord};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    if first % 2 == 0 { records(rest) } else { card(rest) }
});

fn records(data: &[u8]) {
    if let Ok(found) = TxtRecord::find(data.split(|byte| *byte == b'\n')) {
        let text = found.to_string();
        assert_eq!(
            TxtRecord::find([text.as_bytes()]),
            Ok(found),
            "what was read is written so that it is read"
        );
    }
}

fn card(data: &[u8]) {
    // Whatever was served: read or refused.
    let _ = Card::read(data, essaim_types::Timestamp(0));
    let Ok(card) = cbor::decode::<Card>(data) else { return };
    assert_eq!(cbor::encode(&card), data, "two spellings");
    let key = SigningKey::from_seed(&[7; 32]);
    let mut ours = card;
    ours.node.key = key.public();
    match ours.sign(&key) {
        Ok(wire) => {
            assert!(wire.len() <= CARD_BYTES_MAX, "what is served is fetched");
            assert_eq!(Card::read(&wire, ours.issued).map(|read| read.into_record()), Ok(ours));
        }
        Err(error) => {
            assert!(matches!(error, CardError::TooManyAddresses { .. } | CardError::Content(_)), "{error}")
        }
    }
}
