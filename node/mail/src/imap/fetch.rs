//! FETCH: RFC 9051 section 6.4.5. Answers are written some messages at a time; a large body goes out blob by blob.

use std::ops::Range;

use bytes::BytesMut;
use essaim_imap::command::{Access, ChangedSince, Fetch, FetchItem, Legacy, Section, StoreAction, Vanished};
use essaim_imap::response::{Encoder, FetchWriter};
use essaim_imap::{InternalDate, MessageSet, Numbering, Outcome, ResponseCode};
use essaim_types::{ModSeq, Uid};
use roaring::RoaringBitmap;

use super::ahead::{Ahead, Asked, Needs};
use super::cut::{Body, Written};
use super::outcome::{Stop, no, ok_coded};
use super::read::email_id;
use super::session::Session;
use super::sink::Sink;
use crate::mailbox::{FlagChange, Flags};
use crate::record::SystemFlags;

impl Session {
    pub(super) async fn fetch(&mut self, fetch: Fetch, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        let view = self.view()?;
        let asked = view.resolve(&fetch.messages, fetch.numbering)?;
        let mut uids = &asked & view.present();
        // RFC 9051 section 7.5.1: the client counts messages that are gone and of which it could not be told yet.
        let gone = fetch.numbering == Numbering::Sequence && uids.len() < asked.len();
        let mut plan = Plan::new(fetch.items);
        if let Some(ChangedSince { mod_seq, vanished }) = fetch.changed_since {
            if vanished == Vanished::Tell {
                self.tell_vanished(mod_seq, &fetch.messages, sink)?;
            }
            uids = self.changed_since(mod_seq, &uids)?;
            plan.add(FetchItem::ModSeq);
        }
        if plan.sets_seen && self.view()?.access == Access::ReadWrite {
            self.set_seen(&uids, &mut plan).await?;
        }
        if fetch.numbering == Numbering::Uid {
            plan.add(FetchItem::Uid);
        }
        let undecoded = self.fetch_all(&plan, uids, sink).await?;
        Ok(match (undecoded, gone) {
            (true, _) => no(ResponseCode::UnknownCte, "A part has an encoding that the server does not know"),
            (false, true) => ok_coded(ResponseCode::ExpungeIssued, "Some messages are gone"),
            (false, false) => Outcome::ok("Fetched"),
        })
    }

    /// Writes all messages; whether some part could not be decoded.
    async fn fetch_all(&self, plan: &Plan, uids: RoaringBitmap, sink: &mut impl Sink) -> Result<bool, Stop> {
        let mut ahead = Ahead::new(&self.mail, self.account, self.view()?.id, plan.needs, uids);
        let mut undecoded = false;
        loop {
            let messages = ahead.next().await?;
            if messages.is_empty() {
                return Ok(undecoded);
            }
            for message in messages {
                let reads = plan.needs.bytes && message.bytes.is_none();
                let write = || self.fetch_one(plan, message, &mut undecoded, sink.buffer());
                let rest = if reads { crate::blocking(write) } else { write() }?;
                if let Some((body, range)) = rest {
                    self.fetch_rest(body, range, sink).await?;
                }
                sink.flush_if_full().await?;
            }
        }
    }

    /// Writes one message, or nothing of it. What it returns is still to be sent, and then the end of the response.
    fn fetch_one(
        &self,
        plan: &Plan,
        message: Asked,
        undecoded: &mut bool,
        out: &mut BytesMut,
    ) -> Result<Option<(Body, Range<u64>)>, Stop> {
        let before = out.len();
        let written = self.write_items(plan, message, undecoded, out);
        if written.is_err() {
            // The client has been promised so many bytes of a body: it would take the answer for some of them.
            out.truncate(before);
        }
        written
    }

    fn write_items(
        &self,
        plan: &Plan,
        mut message: Asked,
        undecoded: &mut bool,
        out: &mut BytesMut,
    ) -> Result<Option<(Body, Range<u64>)>, Stop> {
        let view = self.view()?;
        let Some(sequence) = view.sequence(message.uid) else { return Ok(None) };
        let bytes = message.bytes.take();
        let mut body = message
            .record
            .as_ref()
            .map(|(object, record)| Body::new(object, record, bytes))
            .unwrap_or_default();
        let mut encoder = Encoder::new(out, self.enabled);
        let mut fetch = encoder.fetch(sequence);
        for (at, item) in plan.items.iter().enumerate() {
            if *item == FetchItem::Flags {
                fetch.flags(view.index().flags(message.uid));
            } else if let (FetchItem::ModSeq, Some(mod_seq)) = (item, message.mod_seq) {
                fetch.mod_seq(mod_seq);
            } else if !message.write(item, &mut fetch) {
                match body.write(&self.mail, item, message.summary.as_ref(), &mut fetch)? {
                    Written::Whole => {}
                    Written::UnknownEncoding => *undecoded = true,
                    Written::Head(range) if at + 1 == plan.items.len() => return Ok(Some((body, range))),
                    Written::Head(range) => fetch.raw(&body.bytes(&self.mail, range)?),
                }
            }
        }
        fetch.finish();
        Ok(None)
    }

