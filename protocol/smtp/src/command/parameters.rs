//! ESMTP parameters: RFC 5321 section 4.1.2, `esmtp-param`.

use essaim_types::ByteSize;

use super::ParseCommandError;
use crate::body::BodyType;
use crate::entry::EntryName;

/// One parameter of MAIL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MailParameter {
    /// RFC 1870.
    Size(ByteSize),
    /// RFC 6152.
    Body(BodyType),
    /// RFC 6531.
    SmtpUtf8,
    /// AUTH=, RFC 4954 section 5: what another host claims about the sender. Read and not believed.
    Auth,
    /// XENTRY=, of the federation's channel: what the sending hoster calls the message.
    Entry(EntryName),
    /// XMOVED, of the federation's channel: the sending hoster goes where a recipient has moved to.
    Moved,
}

impl MailParameter {
    pub(super) fn parse((keyword, value): (&str, Option<&str>)) -> Result<Self, ParseCommandError> {
        let needed = value.ok_or(ParseCommandError::ParameterValue);
        match keyword.to_ascii_uppercase().as_str() {
            "SIZE" => super::size(needed?).map(Self::Size).ok_or(ParseCommandError::ParameterValue),
            "BODY" => body(needed?).map(Self::Body),
            "SMTPUTF8" if value.is_none() => Ok(Self::SmtpUtf8),
            "SMTPUTF8" => Err(ParseCommandError::ParameterValue),
            "AUTH" => needed.map(|_| Self::Auth),
            "XENTRY" => needed?.parse().map(Self::Entry).map_err(|_| ParseCommandError::ParameterValue),
            "XMOVED" if value.is_none() => Ok(Self::Moved),
            "XMOVED" => Err(ParseCommandError::ParameterValue),
            _ => Err(ParseCommandError::UnknownParameter),
        }
    }

    /// Nobody but nodes of other hosters is offered it.
    pub(crate) fn is_for_hosters(&self) -> bool {
        matches!(self, Self::Entry(_) | Self::Moved)
    }
}

fn body(value: &str) -> Result<BodyType, ParseCommandError> {
    match value.to_ascii_uppercase().as_str() {
        "7BIT" => Ok(BodyType::SevenBit),
        "8BITMIME" => Ok(BodyType::EightBit),
        // RFC 3030 section 3: BINARYMIME is not offered here.
        _ => Err(ParseCommandError::ParameterValue),
    }
}

/// `keyword[=value]`, separated by blanks; no more than a command needs.
pub(super) fn split(text: &str) -> Result<impl Iterator<Item = (&str, Option<&str>)>, ParseCommandError> {
    let words = || text.split([' ', '\t']).filter(|word| !word.is_empty());
    if words().nth(PARAMETERS_MAX).is_some() {
        return Err(ParseCommandError::UnknownParameter);
    }
    Ok(words().map(|word| match word.split_once('=') {
        Some((keyword, value)) => (keyword, Some(value)),
        None => (word, None),
    }))
}

const PARAMETERS_MAX: usize = 16;
