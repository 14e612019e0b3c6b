//! Reading LEB128 numbers from bytes that a stranger wrote. Nothing is allocated, nothing panics.

use super::ScanRefusal;

/// What is left to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn is_empty(self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], ScanRefusal> {
        let (head, tail) = self.rest.split_at_checked(count).ok_or(ScanRefusal::CutShort)?;
        self.rest = tail;
        Ok(head)
    }

    pub(super) fn byte(&mut self) -> Result<u8, ScanRefusal> {
        let (&first, tail) = self.rest.split_first().ok_or(ScanRefusal::CutShort)?;
        self.rest = tail;
        Ok(first)
    }

    /// An unsigned number in its shortest form.
    pub(super) fn unsigned(&mut self) -> Result<u64, ScanRefusal> {
        let mut value = 0u64;
        for index in 0..LEB_BYTES_MAX {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if index == LEB_BYTES_MAX - 1 && bits > 1 {
                return Err(ScanRefusal::Number);
            }
            value |= bits << (7 * index);
            if byte & 0x80 == 0 {
                let shortest = index == 0 || byte != 0;
                return shortest.then_some(value).ok_or(ScanRefusal::Number);
            }
        }
        Err(ScanRefusal::Number)
    }

    /// A signed number in its shortest form.
    pub(super) fn signed(&mut self) -> Result<i64, ScanRefusal> {
        let (mut value, mut before) = (0i64, 0u8);
        for index in 0..LEB_BYTES_MAX {
            let byte = self.byte()?;
            value |= i64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 != 0 {
                before = byte;
                continue;
            }
            let last = index == LEB_BYTES_MAX - 1;
            let fits = !last || byte == 0 || byte == 0x7f;
            let padded =
                index > 0 && ((byte == 0 && before & 0x40 == 0) || (byte == 0x7f && before & 0x40 != 0));
            if !fits || padded {
                return Err(ScanRefusal::Number);
            }
            if !last && byte & 0x40 != 0 {
                value |= -1i64 << (7 * (index + 1));
            }
            return Ok(value);
        }
        Err(ScanRefusal::Number)
    }

    /// A count of things of which each needs a byte at least, so that no honest count exceeds what a change may weigh.
    pub(super) fn count(&mut self, max: usize, over: ScanRefusal) -> Result<usize, ScanRefusal> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| over)?;
        (count <= max).then_some(count).ok_or(over)
    }
}

/// 64 bits in groups of 7.
const LEB_BYTES_MAX: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_spelling() {
        let unsigned = |bytes: &[u8]| Reader::new(bytes).unsigned();
        assert_eq!(unsigned(&[0]), Ok(0));
        assert_eq!(unsigned(&[0x80, 1]), Ok(128));
        assert_eq!(unsigned(&[0x80, 0]), Err(ScanRefusal::Number));
        assert_eq!(unsigned(&[0xff; 11]), Err(ScanRefusal::Number));
        assert_eq!(unsigned(&[0x80]), Err(ScanRefusal::CutShort));
        let signed = |bytes: &[u8]| Reader::new(bytes).signed();
        assert_eq!(signed(&[0x7f]), Ok(-1));
        assert_eq!(signed(&[0xff, 0x7f]), Err(ScanRefusal::Number));
        assert_eq!(signed(&[0x80, 0x7f]), Ok(-128));
        assert_eq!(signed(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f]), Ok(i64::MIN));
        assert_eq!(signed(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]), Ok(i64::MAX));
    }
}
