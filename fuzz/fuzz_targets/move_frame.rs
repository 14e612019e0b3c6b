//! What the other side of a move may send: frames of any bytes. What is read has one spelling; a target that hears it asks for nothing
//! beyond its bounds, and does not serve without being told to by an entry.
#![no_main]

use essaim_identity::account::MoveId;
use essaim_migration::moving::frame;
use essaim_migration::moving::target::{Action, Adopted, Event, Step, Target, TargetRecord};
use essaim_migration::moving::{Message, Place};
use essaim_types::{AccountId, Lsn, Timestamp};
use libfuzzer_sys::fuzz_target;

const ACCOUNT: AccountId = AccountId::from_bytes([1; 32]);
const MOVE: MoveId = MoveId([2; 16]);

fuzz_target!(|data: &[u8]| {
    let Ok(message) = frame::read(ACCOUNT, MOVE, data) else { return };
    let written = frame::write(ACCOUNT, MOVE, message.clone());
    assert_eq!(&written[4..], data, "two spellings");
    let adopted = Adopted { base: Lsn(7), place: Place::START, staged: vec![] };
    for step in [Step::Invited, Step::Adopting(adopted.clone()), Step::Prepared(adopted, 1)] {
        let promised = matches!(step, Step::Prepared(..));
        let mut target = Target::new(TargetRecord { step, offer: None });
        for action in target.handle(Timestamp(0), Event::Received(message.clone())) {
            match action {
                Action::Activate(_) => assert!(promised && matches!(message, Message::Moved(_))),
                Action::Adopt(batch, _) => assert!(batch.check(Lsn(7)).is_ok()),
                _ => {}
            }
        }
    }
});
