//! The name server of the hosts.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, TXT};
use hickory_proto::rr::{RData, Record, RecordType};

use super::namespace::Namespace;

/// Names and what they mean; they may change at any time, and nobody caches them for longer than a second.
#[derive(Debug, Clone)]
pub struct Names {
    zone: Arc<Mutex<Zone>>,
}

type Zone = BTreeMap<(String, RecordType), RData>;

impl Names {
    pub(super) fn serve(host: &Namespace, address: Ipv4Addr) -> Self {
        let names = Self { zone: Arc::default() };
        let socket = host.run(|| UdpSocket::bind((address, 53))).expect("a socket of the name server");
        let answering = names.clone();
        thread::spawn(move || {
            let mut question = [0; 1500];
            while let Ok((length, from)) = socket.recv_from(&mut question) {
                if let Some(answer) = answering.answer(&question[..length]) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        names
    }

    /// A name with one address.
    pub fn host(&self, name: &str, address: Ipv4Addr) {
        self.set(name, RecordType::A, RData::A(A(address)));
    }

    /// A name with one text.
    pub fn text(&self, name: &str, text: &str) {
        self.set(name, RecordType::TXT, RData::TXT(TXT::new(vec![text.to_owned()])));
    }

    /// The name is no longer there.
    pub fn forget(&self, name: &str) {
        self.zone().retain(|(of, _), _| *of != key(name));
    }

    fn set(&self, name: &str, kind: RecordType, data: RData) {
        self.zone().insert((key(name), kind), data);
    }

    fn answer(&self, question: &[u8]) -> Option<Vec<u8>> {
        let asked = Message::from_vec(question).ok()?;
        let query = asked.queries.first()?.clone();
        let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
        answer.metadata.recursion_desired = asked.metadata.recursion_desired;
        answer.metadata.recursion_available = true;
        let zone = self.zone();
        let name = key(&query.name().to_string());
        if !zone.keys().any(|(of, _)| *of == name) {
            answer.metadata.response_code = ResponseCode::NXDomain;
        }
        if let Some(data) = zone.get(&(name, query.query_type())) {
            answer.add_answer(Record::from_rdata(query.name().clone(), TTL, data.clone()));
        }
        answer.add_query(query);
        answer.to_vec().ok()
    }

    fn zone(&self) -> MutexGuard<'_, Zone> {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Seconds.
const TTL: u32 = 1;
