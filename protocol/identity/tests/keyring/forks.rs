//! Two entries where one should be.

use essaim_identity::keyring::{Accepted, EntryNumber, Role, Status};

use crate::people::{actor, coop, public, roles, signed};

#[test]
fn a_fork_freezes_until_an_entry_names_both_branches() {
    let start = coop();
    let branch = |n: u8| {
        let draft = start.draft().unwrap().operator(public(n), roles(&[Role::Edit]), actor(n));
        signed(draft.propose(&start).unwrap(), &[1, 2])
    };
    let mut coop = start.clone();
    coop.accept(branch(11)).unwrap();
    assert_eq!(coop.accept(branch(12)), Ok(Accepted::Forked));
    assert_eq!(coop.status(), Status::Forked { at: EntryNumber(1) });
    assert_eq!(coop.head(), start.head());
    assert!(!coop.has_role(EntryNumber(1), &public(11), Role::Edit));

    let thaw = signed(coop.draft().unwrap().propose(&coop).unwrap(), &[1, 3]);
    assert_eq!(coop.accept(thaw), Ok(Accepted::Thawed));
    assert_eq!(coop.status(), Status::Settled);
    assert_eq!(coop.head().number, EntryNumber(2));
    assert_eq!(coop.head().operators, start.head().operators);
}
