//! How deep JSON is nested, seen before anything is made of it.

use super::{DEPTH_MAX, ImportError};

/// Whether arrays and objects stay within [`DEPTH_MAX`]. Looks at brackets outside of strings only; whether it is JSON is another question.
pub(super) fn check(bytes: &[u8]) -> Result<(), ImportError> {
    let (mut depth, mut line, mut place) = (0usize, 1, Place::Outside);
    for byte in bytes {
        line += usize::from(*byte == b'\n');
        place = match (place, byte) {
            (Place::Outside, b'"') | (Place::Escaped, _) => Place::Inside,
            (Place::Inside, b'\\') => Place::Escaped,
            (Place::Inside, b'"') => Place::Outside,
            (place, _) => place,
        };
        if place == Place::Outside {
            match byte {
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if depth > DEPTH_MAX {
            return Err(ImportError::TooDeep { line });
        }
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Outside,
    Inside,
    Escaped,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_are_text() {
        assert_eq!(check(br#"{"a": "[[[[[[[[[[\"[[[[[[[[[["}"#), Ok(()));
        assert_eq!(check("[[[[[[[[]]]]]]]]".as_bytes()), Ok(()));
        assert_eq!(check("\n[[[[[[[[[".as_bytes()), Err(ImportError::TooDeep { line: 2 }));
        assert!(check("[".repeat(1 << 20).as_bytes()).is_err());
    }
}
