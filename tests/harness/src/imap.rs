//! A small blocking IMAP client: one command, its untagged responses, its tagged status.

use std::io;
use std::net::SocketAddr;

use crate::imap_value::Value;
use crate::stream::Connection;

/// A conversation with an IMAP listener.
#[derive(Debug)]
pub struct Imap {
    connection: Option<Connection>,
    tags: u32,
}

/// What a command brought.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The tagged status.
    pub status: Status,
    /// The text after the status, with its response code.
    pub text: String,
    /// The untagged responses without `* `, literals included as they came.
    pub untagged: Vec<Vec<u8>>,
}

/// RFC 9051 section 7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Ok,
    /// Refused.
    No,
    /// Not understood.
    Bad,
}

/// What [`Imap::drain`] saw go by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Untagged responses.
    pub responses: usize,
    /// Their bytes, literals included.
    pub bytes: usize,
}

impl Imap {
    /// Connects in clear and reads the greeting.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::greeted(Connection::plain(address)?)
    }

    /// Connects under TLS and reads the greeting.
    pub fn connect_tls(address: SocketAddr) -> io::Result<Self> {
        Self::greeted(Connection::tls(address)?)
    }

    /// STARTTLS: RFC 9051 section 6.2.1.
    pub fn start_tls(mut self) -> io::Result<Self> {
        self.ok("STARTTLS")?;
        self.connection = self.connection.take().map(Connection::start_tls).transpose()?;
        Ok(self)
    }

    /// LOGIN with both arguments quoted.
    pub fn login(&mut self, user: &str, password: &str) -> io::Result<Outcome> {
        self.ok(&format!("LOGIN {} {}", quoted(user), quoted(password)))
    }

    /// One command; any status.
    pub fn command(&mut self, line: &str) -> io::Result<Outcome> {
        let tag = self.send_command(line)?;
        self.outcome(&tag)
    }

    /// One command whose refusal is an error.
    pub fn ok(&mut self, line: &str) -> io::Result<Outcome> {
        self.command(line)?.accepted(line)
    }

    /// APPEND with a non-synchronizing literal (RFC 7888). `options` go between mailbox and literal: flags and date.
    pub fn append(&mut self, mailbox: &str, options: &str, message: &[u8]) -> io::Result<Outcome> {
        self.append_many(mailbox, options, &[message])
    }

    /// MULTIAPPEND (RFC 3502): all of the messages or none.
    pub fn append_many(&mut self, mailbox: &str, options: &str, messages: &[&[u8]]) -> io::Result<Outcome> {
        let tag = self.next_tag();
        let options = if options.is_empty() { String::new() } else { format!("{options} ") };
        let total: usize = messages.iter().map(|message| message.len() + options.len() + 16).sum();
        let mut batch = Vec::with_capacity(total + 64);
        batch.extend_from_slice(format!("{tag} APPEND {}", quoted(mailbox)).as_bytes());
        for message in messages {
            batch.extend_from_slice(format!(" {options}{{{}+}}\r\n", message.len()).as_bytes());
            batch.extend_from_slice(message);
        }
        batch.extend_from_slice(b"\r\n");
        self.send(&batch)?;
        self.outcome(&tag)
    }

    /// [`Imap::append`] whose refusal is an error.
    pub fn append_ok(&mut self, mailbox: &str, options: &str, message: &[u8]) -> io::Result<Outcome> {
        self.append_many_ok(mailbox, options, &[message])
    }

    /// [`Imap::append_many`] whose refusal is an error.
    pub fn append_many_ok(
        &mut self,
        mailbox: &str,
        options: &str,
        messages: &[&[u8]],
    ) -> io::Result<Outcome> {
        self.append_many(mailbox, options, messages)?.accepted("APPEND")
    }

    /// Sends a command and returns its tag; the outcome is read with [`Imap::outcome`]. For pipelining.
    pub fn send_command(&mut self, line: &str) -> io::Result<String> {
        let tag = self.next_tag();
        self.send(format!("{tag} {line}\r\n").as_bytes())?;
        Ok(tag)
    }

    /// Raw bytes.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.live()?.send(bytes)
    }

    /// Reads up to the tagged response of `tag`.
    pub fn outcome(&mut self, tag: &str) -> io::Result<Outcome> {
        let mut untagged = Vec::new();
        loop {
            let response = self.response()?;
            if let Some(rest) = response.strip_prefix(b"* ") {
                untagged.push(rest.to_vec());
            } else if let Some(rest) = tagged(&response, tag) {
                let (status, text) = parse_status(rest)?;
                return Ok(Outcome { status, text, untagged });
            } else {
                return Err(unexpected(&response));
            }
        }
    }

    /// One command of which only the amount of the answer matters; literals are not kept.
    pub fn drain(&mut self, line: &str) -> io::Result<Drained> {
        let tag = self.send_command(line)?;
        let mut seen = Drained::default();
        let mut response = Vec::new();
        loop {
            response.clear();
            let connection = self.live()?;
            connection.read_line(&mut response)?;
            seen.bytes += response.len();
            while let Some(length) = literal_length(&response) {
                connection.skip(length)?;
                seen.bytes += length;
                response.clear();
                connection.read_line(&mut response)?;
                seen.bytes += response.len();
            }
            match tagged(&response, &tag).map(parse_status) {
                None => seen.responses += 1,
                Some(Ok((Status::Ok, _))) => return Ok(seen),
                Some(_) => return Err(unexpected(&response)),
            }
        }
    }

    /// IDLE (RFC 2177): returns once the server waits.
    pub fn idle(&mut self) -> io::Result<String> {
        let tag = self.send_command("IDLE")?;
        loop {
            let response = self.response()?;
            if response.starts_with(b"+") {
                return Ok(tag);
            }
            if tagged(&response, &tag).is_some() {
                return Err(unexpected(&response));
            }
        }
    }

    /// Ends an IDLE that [`Imap::idle`] began.
    pub fn done(&mut self, tag: &str) -> io::Result<Outcome> {
        self.send(b"DONE\r\n")?;
        self.outcome(tag)
    }

    /// The next response of any kind, literals included.
    pub fn response(&mut self) -> io::Result<Vec<u8>> {
        let connection = self.live()?;
        let mut response = Vec::new();
        connection.read_line(&mut response)?;
        while let Some(length) = literal_length(&response) {
            connection.read_exactly(length, &mut response)?;
            connection.read_line(&mut response)?;
        }
        Ok(response)
    }

    /// How long to wait for an answer.
    pub fn set_timeout(&mut self, timeout: std::time::Duration) -> io::Result<()> {
        self.live()?.set_timeout(timeout)
    }

    fn greeted(connection: Connection) -> io::Result<Self> {
        let mut imap = Self { connection: Some(connection), tags: 0 };
        let greeting = imap.response()?;
        if greeting.starts_with(b"* OK") { Ok(imap) } else { Err(unexpected(&greeting)) }
    }

    fn next_tag(&mut self) -> String {
        self.tags += 1;
        format!("t{}", self.tags)
    }

    fn live(&mut self) -> io::Result<&mut Connection> {
        self.connection.as_mut().ok_or_else(|| io::Error::other("the connection was lost during STARTTLS"))
    }
}

