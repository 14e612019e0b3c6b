//! The parts that a BODYSTRUCTURE names: RFC 9051 section 7.5.2.

use essaim_harness::Value;

/// One part that is no multipart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// As FETCH wants it: `1.2`.
    pub section: String,
    /// `text`, in lower case.
    pub kind: String,
    /// The octets that the server says it has, encoded.
    pub size: u64,
}

/// All parts, those inside of forwarded messages too, in order. Without recursion: a stranger chose the depth.
pub fn parts(structure: &Value) -> Vec<Part> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), structure, Place::Message)];
    while let Some((section, body, place)) = open.pop() {
        let values = body.list();
        if matches!(values.first(), Some(Value::List(_))) {
            let children = values.iter().take_while(|value| matches!(value, Value::List(_)));
            let numbered =
                children.enumerate().map(|(at, child)| (joined(&section, at + 1), child, Place::Part));
            open.extend(numbered.collect::<Vec<_>>().into_iter().rev());
            continue;
        }
        let section = match place {
            Place::Message => joined(&section, 1),
            Place::Part => section,
        };
        let text = |at: usize| values.get(at).map(|value| value.text().to_lowercase()).unwrap_or_default();
        if text(0) == "message" && matches!(text(1).as_str(), "rfc822" | "global") {
            // The parts of a forwarded multipart are numbered below it; a forwarded single part is its part 1.
            open.extend(values.get(8).map(|inner| (section.clone(), inner, Place::Message)));
        }
        let size = values.get(6).and_then(Value::number).unwrap_or(u64::MAX);
        found.push(Part { section, kind: text(0), size });
    }
    found
}

#[derive(Clone, Copy)]
enum Place {
    Message,
    Part,
}

fn joined(section: &str, number: usize) -> String {
    if section.is_empty() { number.to_string() } else { format!("{section}.{number}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sections(structure: &[u8]) -> Vec<String> {
        let values = Value::parse(structure);
        parts(values.first().unwrap()).into_iter().map(|part| part.section).collect()
    }

    #[test]
    fn a_message_without_parts_is_part_one() {
        assert_eq!(sections(b"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 12 1)"), ["1"]);
    }

    #[test]
    fn parts_of_a_forwarded_message_are_numbered_below_it() {
        let text = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 12 1)";
        let inner = format!("({text}{text} \"mixed\")");
        let forwarded = format!("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 99 (NIL NIL) {inner} 9)");
        assert_eq!(sections(format!("({text}{forwarded} \"mixed\")").as_bytes()), ["1", "2", "2.1", "2.2"]);
        let single = format!("(\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 99 (NIL NIL) {text} 9)");
        assert_eq!(sections(single.as_bytes()), ["1", "1.1"]);
    }
}
