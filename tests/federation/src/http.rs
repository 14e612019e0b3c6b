//! What a program gets that asks a hoster's node over HTTP.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::{Hoster, PATIENCE};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// 200, ...
    pub status: u16,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// All of it.
    pub body: String,
}

impl Hoster {
    /// Asks for a path, with further headers as lines.
    ///
    /// # Panics
    /// If there is no answer, or not in HTTP.
    pub fn get(&self, path: &str, headers: &[&str]) -> Answer {
        let text = String::from_utf8(self.exchange(path, headers)).expect("an answer in UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let (status, headers) = head.split_once("\r\n").expect("headers");
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Answer { status, headers: headers.collect(), body: body.to_owned() }
    }

    /// The bytes at a path.
    ///
    /// # Panics
    /// If there are none.
    pub fn get_bytes(&self, path: &str) -> Vec<u8> {
        let answer = self.exchange(path, &[]);
        assert!(answer.starts_with(b"HTTP/1.0 200 "), "{path}: {}", String::from_utf8_lossy(&answer));
        let head = answer.windows(4).position(|end| end == b"\r\n\r\n").expect("a head");
        answer[head + 4..].to_vec()
    }

    /// The whole answer as it came.
    fn exchange(&self, path: &str, headers: &[&str]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.node.address("http")).expect("the node listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("it is not zero");
        // With 1.0 the body ends with the connection.
        let more: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
        let request = format!("GET {path} HTTP/1.0\r\nHost: {}\r\n{more}\r\n", self.domain);
        stream.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer");
        answer
    }

    /// The JSON at a path.
    ///
    /// # Panics
    /// If it is none.
    pub fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path, &[]);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        serde_json::from_str(&answer.body).expect("JSON")
    }
}
