//! LIST, LSUB, NAMESPACE: RFC 9051 section 6.3.9 and 6.3.10, RFC 5258, RFC 5819, RFC 6154.

use std::collections::BTreeSet;

use essaim_imap::command::{List, ListBase, ListPattern, ListQuery, Lsub};
use essaim_imap::response::{ChildInfo, Encoder, ListAttribute, ListEntry, NamespaceEntry};
use essaim_imap::{HIERARCHY_SEPARATOR, MailboxName, Outcome};

use super::outcome::Stop;
use super::rename::shown_use;
use super::session::Session;
use super::sink::Sink;
use crate::mailbox::{self, Mailboxes};
use crate::record::Mailbox;

impl Session {
    pub(super) fn namespace(&mut self, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        Encoder::new(sink.buffer(), self.enabled).namespace(&[NamespaceEntry { prefix: "" }], &[], &[]);
        Ok(Outcome::ok("Done"))
    }

    pub(super) async fn list(&mut self, list: List, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        let query = match list {
            List::Separator => {
                Encoder::new(sink.buffer(), self.enabled).list_separator();
                return Ok(Outcome::ok("Done"));
            }
            List::Mailboxes(query) => query,
        };
        let mailboxes = mailbox::all(&self.mail.store.read()?, self.account)?;
        let tree = Tree::new(&mailboxes);
        for (id, mailbox) in &mailboxes {
            let Some(shown) = Shown::of(mailbox, &query, &tree) else { continue };
            let name = MailboxName::new(&mailbox.name).map_err(mailbox::MailboxError::from)?;
            let entry = ListEntry {
                attributes: &shown.attributes(mailbox, &query, &tree),
                mailbox: &name,
                old_name: None,
                child_info: if shown.children { ChildInfo::Subscribed } else { ChildInfo::Omit },
            };
            Encoder::new(sink.buffer(), self.enabled).list(&entry);
            if let Some(items) = query.tell.status.as_ref().filter(|_| shown.itself) {
                self.tell_status(&name, *id, items, sink)?;
            }
            sink.flush_if_full().await?;
        }
        Ok(Outcome::ok("Done"))
    }

    pub(super) fn lsub(&mut self, lsub: &Lsub, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        let mailboxes = mailbox::all(&self.mail.store.read()?, self.account)?;
        let mut encoder = Encoder::new(sink.buffer(), self.enabled);
        for name in lsub_names(&mailboxes, &lsub.pattern) {
            let subscribed = mailboxes.iter().any(|(_, mailbox)| mailbox.name == name && mailbox.subscribed);
            // RFC 3501 section 6.3.9: a level that only has subscribed mailboxes below it.
            let attributes: &[_] = if subscribed { &[] } else { &[ListAttribute::NoSelect] };
            if let Ok(name) = MailboxName::new(&name) {
                encoder.lsub(attributes, &name);
            }
        }
        Ok(Outcome::ok("Done"))
    }
}

/// Which mailboxes have others below them, and subscribed ones.
#[derive(Debug, Default)]
struct Tree<'a> {
    parents: BTreeSet<&'a str>,
    parents_of_subscribed: BTreeSet<&'a str>,
}

/// Why a mailbox is in the answer.
#[derive(Debug, Clone, Copy)]
struct Shown {
    /// It fulfils the selection itself.
    itself: bool,
    /// RECURSIVEMATCH: one below it does, and is not shown itself by the pattern.
    children: bool,
}

impl<'a> Tree<'a> {
    fn new(mailboxes: &'a Mailboxes) -> Self {
        let mut tree = Self::default();
        for (_, mailbox) in mailboxes {
            for parent in ancestors(&mailbox.name) {
                tree.parents.insert(parent);
                if mailbox.subscribed {
                    tree.parents_of_subscribed.insert(parent);
                }
            }
        }
        tree
    }
}

impl Shown {
    fn of(mailbox: &Mailbox, query: &ListQuery, tree: &Tree<'_>) -> Option<Self> {
        if !query.patterns.iter().any(|pattern| pattern.matches(&mailbox.name)) {
            return None;
        }
        let select = query.select;
        let subscribed = select.base == ListBase::Existing || mailbox.subscribed;
        let itself = subscribed && (!select.special_use || mailbox.special_use.is_some());
        let children = select.recursive
            && select.base == ListBase::Subscribed
            && tree.parents_of_subscribed.contains(mailbox.name.as_str());
        (itself || children).then_some(Self { itself, children })
    }

    fn attributes(self, mailbox: &Mailbox, query: &ListQuery, tree: &Tree<'_>) -> Vec<ListAttribute> {
        let mut attributes = Vec::new();
        if mailbox.subscribed && (query.tell.subscribed || query.select.base == ListBase::Subscribed) {
            attributes.push(ListAttribute::Subscribed);
        }
        // RFC 9051 section 7.3.1: told always, as every client wants it and it costs nothing here.
        attributes.push(match tree.parents.contains(mailbox.name.as_str()) {
            true => ListAttribute::HasChildren,
            false => ListAttribute::HasNoChildren,
        });
        // RFC 6154 section 2: may be told to a plain LIST too, which older clients rely on.
        attributes.extend(mailbox.special_use.map(|special_use| ListAttribute::Use(shown_use(special_use))));
        attributes
    }
}

/// RFC 3501 section 6.3.9: the subscribed names that match, and for `%` the levels above those that it cannot reach.
fn lsub_names(mailboxes: &Mailboxes, pattern: &ListPattern) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (_, mailbox) in mailboxes.iter().filter(|(_, mailbox)| mailbox.subscribed) {
        if pattern.matches(&mailbox.name) {
            names.insert(mailbox.name.clone());
        } else if pattern.as_str().ends_with('%') {
            names.extend(ancestors(&mailbox.name).find(|above| pattern.matches(above)).map(str::to_owned));
        }
    }
    names
}

fn ancestors(name: &str) -> impl Iterator<Item = &str> {
    name.rmatch_indices(HIERARCHY_SEPARATOR).filter_map(|(at, _)| name.get(..at))
}