impl Outcome {
    /// Itself if the status is OK, else an error that names the command.
    pub fn accepted(self, command: &str) -> io::Result<Self> {
        match self.status {
            Status::Ok => Ok(self),
            status => Err(io::Error::other(format!("{status:?} to {}: {}", shown(command), self.text))),
        }
    }

    /// The untagged responses as values: `3 FETCH (UID 7)` is `[3, FETCH, [UID, 7]]`.
    pub fn values(&self) -> impl Iterator<Item = Vec<Value>> + '_ {
        self.untagged.iter().map(|response| Value::parse(response))
    }

    /// The arguments of the untagged responses with this name: `SEARCH 1 2` gives `[1, 2]`.
    pub fn named(&self, name: &str) -> impl Iterator<Item = Vec<Value>> + '_ {
        let name = name.to_ascii_uppercase();
        self.values().filter_map(move |mut values| {
            let matches = values.first().is_some_and(|first| first.text().eq_ignore_ascii_case(&name));
            matches.then(|| values.split_off(1))
        })
    }

    /// The attributes of each FETCH response: message number, then the list.
    pub fn fetched(&self) -> impl Iterator<Item = (u32, Value)> + '_ {
        self.values().filter_map(|values| match <[Value; 3]>::try_from(values) {
            Ok([number, name, list]) if name.text().eq_ignore_ascii_case("FETCH") => {
                Some((number.number()?, list))
            }
            _ => None,
        })
    }

    /// The number of `* n EXISTS`, the last one if there are several.
    pub fn exists(&self) -> Option<u32> {
        self.values()
            .filter(|values| values.get(1).is_some_and(|name| name.text().eq_ignore_ascii_case("EXISTS")))
            .filter_map(|values| values.first().and_then(Value::number))
            .last()
    }

    /// The arguments of a response code, tagged or untagged: `UIDVALIDITY` gives `"7"`.
    pub fn code(&self, name: &str) -> Option<String> {
        let texts = self.untagged.iter().map(|response| String::from_utf8_lossy(response).into_owned());
        texts.chain(std::iter::once(self.text.clone())).find_map(|text| {
            let code = text.split_once('[')?.1.split_once(']')?.0.to_owned();
            let (first, rest) = code.split_once(' ').unwrap_or((&code, ""));
            first.eq_ignore_ascii_case(name).then(|| rest.to_owned())
        })
    }

    /// The numbers of a SEARCH response.
    pub fn search(&self) -> Vec<u32> {
        self.named("SEARCH").flatten().filter_map(|value| value.number()).collect()
    }
}

