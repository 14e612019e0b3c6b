//! The text of a delivery status notification: RFC 3464 in a multipart/report (RFC 6522).

use std::fmt::Write;

use essaim_types::{Address, Domain, Timestamp};

use super::entry::{Entry, Notice, Recipient};
use super::key::QueueId;

/// The whole message.
pub(super) fn compose(
    hostname: &Domain,
    id: QueueId,
    entry: &Entry,
    sender: &Address,
    notice: &Notice,
    original: &[u8],
    now: Timestamp,
) -> Vec<u8> {
    let (action, recipients) = match notice {
        Notice::Failed(recipients) => ("failed", recipients),
        Notice::Delayed(recipients, _) => ("delayed", recipients),
    };
    let boundary = format!("dsn-{id}-{}", now.0);
    let date = jiff::Timestamp::from_millisecond(now.0).unwrap_or_default();
    let date = jiff::fmt::rfc2822::to_string(&date.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    let mut out = format!(
        "From: MAILER-DAEMON@{hostname}\r\nTo: {sender}\r\nSubject: Delivery {action}\r\nDate: {date}\r\n\
         Message-ID: <{boundary}@{hostname}>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    );
    for Recipient { address, last, .. } in recipients {
        let text = last.as_ref().map_or("", |last| last.text.as_str());
        let _ = write!(out, "{address}: {action}\r\n    {text}\r\n");
    }
    let _ = write!(
        out,
        "\r\n--{boundary}\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; {hostname}\r\n"
    );
    for Recipient { address, last, .. } in recipients {
        let status = last.as_ref().map_or_else(|| "5.0.0".to_owned(), |last| last.status.to_string());
        let _ =
            write!(out, "\r\nFinal-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {status}\r\n");
    }
    let _ = write!(out, "\r\n--{boundary}\r\nContent-Type: text/rfc822-headers\r\n\r\n");
    let mut out = out.into_bytes();
    let end = original
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map_or(original.len().min(4096), |at| at + 2);
    out.extend_from_slice(original.get(..end).unwrap_or_default());
    out.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let _ = entry;
    out
}
