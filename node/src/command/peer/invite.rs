//! `essaim peer invite`.

use std::time::Duration;

use clap::Args;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{readable_time, time};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Make a link by which one other hoster joins the federation. It is good once.
#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// How long the link is good, at most 14 days.
    #[arg(long = "for", value_name = "TIME", default_value = "7d", value_parser = lifetime)]
    lifetime: Duration,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InvitePeer {
    seconds: u64,
}

/// The answer of `peer invite --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct InvitedView {
    link: String,
    expires: String,
}

impl Invite {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, InvitePeer { seconds: self.lifetime.as_secs() })?, InvitedView::text);
        Ok(Exit::Done)
    }
}

impl Operation for InvitePeer {
    type Answer = InvitedView;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<InvitedView, Failure> {
        let invited = node.federation.invite(Duration::from_secs(self.seconds), caller.journal(node)).await?;
        Ok(InvitedView { link: invited.link, expires: time(invited.expires) })
    }
}

impl InvitedView {
    fn text(&self) -> String {
        format!(
            "{}\n{}\n\nGood once, until {}. The other hoster takes it on its own node:\n\n  essaim peer join '{}'\n",
            qr_code(&self.link).unwrap_or_default(),
            self.link,
            readable_time(&self.expires),
            self.link
        )
    }
}

/// The link for the camera of another screen. Nothing is lost without it.
fn qr_code(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    Some(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time; write for example 3d or 12h");
    let seconds: humantime_serde::Serde<Duration> =
        serde_json::from_value(text.into()).map_err(|_| wrong())?;
    let longest = essaim_identity::invitation::LIFETIME_MAX;
    match seconds.into_inner() {
        time if time.is_zero() => Err(wrong()),
        time if time > longest => Err("an invitation is good for at most 14d".to_owned()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_in_the_configuration() {
        assert_eq!(lifetime("3d"), Ok(Duration::from_hours(72)));
        assert!(lifetime("15d").unwrap_err().contains("14d"));
        assert!(lifetime("soon").is_err() && lifetime("0s").is_err());
    }

    #[test]
    fn the_longest_link_fits_a_qr_code() {
        let link = format!("https://mail.a-rather-long-name.coop.example/join#{}", "x".repeat(400));
        let code = qr_code(&link).unwrap();
        assert!(code.lines().count() < 50, "it would not fit a screen");
    }
}