/// A quoted string: RFC 9051 section 4.3. Not for text with CR, LF or NUL.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn literal_length(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"}\r\n")?;
    let open = line.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(line.get(open + 1..)?).ok()?.parse().ok()
}

fn tagged<'a>(response: &'a [u8], tag: &str) -> Option<&'a [u8]> {
    response.strip_prefix(tag.as_bytes())?.strip_prefix(b" ")
}

fn parse_status(rest: &[u8]) -> io::Result<(Status, String)> {
    let line = String::from_utf8_lossy(rest);
    let line = line.trim_end();
    let (word, text) = line.split_once(' ').unwrap_or((line, ""));
    let text = text.to_owned();
    match word.to_ascii_uppercase().as_str() {
        "OK" => Ok((Status::Ok, text)),
        "NO" => Ok((Status::No, text)),
        "BAD" => Ok((Status::Bad, text)),
        _ => Err(unexpected(rest)),
    }
}

fn unexpected(response: &[u8]) -> io::Error {
    let text = String::from_utf8_lossy(response);
    io::Error::new(io::ErrorKind::InvalidData, format!("unexpected response: {}", shown(&text)))
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect::<String>().trim_end().to_owned()
}

const SHOWN_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(untagged: &[&str], text: &str) -> Outcome {
        let untagged = untagged.iter().map(|line| line.as_bytes().to_vec()).collect();
        Outcome { status: Status::Ok, text: text.to_owned(), untagged }
    }

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line() {
        assert_eq!(literal_length(b"* 1 FETCH (BODY[] {310}\r\n"), Some(310));
        assert_eq!(literal_length(b"* OK {310} bytes\r\n"), None);
    }

    #[test]
    fn outcomes_are_read_by_name() {
        let outcome = outcome(
            &["3 EXISTS\r\n", "SEARCH 2 3\r\n", "OK [UIDVALIDITY 77] fine\r\n", "1 FETCH (UID 9)\r\n"],
            "[READ-WRITE] done",
        );
        assert_eq!(outcome.exists(), Some(3));
        assert_eq!(outcome.search(), [2, 3]);
        assert_eq!(outcome.code("uidvalidity").as_deref(), Some("77"));
        assert_eq!(outcome.code("READ-WRITE").as_deref(), Some(""));
        let (number, list) = outcome.fetched().next().unwrap();
        assert_eq!((number, list.attribute("UID").and_then(Value::number)), (1, Some(9)));
    }
}
