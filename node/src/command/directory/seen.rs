//! What nodes have seen of a hoster from outside, in `essaim directory show`.

use std::net::SocketAddr;

use essaim_directory::observation::{Observation, Sight};
use serde::{Deserialize, Serialize};

use crate::command::view::{readable_time, time};
use essaim_directory::export::json::word;

/// What a hoster's node has seen of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SeenView {
    by: String,
    /// How far that one is believed here.
    tier: String,
    time: String,
    doors: Vec<DoorView>,
}

/// One service at one address.
#[derive(Debug, Serialize, Deserialize)]
struct DoorView {
    service: String,
    address: SocketAddr,
    /// "answers", "strange", "closed", "silent" or "no-route".
    reach: String,
    /// "trusted", or what is wrong with the certificate.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    certificate: Option<String>,
}

impl SeenView {
    pub(super) fn of(by: String, tier: &str, seen: &Observation) -> Self {
        let door = |sight: &Sight| DoorView {
            service: sight.door.service.word().to_owned(),
            address: SocketAddr::new(sight.ip, sight.door.port),
            reach: word(&sight.reach),
            certificate: sight.tls.as_ref().map(|tls| word(&tls.verdict)),
        };
        Self {
            by,
            tier: tier.to_owned(),
            time: time(seen.time),
            doors: seen.sights.iter().map(door).collect(),
        }
    }

    pub(super) fn text(&self) -> String {
        let doors = self.doors.iter().map(|door| format!("{} {} {}", door.service, door.address, door.reach));
        format!(
            "{} ({}), {}: {}",
            self.by,
            self.tier,
            readable_time(&self.time),
            doors.collect::<Vec<_>>().join(", ")
        )
    }
}
