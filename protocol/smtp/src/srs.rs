//! Sender rewriting: <https://www.libsrs2.net/srs/srs.pdf>. A host that passes mail of others on is not one that their domain lets send it (SPF, RFC
//! 7208 section D.3), so it sends under an address of its own that says where bounces are to go, and that nobody else can make.
//!
//! ```text
//! SRS0=hash=day=domain=local@us           for local@domain
//! SRS1=hash=first==...@us                 for SRS0=...@first, and for SRS1=...=first==... of anybody
//! ```

use essaim_types::{Address, Domain, LocalPart, Timestamp};

/// How one host rewrites. Its key is secret; whoever has it can send a bounce to anybody from here.
pub struct Srs {
    key: [u8; 32],
    domain: Domain,
}

/// Why mail to an address of this form goes nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrsError {
    /// It begins as one, and that is all.
    #[error("the rewritten address cannot be read")]
    Malformed,
    /// The hash is not ours.
    #[error("the rewritten address was not made here")]
    Forged,
    /// It was made more than [`DAYS_GOOD`] days ago, or in days to come.
    #[error("the rewritten address is too old")]
    Expired,
}

impl Srs {
    /// For addresses of this domain.
    pub fn new(key: [u8; 32], domain: Domain) -> Self {
        Self { key, domain }
    }

    /// Whose addresses it makes.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// The reverse-path under which mail from this sender is passed on. `None` if there is no such address: it would be longer than 64 octets, or
    /// the sender is at an address literal.
    pub fn forward(&self, sender: &Address, now: Timestamp) -> Option<Address> {
        let local = sender.local().as_str();
        let domain = sender.domain().to_ascii().filter(|domain| !domain.as_str().starts_with('['))?;
        let rewritten = match Tagged::of(local) {
            Some((Tag::Direct, rest)) => self.again(domain.as_str(), rest),
            Some((Tag::Again, rest)) => {
                let (_, first, rest) = parts(rest)?;
                self.again(first, rest)
            }
            None => {
                let told = format!("{}={domain}={local}", stamp(day(now)));
                format!("SRS0={}={told}", self.hash(&told))
            }
        };
        Some(Address::new(LocalPart::new(&rewritten).ok()?, self.domain.clone()))
    }

    /// Where mail to an address of ours goes that was rewritten here; `None` if it is of another form.
    pub fn reverse(&self, recipient: &Address, now: Timestamp) -> Option<Result<Address, SrsError>> {
        let (tag, rest) = Tagged::of(recipient.local().as_str())?;
        Some(match tag {
            Tag::Direct => self.original(rest, now),
            Tag::Again => self.earlier(rest),
        })
    }

    fn original(&self, rest: &str, now: Timestamp) -> Result<Address, SrsError> {
        let (hash, told) = strip(rest)?.split_once('=').ok_or(SrsError::Malformed)?;
        let mut fields = told.splitn(3, '=');
        let (Some(made), Some(domain), Some(local)) = (fields.next(), fields.next(), fields.next()) else {
            return Err(SrsError::Malformed);
        };
        self.check(hash, told)?;
        let age = (day(now) + DAYS - days(made).ok_or(SrsError::Malformed)?) % DAYS;
        if age > DAYS_GOOD {
            return Err(SrsError::Expired);
        }
        address(local, domain)
    }

    fn earlier(&self, rest: &str) -> Result<Address, SrsError> {
        let (hash, first, rest) = parts(rest).ok_or(SrsError::Malformed)?;
        self.check(hash, &format!("{first}={rest}"))?;
        address(&format!("SRS0{rest}"), first)
    }

    fn again(&self, first: &str, rest: &str) -> String {
        let told = format!("{first}={rest}");
        format!("SRS1={}={told}", self.hash(&told))
    }

    fn check(&self, hash: &str, told: &str) -> Result<(), SrsError> {
        let ours = self.hash(told);
        let differs =
            ours.bytes().zip(hash.bytes()).fold(0, |all, (a, b)| all | (a ^ b.to_ascii_uppercase()));
        if hash.len() == ours.len() && differs == 0 { Ok(()) } else { Err(SrsError::Forged) }
    }

