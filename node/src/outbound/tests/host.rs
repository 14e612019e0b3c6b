//! A host that takes mail, on loopback: enough SMTP to be spoken to, and told beforehand what to answer.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// What the host has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) connections: usize,
    pub(super) commands: Vec<String>,
    /// Whole messages, as they were taken.
    pub(super) messages: Vec<String>,
    /// Commands that came under TLS.
    pub(super) encrypted: usize,
}

#[derive(Clone)]
pub(super) struct Host {
    pub(super) address: SocketAddr,
    seen: watch::Sender<Seen>,
    answers: Arc<Mutex<HashMap<&'static str, VecDeque<&'static str>>>>,
    tls: Option<TlsAcceptor>,
}

/// After an answer.
enum Next {
    GoOn,
    Handshake,
    Close,
}

impl Host {
    /// Answers each command of a name with these, one after another, then as hosts do. `CLOSE` closes the connection.
    pub(super) async fn start(answers: &[(&'static str, &[&'static str])], tls: Option<TlsAcceptor>) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answers, tls).await
    }

    pub(super) async fn start_at(
        address: SocketAddr,
        answers: &[(&'static str, &[&'static str])],
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let answers = answers.iter().map(|(name, list)| (*name, list.iter().copied().collect())).collect();
        let host = Self {
            address: listener.local_addr().unwrap(),
            seen: watch::Sender::default(),
            answers: Arc::new(Mutex::new(answers)),
            tls,
        };
        let serving = host.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                serving.seen.send_modify(|seen| seen.connections += 1);
                tokio::spawn(serving.clone().serve(socket));
            }
        });
        host
    }

    /// Waits for so many messages; everything seen by then.
    pub(super) async fn took(&self, count: usize) -> Seen {
        self.seen.subscribe().wait_for(|seen| seen.messages.len() >= count).await.unwrap().clone()
    }

    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    async fn serve(self, socket: TcpStream) {
        let mut socket = BufReader::new(socket);
        let greeting = self.answer("GREETING").unwrap_or("220 mx.test ESMTP");
        if !write(&mut socket, greeting).await {
            return;
        }
        if let Next::Handshake = self.speak(&mut socket, false).await
            && let Some(tls) = &self.tls
            && let Ok(socket) = tls.accept(socket.into_inner()).await
        {
            self.speak(&mut BufReader::new(socket), true).await;
        }
    }

    async fn speak(
        &self,
        socket: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>,
        encrypted: bool,
    ) -> Next {
        let mut line = String::new();
        loop {
            line.clear();
            if !matches!(socket.read_line(&mut line).await, Ok(1..)) {
                return Next::Close;
            }
            let command = line.trim_end().to_owned();
            let verb = command.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            self.seen.send_modify(|seen| {
                seen.commands.push(command.clone());
                seen.encrypted += usize::from(encrypted);
            });
            let offers_tls = self.tls.is_some() && !encrypted;
            let answer = self.answer(&verb).unwrap_or(match verb.as_str() {
                "EHLO" if offers_tls => "250-mx.test\r\n250-STARTTLS\r\n250 PIPELINING",
                "EHLO" => {
                    "250-mx.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-AUTH PLAIN\r\n250 SIZE 50000000"
                }
                "STARTTLS" => "220 go ahead",
                "AUTH" => "235 2.7.0 welcome",
                "DATA" => "354 go ahead",
                "QUIT" => "221 2.0.0 bye",
                _ => "250 2.0.0 ok",
            });
            if answer == "CLOSE" || !write(socket, answer).await || verb == "QUIT" {
                return Next::Close;
            }
            match (verb.as_str(), answer) {
                ("STARTTLS", "220 go ahead") => return Next::Handshake,
                ("DATA", "354 go ahead") => match self.take(socket).await {
                    Next::GoOn => {}
                    end => return end,
                },
                _ => {}
            }
        }
    }

    async fn take(&self, socket: &mut BufReader<impl AsyncRead + AsyncWrite + Unpin>) -> Next {
        let (mut message, mut line) = (String::new(), String::new());
        loop {
            line.clear();
            if !matches!(socket.read_line(&mut line).await, Ok(1..)) {
                return Next::Close;
            }
            if line == ".\r\n" {
                break;
            }
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            if let Some(answer) = self.answer("MIDDLE") {
                write(socket, answer).await;
                return Next::Close;
            }
        }
        let answer = self.answer("END").unwrap_or("250 2.0.0 taken");
        if answer == "CLOSE" || !write(socket, answer).await {
            return Next::Close;
        }
        if answer.starts_with('2') {
            self.seen.send_modify(|seen| seen.messages.push(message));
        }
        match self.answer("AFTER") {
            Some(_) => Next::Close,
            None => Next::GoOn,
        }
    }

    fn answer(&self, verb: &str) -> Option<&'static str> {
        self.answers.lock().unwrap().get_mut(verb)?.pop_front()
    }
}

async fn write(socket: &mut (impl AsyncWrite + Unpin), answer: &str) -> bool {
    socket.write_all(format!("{answer}\r\n").as_bytes()).await.is_ok() && socket.flush().await.is_ok()
}