    /// Sends a long body piece by piece, and the end of its response. Its length was told already: if it cannot be read to its end, all
    /// that is left is to go.
    async fn fetch_rest(
        &self,
        mut body: Body,
        mut range: Range<u64>,
        sink: &mut impl Sink,
    ) -> Result<(), Stop> {
        while !range.is_empty() {
            let piece = crate::blocking(|| body.next(&self.mail, &mut range)).map_err(|_| Stop::Gone)?;
            for some in piece.chunks(PIECE) {
                sink.buffer().extend_from_slice(some);
                sink.flush_if_full().await?;
            }
        }
        sink.buffer().extend_from_slice(END_OF_FETCH);
        Ok(())
    }

    /// RFC 9051 section 6.4.5: fetching a body sets `\Seen`, and the new flags are told with it.
    async fn set_seen(&mut self, uids: &RoaringBitmap, plan: &mut Plan) -> Result<(), Stop> {
        let unseen = {
            let index = self.view()?.index();
            uids - index.with_flag(SystemFlags::SEEN)
        };
        if unseen.is_empty() {
            return Ok(());
        }
        let flags = Flags { system: SystemFlags::SEEN, ..Flags::default() };
        self.change_flags(&unseen, FlagChange { action: StoreAction::Add, flags }, None).await?;
        plan.add(FetchItem::Flags);
        if self.condstore() {
            plan.add(FetchItem::ModSeq);
        }
        Ok(())
    }

    fn tell_vanished(
        &mut self,
        since: ModSeq,
        messages: &MessageSet,
        sink: &mut impl Sink,
    ) -> Result<(), Stop> {
        let among = match messages {
            MessageSet::Saved => Some(self.view()?.saved.clone()),
            MessageSet::Set(set) => {
                let largest = self.view()?.index().mailbox().uid_next.map(|uid| uid.0);
                let mut uids = RoaringBitmap::new();
                set.resolve(largest).into_iter().for_each(|range| {
                    uids.insert_range(range);
                });
                Some(uids)
            }
        };
        let vanished = self.vanished_since(since, among.as_ref())?;
        if !vanished.is_empty() {
            Encoder::new(sink.buffer(), self.enabled).vanished_earlier(vanished.iter().filter_map(Uid::new));
        }
        Ok(())
    }
}

impl Asked {
    /// Writes an item that needs no bytes of the message; whether it was one.
    fn write(&self, item: &FetchItem, fetch: &mut FetchWriter<'_>) -> bool {
        match (item, &self.record, &self.summary) {
            (FetchItem::Uid, ..) => fetch.uid(self.uid),
            // RFC 8474 section 5.2: threads are not computed yet.
            (FetchItem::ThreadId, ..) => fetch.thread_id(None),
            (FetchItem::InternalDate, Some((_, message)), _) => {
                fetch.internal_date(InternalDate::utc(message.internal_date));
            }
            (FetchItem::Size, Some((_, message)), _) => fetch.size(message.size.0),
            (FetchItem::EmailId, Some((object, _)), _) => {
                fetch.email_id(&email_id(object.blobs.iter().copied()))
            }
            (FetchItem::SaveDate, Some((_, message)), _) => {
                fetch.save_date(Some(InternalDate::utc(message.saved)));
            }
            (FetchItem::Envelope, _, Some(summary)) => fetch.envelope(summary.envelope()),
            (FetchItem::Body, _, Some(summary)) => fetch.body(&summary.body()),
            (FetchItem::BodyStructure, _, Some(summary)) => fetch.body_structure(summary.body_structure()),
            _ => return false,
        }
        true
    }
}

/// What to write of each message, and what must be read for it.
#[derive(Debug, Default)]
struct Plan {
    items: Vec<FetchItem>,
    needs: Needs,
    sets_seen: bool,
}

impl Plan {
    fn new(items: Vec<FetchItem>) -> Self {
        let mut plan = Self::default();
        for item in items {
            plan.add(item);
        }
        plan
    }

    fn add(&mut self, item: FetchItem) {
        if self.items.contains(&item) {
            return;
        }
        let (record, summary, body) = match &item {
            FetchItem::Uid | FetchItem::Flags | FetchItem::ModSeq | FetchItem::ThreadId => {
                (false, false, false)
            }
            FetchItem::InternalDate | FetchItem::Size | FetchItem::EmailId | FetchItem::SaveDate => {
                (true, false, false)
            }
            FetchItem::Envelope | FetchItem::Body | FetchItem::BodyStructure => (true, true, false),
            FetchItem::Legacy(Legacy::Full) => (true, false, true),
            FetchItem::Section { section, .. } if *section == Section::WHOLE => (true, false, true),
            FetchItem::Section { .. }
            | FetchItem::Binary { .. }
            | FetchItem::BinarySize(_)
            | FetchItem::Legacy(_) => (true, true, true),
        };
        self.needs.mod_seq |= item == FetchItem::ModSeq;
        self.needs.record |= record;
        self.needs.summary |= summary;
        self.needs.bytes |= body;
        self.sets_seen |= item.sets_seen();
        // Bodies last: a large one at the end is sent without being held.
        let at = if body { self.items.len() } else { 0 };
        self.items.insert(at, item);
    }
}

/// What closes a FETCH response whose last item went out in pieces.
const END_OF_FETCH: &[u8] = b")\r\n";
/// Of a long body, what is given to the sink at once.
const PIECE: usize = 64 << 10;