    /// Hosts on the way may change the case of letters.
    fn hash(&self, told: &str) -> String {
        let hash = blake3::keyed_hash(&self.key, told.to_lowercase().as_bytes());
        hash.as_bytes().iter().take(HASH_CHARS).map(|byte| letter(u32::from(*byte))).collect()
    }
}

/// Not the key.
impl std::fmt::Debug for Srs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Srs").field("domain", &self.domain).finish_non_exhaustive()
    }
}

enum Tag {
    Direct,
    Again,
}

struct Tagged;

impl Tagged {
    /// What comes after the tag, with the separator: other hosts may use any of three.
    fn of(local: &str) -> Option<(Tag, &str)> {
        let (tag, rest) = local.split_at_checked(4)?;
        let tag = match tag.to_ascii_uppercase().as_str() {
            "SRS0" => Tag::Direct,
            "SRS1" => Tag::Again,
            _ => return None,
        };
        rest.starts_with(['=', '+', '-']).then_some((tag, rest))
    }
}

/// Of an SRS1 address: hash, first host, and what followed `SRS0` there.
fn parts(rest: &str) -> Option<(&str, &str, &str)> {
    let (hash, rest) = rest.get(1..)?.split_once('=')?;
    let (first, rest) = rest.split_once('=')?;
    (!first.is_empty() && rest.starts_with(['=', '+', '-'])).then_some((hash, first, rest))
}

fn strip(rest: &str) -> Result<&str, SrsError> {
    rest.strip_prefix('=').ok_or(SrsError::Malformed)
}

fn address(local: &str, domain: &str) -> Result<Address, SrsError> {
    let made = LocalPart::new(local).and_then(|local| Ok(Address::new(local, Domain::new(domain)?)));
    made.map_err(|_| SrsError::Malformed)
}

fn day(now: Timestamp) -> u32 {
    let day = now.0.div_euclid(DAY_MS).rem_euclid(i64::from(DAYS));
    u32::try_from(day).unwrap_or_default()
}

/// Two letters say which day of 1,024 it is.
fn stamp(day: u32) -> String {
    [letter(day >> 5), letter(day)].iter().collect()
}

fn days(stamp: &str) -> Option<u32> {
    let value = |c: char| ALPHABET.find(c.to_ascii_uppercase()).and_then(|at| u32::try_from(at).ok());
    let mut letters = stamp.chars();
    let (high, low) = (value(letters.next()?)?, value(letters.next()?)?);
    letters.next().is_none().then_some(high << 5 | low)
}

fn letter(value: u32) -> char {
    let at = usize::try_from(value % 32).unwrap_or_default();
    char::from(ALPHABET.as_bytes().get(at).copied().unwrap_or(b'A'))
}

