//! What a node says it saw, and the question to look: bytes, signed with a key that is known where they can be read, so that what comes
//! after the signature is reached. And what a host says at its door, made fit to be shown.
#![no_main]

use essaim_directory::observation::{Observation, Question, Text};
use essaim_identity::{Signed, SigningKey, cbor};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some(text) = Text::of(&String::from_utf8_lossy(data)) {
        assert!((1..=255).contains(&text.as_str().len()) && !text.as_str().contains(char::is_control));
        assert_eq!(Text::of(text.as_str()).as_ref(), Some(&text), "what is told is read");
    }
    if let Ok(question) = Question::read(data) {
        assert!(question.doors.len() <= 8, "each service once");
        assert_eq!(cbor::encode(&question), data, "two spellings");
    }
    let Ok(mut seen) = cbor::decode::<Observation>(data) else { return };
    assert_eq!(cbor::encode(&seen), data, "two spellings");
    let key = SigningKey::from_seed(&[7; 32]);
    seen.key = key.public();
    let wire = Signed::sign(&seen, &key).expect("it was read").to_wire();
    if let Ok(read) = Observation::read(&wire, seen.time) {
        assert_eq!(read.into_record(), seen);
        for sight in &seen.sights {
            assert!(seen.host(sight).is_some() && seen.asked.contains(&sight.door), "it contradicts itself");
        }
    }
});
