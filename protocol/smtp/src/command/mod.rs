//! Commands of RFC 5321 section 4.1 and its extensions, one line each.

mod parameters;
mod path;

use std::fmt;

use essaim_types::{Address, ByteSize};
use zeroize::Zeroizing;

pub(crate) use parameters::MailParameter;
pub(crate) use path::Recipient;

/// One command line, understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// HELO, with the name given.
    Helo(String),
    /// EHLO, with the name given.
    Ehlo(String),
    /// MAIL FROM:, the null reverse-path as `None`.
    Mail(Option<Address>, Vec<MailParameter>),
    /// RCPT TO:
    Rcpt(Recipient),
    /// DATA
    Data,
    /// BDAT, RFC 3030 section 2.
    Bdat { size: u64, last: Last },
    /// STARTTLS, RFC 3207.
    StartTls,
    /// AUTH, RFC 4954: mechanism in upper case and the initial response as sent.
    Auth { mechanism: String, initial: Option<InitialResponse> },
    /// RSET
    Rset,
    /// NOOP, whatever its argument.
    Noop,
    /// VRFY, whatever its argument.
    Vrfy,
    /// HELP, whatever its argument.
    Help,
    /// QUIT
    Quit,
}

/// What followed the mechanism in AUTH: perhaps a password.
#[derive(PartialEq, Eq)]
pub(crate) struct InitialResponse(pub(crate) Zeroizing<String>);

impl fmt::Debug for InitialResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InitialResponse(..)")
    }
}

/// Whether a chunk is the last of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    Yes,
    No,
}

/// Why a line is not a command that can be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseCommandError {
    #[error("the line is not UTF-8, or has a control character")]
    Characters,
    #[error("unknown command")]
    Unknown,
    #[error("known command that is not offered")]
    NotOffered,
    #[error("another protocol is spoken here")]
    Foreign,
    #[error("the argument is missing or malformed")]
    Argument,
    #[error("an argument where none belongs")]
    NoArgument,
    #[error("malformed sender address")]
    SenderSyntax,
    #[error("malformed recipient address")]
    RecipientSyntax,
    #[error("malformed parameter value")]
    ParameterValue,
    #[error("unknown parameter")]
    UnknownParameter,
    #[error("malformed chunk size, so nobody knows where the next command begins")]
    ChunkSize,
}

impl Command {
    /// Reads one line, without its CRLF.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, ParseCommandError> {
        let text = std::str::from_utf8(line).map_err(|_| ParseCommandError::Characters)?;
        if text.contains(|c: char| c.is_control() && c != '\t') {
            return Err(ParseCommandError::Characters);
        }
        // RFC 5321 section 4.1.1: receivers SHOULD tolerate trailing white space.
        let text = text.trim_end_matches([' ', '\t']);
        let (verb, argument) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        Self::parse_verb(&verb.to_ascii_uppercase(), argument.trim_start_matches([' ', '\t']))
    }

    fn parse_verb(verb: &str, argument: &str) -> Result<Self, ParseCommandError> {
        let alone =
            |command| if argument.is_empty() { Ok(command) } else { Err(ParseCommandError::NoArgument) };
        match verb {
            "HELO" => hello(argument).map(Self::Helo),
            "EHLO" => hello(argument).map(Self::Ehlo),
            "MAIL" => mail(argument),
            "RCPT" => rcpt(argument),
            "DATA" => alone(Self::Data),
            "BDAT" => bdat(argument),
            "STARTTLS" => alone(Self::StartTls),
            "AUTH" => auth(argument),
            "RSET" => alone(Self::Rset),
            "NOOP" => Ok(Self::Noop),
            "VRFY" => Ok(Self::Vrfy),
            "HELP" => Ok(Self::Help),
            "QUIT" => alone(Self::Quit),
            "EXPN" | "TURN" | "ETRN" | "ATRN" | "SEND" | "SOML" | "SAML" | "BURL" => {
                Err(ParseCommandError::NotOffered)
            }
            "GET" | "POST" | "PUT" | "HEAD" | "CONNECT" | "OPTIONS" | "USER" | "PASS" => {
                Err(ParseCommandError::Foreign)
            }
            _ => Err(ParseCommandError::Unknown),
        }
    }
}

/// RFC 5321 section 4.1.1.1, leniently: many clients do not know their own name, and it is only for the record.
fn hello(argument: &str) -> Result<String, ParseCommandError> {
    let fits = !argument.is_empty() && argument.len() <= HELLO_MAX && !argument.contains([' ', '\t']);
    fits.then(|| argument.to_owned()).ok_or(ParseCommandError::Argument)
}

fn mail(argument: &str) -> Result<Command, ParseCommandError> {
    let rest = after_keyword(argument, "FROM:").ok_or(ParseCommandError::Argument)?;
    let (sender, rest) = path::reverse(rest).ok_or(ParseCommandError::SenderSyntax)?;
    let parameters = parameters::split(rest)?.map(MailParameter::parse).collect::<Result<Vec<_>, _>>()?;
    Ok(Command::Mail(sender, parameters))
}