/// RFC 4648 section 6.
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// 40 bits: whoever guesses one has sent 10^12 commands for the right to send one address a bounce.
const HASH_CHARS: usize = 8;
/// The stamp repeats after so many days.
const DAYS: u32 = 1024;
/// Bounces come within the days that queues keep trying; a month is more than any does.
pub const DAYS_GOOD: u32 = 30;
const DAY_MS: i64 = 86_400_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn host(domain: &str) -> Srs {
        Srs::new([7; 32], domain.parse().unwrap())
    }

    fn address(text: &str) -> Address {
        text.parse().unwrap()
    }

    fn later(days: i64) -> Timestamp {
        Timestamp(NOW.0 + days * DAY_MS)
    }

    #[test]
    fn a_bounce_finds_its_way_back() {
        let us = host("us.test");
        let path = us.forward(&address("Ann.B+x@out.test"), NOW).unwrap();
        assert!(
            path.to_string().starts_with("SRS0=") && path.to_string().ends_with("=out.test=Ann.B+x@us.test")
        );
        assert_eq!(us.reverse(&path, NOW), Some(Ok(address("Ann.B+x@out.test"))));
        let lower = address(&path.to_string().to_lowercase());
        assert_eq!(us.reverse(&lower, later(9)), Some(Ok(address("ann.b+x@out.test"))), "in whatever case");
        assert_eq!(us.reverse(&address("ann@us.test"), NOW), None);
        assert_eq!(us.reverse(&address("SRS0x@us.test"), NOW), None);
    }

    #[test]
    fn after_two_forwarders_it_goes_to_the_first_of_them_alone() {
        let (first, second, third) =
            (host("first.test"), Srs::new([8; 32], "second.test".parse().unwrap()), host("third.test"));
        let once = first.forward(&address("ann@out.test"), NOW).unwrap();
        let twice = second.forward(&once, NOW).unwrap();
        assert!(twice.to_string().contains("=first.test=="), "{twice}");
        assert_eq!(second.reverse(&twice, NOW), Some(Ok(once.clone())));
        let thrice = third.forward(&twice, NOW).unwrap();
        assert_eq!(third.reverse(&thrice, NOW), Some(Ok(once.clone())), "not to the second");
        assert_eq!(first.reverse(&once, NOW), Some(Ok(address("ann@out.test"))));
        for other in ["SRS0+abc=DE=out.test=x@first.test", "srs0-abc=DE=out.test=x@first.test"] {
            let path = second.forward(&address(other), NOW).unwrap();
            let back = second.reverse(&path, NOW).unwrap().unwrap();
            assert_eq!(back.key(), address(other).key(), "another separator");
        }
    }

    #[test]
    fn what_was_not_made_here_or_long_ago_goes_nowhere() {
        let us = host("us.test");
        let path = us.forward(&address("ann@out.test"), NOW).unwrap();
        let other = address(&path.to_string().replace("ann", "eve"));
        assert_eq!(us.reverse(&other, NOW), Some(Err(SrsError::Forged)));
        let thief =
            Srs::new([9; 32], "us.test".parse().unwrap()).forward(&address("ann@out.test"), NOW).unwrap();
        assert_eq!(us.reverse(&thief, NOW), Some(Err(SrsError::Forged)));
        assert_eq!(us.reverse(&path, later(30)), Some(Ok(address("ann@out.test"))));
        assert_eq!(us.reverse(&path, later(31)), Some(Err(SrsError::Expired)));
        assert_eq!(us.reverse(&path, later(-1)), Some(Err(SrsError::Expired)), "of tomorrow");
        for bad in [
            "SRS0=",
            "SRS0=a",
            "SRS0=a=b",
            "SRS0=a=b=c",
            "SRS1=",
            "SRS1=a=b=c",
            "SRS1=a==b",
            "SRS1=a=b==c=d",
            "SRS0+a=b=c=d",
        ] {
            let told = us.reverse(&address(&format!("{bad}@us.test")), NOW);
            assert!(matches!(told, Some(Err(SrsError::Malformed | SrsError::Forged))), "{bad}: {told:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_not_rewritten() {
        let us = host("us.test");
        let long = format!("{}@out.test", "x".repeat(40));
        assert_eq!(us.forward(&address(&long), NOW), None);
        assert_eq!(us.forward(&address("ann@[192.0.2.1]"), NOW), None);
        assert_eq!(us.forward(&address("SRS1=x@out.test"), NOW), None);
    }

    proptest! {
        #[test]
        fn no_address_of_a_stranger_is_taken_for_ours(local in "[sS][rR][sS][01][=+-][ -~=\u{e9}]{0,58}") {
            if let Ok(local) = LocalPart::new(&local) {
                let us = host("us.test");
                let stranger = Address::new(local, "us.test".parse().unwrap());
                prop_assert!(matches!(us.reverse(&stranger, NOW), Some(Err(SrsError::Malformed | SrsError::Forged))));
                if let Some(path) = us.forward(&stranger, NOW) {
                    let back = us.reverse(&path, NOW);
                    prop_assert!(matches!(back, Some(Ok(_) | Err(SrsError::Malformed))), "{back:?}");
                }
            }
        }

        #[test]
        fn every_sender_that_fits_comes_back(local in "[a-zA-Z0-9=.+_-]{1,30}", domain in "[a-z]{1,8}\\.[a-z]{2,5}", days in 0i64..31) {
            if let (Ok(local), Ok(domain)) = (LocalPart::new(&local), Domain::new(&domain)) {
                let (us, sender) = (host("us.test"), Address::new(local, domain));
                if let Some(path) = us.forward(&sender, NOW) {
                    let back = us.reverse(&path, later(days)).unwrap();
                    let expected = Some(sender.key()).filter(|_| Tagged::of(sender.local().as_str()).is_none());
                    prop_assert!(expected.is_none() || back.map(|back| back.key()).ok() == expected);
                }
            }
        }
    }
}
