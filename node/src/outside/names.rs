//! What the DNS says, by the resolver of the system.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use tokio::time::timeout;

use super::Reachable;

/// Asks the DNS. A trait so that tests can answer.
pub(crate) trait Names: fmt::Debug + Send + Sync {
    /// The records of one kind of an absolute name, at most [`RECORDS_MAX`], at least one. Always comes back within some seconds.
    fn records<'a>(&'a self, name: &'a str, kind: RecordType) -> Answers<'a>;
}

/// The records, later.
pub(crate) type Answers<'a> = Pin<Box<dyn Future<Output = Result<Vec<RData>, NoAnswer>> + Send + 'a>>;

/// Why there are no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    /// There is no such name, or it has no such record.
    #[error("there is no such record")]
    Absent,
    /// Nobody answered in time, or with an error.
    #[error("the DNS did not answer")]
    Silent,
}

/// The resolver of the system, `/etc/resolv.conf`.
pub(crate) struct SystemNames(Option<TokioResolver>);

impl SystemNames {
    /// A node without a resolver starts all the same; it is told nothing.
    pub(crate) fn open() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        if let Err(error) = &resolver {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "nothing can be asked of the DNS: the system's resolver cannot be used");
        }
        Self(resolver.ok())
    }
}

impl Names for SystemNames {
    fn records<'a>(&'a self, name: &'a str, kind: RecordType) -> Answers<'a> {
        Box::pin(async move {
            let resolver = self.0.as_ref().ok_or(NoAnswer::Silent)?;
            // From the root on, so that no search list of the machine is applied.
            let name = Name::from_str_relaxed(format!("{name}.")).map_err(|_| NoAnswer::Absent)?;
            let answer = match timeout(ANSWER_WITHIN, resolver.lookup(name, kind)).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(error)) if error.is_nx_domain() || error.is_no_records_found() => {
                    return Err(NoAnswer::Absent);
                }
                Ok(Err(_)) | Err(_) => return Err(NoAnswer::Silent),
            };
            let found = answer.answers().iter().map(|record| record.data.clone());
            let found: Vec<RData> =
                found.filter(|data| data.record_type() == kind).take(RECORDS_MAX).collect();
            if found.is_empty() { Err(NoAnswer::Absent) } else { Ok(found) }
        })
    }
}

impl<'n> dyn Names + 'n {
    /// The addresses of a host, of both families, as the DNS gives them: nothing about them is checked.
    pub(crate) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let (six, four) =
            tokio::join!(self.records(host, RecordType::AAAA), self.records(host, RecordType::A));
        let silent = [&six, &four].iter().any(|answer| matches!(answer, Err(NoAnswer::Silent)));
        let found: Vec<IpAddr> =
            [six, four].into_iter().flatten().flatten().filter_map(|data| data.ip_addr()).collect();
        match found.is_empty() {
            false => Ok(found),
            true if silent => Err(NoAnswer::Silent),
            true => Err(NoAnswer::Absent),
        }
    }

    /// Those of them that may be connected to. The name is looked up once; what is connected to is what was checked.
    pub(crate) async fn reachable(&self, host: &str) -> Result<Vec<Reachable>, NoAnswer> {
        let found = self.addresses(host).await?;
        Ok(found.into_iter().filter_map(Reachable::public).take(ADDRESSES_MAX).collect())
    }

    /// TXT records, each with its strings joined.
    pub(crate) async fn texts(&self, name: &str) -> Result<Vec<Vec<u8>>, NoAnswer> {
        let records = self.records(name, RecordType::TXT).await?;
        let texts = records.into_iter().filter_map(|record| match record {
            RData::TXT(txt) => Some(txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect()),
            _ => None,
        });
        Ok(texts.collect())
    }
}

impl fmt::Debug for SystemNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SystemNames").field(&self.0.is_some()).finish()
    }
}

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// Records of one name that are looked at.
const RECORDS_MAX: usize = 64;
/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 4;

#[cfg(test)]
pub(crate) mod table {
    //! A DNS that says what a test wants.

    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use hickory_resolver::proto::rr::rdata::TXT;

    use super::*;

    #[derive(Debug, Default)]
    pub(crate) struct Table {
        records: Mutex<BTreeMap<(String, RecordType), Vec<RData>>>,
        pub(crate) asked: AtomicUsize,
    }

    impl Table {
        pub(crate) fn put(&self, name: &str, kind: RecordType, records: Vec<RData>) {
            self.records.lock().unwrap().insert((name.to_owned(), kind), records);
        }

        pub(crate) fn address(&self, name: &str, ips: &[&str]) {
            for kind in [RecordType::A, RecordType::AAAA] {
                let ips = ips.iter().map(|ip| RData::from(ip.parse::<IpAddr>().unwrap()));
                self.put(name, kind, ips.filter(|ip| ip.record_type() == kind).collect());
            }
        }

        pub(crate) fn text(&self, name: &str, text: &str) {
            self.put(name, RecordType::TXT, vec![RData::TXT(TXT::new(vec![text.to_owned()]))]);
        }
    }

    impl Names for Table {
        fn records<'a>(&'a self, name: &'a str, kind: RecordType) -> Answers<'a> {
            Box::pin(async move {
                self.asked.fetch_add(1, Ordering::Relaxed);
                let records = self.records.lock().unwrap();
                match records.get(&(name.to_owned(), kind)) {
                    Some(found) if !found.is_empty() => Ok(found.clone()),
                    _ => Err(NoAnswer::Absent),
                }
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::table::Table;
    use super::*;

    #[tokio::test]
    async fn r22_of_several_addresses_only_the_public_ones_are_tried() {
        let table = Table::default();
        table.address(
            "mixed.example",
            &["10.0.0.1", "1.1.1.1", "127.0.0.1", "::1", "2606:4700::1111", "fe80::1"],
        );
        table.address("inside.example", &["192.168.1.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"]);
        let names: &dyn Names = &table;
        let tried: Vec<IpAddr> =
            names.reachable("mixed.example").await.unwrap().into_iter().map(Reachable::ip).collect();
        assert_eq!(tried, ["2606:4700::1111", "1.1.1.1"].map(|ip| ip.parse::<IpAddr>().unwrap()));
        assert_eq!(names.reachable("inside.example").await.unwrap(), []);
        assert_eq!(names.reachable("absent.example").await, Err(NoAnswer::Absent));
    }

    #[tokio::test]
    async fn r22_a_name_is_looked_up_once_and_what_was_checked_is_connected_to() {
        let table = Table::default();
        table.address("rebind.example", &["1.1.1.1"]);
        let names: &dyn Names = &table;
        let checked = names.reachable("rebind.example").await.unwrap();
        assert_eq!(table.asked.load(Ordering::Relaxed), 2, "A and AAAA");
        table.address("rebind.example", &["127.0.0.1"]);
        // What a connection is made of holds an address and no name.
        assert_eq!(
            checked.iter().map(|at| at.port(443)).collect::<Vec<_>>(),
            ["1.1.1.1:443".parse().unwrap()]
        );
        assert_eq!(table.asked.load(Ordering::Relaxed), 2);
        assert_eq!(names.reachable("rebind.example").await.unwrap(), [], "asked again, it is refused");
    }
}
