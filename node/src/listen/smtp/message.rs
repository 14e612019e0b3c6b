//! A message on its way into the store: the trace header in front, and for a member's message the header put in order.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use essaim_accounts::StorageError;
use essaim_mail::delivery::{Incoming, Spooled};
use essaim_smtp::results::ForgedResults;
use essaim_smtp::server::{Envelope, Limits, Refusal};
use essaim_smtp::submission::{Additions, FromField, Header, HeaderEditor};
use essaim_smtp::trace::{Known, Peer, Received, return_path};
use essaim_smtp::{MessageId, QueueId};
use essaim_store::AppendError;
use essaim_types::Address;
use tracing::error;

use super::Visitor;
use crate::services::Services;
use crate::vitals::now;

/// Whose message it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Origin<'a> {
    /// Another mail server's, or another hoster's: its bytes are not touched, but for what it says in our name.
    Server(&'a Visitor),
    /// A member's who has moved away, by the node of their home: put in order as if it was handed in here.
    Elsewhere(&'a Visitor),
    /// A member's: RFC 6409 section 8 lets us put its header in order.
    Member,
}

/// A message whose bytes are arriving. Dropped, it leaves nothing.
#[derive(Debug)]
pub(super) struct Message {
    id: QueueId,
    /// Bytes of `Return-Path:`, which are for those who live here.
    path_length: u32,
    incoming: Incoming,
    forged: ForgedResults,
    editor: Option<HeaderEditor>,
    /// What went wrong while bytes arrived; told by the commit.
    failed: Option<Refusal>,
}

/// The header of a member's message, to be looked at.
#[derive(Debug)]
pub(super) struct Seen(Header);

impl Message {
    pub(super) fn begin<'v>(
        node: &Services,
        origin: Origin<'v>,
        envelope: &Envelope,
        tls: Option<&str>,
    ) -> Self {
        let (at, id) = (now(), next_id());
        let hostname = node.config.hoster.hostname();
        let only = match envelope.recipients.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        let (listing, key) = match origin {
            Origin::Server(Visitor::Node(node)) | Origin::Elsewhere(Visitor::Node(node)) => {
                (node.hoster.short(), short(&node.key))
            }
            _ => Default::default(),
        };
        let peer = |visitor: &'v Visitor| {
            let known = match visitor {
                Visitor::Address(ip) => Known::Address { ip: *ip, name: None },
                Visitor::Node(node) => {
                    Known::Hoster { domain: &node.hoster.domain, listing: &listing, node: &key }
                }
            };
            Peer { hello: &envelope.hello, known }
        };
        let editor = || {
            let message_id = MessageId::new(id.as_str(), node.config.hoster.domain.clone());
            HeaderEditor::new(Limits::default().header_size, Additions { date: at, message_id })
        };
        let (from, editor, path) = match origin {
            Origin::Server(visitor) => (Some(peer(visitor)), None, return_path(envelope.sender.as_ref())),
            Origin::Elsewhere(visitor) => (Some(peer(visitor)), Some(editor()), String::new()),
            Origin::Member => (None, Some(editor()), String::new()),
        };
        let received =
            Received { from, by: hostname, protocol: envelope.protocol, tls, id: &id, recipient: only, at };
        let head = format!("{path}{received}");
        let path_length = u32::try_from(path.len()).unwrap_or(u32::MAX);
        let names = std::iter::once(hostname).chain(node.config.hoster.all_domains());
        let (incoming, forged, failed) = (Incoming::new(&node.store), ForgedResults::new(names), None);
        let mut message = Self { id, path_length, incoming, forged, editor, failed };
        message.write(head.as_bytes());
        message
    }

    /// How much stands in front that is for those who live here.
    pub(super) fn path_length(&self) -> u32 {
        self.path_length
    }

    pub(super) fn push(&mut self, piece: Bytes) {
        let piece = self.forged.feed(piece);
        self.edit(piece);
    }

    /// The message as it will be stored, under its name; a member's with its header.
    pub(super) fn finish(mut self) -> Result<(QueueId, Spooled, Option<Seen>), Refusal> {
        let rest = self.forged.finish();
        self.edit(rest);
        let header = self.editor.take().map(|editor| {
            let (rest, header) = editor.finish();
            self.write(&rest);
            Seen(header)
        });
        if let Some(refusal) = self.failed {
            return Err(refusal);
        }
        let spooled = self.incoming.finish().map_err(|error| refusal(&error))?;
        Ok((self.id, spooled, header))
    }

    fn edit(&mut self, piece: Bytes) {
        let piece = match &mut self.editor {
            None => piece,
            Some(editor) => match editor.feed(piece) {
                Ok(piece) => piece,
                Err(_) => {
                    self.failed.get_or_insert(Refusal::TooLarge);
                    return;
                }
            },
        };
        self.write(&piece);
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failed.is_none()
            && let Err(error) = self.incoming.push(bytes)
        {
            self.failed = Some(refusal(&error));
        }
    }
}

impl Seen {
    /// RFC 6409 section 6.1: the authors are who the member is.
    pub(super) fn belongs_to(
        &self,
        mut may_send_as: impl FnMut(&Address) -> Result<bool, StorageError>,
    ) -> Result<(), Refusal> {
        let FromField::Addresses(authors) = &self.0.from else { return Err(Refusal::Malformed) };
        for author in authors {
            match may_send_as(author) {
                Ok(true) => {}
                Ok(false) => return Err(Refusal::FromNotYours),
                Err(error) => {
                    error!(
                        error = &error as &dyn std::error::Error,
                        "could not look up an author; the client tries again"
                    );
                    return Err(Refusal::TryLater);
                }
            }
        }
        Ok(())
    }
}

fn refusal(error: &AppendError) -> Refusal {
    match error {
        AppendError::NoSpace => Refusal::NoSpace,
        AppendError::TooLarge { .. } => Refusal::TooLarge,
        AppendError::Failed(_) => {
            error!(
                error = error as &dyn std::error::Error,
                "a message could not be written; its sender tries again"
            );
            Refusal::TryLater
        }
    }
}

/// The end of a node's id: all of them begin alike.
fn short(key: &essaim_identity::PublicKey) -> String {
    let id = key.to_peer_id();
    id.get(id.len().saturating_sub(SHORT)..).unwrap_or(&id).to_owned()
}

/// The time in milliseconds and a count: never twice on one node, and in order.
fn next_id() -> QueueId {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    QueueId::new(format_args!("{:x}-{:x}", now().0, COUNT.fetch_add(1, Ordering::Relaxed)))
}

/// Characters of a node's id.
const SHORT: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| next_id().to_string()).collect();
        assert_eq!(ids.len(), 1000);
    }

    #[test]
    fn every_author_must_be_the_members_own() {
        let seen = |from| Seen(Header { from, received: 0 });
        let (own, other): (Address, Address) = ("a@a.test".parse().unwrap(), "b@b.test".parse().unwrap());
        let may = |address: &Address| Ok(address.domain().as_str() == "a.test");
        assert_eq!(seen(FromField::Addresses(vec![own.clone()])).belongs_to(may), Ok(()));
        assert_eq!(seen(FromField::Addresses(vec![own, other])).belongs_to(may), Err(Refusal::FromNotYours));
        assert_eq!(seen(FromField::Missing).belongs_to(may), Err(Refusal::Malformed));
        assert_eq!(seen(FromField::Invalid).belongs_to(may), Err(Refusal::Malformed));
    }
}
