//! What a client can switch on for the rest of the connection.

/// An extension of RFC 5161 ENABLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extension {
    /// RFC 7162: the client wants MODSEQ in every FETCH response. Also switched on by using it.
    Condstore,
    /// RFC 7162: the client wants VANISHED in place of EXPUNGE. Implies `Condstore`.
    Qresync,
    /// RFC 9051: answers follow IMAP4rev2: no RECENT, ESEARCH for SEARCH, UTF-8 names and quoted strings.
    Imap4rev2,
    /// RFC 9755 (and 6855): UTF-8 in names, quoted strings and headers.
    Utf8Accept,
}

impl Extension {
    /// All of them, in the order in which they are announced.
    pub const ALL: [Self; 4] = [Self::Condstore, Self::Qresync, Self::Imap4rev2, Self::Utf8Accept];

    /// The name in ENABLE and ENABLED.
    pub fn name(self) -> &'static str {
        match self {
            Self::Condstore => "CONDSTORE",
            Self::Qresync => "QRESYNC",
            Self::Imap4rev2 => "IMAP4rev2",
            Self::Utf8Accept => "UTF8=ACCEPT",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Condstore => 1,
            Self::Qresync => 2,
            Self::Imap4rev2 => 4,
            Self::Utf8Accept => 8,
        }
    }
}

/// The set of extensions that this client has switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enabled(u8);

impl Enabled {
    /// Nothing yet: plain IMAP4rev1.
    pub const NONE: Self = Self(0);

    /// With this one too, and with what it implies.
    #[must_use]
    pub fn with(self, extension: Extension) -> Self {
        let implied = match extension {
            Extension::Qresync => Extension::Condstore.bit(),
            Extension::Condstore | Extension::Imap4rev2 | Extension::Utf8Accept => 0,
        };
        Self(self.0 | extension.bit() | implied)
    }

    /// Is it switched on?
    pub fn contains(self, extension: Extension) -> bool {
        self.0 & extension.bit() != 0
    }

    /// May names and quoted strings carry UTF-8? If not, names travel in modified UTF-7 and 8-bit text in literals.
    pub fn utf8(self) -> bool {
        self.contains(Extension::Imap4rev2) || self.contains(Extension::Utf8Accept)
    }
}

impl FromIterator<Extension> for Enabled {
    fn from_iter<I: IntoIterator<Item = Extension>>(extensions: I) -> Self {
        extensions.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qresync_implies_condstore() {
        let enabled = Enabled::NONE.with(Extension::Qresync);
        assert!(enabled.contains(Extension::Condstore) && !enabled.utf8());
        assert!(Enabled::NONE.with(Extension::Imap4rev2).utf8());
    }
}
