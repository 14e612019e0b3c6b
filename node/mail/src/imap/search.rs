//! SEARCH: RFC 9051 section 6.4.4, RFC 4731, RFC 5182. Sets are bitmaps; what flags and numbers decide is settled before any message is read.

use essaim_imap::command::{DateField, DateTest, Search, SearchKey, SearchReturn, SearchReturnItem};
use essaim_imap::response::{Encoder, NumberSet};
use essaim_imap::{Date, Extension, Flag, Numbering, Outcome, Tag};
use essaim_types::{ModSeq, Timestamp, Uid};
use roaring::RoaringBitmap;

use super::outcome::Stop;
use super::read::{MessageReader, email_id};
use super::session::Session;
use super::sink::Sink;
use super::view::View;
use crate::Mail;
use crate::message::Needle;
use crate::record::SystemFlags;

impl Session {
    pub(super) fn search(
        &mut self,
        tag: &Tag,
        search: Search,
        sink: &mut impl Sink,
    ) -> Result<Outcome, Stop> {
        let view = self.view()?;
        let now = self.mail.now();
        let asks_mod_seq = search.key.asks_mod_seq();
        let found = crate::blocking(|| {
            let reader = MessageReader::new(&self.mail, self.account, view.id)?;
            Evaluation { mail: &self.mail, view, reader, now }.find(&search.key, &view.present())
        })?;
        let highest = match asks_mod_seq {
            true => self.highest_mod_seq_of(&found),
            false => None,
        };
        match answer_items(search.answer, self.enabled.contains(Extension::Imap4rev2)) {
            None => {
                let numbers = self.plain_numbers(&found, search.numbering)?;
                Encoder::new(sink.buffer(), self.enabled).search(numbers, highest);
            }
            Some(items) => self.extended(tag, search.numbering, &items, found, highest, sink)?,
        }
        Ok(Outcome::ok("Searched"))
    }

    /// RFC 4731 section 3.1.
    fn extended(
        &mut self,
        tag: &Tag,
        numbering: Numbering,
        items: &[SearchReturnItem],
        found: RoaringBitmap,
        highest: Option<ModSeq>,
        sink: &mut impl Sink,
    ) -> Result<(), Stop> {
        let numbers: NumberSet = self.numbers(&found, numbering)?;
        let asked = |item| items.contains(&item);
        let first = numbers.ranges().first().map(|range| *range.start());
        let last = numbers.ranges().last().map(|range| *range.end());
        // RFC 5182 section 2.1: SAVE alone answers nothing.
        if items != [SearchReturnItem::Save] {
            let mut encoder = Encoder::new(sink.buffer(), self.enabled);
            let mut answer = encoder.esearch(tag, numbering);
            if asked(SearchReturnItem::Min) {
                answer = answer.min(first);
            }
            if asked(SearchReturnItem::Max) {
                answer = answer.max(last);
            }
            if asked(SearchReturnItem::All) {
                answer = answer.all(&numbers);
            }
            if asked(SearchReturnItem::Count) {
                answer = answer.count(u32::try_from(numbers.count()).unwrap_or(u32::MAX));
            }
            answer.mod_seq(highest).finish();
        }
        if asked(SearchReturnItem::Save) {
            let saved = saved_part(items, found);
            if let Some(view) = &mut self.view {
                view.saved = saved;
            }
        }
        Ok(())
    }

    fn plain_numbers(&self, found: &RoaringBitmap, numbering: Numbering) -> Result<Vec<u32>, Stop> {
        let view = self.view()?;
        Ok(match numbering {
            Numbering::Uid => found.iter().collect(),
            Numbering::Sequence => {
                found.iter().filter_map(Uid::new).filter_map(|uid| view.sequence(uid)).collect()
            }
        })
    }

    /// RFC 7162 section 3.1.5: the highest of all messages found.
    fn highest_mod_seq_of(&self, found: &RoaringBitmap) -> Option<ModSeq> {
        let uids: Vec<_> = found.iter().filter_map(Uid::new).collect();
        let view = self.view.as_ref()?;
        self.mail.mod_seqs(self.account, view.id, &uids).into_iter().flatten().max()
    }
}

/// One run of a search.
#[derive(Debug)]
struct Evaluation<'a> {
    mail: &'a Mail,
    view: &'a View,
    reader: MessageReader<'a>,
    now: Timestamp,
}

