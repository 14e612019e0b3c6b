//! The name of a message inside one node, as it is told to peers.

use std::fmt;

/// What follows `queued as` in the reply and `id` in the trace header. Printable ASCII without space, at most 64 bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueId(String);

impl QueueId {
    /// From any text: what does not fit in a reply is left out.
    pub fn new(text: impl fmt::Display) -> Self {
        Self(
            text.to_string()
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c))
                .take(LEN_MAX)
                .collect(),
        )
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const LEN_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_cannot_break_out_of_a_reply() {
        assert_eq!(QueueId::new("a1-b\r\n250 x").as_str(), "a1-b250x");
        assert_eq!(QueueId::new("x".repeat(100)).as_str().len(), 64);
    }
}
