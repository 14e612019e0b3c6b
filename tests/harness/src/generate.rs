//! Made-up mail: any amount, the same for the same seed, each message with a token of its own.

use std::fmt::Write as _;

/// A small generator of numbers: SplitMix64. Good enough for content, not for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The same seed, the same numbers.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        usize::try_from(self.bits() % bound).unwrap_or(0)
    }

    /// One of them.
    pub fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}

/// The shape of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `text/plain`.
    Plain,
    /// `multipart/mixed`: a text, its HTML form, and an attachment of half the size that does not compress.
    Attachment,
}

/// A message of about `size` bytes with `token` in its subject, its Message-ID and its text.
pub fn message(token: &str, shape: Shape, size: usize, random: &mut Random) -> Vec<u8> {
    let mut out = String::with_capacity(size + 512);
    let (from, to) = (random.pick(&NAMES), random.pick(&NAMES));
    let _ = write!(
        out,
        "From: {from} <{from}@b.test>\r\nTo: {to} <{to}@a.test>\r\n\
         Subject: {} {token}\r\nDate: Mon, {} Jun 2026 {:02}:{:02}:00 +0200\r\nMessage-ID: <{token}@b.test>\r\nMIME-Version: 1.0\r\n",
        sentence(random, 4),
        1 + random.below(28),
        random.below(24),
        random.below(60),
    );
    match shape {
        Shape::Plain => {
            out.push_str("Content-Type: text/plain; charset=utf-8\r\n\r\n");
            let _ = write!(out, "{token}\r\n");
            fill_text(&mut out, size, random);
        }
        Shape::Attachment => {
            let _ =
                write!(out, "Content-Type: multipart/mixed; boundary=\"{BOUNDARY}\"\r\n\r\n--{BOUNDARY}\r\n");
            let _ = write!(out, "Content-Type: text/plain; charset=utf-8\r\n\r\n{token}\r\n");
            fill_text(&mut out, size / 4, random);
            let _ = write!(out, "--{BOUNDARY}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>");
            fill_text(&mut out, size / 2, random);
            let _ = write!(
                out,
                "</p>\r\n--{BOUNDARY}\r\nContent-Type: application/pdf; name=\"{}.pdf\"\r\n\
                 Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                random.pick(&WORDS)
            );
            fill_base64(&mut out, size, random);
            let _ = write!(out, "--{BOUNDARY}--\r\n");
        }
    }
    out.into_bytes()
}

/// Words in a row.
pub fn sentence(random: &mut Random, words: usize) -> String {
    let chosen: Vec<String> = (0..words).map(|_| word(random)).collect();
    chosen.join(" ")
}

fn fill_text(out: &mut String, until: usize, random: &mut Random) {
    while out.len() < until {
        let words = 6 + random.below(6);
        out.push_str(&sentence(random, words));
        out.push_str("\r\n");
    }
}

fn fill_base64(out: &mut String, until: usize, random: &mut Random) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while out.len() < until {
        for _ in 0..8 {
            let mut bits = random.bits();
            for _ in 0..9 {
                out.push(char::from(ALPHABET[usize::try_from(bits & 63).unwrap_or(0)]));
                bits >>= 6;
            }
        }
        out.push_str("\r\n");
    }
}

/// Two syllables and now and then an ending: some 8,000 words, so that text compresses about as text does.
fn word(random: &mut Random) -> String {
    let mut word = String::with_capacity(12);
    word.push_str(random.pick(&WORDS));
    if random.below(3) > 0 {
        word.push_str(random.pick(&ENDINGS));
    }
    if random.below(4) == 0 {
        word.push_str(random.pick(&WORDS));
    }
    word
}

const BOUNDARY: &str = "=_part_of_a_generated_message";
const NAMES: [&str; 12] =
    ["alice", "bob", "chloe", "daan", "emile", "fleur", "gilles", "hanne", "ines", "joris", "karim", "lotte"];
const WORDS: [&str; 48] = [
    "ruche", "essaim", "miel", "berger", "village", "jardin", "panier", "marche", "velo", "boulange",
    "atelier", "quartier", "reunion", "cooper", "membre", "projet", "archive", "serveur", "adresse",
    "courrier", "lettre", "facture", "budget", "vergader", "notule", "fiets", "tuin", "buurt", "leden",
    "meeting", "agenda", "minutes", "harvest", "garden", "market", "garage", "window", "number", "letter",
    "thread", "rocket", "planet", "summer", "winter", "autumn", "bridge", "forest", "river",
];
const ENDINGS: [&str; 16] = [
    "s", "er", "ing", "en", "ation", "elle", "ique", "eur", "ment", "able", "tje", "heid", "ed", "ly", "age",
    "is",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_its_size_and_token_and_comes_back_from_its_seed() {
        for shape in [Shape::Plain, Shape::Attachment] {
            let one = message("tok-1", shape, 10_240, &mut Random::new(7));
            assert_eq!(one, message("tok-1", shape, 10_240, &mut Random::new(7)));
            assert!((10_240..10_700).contains(&one.len()), "{}", one.len());
            assert!(String::from_utf8_lossy(&one).contains("Message-ID: <tok-1@b.test>"));
        }
    }
}