fn rcpt(argument: &str) -> Result<Command, ParseCommandError> {
    let rest = after_keyword(argument, "TO:").ok_or(ParseCommandError::Argument)?;
    let (recipient, rest) = path::forward(rest).ok_or(ParseCommandError::RecipientSyntax)?;
    match parameters::split(rest)?.next() {
        None => Ok(Command::Rcpt(recipient)),
        Some(_) => Err(ParseCommandError::UnknownParameter),
    }
}

fn bdat(argument: &str) -> Result<Command, ParseCommandError> {
    let mut words = argument.split([' ', '\t']).filter(|word| !word.is_empty());
    let digits = words.next().filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
    let size = digits.and_then(|digits| digits.parse().ok()).ok_or(ParseCommandError::ChunkSize)?;
    let last = match words.next() {
        None => Last::No,
        Some(word) if word.eq_ignore_ascii_case("LAST") => Last::Yes,
        Some(_) => return Err(ParseCommandError::ChunkSize),
    };
    if words.next().is_some() { Err(ParseCommandError::ChunkSize) } else { Ok(Command::Bdat { size, last }) }
}

fn auth(argument: &str) -> Result<Command, ParseCommandError> {
    let mut words = argument.split([' ', '\t']).filter(|word| !word.is_empty());
    let mechanism = words.next().ok_or(ParseCommandError::Argument)?.to_ascii_uppercase();
    let initial = words.next().map(|word| InitialResponse(Zeroizing::new(word.to_owned())));
    if words.next().is_some() {
        Err(ParseCommandError::Argument)
    } else {
        Ok(Command::Auth { mechanism, initial })
    }
}

/// `FROM:` or `TO:` in any case; blanks after it are no syntax of RFC 5321, but common.
fn after_keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(keyword.len())?;
    head.eq_ignore_ascii_case(keyword).then(|| rest.trim_start_matches([' ', '\t']))
}

/// A `SIZE=` or chunk size of digits only.
fn size(digits: &str) -> Option<ByteSize> {
    let plain = !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| ByteSize(digits.parse().unwrap_or(u64::MAX)))
}

/// RFC 5321 section 4.5.3.1.2.
const HELLO_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, ParseCommandError> {
        Command::parse(line.as_bytes())
    }

    #[test]
    fn verbs_are_read_in_any_case_and_with_trailing_blanks() {
        assert_eq!(parse("ehlo Mail.Example"), Ok(Command::Ehlo("Mail.Example".into())));
        assert_eq!(parse("QuIt  "), Ok(Command::Quit));
        assert_eq!(parse("NOOP anything"), Ok(Command::Noop));
        assert_eq!(parse("RSET x"), Err(ParseCommandError::NoArgument));
        assert_eq!(parse(""), Err(ParseCommandError::Unknown));
    }

    #[test]
    fn mail_and_rcpt_are_read_with_their_usual_faults() {
        let a: Address = "a@b.test".parse().unwrap();
        assert_eq!(parse("MAIL FROM:<>"), Ok(Command::Mail(None, vec![])));
        assert_eq!(parse("mail from: <a@b.test> SIZE=12"), parse("MAIL FROM:<a@b.test>  size=12"));
        assert_eq!(parse("RCPT TO:<@x.test,@y.test:a@b.test>"), Ok(Command::Rcpt(Recipient::Address(a))));
        assert_eq!(parse("RCPT TO:<postmaster>"), Ok(Command::Rcpt(Recipient::Postmaster)));
        assert_eq!(parse("MAIL <a@b.test>"), Err(ParseCommandError::Argument));
        assert_eq!(parse("MAIL FROM:a@b.test"), Err(ParseCommandError::SenderSyntax));
        assert_eq!(parse("RCPT TO:<>"), Err(ParseCommandError::RecipientSyntax));
        assert_eq!(parse("RCPT TO:<a@b.test>x"), Err(ParseCommandError::RecipientSyntax));
        assert_eq!(parse("RCPT TO:<a@b.test> NOTIFY=NEVER"), Err(ParseCommandError::UnknownParameter));
        assert_eq!(parse("MAIL FROM:<a@b.test> X=1"), Err(ParseCommandError::UnknownParameter));
        assert_eq!(parse("MAIL FROM:<a@b.test> SIZE=x"), Err(ParseCommandError::ParameterValue));
    }

    #[test]
    fn a_chunk_of_unknown_size_is_told_apart() {
        assert_eq!(parse("BDAT 12 last"), Ok(Command::Bdat { size: 12, last: Last::Yes }));
        assert_eq!(parse("BDAT 0"), Ok(Command::Bdat { size: 0, last: Last::No }));
        for line in
            ["BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "BDAT 1 LAST x", "BDAT 99999999999999999999"]
        {
            assert_eq!(parse(line), Err(ParseCommandError::ChunkSize), "{line}");
        }
    }

    #[test]
    fn control_characters_and_broken_utf8_are_no_command() {
        for line in [&b"NOOP \0"[..], b"NOOP a\rb", b"MAIL FROM:<\xe9@b.test>", b"\x16\x03\x01"] {
            assert_eq!(Command::parse(line), Err(ParseCommandError::Characters));
        }
    }
}
