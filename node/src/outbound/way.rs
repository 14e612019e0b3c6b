//! Which way a message takes. Pure: the tables and the time are arguments. See specs/07-queue.md.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use essaim_mail::queue::{Course, Entry, Way};
use essaim_types::{Address, Domain, Timestamp};

use crate::config::{Config, HostPort};
use crate::federation::{Correspondent, Correspondents, is_local};

/// What the choice depends on, besides the message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ways<'a> {
    /// What the operator wrote down.
    pub(super) routes: &'a BTreeMap<Domain, HostPort>,
    pub(super) has_relay: bool,
    pub(super) correspondents: &'a Correspondents,
}

/// What the choice depends on in a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// Of the recipients.
    pub(super) domain: &'a Domain,
    /// `None` is the null reverse-path.
    pub(super) sender: Option<&'a Address>,
    /// Why it goes there.
    pub(super) course: Course,
    /// How long it has waited.
    pub(super) age: Duration,
}

/// Which way a message takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Over the federation's channel, and what if the hoster's nodes are away.
    Peer(Arc<Correspondent>, Otherwise),
    /// Not over the channel.
    Elsewhere(Way),
    /// It could go over the channel only, and no mail is exchanged with that hoster now.
    Nobody,
}

/// What becomes of a message whose hoster is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Otherwise {
    /// It has waited long enough: it goes this way.
    Now(Way),
    /// It waits, and goes this way later.
    Later(Way),
    /// It waits: no DNS knows the domain.
    Never,
}

impl Ways<'_> {
    pub(super) fn plan(&self, facts: Facts<'_>) -> Plan {
        if let Course::Follow { home } | Course::Through { hoster: home } = facts.course {
            // Nobody else would know the address.
            let hoster = self.correspondents.of_domain(facts.domain).filter(|hoster| hoster.listing == home);
            return hoster.map_or(Plan::Nobody, |hoster| Plan::Peer(Arc::clone(hoster), Otherwise::Never));
        }
        let elsewhere = match self.routes.contains_key(facts.domain) {
            // What an operator wrote down is meant.
            true => return Plan::Elsewhere(Way::Route),
            false if self.has_relay => Way::Relay,
            false => Way::Mx,
        };
        // What others have sent goes over the channel to the home of an account, and to nobody else.
        let forwards = matches!(facts.course, Course::Forward { .. });
        let speaks =
            forwards || facts.sender.is_none_or(|sender| self.correspondents.speaks_for(sender.domain()));
        match self.correspondents.of_domain(facts.domain).filter(|_| speaks) {
            Some(hoster) => Plan::Peer(Arc::clone(hoster), otherwise(facts, elsewhere)),
            None => Plan::Elsewhere(elsewhere),
        }
    }
}

fn otherwise(facts: Facts<'_>, way: Way) -> Otherwise {
    match facts.domain.to_ascii() {
        Some(domain) if is_local(&domain) => Otherwise::Never,
        _ if facts.age >= PEER_PATIENCE => Otherwise::Now(way),
        _ => Otherwise::Later(way),
    }
}

/// Which way an entry of the queue takes at its next attempt, for people.
pub(crate) fn plan(
    config: &Config,
    correspondents: &Correspondents,
    domain: &Domain,
    entry: &Entry,
    due: Timestamp,
) -> Plan {
    let mail = &config.mail;
    let ways = Ways { routes: &mail.routes, has_relay: mail.relay.is_some(), correspondents };
    let (sender, course) = (entry.sender.as_ref(), entry.course);
    ways.plan(Facts { domain, sender, course, age: due.since(entry.queued) })
}

impl Plan {
    /// The first way of it.
    pub(crate) fn way(&self) -> Way {
        match self {
            Self::Peer(..) | Self::Nobody => Way::Peer,
            Self::Elsewhere(way) => *way,
        }
    }
}

/// So long a message waits for a hoster that is away before other hosts of the domain are tried as well. A restart, an update, a
/// broken router take minutes; what takes longer may take days, and the hoster may have an MX elsewhere.
pub(super) const PEER_PATIENCE: Duration = Duration::from_secs(3600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::federation::correspondents_for_tests as correspondents;

    fn planned(routes: &[&str], has_relay: bool, own: &str, mail: (&str, &str, u64)) -> Plan {
        let to = HostPort { host: "mx".to_owned(), port: 25 };
        let routes = routes.iter().map(|domain| (domain.parse().unwrap(), to.clone())).collect();
        let table = correspondents(own, &["b\u{fc}cher.example", "b.test"]);
        let ways = Ways { routes: &routes, has_relay, correspondents: &table };
        let (sender, domain, minutes) = mail;
        let sender = (!sender.is_empty()).then(|| sender.parse::<Address>().unwrap());
        let age = Duration::from_secs(60 * minutes);
        let course = Course::Straight;
        ways.plan(Facts { domain: &domain.parse().unwrap(), sender: sender.as_ref(), course, age })
    }

    /// "peer" with what comes after it, or another way.
    fn shown(plan: &Plan) -> String {
        match plan {
            Plan::Nobody => "nobody".to_owned(),
            Plan::Elsewhere(way) => way.name().to_owned(),
            Plan::Peer(_, Otherwise::Never) => "peer".to_owned(),
            Plan::Peer(_, Otherwise::Later(way)) => format!("peer, later {}", way.name()),
            Plan::Peer(_, Otherwise::Now(way)) => format!("peer, {}", way.name()),
        }
    }

    #[test]
    fn a_hoster_of_the_federation_gets_its_mail_over_the_channel() {
        let way = |mail| shown(&planned(&[], false, "a.example", mail));
        for domain in ["b\u{fc}cher.example", "xn--bcher-kva.example", "B\u{dc}CHER.example"] {
            assert_eq!(way(("al@a.example", domain, 0)), "peer, later mx", "{domain}");
        }
        assert_eq!(way(("", "b.test", 0)), "peer", "a bounce too; and a name of this machine has no MX");
        assert_eq!(way(("al@a.example", "c.example", 0)), "mx");
        assert_eq!(way(("al@a.example", "sub.b.test", 0)), "mx", "a domain below is another one");
    }

    #[test]
    fn a_sender_that_is_not_our_own_goes_elsewhere() {
        let way = |own, sender| shown(&planned(&[], false, own, (sender, "xn--bcher-kva.example", 0)));
        assert_eq!(way("a.example", "al@other.example"), "mx");
        assert_eq!(way("a.example", "al@sub.a.example"), "mx");
        assert_eq!(way("xn--zrich-kva.example", "al@z\u{fc}rich.example"), "peer, later mx");
        assert_eq!(way("", "al@a.example"), "mx", "our own domain is not proven");
    }

    #[test]
    fn after_an_hour_the_mx_is_tried_as_well_but_not_for_names_of_this_machine() {
        let way =
            |domain, minutes| shown(&planned(&[], false, "a.example", ("al@a.example", domain, minutes)));
        assert_eq!(way("b\u{fc}cher.example", 59), "peer, later mx");
        assert_eq!(way("b\u{fc}cher.example", 60), "peer, mx");
        assert_eq!(way("b.test", 10_000), "peer");
    }

    #[test]
    fn what_the_operator_wrote_down_comes_first_and_the_smart_host_last() {
        let mail = |domain| ("al@a.example", domain, 60);
        assert_eq!(shown(&planned(&["b.test"], true, "a.example", mail("b.test"))), "route");
        assert_eq!(shown(&planned(&[], true, "a.example", mail("b\u{fc}cher.example"))), "peer, relay");
        assert_eq!(shown(&planned(&[], true, "a.example", mail("c.example"))), "relay");
    }
}
