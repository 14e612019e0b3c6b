//! A small blocking SMTP client that does what it is told, wrong things included.

use std::io;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::stream::Connection;

/// A conversation with an SMTP or submission listener.
#[derive(Debug)]
pub struct Smtp {
    connection: Option<Connection>,
}

/// A complete reply: RFC 5321 section 4.2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Three digits.
    pub code: u16,
    /// The texts after the code, one per line.
    pub lines: Vec<String>,
}

impl Smtp {
    /// Connects in clear, reads the greeting and says EHLO.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::greeted(Connection::plain(address)?)
    }

    /// The same under TLS from the first byte (RFC 8314).
    pub fn connect_tls(address: SocketAddr) -> io::Result<Self> {
        Self::greeted(Connection::tls(address)?)
    }

    /// STARTTLS and a new EHLO (RFC 3207).
    pub fn start_tls(mut self) -> io::Result<Self> {
        self.command("STARTTLS")?.expect(220)?;
        self.connection = self.connection.take().map(Connection::start_tls).transpose()?;
        self.command(EHLO)?.expect(250)?;
        Ok(self)
    }

    /// AUTH PLAIN with an initial response (RFC 4616).
    pub fn auth_plain(&mut self, user: &str, password: &str) -> io::Result<Reply> {
        let token = BASE64.encode(format!("\0{user}\0{password}"));
        self.command(&format!("AUTH PLAIN {token}"))
    }

    /// One command, one reply.
    pub fn command(&mut self, line: &str) -> io::Result<Reply> {
        self.send(format!("{line}\r\n").as_bytes())?;
        self.reply()
    }

    /// Hands over one message as a mail server does: envelope and DATA pipelined (RFC 2920), then the body.
    /// The answer is the one to the body, or the first refusal; after a refusal the transaction is reset.
    pub fn deliver(&mut self, from: &str, to: &[&str], message: &[u8]) -> io::Result<Reply> {
        match self.envelope(from, to)? {
            Some(refusal) => Ok(refusal),
            None => self.body(&stuffed(message)),
        }
    }

    /// Hands over one message with BDAT (RFC 3030) in pieces of `piece` bytes. The answer is the last one.
    pub fn deliver_in_chunks(
        &mut self,
        from: &str,
        to: &[&str],
        message: &[u8],
        piece: usize,
    ) -> io::Result<Reply> {
        self.command(&format!("MAIL FROM:<{from}>"))?.expect(250)?;
        for recipient in to {
            self.command(&format!("RCPT TO:<{recipient}>"))?.expect(250)?;
        }
        for chunk in message.chunks(piece) {
            self.send(format!("BDAT {}\r\n", chunk.len()).as_bytes())?;
            self.send(chunk)?;
            self.reply()?.expect(250)?;
        }
        self.command("BDAT 0 LAST")
    }

    /// The bytes after the 354 reply, already dot-stuffed, with their end of data.
    pub fn body(&mut self, stuffed: &[u8]) -> io::Result<Reply> {
        self.send(stuffed)?;
        self.reply()
    }

    /// MAIL, RCPT and DATA in one write. `None` means that the server said 354 and waits for the body.
    pub fn envelope(&mut self, from: &str, to: &[&str]) -> io::Result<Option<Reply>> {
        let mut batch = format!("MAIL FROM:<{from}>\r\n");
        for recipient in to {
            batch.push_str(&format!("RCPT TO:<{recipient}>\r\n"));
        }
        batch.push_str("DATA\r\n");
        self.send(batch.as_bytes())?;
        let mut refusal = None;
        for _ in 0..=to.len() {
            let reply = self.reply()?;
            if !reply.is_positive() {
                refusal.get_or_insert(reply);
            }
        }
        let data = self.reply()?;
        match (data.code, refusal) {
            (354, None) => Ok(None),
            (354, Some(refusal)) => {
                // Some recipients were refused: take nobody.
                self.body(b".\r\n")?;
                Ok(Some(refusal))
            }
            (_, refusal) => {
                self.command("RSET")?;
                Ok(Some(refusal.unwrap_or(data)))
            }
        }
    }

    /// Raw bytes.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.live()?.send(bytes)
    }

    /// The next reply, all its lines.
    pub fn reply(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            self.live()?.read_line(&mut line)?;
            let text = String::from_utf8_lossy(&line);
            let text = text.trim_end_matches(['\r', '\n']);
            let code = text.get(..3).and_then(|code| code.parse().ok()).ok_or_else(|| not_a_reply(text))?;
            lines.push(text.get(4..).unwrap_or_default().to_owned());
            if text.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, lines });
            }
        }
    }

    /// QUIT.
    pub fn quit(mut self) -> io::Result<Reply> {
        self.command("QUIT")
    }

    /// Everything until the server closes.
    pub fn read_to_close(&mut self) -> Vec<u8> {
        self.connection.as_mut().map(Connection::read_to_close).unwrap_or_default()
    }

    fn greeted(connection: Connection) -> io::Result<Self> {
        let mut smtp = Self { connection: Some(connection) };
        smtp.reply()?.expect(220)?;
        smtp.command(EHLO)?.expect(250)?;
        Ok(smtp)
    }

    fn live(&mut self) -> io::Result<&mut Connection> {
        self.connection.as_mut().ok_or_else(|| io::Error::other("the connection was lost during STARTTLS"))
    }
}

impl Reply {
    /// 2xx or 3xx.
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// The reply itself if it has this code, else an error that quotes it.
    pub fn expect(self, code: u16) -> io::Result<Self> {
        if self.code == code { Ok(self) } else { Err(io::Error::other(format!("wanted {code}, got {self}"))) }
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" / "))
    }
}

/// Dots doubled at line starts, a CRLF added where the last line lacks one, and the end of data: RFC 5321 section 4.5.2.
pub fn stuffed(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + message.len() / 64 + 5);
    let mut line_start = true;
    for &byte in message {
        if line_start && byte == b'.' {
            out.push(b'.');
        }
        out.push(byte);
        line_start = byte == b'\n';
    }
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

fn not_a_reply(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not an SMTP reply: {text:?}"))
}

const EHLO: &str = "EHLO client.test";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_doubled_at_line_starts_only() {
        assert_eq!(stuffed(b".a\r\nb.c\r\n..\r\n"), b"..a\r\nb.c\r\n...\r\n.\r\n");
        assert_eq!(stuffed(b"no end"), b"no end\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }
}
