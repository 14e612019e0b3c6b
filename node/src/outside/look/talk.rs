//! Lines of a host that may send anything: bounded, and made fit to be shown only where they are kept.

use std::io;

use essaim_directory::observation::Text;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// A conversation in lines.
pub(super) struct Talk<Io> {
    io: Io,
    input: Vec<u8>,
}

/// A reply of SMTP: RFC 5321 section 4.2.
pub(super) struct Reply {
    pub(super) code: u16,
    /// Code and text of each line.
    pub(super) lines: Vec<String>,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Talk<Io> {
    pub(super) fn new(io: Io) -> Self {
        Self { io, input: Vec::new() }
    }

    /// The transport, if nothing was read ahead: what came before the handshake would count after it (CVE-2011-0411).
    pub(super) fn into_clear(self) -> io::Result<Io> {
        if self.input.is_empty() { Ok(self.io) } else { Err(io::Error::other("bytes before the handshake")) }
    }

    pub(super) async fn say(&mut self, line: &str) -> io::Result<()> {
        self.send(format!("{line}\r\n").as_bytes()).await
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await?;
        self.io.flush().await
    }

    /// The next line, without its end.
    pub(super) async fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.input.len() > LINE_MAX {
                return Err(io::Error::other("a line without end"));
            }
            let mut more = [0; 512];
            let length = self.io.read(&mut more).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.input.extend(more.iter().take(length));
        }
    }

    /// The next reply of an SMTP server.
    pub(super) async fn reply(&mut self) -> io::Result<Reply> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
            let code =
                code.and_then(|code| code.parse().ok()).ok_or_else(|| io::Error::other(line.clone()))?;
            let last = line.as_bytes().get(3) != Some(&b'-');
            lines.push(line);
            if last {
                return Ok(Reply { code, lines });
            }
            if lines.len() >= LINES_MAX {
                return Err(io::Error::other("a reply without end"));
            }
        }
    }

    pub(super) async fn ask(&mut self, line: &str) -> io::Result<Reply> {
        self.say(line).await?;
        self.reply().await
    }
}

impl Reply {
    pub(super) fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether an EHLO keyword is offered.
    pub(super) fn offers(&self, keyword: &str) -> bool {
        let words = self.lines.iter().filter_map(|line| line.get(4..)?.split_ascii_whitespace().next());
        words.skip(1).any(|word| word.eq_ignore_ascii_case(keyword))
    }

    /// Its last line, to be kept.
    pub(super) fn text(&self) -> Option<Text> {
        self.lines.last().and_then(|line| Text::of(line))
    }
}

const LINE_MAX: usize = 2048;
const LINES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    async fn reply(bytes: &[u8]) -> io::Result<Reply> {
        let (client, mut server) = tokio::io::duplex(1 << 20);
        server.write_all(bytes).await.unwrap();
        drop(server);
        Talk::new(client).reply().await
    }

    #[tokio::test]
    async fn replies_are_read_within_bounds() {
        let hello =
            reply(b"250-mail.coop.example greets you\r\n250-SIZE 1000\r\n250 starttls\r\n").await.unwrap();
        assert!(
            hello.is_positive()
                && hello.offers("STARTTLS")
                && hello.offers("SIZE")
                && !hello.offers("greets")
        );
        assert!(!hello.offers("mail.coop.example"), "the first line is a greeting");
        assert_eq!(hello.text().unwrap().as_str(), "250 starttls");
        assert!(reply(b"SSH-2.0-OpenSSH\r\n").await.is_err());
        assert!(reply(b"2\xc3\xa90 no digits\r\n").await.is_err());
        assert!(reply(&[b'2'; 100_000]).await.is_err(), "a line without end");
        assert!(reply(&b"250-x\r\n".repeat(1000)).await.is_err(), "a reply without end");
        assert!(reply(b"250").await.is_err(), "broken off");
    }
}