impl Evaluation<'_> {
    /// Which of `among` fulfil a key. Recursion is bounded by [`SearchKey::DEPTH_MAX`].
    fn find(&self, key: &SearchKey, among: &RoaringBitmap) -> Result<RoaringBitmap, Stop> {
        Ok(match key {
            SearchKey::All | SearchKey::SaveDateSupported => among.clone(),
            SearchKey::Recent | SearchKey::ThreadId(_) => RoaringBitmap::new(),
            SearchKey::And(keys) => {
                let mut keys: Vec<_> = keys.iter().collect();
                keys.sort_by_key(|key| cost(key));
                let mut left = among.clone();
                for key in keys {
                    left = self.find(key, &left)?;
                }
                left
            }
            SearchKey::Or(keys) => {
                let mut found = RoaringBitmap::new();
                for key in keys {
                    let rest = among - &found;
                    found |= self.find(key, &rest)?;
                }
                found
            }
            SearchKey::Not(key) => among - self.find(key, among)?,
            SearchKey::Set(set) => self.view.resolve(set, Numbering::Sequence)? & among,
            SearchKey::Uid(set) => self.view.resolve(set, Numbering::Uid)? & among,
            SearchKey::Flag(flag) => self.with_flag(flag) & among,
            SearchKey::Date(field @ (DateField::Internal | DateField::Saved), test, date) => {
                self.reader.filter(among, |_, message| {
                    let at =
                        if *field == DateField::Internal { message.internal_date } else { message.saved };
                    date_fits(*test, Date::of(at), *date)
                })?
            }
            SearchKey::Larger(bytes) => self.reader.filter(among, |_, message| message.size.0 > *bytes)?,
            SearchKey::Smaller(bytes) => self.reader.filter(among, |_, message| message.size.0 < *bytes)?,
            SearchKey::Younger(seconds) => {
                let since = self.seconds_ago(*seconds);
                self.reader.filter(among, |_, message| message.internal_date >= since)?
            }
            SearchKey::Older(seconds) => {
                let before = self.seconds_ago(*seconds);
                self.reader.filter(among, |_, message| message.internal_date <= before)?
            }
            SearchKey::ModSeq(test) => {
                let before = ModSeq(test.at_least.0.saturating_sub(1));
                self.mail.changed_since(self.view.account, self.view.id, before, among)?
            }
            SearchKey::EmailId(id) => {
                self.reader.filter(among, |object, _| email_id(object.blobs()) == *id)?
            }
            SearchKey::Envelope(field, text) => {
                let needle = Needle::new(text);
                self.reader.filter_summary(
                    among,
                    |summary| Some(summary.envelope_has(*field, &needle)),
                    |_| false,
                )?
            }
            SearchKey::Header(name, text) => {
                let needle = Needle::new(text);
                self.reader.filter_summary(
                    among,
                    |summary| summary.header_has(name, &needle),
                    |content| content.header_has(name, &needle),
                )?
            }
            SearchKey::Body(text) => {
                let needle = Needle::new(text);
                self.reader.filter_content(among, |content| content.body_has(&needle))?
            }
            SearchKey::Text(text) => {
                let needle = Needle::new(text);
                self.reader.filter_content(among, |content| content.text_has(&needle))?
            }
            SearchKey::Date(DateField::Sent, test, date) => self
                .reader
                .filter_sent(among, |sent| sent.is_some_and(|sent| date_fits(*test, sent, *date)))?,
        })
    }

    fn with_flag(&self, flag: &Flag) -> RoaringBitmap {
        let index = self.view.index();
        let system = match flag {
            Flag::Answered => SystemFlags::ANSWERED,
            Flag::Flagged => SystemFlags::FLAGGED,
            Flag::Deleted => SystemFlags::DELETED,
            Flag::Seen => SystemFlags::SEEN,
            Flag::Draft => SystemFlags::DRAFT,
            Flag::Keyword(keyword) => return index.with_keyword(keyword).cloned().unwrap_or_default(),
        };
        index.with_flag(system).clone()
    }

    fn seconds_ago(&self, seconds: u32) -> Timestamp {
        Timestamp(self.now.0.saturating_sub(i64::from(seconds) * 1000))
    }
}

/// What is asked for; `None` for the old SEARCH response. RFC 9051 section 6.4.4: rev2 always answers ESEARCH.
fn answer_items(answer: SearchReturn, rev2: bool) -> Option<Vec<SearchReturnItem>> {
    match answer {
        SearchReturn::Extended(items) => Some(items),
        SearchReturn::Classic if rev2 => Some(vec![SearchReturnItem::All]),
        SearchReturn::Classic => None,
    }
}

/// RFC 5182 section 2.4: with MIN or MAX, but neither ALL nor COUNT, only those are saved.
fn saved_part(items: &[SearchReturnItem], found: RoaringBitmap) -> RoaringBitmap {
    let asked = |item| items.contains(&item);
    let (min, max) = (asked(SearchReturnItem::Min), asked(SearchReturnItem::Max));
    if asked(SearchReturnItem::All) || asked(SearchReturnItem::Count) || !(min || max) {
        return found;
    }
    let first = found.min().filter(|_| min);
    let last = found.max().filter(|_| max);
    first.into_iter().chain(last).collect()
}

fn date_fits(test: DateTest, date: Date, given: Date) -> bool {
    match test {
        DateTest::Before => date < given,
        DateTest::On => date == given,
        DateTest::Since => date >= given,
    }
}

/// Cheap keys first: bitmaps, then records, then headers, then bodies.
fn cost(key: &SearchKey) -> u32 {
    match key {
        SearchKey::All
        | SearchKey::SaveDateSupported
        | SearchKey::Recent
        | SearchKey::ThreadId(_)
        | SearchKey::Set(_)
        | SearchKey::Uid(_)
        | SearchKey::Flag(_) => 0,
        SearchKey::Date(DateField::Sent, ..) => 20,
        SearchKey::Date(..)
        | SearchKey::Larger(_)
        | SearchKey::Smaller(_)
        | SearchKey::Younger(_)
        | SearchKey::Older(_)
        | SearchKey::ModSeq(_)
        | SearchKey::EmailId(_) => 10,
        SearchKey::Envelope(..) | SearchKey::Header(..) => 30,
        SearchKey::Body(_) | SearchKey::Text(_) => 40,
        SearchKey::And(keys) | SearchKey::Or(keys) => keys.iter().map(cost).max().unwrap_or(0),
        SearchKey::Not(key) => cost(key),
    }
}
