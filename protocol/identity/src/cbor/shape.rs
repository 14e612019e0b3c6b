//! A walk over CBOR before anything is decoded: no allocation, no recursion, at most one step per byte.

use super::CborError;

/// One well-formed item of definite lengths, no tags, no floats, nothing after it, at most `depth_max` deep.
pub(super) fn check(bytes: &[u8], depth_max: usize) -> Result<(), CborError> {
    let depth_max = depth_max.min(DEPTH_LIMIT);
    // How many items are still to come at each depth; the outermost is the value itself.
    let mut pending = [0u64; DEPTH_LIMIT + 1];
    let mut depth = 0;
    let mut at = 0usize;
    let mut left = 1u64;
    loop {
        while left == 0 {
            if depth == 0 {
                return match bytes.len() - at {
                    0 => Ok(()),
                    extra => Err(CborError::Trailing { extra }),
                };
            }
            depth -= 1;
            left = pending.get(depth).copied().unwrap_or(0);
        }
        left -= 1;
        let inside = item(bytes, &mut at)?;
        if let Some(count) = inside {
            if depth == depth_max {
                return Err(CborError::TooDeep { max: depth_max });
            }
            if let Some(slot) = pending.get_mut(depth) {
                *slot = left;
            }
            depth += 1;
            left = count;
        }
    }
}

/// Steps over one head and, for strings, its content. Arrays and maps return how many items follow inside.
fn item(bytes: &[u8], at: &mut usize) -> Result<Option<u64>, CborError> {
    let truncated = CborError::Truncated { len: bytes.len() };
    let start = *at;
    let initial = *bytes.get(start).ok_or_else(|| truncated.clone())?;
    let foreign = CborError::Foreign { initial, at: start };
    *at += 1;
    let (major, info) = (initial >> 5, initial & 0x1f);
    if major == 7 {
        // false, true and null
        return if (20..=22).contains(&info) { Ok(None) } else { Err(foreign) };
    }
    let argument = match info {
        0..=23 => u64::from(info),
        24..=27 => {
            let width = 1usize << (info - 24);
            let digits = bytes.get(*at..*at + width).ok_or_else(|| truncated.clone())?;
            *at += width;
            digits.iter().fold(0, |sum, digit| (sum << 8) | u64::from(*digit))
        }
        _ => return Err(foreign),
    };
    match major {
        0 | 1 => Ok(None),
        2 | 3 => {
            let len = usize::try_from(argument).map_err(|_| truncated.clone())?;
            *at = at.checked_add(len).filter(|end| *end <= bytes.len()).ok_or(truncated)?;
            Ok(None)
        }
        4 => Ok(Some(argument)),
        5 => argument.checked_mul(2).map(Some).ok_or(truncated),
        _ => Err(foreign),
    }
}

/// No type of ours is deeper; `Bounded::DEPTH_MAX` above this means this.
const DEPTH_LIMIT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_of_definite_length_pass() {
        let good: [&[u8]; 12] = [
            &[0x00],
            &[0x17],
            &[0x18, 0x18],
            &[0x1b, 0, 0, 0, 0xe8, 0xd4, 0xa5, 0x10, 0x00],
            &[0x38, 0x63],
            &[0x41, 0xff],
            &[0x62, b'h', b'i'],
            &[0x80],
            &[0x82, 0x01, 0x81, 0x80],
            &[0xa1, 0x01, 0xa0],
            &[0xf4],
            &[0xf6],
        ];
        for bytes in good {
            assert_eq!(check(bytes, 3), Ok(()), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_records_do_not_have_is_named() {
        // Reserved lengths, indefinite lengths, a break, tags, undefined, simple values, floats of 16, 32 and 64 bits.
        for initial in
            [0x1c, 0x1f, 0x5f, 0x7f, 0x9f, 0xbf, 0xff, 0xc0, 0xd8, 0xf7, 0xe0, 0xf8, 0xf9, 0xfa, 0xfb]
        {
            let bytes = [0x82, 0x00, initial, 0, 0, 0, 0, 0, 0, 0, 0];
            assert_eq!(check(&bytes, 3), Err(CborError::Foreign { initial, at: 2 }), "{initial:02x}");
        }
    }

    #[test]
    fn promises_of_more_than_there_is_cost_nothing() {
        for head in [0x5b, 0x7b, 0x9b, 0xbb] {
            let bytes = [head, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
            assert_eq!(check(&bytes, 3), Err(CborError::Truncated { len: 10 }), "{head:02x}");
        }
    }

    #[test]
    fn depth_is_bounded_whatever_a_type_says() {
        let nested = |depth: usize| [vec![0x81; depth], vec![0x00]].concat();
        assert_eq!(check(&nested(3), 3), Ok(()));
        assert_eq!(check(&nested(4), 3), Err(CborError::TooDeep { max: 3 }));
        assert_eq!(check(&nested(16), usize::MAX), Ok(()));
        assert_eq!(check(&nested(100_000), usize::MAX), Err(CborError::TooDeep { max: 16 }));
        assert_eq!(check(&[0x00], 0), Ok(()));
        assert_eq!(check(&[0x80], 0), Err(CborError::TooDeep { max: 0 }));
    }
}
