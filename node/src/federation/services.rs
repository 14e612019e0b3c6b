//! The names under which nodes talk about the directory.

use essaim_directory::wire;
use essaim_network::{Purpose, Service, Topic};

/// What is answered here.
pub(super) fn all() -> Vec<Service> {
    [SYNC, JOIN, PROBE, SEEN].map(label).into()
}

/// What is gossiped.
pub(super) fn topics() -> Vec<Topic> {
    [wire::Topic::Changes, wire::Topic::Beats, wire::Topic::Alerts].map(topic).into()
}

pub(super) fn sync() -> Service {
    label(SYNC)
}

pub(super) fn join() -> Service {
    label(JOIN)
}

/// Streams on which mail is handed over.
pub(crate) fn mail() -> Purpose {
    label(MAIL)
}

/// Streams on which a hoster shows where an account lives now.
pub(crate) fn home() -> Purpose {
    label(HOME)
}

/// Streams on which an account moves.
pub(crate) fn moving() -> Purpose {
    label(MOVE)
}

/// Streams on which a client of an account that has moved is led on.
pub(crate) fn session() -> Purpose {
    label(SESSION)
}

/// Streams about what hosters keep of each other's accounts.
pub(crate) fn replica_purpose() -> Purpose {
    label(REPLICA)
}

pub(super) fn probe() -> Service {
    label(PROBE)
}

pub(super) fn seen() -> Service {
    label(SEEN)
}

pub(super) fn topic(of: wire::Topic) -> Topic {
    label(match of {
        wire::Topic::Changes => "changes",
        wire::Topic::Beats => "beats",
        wire::Topic::Alerts => "alerts",
    })
}

fn label<T: std::str::FromStr>(name: &str) -> T {
    name.parse().unwrap_or_else(|_| unreachable!("the names in this file are short and plain"))
}

/// SMTP from one hoster to another.
pub(crate) const MAIL: &str = "mail";
/// An account on its way from one hoster to another.
pub(crate) const MOVE: &str = "move";
/// A client of an account that has moved, from its old hoster to the new one.
pub(crate) const SESSION: &str = "session";
/// Questions about accounts of other hosters.
pub(crate) const REPLICA: &str = "replica";
/// Where the account lives now that had an address.
pub(crate) const HOME: &str = "home";
/// Comparing directories.
pub(super) const SYNC: &str = "sync/1";
/// Presenting an invitation.
pub(super) const JOIN: &str = "join/1";
/// Asking to be looked at from outside.
pub(super) const PROBE: &str = "probe/1";
/// Asking what a node has seen of a hoster.
pub(super) const SEEN: &str = "seen/1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_names() {
        assert_eq!((all().len(), topics().len()), (4, 3));
        assert_eq!((sync().as_str(), join().as_str()), (SYNC, JOIN));
        assert_eq!((mail().as_str(), moving().as_str(), session().as_str()), (MAIL, MOVE, SESSION));
        assert_eq!(replica_purpose().as_str(), REPLICA);
        assert_eq!(home().as_str(), HOME);
    }
}
