//! What may be looked at: the asker's own domain, at the addresses that its DNS gives, at the ports that mail and nodes have. R22.

use essaim_directory::observation::{Door, Question, Service};
use essaim_types::Domain;
use minicbor::{Decode, Encode};

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The subject's proven domain.
    pub(crate) domain: Domain,
    /// The host of everything but incoming mail. It counts only below the domain, or as one of its MX hosts.
    pub(crate) host: Option<Domain>,
    pub(crate) doors: Vec<Door>,
    pub(crate) place: Place,
}

/// Where all of it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At public addresses.
    Internet,
    /// On this machine, like everybody that this node is connected with, by the same rule as the proof of local names.
    ThisMachine,
}

/// The ports of nodes that a listing declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PeerPorts {
    pub(crate) tcp: Vec<u16>,
    pub(crate) quic: Vec<u16>,
}

/// Why nothing is looked at, told to the asker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode, thiserror::Error)]
#[cbor(index_only)]
pub(crate) enum Refusal {
    /// We know no hoster whose node it is, or its domain does not say so.
    #[n(0)]
    #[error("it does not see yet that your domain is yours: give it a minute, and see essaim dns")]
    Unproven,
    /// A port that is not the service's, or not in the listing.
    #[n(1)]
    #[error("it looks only at the usual ports, and for nodes at those of the listing")]
    Port,
    /// The question cannot be read.
    #[n(2)]
    #[error("it does not understand the question: one of the two nodes is too old")]
    Unreadable,
    /// Too many for now.
    #[n(3)]
    #[error("it has looked often enough for now: ask again in ten minutes")]
    Later,
}

impl Plan {
    /// What a hoster may ask for.
    pub(crate) fn of(
        question: &Question,
        domain: Domain,
        ports: &PeerPorts,
        place: Place,
    ) -> Result<Self, Refusal> {
        let allowed = |door: &Door| match (place, door.service.standard_port(), door.service) {
            (Place::ThisMachine, ..) => true,
            (Place::Internet, Some(port), _) => door.port == port,
            (Place::Internet, None, Service::PeerTcp) => ports.tcp.contains(&door.port),
            (Place::Internet, None, _) => ports.quic.contains(&door.port),
        };
        if question.doors.is_empty() || !question.doors.iter().all(allowed) {
            return Err(Refusal::Port);
        }
        Ok(Self { domain, host: question.host.clone(), doors: question.doors.clone(), place })
    }

    /// Whether a host is the subject's, given the hosts of its MX records.
    pub(super) fn owns(&self, host: &str, exchangers: &[String]) -> bool {
        let domain = self.domain.as_str();
        let below = host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        below || exchangers.iter().any(|exchanger| exchanger == host)
    }

    /// The door of incoming mail, if it is asked for.
    pub(super) fn smtp(&self) -> Option<Door> {
        self.doors.iter().copied().find(|door| door.service == Service::Smtp)
    }
}

#[cfg(test)]
mod tests {
    use essaim_types::{ListingId, Timestamp};

    use super::*;

    fn plan(doors: &[(Service, u16)], place: Place) -> Result<Plan, Refusal> {
        let doors = doors.iter().map(|&(service, port)| Door { service, port }).collect();
        let listing = ListingId::from_bytes([1; 32]);
        let question = Question { time: Timestamp(0), host: None, doors, listing };
        let ports = PeerPorts { tcp: vec![4001], quic: vec![4002] };
        Plan::of(&question, "coop.example".parse().unwrap(), &ports, place)
    }

    #[test]
    fn r22_nobody_is_made_to_look_at_other_ports() {
        for service in Service::ALL {
            for port in [1, 22, 80, 6379, 8080, 65_535] {
                assert_eq!(
                    plan(&[(service, port)], Place::Internet),
                    Err(Refusal::Port),
                    "{service:?} {port}"
                );
            }
        }
        assert_eq!(plan(&[], Place::Internet), Err(Refusal::Port));
        assert!(plan(&[(Service::Smtp, 25), (Service::Imaps, 993)], Place::Internet).is_ok());
        // Nodes are where their listing says, by transport.
        assert!(plan(&[(Service::PeerTcp, 4001), (Service::PeerQuic, 4002)], Place::Internet).is_ok());
        assert_eq!(plan(&[(Service::PeerTcp, 4002)], Place::Internet), Err(Refusal::Port));
        assert!(plan(&[(Service::Smtp, 2525)], Place::ThisMachine).is_ok());
    }

    #[test]
    fn r22_nobody_is_made_to_look_at_the_host_of_another() {
        let plan = plan(&[(Service::Smtp, 25)], Place::Internet).unwrap();
        let exchangers = ["mx.provider.example".to_owned()];
        for own in ["coop.example", "mail.coop.example", "a.b.coop.example", "mx.provider.example"] {
            assert!(plan.owns(own, &exchangers), "{own}");
        }
        for other in ["victim.example", "notcoop.example", "coop.example.victim.example", "example", ""] {
            assert!(!plan.owns(other, &exchangers), "{other}");
        }
    }
}
