//! Commands as a client would write them: of the several ways the grammar allows, one is chosen by chance.

use essaim_imap::command::{
    Access, ChangedSince, DateField, DateTest, Echo, EntryType, Expunge, Fetch, FetchItem, Header, List,
    ListBase, ListQuery, Partial, Resync, Search, SearchKey, SearchReturn, Section, SectionText, Seen,
    StatusItem, Store, StoreAction, Transfer, Vanished,
};
use essaim_imap::{
    AccountCommand, Date, Flag, MailboxCommand, MailboxName, MessageSet, Numbering, SequenceNumber,
    SequenceSet,
};

/// Writes one command. Chance is a list of bytes, used up and begun again.
pub(crate) struct Speller<'a> {
    out: Vec<u8>,
    chance: std::iter::Cycle<std::slice::Iter<'a, u8>>,
}

pub(crate) fn account(command: &AccountCommand, chance: &[u8]) -> Vec<u8> {
    let mut speller = Speller::new(chance);
    speller.account(command);
    speller.out
}

pub(crate) fn mailbox(command: &MailboxCommand, chance: &[u8]) -> Vec<u8> {
    let mut speller = Speller::new(chance);
    speller.mailbox(command);
    speller.out
}

impl<'a> Speller<'a> {
    pub(crate) fn new(chance: &'a [u8]) -> Self {
        assert!(!chance.is_empty());
        Self { out: Vec::new(), chance: chance.iter().cycle() }
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    fn flip(&mut self) -> bool {
        self.chance.next().is_some_and(|byte| byte & 1 == 1)
    }

    /// A word of the grammar, in any case.
    pub(crate) fn word(&mut self, word: &str) {
        for byte in word.bytes() {
            let byte = if self.flip() { byte.to_ascii_lowercase() } else { byte };
            self.out.push(byte);
        }
    }

    pub(crate) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// An `astring`: atom, quoted, or one of the literals.
    fn astring(&mut self, value: &[u8]) {
        let atom = |byte: u8| byte.is_ascii_graphic() && !b"(){%*\"\\".contains(&byte);
        if !value.is_empty() && value.iter().copied().all(atom) && self.flip() {
            return self.out.extend_from_slice(value);
        }
        self.string(value);
    }

    fn string(&mut self, value: &[u8]) {
        let quotable = std::str::from_utf8(value).is_ok() && !value.iter().any(|byte| b"\r\n".contains(byte));
        if quotable && self.flip() {
            self.raw("\"");
            for &byte in value {
                if b"\"\\".contains(&byte) {
                    self.raw("\\");
                }
                self.out.push(byte);
            }
            return self.raw("\"");
        }
        let plus = if self.flip() { "+" } else { "" };
        self.raw(&format!("{{{}{plus}}}\r\n", value.len()));
        self.out.extend_from_slice(value);
    }

    pub(crate) fn name(&mut self, name: &MailboxName) {
        self.astring(&name.to_utf7());
    }

    fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.raw("(");
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.raw(" ");
            }
            write(self, item);
        }
        self.raw(")");
    }

    fn account(&mut self, command: &AccountCommand) {
        match command {
            AccountCommand::Noop => self.word("NOOP"),
            AccountCommand::Namespace => self.word("NAMESPACE"),
            AccountCommand::Select(select) => {
                self.word(if select.access == Access::ReadOnly { "EXAMINE " } else { "SELECT " });
                self.name(&select.mailbox);
                self.resync(&select.resync);
            }
            AccountCommand::Create(create) => {
                self.word("CREATE ");
                self.name(&create.mailbox);
                if !create.uses.is_empty() {
                    self.word(" (USE ");
                    self.list(&create.uses, |speller, special| speller.word(special.as_str()));
                    self.raw(")");
                }
            }
            AccountCommand::Delete(name) => self.one("DELETE ", name),
            AccountCommand::Rename(rename) => {
                self.one("RENAME ", &rename.from);
                self.raw(" ");
                self.name(&rename.to);
            }
            AccountCommand::Subscribe(name) => self.one("SUBSCRIBE ", name),
            AccountCommand::Unsubscribe(name) => self.one("UNSUBSCRIBE ", name),
            AccountCommand::List(List::Separator) => self.word("LIST \"\" \"\""),
            AccountCommand::List(List::Mailboxes(query)) => self.query(query),
            AccountCommand::Lsub(lsub) => {
                self.word("LSUB \"\" ");
                self.pattern(lsub.pattern.as_str());
            }
            AccountCommand::Status(status) => {
                self.one("STATUS ", &status.mailbox);
                self.raw(" ");
                self.status_items(&status.items);
            }
            AccountCommand::GetQuota(quota) => {
                self.word("GETQUOTA ");
                self.astring(quota.root.as_bytes());
            }
            AccountCommand::GetQuotaRoot(quota) => self.one("GETQUOTAROOT ", &quota.mailbox),
        }
    }

    fn one(&mut self, verb: &str, name: &MailboxName) {
        self.word(verb);
        self.name(name);
    }

    fn resync(&mut self, resync: &Resync) {
        match resync {
            Resync::Full => {}
            Resync::Condstore => self.word(" (CONDSTORE)"),
            Resync::Qresync(qresync) => {
                self.word(" (QRESYNC ");
                self.raw(&format!("({} {}", qresync.uid_validity, qresync.mod_seq));
                if let Some(known) = &qresync.known_uids {
                    self.raw(" ");
                    self.set(known);
                }
                if let Some((sequence, uids)) = &qresync.sample {
                    self.raw(" (");
                    self.set(sequence);
                    self.raw(" ");
                    self.set(uids);
                    self.raw(")");
                }
                self.raw("))");
            }
        }
    }

    fn query(&mut self, query: &ListQuery) {
        self.word("LIST ");
        let mut options = Vec::new();
        options.extend((query.select.base == ListBase::Subscribed).then_some("SUBSCRIBED"));
        options.extend(query.select.remote.then_some("REMOTE"));
        options.extend(query.select.recursive.then_some("RECURSIVEMATCH"));
        options.extend(query.select.special_use.then_some("SPECIAL-USE"));
        if !options.is_empty() || self.flip() {
            self.list(&options, |speller, option| speller.word(option));
            self.raw(" ");
        }
        self.astring(b"");
        self.raw(" ");
        match query.patterns.as_slice() {
            [one] if self.flip() => self.pattern(one.as_str()),
            several => self.list(several, |speller, pattern| speller.pattern(pattern.as_str())),
        }
        let tell = &query.tell;
        let mut options = Vec::new();
        options.extend(tell.subscribed.then_some("SUBSCRIBED"));
        options.extend(tell.children.then_some("CHILDREN"));
        options.extend(tell.special_use.then_some("SPECIAL-USE"));
        options.extend(tell.status.is_some().then_some("STATUS"));
        if !options.is_empty() || self.flip() {
            self.word(" RETURN ");
            self.list(&options, |speller, option| {
                speller.word(option);
                if let ("STATUS", Some(items)) = (*option, &tell.status) {
                    speller.raw(" ");
                    speller.status_items(items);
                }
            });
        }
    }

    fn pattern(&mut self, pattern: &str) {
        // What is a name but for its wildcards is spelled piece by piece.
        let mut utf7 = Vec::new();
        for piece in pattern.split_inclusive(['%', '*']) {
            let (text, wildcard) = match piece.strip_suffix(['%', '*']) {
                Some(text) => (text, piece.get(text.len()..).unwrap()),
                None => (piece, ""),
            };
            for (at, level) in text.split('/').enumerate() {
                if at > 0 {
                    utf7.push(b'/');
                }
                if let Ok(level) = MailboxName::new(&format!("x{level}")) {
                    utf7.extend_from_slice(&level.to_utf7()[1..]);
                }
            }
            utf7.extend_from_slice(wildcard.as_bytes());
        }
        let atom = |byte: u8| byte.is_ascii_graphic() && !b"(){\"\\".contains(&byte);
        if utf7.iter().copied().all(atom) && self.flip() {
            self.out.extend_from_slice(&utf7)
        } else {
            self.string(&utf7)
        }
    }

    fn status_items(&mut self, items: &[StatusItem]) {
        self.list(items, |speller, item| speller.word(item.as_str()));
    }

    fn mailbox(&mut self, command: &MailboxCommand) {
        match command {
            MailboxCommand::Check => self.word("CHECK"),
            MailboxCommand::Close => self.word("CLOSE"),
            MailboxCommand::Unselect => self.word("UNSELECT"),
            MailboxCommand::Expunge(Expunge::All) => self.word("EXPUNGE"),
            MailboxCommand::Expunge(Expunge::Uids(uids)) => {
                self.word("UID EXPUNGE ");
                self.messages(uids);
            }
            MailboxCommand::Copy(transfer) => self.transfer("COPY ", transfer),
            MailboxCommand::Move(transfer) => self.transfer("MOVE ", transfer),
            MailboxCommand::Fetch(fetch) => self.fetch(fetch),
            MailboxCommand::Store(store) => self.store(store),
            MailboxCommand::Search(search) => self.search(search),
            MailboxCommand::SearchRefused(_) => panic!("nobody sends that"),
        }
    }

    fn verb(&mut self, numbering: Numbering, verb: &str) {
        if numbering == Numbering::Uid {
            self.word("UID ");
        }
        self.word(verb);
    }

    fn transfer(&mut self, verb: &str, transfer: &Transfer) {
        self.verb(transfer.numbering, verb);
        self.messages(&transfer.messages);
        self.raw(" ");
        self.name(&transfer.to);
    }

    fn messages(&mut self, messages: &MessageSet) {
        match messages {
            MessageSet::Saved => self.raw("$"),
            MessageSet::Set(set) => self.set(set),
        }
    }

    fn set(&mut self, set: &SequenceSet) {
        let number = |number| match number {
            SequenceNumber::Number(number) => number.to_string(),
            SequenceNumber::Largest => "*".to_owned(),
        };
        let ranges: Vec<String> = set
            .ranges()
            .iter()
            .map(|range| {
                if range.start == range.end && self.flip() {
                    number(range.start)
                } else {
                    format!("{}:{}", number(range.start), number(range.end))
                }
            })
            .collect();
        self.raw(&ranges.join(","));
    }

    fn fetch(&mut self, fetch: &Fetch) {
        self.verb(fetch.numbering, "FETCH ");
        self.messages(&fetch.messages);
        self.raw(" ");
        match fetch.items.as_slice() {
            [one] if self.flip() => self.fetch_item(one),
            several => self.list(several, Self::fetch_item),
        }
        if let Some(ChangedSince { mod_seq, vanished }) = fetch.changed_since {
            self.word(" (CHANGEDSINCE ");
            self.raw(&mod_seq.to_string());
            if vanished == Vanished::Tell {
                self.word(" VANISHED");
            }
            self.raw(")");
        }
    }

    fn fetch_item(&mut self, item: &FetchItem) {
        match item {
            FetchItem::Flags => self.word("FLAGS"),
            FetchItem::InternalDate => self.word("INTERNALDATE"),
            FetchItem::Size => self.word("RFC822.SIZE"),
            FetchItem::Envelope => self.word("ENVELOPE"),
            FetchItem::Body => self.word("BODY"),
            FetchItem::BodyStructure => self.word("BODYSTRUCTURE"),
            FetchItem::Uid => self.word("UID"),
            FetchItem::ModSeq => self.word("MODSEQ"),
            FetchItem::EmailId => self.word("EMAILID"),
            FetchItem::ThreadId => self.word("THREADID"),
            FetchItem::SaveDate => self.word("SAVEDATE"),
            FetchItem::Legacy(legacy) => self.word(legacy.as_str()),
            FetchItem::BinarySize(part) => {
                self.word("BINARY.SIZE");
                self.raw(&format!("[{part}]"));
            }
            FetchItem::Binary { part, partial, seen } => {
                self.word(if *seen == Seen::Keep { "BINARY.PEEK" } else { "BINARY" });
                self.raw(&format!("[{part}]"));
                self.partial(*partial);
            }
            FetchItem::Section { section, partial, seen } => {
                self.word(if *seen == Seen::Keep { "BODY.PEEK" } else { "BODY" });
                self.section(section);
                self.partial(*partial);
            }
        }
    }

    fn section(&mut self, section: &Section) {
        let dot = if section.part.is_root() || section.text == SectionText::All { "" } else { "." };
        self.raw(&format!("[{}{dot}", section.part));
        match &section.text {
            SectionText::All => {}
            SectionText::Header => self.word("HEADER"),
            SectionText::Text => self.word("TEXT"),
            SectionText::Mime => self.word("MIME"),
            SectionText::Fields(names) => {
                self.word("HEADER.FIELDS ");
                self.list(names, |speller, name| speller.astring(name.as_str().as_bytes()));
            }
            SectionText::FieldsExcept(names) => {
                self.word("HEADER.FIELDS.NOT ");
                self.list(names, |speller, name| speller.astring(name.as_str().as_bytes()));
            }
        }
        self.raw("]");
    }

    fn partial(&mut self, partial: Option<Partial>) {
        if let Some(Partial { offset, length }) = partial {
            self.raw(&format!("<{offset}.{length}>"));
        }
    }

    fn store(&mut self, store: &Store) {
        self.verb(store.numbering, "STORE ");
        self.messages(&store.messages);
        self.raw(" ");
        if let Some(since) = store.unchanged_since {
            self.word("(UNCHANGEDSINCE ");
            self.raw(&format!("{since}) "));
        }
        self.raw(match store.action {
            StoreAction::Replace => "",
            StoreAction::Add => "+",
            StoreAction::Remove => "-",
        });
        self.word(if store.echo == Echo::Silent { "FLAGS.SILENT " } else { "FLAGS " });
        if !store.flags.is_empty() && self.flip() {
            for (at, flag) in store.flags.iter().enumerate() {
                self.raw(if at > 0 { " " } else { "" });
                self.flag(flag);
            }
        } else {
            self.flags(&store.flags);
        }
    }

    pub(crate) fn flags(&mut self, flags: &[Flag]) {
        self.list(flags, Self::flag);
    }

    fn flag(&mut self, flag: &Flag) {
        match flag {
            Flag::Keyword(keyword) => self.raw(keyword.as_str()),
            system => self.word(system.as_str()),
        }
    }

    fn search(&mut self, search: &Search) {
        self.verb(search.numbering, "SEARCH ");
        if let SearchReturn::Extended(items) = &search.answer {
            self.word("RETURN ");
            self.list(items, |speller, item| speller.word(item.as_str()));
            self.raw(" ");
        }
        if self.flip() {
            self.word("CHARSET UTF-8 ");
        }
        match &search.key {
            SearchKey::And(keys) if self.flip() => {
                for (at, key) in keys.iter().enumerate() {
                    self.raw(if at > 0 { " " } else { "" });
                    self.key(key);
                }
            }
            key => self.key(key),
        }
    }

    fn key(&mut self, key: &SearchKey) {
        match key {
            SearchKey::And(keys) => self.list(keys, Self::key),
            SearchKey::Or(keys) => self.either(keys),
            SearchKey::Not(key) => self.not(key),
            SearchKey::All => self.word("ALL"),
            SearchKey::Recent => self.word("RECENT"),
            SearchKey::SaveDateSupported => self.word("SAVEDATESUPPORTED"),
            SearchKey::Set(messages) => self.messages(messages),
            SearchKey::Uid(messages) => {
                self.word("UID ");
                self.messages(messages);
            }
            SearchKey::Flag(Flag::Keyword(keyword)) => {
                self.word("KEYWORD ");
                self.raw(keyword.as_str());
            }
            SearchKey::Flag(system) => self.word(&system.as_str().to_uppercase()[1..]),
            SearchKey::Envelope(header, text) => {
                self.word(match header {
                    Header::Bcc => "BCC ",
                    Header::Cc => "CC ",
                    Header::From => "FROM ",
                    Header::Subject => "SUBJECT ",
                    Header::To => "TO ",
                });
                self.astring(text.as_bytes());
            }
            SearchKey::Header(name, text) => {
                self.word("HEADER ");
                self.astring(name.as_str().as_bytes());
                self.raw(" ");
                self.astring(text.as_bytes());
            }
            SearchKey::Body(text) => {
                self.word("BODY ");
                self.astring(text.as_bytes());
            }
            SearchKey::Text(text) => {
                self.word("TEXT ");
                self.astring(text.as_bytes());
            }
            SearchKey::Date(field, test, date) => self.dated(*field, *test, *date),
            SearchKey::Larger(size) => self.number("LARGER ", size),
            SearchKey::Smaller(size) => self.number("SMALLER ", size),
            SearchKey::Younger(seconds) => self.number("YOUNGER ", seconds),
            SearchKey::Older(seconds) => self.number("OLDER ", seconds),
            SearchKey::EmailId(id) => self.number("EMAILID ", id),
            SearchKey::ThreadId(id) => self.number("THREADID ", id),
            SearchKey::ModSeq(test) => {
                self.word("MODSEQ ");
                if let Some((flag, kind)) = &test.entry {
                    self.string(format!("/flags/{flag}").as_bytes());
                    // An entry is always quoted.
                    if !self.out.ends_with(b"\"") {
                        let start = self.out.iter().rposition(|&byte| byte == b'{').unwrap();
                        self.out.truncate(start);
                        self.raw(&format!("\"/flags/{}\"", flag.as_str().replace('\\', "\\\\")));
                    }
                    self.word(match kind {
                        EntryType::Private => " PRIV ",
                        EntryType::Shared => " SHARED ",
                        EntryType::All => " ALL ",
                    });
                }
                self.raw(&test.at_least.to_string());
            }
        }
    }

    /// RFC 3501 has OR of two only: `OR a OR b c`, or `OR OR a b c`, or with parentheses.
    fn either(&mut self, keys: &[SearchKey]) {
        match keys {
            [] => {}
            [one] => self.key(one),
            [first, rest @ ..] => {
                self.word("OR ");
                self.key(first);
                self.raw(" ");
                let parentheses = self.flip();
                self.raw(if parentheses { "(" } else { "" });
                self.either(rest);
                self.raw(if parentheses { ")" } else { "" });
            }
        }
    }

    fn not(&mut self, key: &SearchKey) {
        match key {
            SearchKey::Flag(Flag::Keyword(keyword)) if self.flip() => {
                self.word("UNKEYWORD ");
                self.raw(keyword.as_str());
            }
            SearchKey::Flag(system) if !matches!(system, Flag::Keyword(_)) && self.flip() => {
                self.word("UN");
                self.word(&system.as_str().to_uppercase()[1..]);
            }
            SearchKey::Recent if self.flip() => self.word("OLD"),
            key => {
                self.word("NOT ");
                self.key(key);
            }
        }
    }

    fn number(&mut self, word: &str, value: &impl std::fmt::Display) {
        self.word(word);
        self.raw(&value.to_string());
    }

    fn dated(&mut self, field: DateField, test: DateTest, date: Date) {
        self.word(match field {
            DateField::Internal => "",
            DateField::Sent => "SENT",
            DateField::Saved => "SAVED",
        });
        self.word(match test {
            DateTest::Before => "BEFORE ",
            DateTest::On => "ON ",
            DateTest::Since => "SINCE ",
        });
        let quote = if self.flip() { "\"" } else { "" };
        let day = if self.flip() { format!("{:02}", date.day()) } else { date.day().to_string() };
        self.raw(&format!("{quote}{day}-"));
        self.word(date.month_name());
        self.raw(&format!("-{:04}{quote}", date.year()));
    }
}
