//! Mail programs of accounts that have moved: led on at the old hoster, taken in at the new one (`specs/16-move.md`). What is said on a session is
//! the same conversation as at any listener; here are the handing over, the limits and the bytes in between.

mod carry;
mod lead;
mod take;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use essaim_migration::leading::message;
use essaim_network::BulkStream;
use essaim_types::ListingId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::config::LimitsConfig;

pub(crate) use lead::{Way, lead};
pub(crate) use take::{Desks, take};

/// The sessions that are carried from here and to here, by the other hoster. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<ListingId, usize>>>);

/// The place of one session; dropping it makes room.
#[derive(Debug)]
struct Place {
    sessions: Sessions,
    hoster: ListingId,
}

impl Sessions {
    /// How many there are now.
    pub(crate) fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn enter(&self, hoster: ListingId, limits: &LimitsConfig) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= limits.led_sessions {
            return None;
        }
        let count = open.entry(hoster).or_default();
        if *count >= limits.led_sessions_per_hoster {
            return None;
        }
        *count += 1;
        Some(Place { sessions: self.clone(), hoster })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.hoster) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.hoster);
            }
        }
    }
}

/// The one message that the other side says first.
async fn hear<T: essaim_identity::cbor::Bounded>(stream: &mut BulkStream) -> std::io::Result<T> {
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let length = message::length(head).ok_or_else(|| std::io::Error::other("the message is too long"))?;
    let mut body = zeroize::Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut body).await?;
    message::read(&body).map_err(std::io::Error::other)
}

async fn say<T: essaim_identity::cbor::Bounded>(stream: &mut BulkStream, what: &T) -> std::io::Result<()> {
    stream.write_all(&message::write(what)).await?;
    stream.flush().await
}

/// From the opening of a stream to the login that is handed over.
const HANDOVER_TIMEOUT: Duration = Duration::from_secs(10);
/// From there to the answer: the queue of those whose password is looked at.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn led_sessions_are_bounded_in_all_and_by_hoster() {
        let limits = LimitsConfig { led_sessions: 3, led_sessions_per_hoster: 2, ..LimitsConfig::default() };
        let (sessions, hoster) = (Sessions::default(), |n| ListingId::from_bytes([n; 32]));
        let first = sessions.enter(hoster(1), &limits).unwrap();
        let _second = sessions.enter(hoster(1), &limits).unwrap();
        assert!(sessions.enter(hoster(1), &limits).is_none());
        let _third = sessions.enter(hoster(2), &limits).unwrap();
        assert!(sessions.enter(hoster(3), &limits).is_none());
        drop(first);
        let again = sessions.enter(hoster(1), &limits);
        assert!(again.is_some() && sessions.open() == 3);
        drop((again, _second, _third));
        assert!(sessions.0.lock().unwrap().is_empty());
    }
}
