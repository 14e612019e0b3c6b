//! A few keys, and what belongs to each: sorted and flat. A directory holds the keyrings of all hosters in memory, and the
//! trees of the standard library are made for more than three keys.

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use crate::key::PublicKey;

/// A set of keys. In CBOR an array, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(KeyMap<()>);

/// What belongs to each of some keys. In CBOR a map, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyMap<V>(Vec<(PublicKey, V)>);

impl KeySet {
    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this key is one of them.
    pub fn contains(&self, key: &PublicKey) -> bool {
        self.0.contains_key(key)
    }

    /// Adds a key.
    pub fn insert(&mut self, key: PublicKey) {
        self.0.insert(key, ());
    }

    /// Takes a key out, if it is there.
    pub fn remove(&mut self, key: &PublicKey) {
        self.0.remove(key);
    }

    /// Each key, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &PublicKey> + Clone {
        self.0.keys()
    }
}

impl<V> KeyMap<V> {
    /// How many keys.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What belongs to this key.
    pub fn get(&self, key: &PublicKey) -> Option<&V> {
        self.place(key).ok().and_then(|at| self.0.get(at)).map(|(_, value)| value)
    }

    /// Whether anything belongs to this key.
    pub fn contains_key(&self, key: &PublicKey) -> bool {
        self.place(key).is_ok()
    }

    /// Puts in what belongs to a key, instead of what did before.
    pub fn insert(&mut self, key: PublicKey, value: V) {
        match self.place(&key) {
            Ok(at) => {
                if let Some(slot) = self.0.get_mut(at) {
                    slot.1 = value;
                }
            }
            Err(at) => {
                self.0.reserve_exact(1);
                self.0.insert(at, (key, value));
            }
        }
    }

    /// Takes out what belongs to a key.
    pub fn remove(&mut self, key: &PublicKey) -> Option<V> {
        self.place(key).ok().map(|at| self.0.remove(at).1)
    }

    /// Each key and what belongs to it, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&PublicKey, &V)> + Clone {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// Each key, ascending.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &PublicKey> + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// What belongs to each key, in the order of the keys.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &V> + Clone {
        self.0.iter().map(|(_, value)| value)
    }

    fn place(&self, key: &PublicKey) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.cmp(key))
    }
}

impl<V> Default for KeyMap<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Extend<(PublicKey, V)> for KeyMap<V> {
    fn extend<I: IntoIterator<Item = (PublicKey, V)>>(&mut self, pairs: I) {
        pairs.into_iter().for_each(|(key, value)| self.insert(key, value));
    }
}

impl<V> FromIterator<(PublicKey, V)> for KeyMap<V> {
    fn from_iter<I: IntoIterator<Item = (PublicKey, V)>>(pairs: I) -> Self {
        let mut map = Self::default();
        map.extend(pairs);
        map
    }
}

impl FromIterator<PublicKey> for KeySet {
    fn from_iter<I: IntoIterator<Item = PublicKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key, ())).collect())
    }
}

impl<const N: usize> From<[PublicKey; N]> for KeySet {
    fn from(keys: [PublicKey; N]) -> Self {
        keys.into_iter().collect()
    }
}

impl<C, V: Encode<C>> Encode<C> for KeyMap<V> {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        to.map(u64::try_from(self.len()).unwrap_or(u64::MAX))?;
        self.iter().try_for_each(|(key, value)| to.encode_with(key, c)?.encode_with(value, c)?.ok())
    }
}

impl<'b, C, V: Decode<'b, C>> Decode<'b, C> for KeyMap<V> {
    fn decode(from: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        let count = from.map()?.ok_or_else(|| decode::Error::message("of no definite length").at(at))?;
        let mut map = Self::default();
        for _ in 0..count {
            let (key, value) = (from.decode_with(c)?, from.decode_with(c)?);
            map.insert(key, value);
        }
        Ok(map)
    }
}

impl<C> Encode<C> for KeySet {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        to.array(u64::try_from(self.len()).unwrap_or(u64::MAX))?;
        self.iter().try_for_each(|key| to.encode_with(key, c)?.ok())
    }
}

impl<'b, C> Decode<'b, C> for KeySet {
    fn decode(from: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        let count = from.array()?.ok_or_else(|| decode::Error::message("of no definite length").at(at))?;
        (0..count).map(|_| from.decode_with(c)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::{self, Bounded, CborError};
    use crate::key::SigningKey;

    impl Bounded for KeyMap<u8> {
        const BYTES_MAX: usize = 256;
        const DEPTH_MAX: usize = 1;
    }

    impl Bounded for KeySet {
        const BYTES_MAX: usize = 256;
        const DEPTH_MAX: usize = 1;
    }

    #[test]
    fn keys_are_sorted_however_they_come() {
        let [low, middle, high] = keys();
        let map: KeyMap<u8> = [(high, 3), (low, 1), (middle, 2)].into_iter().collect();
        assert_eq!(map.iter().collect::<Vec<_>>(), [(&low, &1), (&middle, &2), (&high, &3)]);
        assert_eq!(map.keys().collect::<Vec<_>>(), [&low, &middle, &high]);
        assert_eq!(map.values().collect::<Vec<_>>(), [&1, &2, &3]);
        assert_eq!((map.len(), map.is_empty(), KeySet::default().is_empty()), (3, false, true));
    }

    #[test]
    fn what_is_put_in_is_found_and_what_is_taken_out_is_not() {
        let [low, middle, high] = keys();
        let mut map = KeyMap::default();
        map.insert(middle, 1);
        map.insert(low, 2);
        map.insert(middle, 3);
        assert_eq!((map.get(&low), map.get(&middle), map.get(&high)), (Some(&2), Some(&3), None));
        assert_eq!((map.remove(&low), map.remove(&low)), (Some(2), None));
        assert!(!map.contains_key(&low) && map.contains_key(&middle));
        let mut set = KeySet::from([high, low]);
        set.insert(middle);
        set.insert(middle);
        set.remove(&high);
        assert_eq!(set.iter().collect::<Vec<_>>(), [&low, &middle]);
        assert!(set.contains(&low) && !set.contains(&high));
    }

    #[test]
    fn only_ascending_keys_without_doubles_are_read() {
        let [low, high, _] = keys();
        let spelled = |head: u8, keys: &[PublicKey], value: &[u8]| {
            let mut bytes = vec![head | u8::try_from(keys.len()).unwrap()];
            keys.iter().for_each(|key| bytes.extend([cbor::encode(key), value.to_vec()].concat()));
            bytes
        };
        let map: KeyMap<u8> = [(high, 5), (low, 5)].into_iter().collect();
        assert_eq!(cbor::encode(&map), spelled(0xa0, &[low, high], &[5]));
        assert_eq!(cbor::decode(&spelled(0xa0, &[low, high], &[5])), Ok(map));
        assert_eq!(cbor::decode(&spelled(0x80, &[low, high], &[])), Ok(KeySet::from([low, high])));
        for wrong in [[high, low], [low, low]] {
            let map = cbor::decode::<KeyMap<u8>>(&spelled(0xa0, &wrong, &[5]));
            assert_eq!(map, Err(CborError::OtherSpelling));
            let set = cbor::decode::<KeySet>(&spelled(0x80, &wrong, &[]));
            assert_eq!(set, Err(CborError::OtherSpelling));
        }
    }

    fn keys() -> [PublicKey; 3] {
        let mut keys = [1, 2, 3].map(|n| SigningKey::from_seed(&[n; 32]).public());
        keys.sort();
        keys
    }
}
