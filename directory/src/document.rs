//! A directory document: flat keys and small values in automerge. The only file that calls automerge.
//!
//! Flat, because two operators who make the same nested map at the same time would lose the fields of one of them.

use std::collections::BTreeMap;
use std::fmt;

use automerge::transaction::Transactable;
use automerge::{ActorId, Automerge, Change, ROOT, ReadDoc, ScalarValue, ScalarValueRef, ValueRef};

use serde::Serialize;

use crate::guard::{self, ChangeHash, ScanRefusal};

/// A live document. Weighs tens of kilobytes in memory: keep few, derive plain values from [`Fields`].
#[derive(Clone)]
pub struct Document {
    inner: Automerge,
}

/// What a document says, key by key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields(BTreeMap<Box<str>, Value>);

/// One value of a document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Text.
    Text(Box<str>),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Bytes of a record of ours.
    Bytes(Box<[u8]>),
}

/// One step of an edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The key, such as `description.fr`.
    pub key: Box<str>,
    /// The new value; `None` removes the key.
    pub value: Option<Value>,
}

/// Why a change cannot become part of a document. Depends only on the change and on what it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ChangeRefusal {
    /// The outside is wrong.
    #[error("the change cannot be read")]
    Scan(#[from] ScanRefusal),
    /// automerge panicked over it.
    #[error("automerge cannot cope with the change")]
    Panicked,
    /// automerge refused it.
    #[error("automerge refuses the change")]
    Refused,
    /// It changed after it was saved and loaded, or it is not what the scan saw.
    #[error("the change does not survive saving and loading")]
    Unstable,
    /// A value of a type that no listing has.
    #[error("the change holds a value of a foreign type")]
    Value,
}

/// Why an edit could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Everything is already so.
    #[error("nothing would change")]
    Nothing,
    /// Our own change does not pass the guard: too much in one edit.
    #[error("the edit is too large for one change of 8 KiB")]
    TooLarge,
}

impl Document {
    /// A document in which nothing was written yet.
    #[expect(clippy::disallowed_methods, reason = "the random actor is replaced before anything is written")]
    pub fn empty() -> Self {
        Self { inner: Automerge::new().with_actor(ActorId::from([0; 16])) }
    }

    /// This document after one more change, and what it says then. `self` stays as it was.
    pub fn apply(&self, bytes: &[u8]) -> Result<(Self, Fields), ChangeRefusal> {
        let hash = guard::scan(bytes)?.hash;
        guard::attempt(|| self.cycle(bytes, hash)).unwrap_or(Err(ChangeRefusal::Panicked))
    }

    /// Everything that will ever be done with the document: what can panic, panics here.
    fn cycle(&self, bytes: &[u8], hash: ChangeHash) -> Result<(Self, Fields), ChangeRefusal> {
        let change = Change::try_from(bytes).map_err(|_| ChangeRefusal::Refused)?;
        if change.hash().0 != hash.0 || change.raw_bytes() != bytes {
            return Err(ChangeRefusal::Unstable);
        }
        let mut scratch = self.inner.clone();
        scratch.apply_changes([change]).map_err(|_| ChangeRefusal::Refused)?;
        let fields = read(&scratch)?;
        let loaded = Automerge::load(&scratch.save_nocompress()).map_err(|_| ChangeRefusal::Refused)?;
        let stable = loaded.get_heads() == scratch.get_heads() && read(&loaded)? == fields;
        let known = scratch.get_heads().iter().any(|head| head.0 == hash.0);
        (stable && known).then_some((Self { inner: scratch }, fields)).ok_or(ChangeRefusal::Unstable)
    }

    /// What the document says now.
    pub fn fields(&self) -> Fields {
        read(&self.inner).unwrap_or_default()
    }

    /// Values that were written at the same time as those of [`Self::fields`] and are not shown, until somebody writes the field again: of
    /// two operators who did not hear of each other, one is shown.
    pub fn rivals(&self) -> BTreeMap<Box<str>, Vec<Value>> {
        let rivals = |(key, shown): (&str, &Value)| {
            let all = guard::attempt(|| self.inner.get_all(ROOT, key).unwrap_or_default())?;
            let other = |value: &automerge::Value<'_>| Value::of_owned(value).filter(|value| value != shown);
            let others: Vec<Value> = all.iter().filter_map(|(value, _)| other(value)).collect();
            (!others.is_empty()).then(|| (key.into(), others))
        };
        self.fields().iter().filter_map(rivals).collect()
    }

    /// One change by `actor` that makes these edits. The document itself stays as it was: [`apply`](Self::apply) the result.
    pub fn edit(&self, actor: [u8; 16], edits: &[Edit]) -> Result<Vec<u8>, EditError> {
        let before = self.fields();
        let mut scratch = self.inner.clone();
        scratch.set_actor(ActorId::from(actor));
        let mut tx = scratch.transaction();
        for edit in edits.iter().filter(|edit| before.get(&edit.key) != edit.value.as_ref()) {
            let done = match &edit.value {
                Some(value) => tx.put(ROOT, &*edit.key, value.scalar()),
                None => tx.delete(ROOT, &*edit.key),
            };
            done.map_err(|_| EditError::TooLarge)?;
        }
        let (hash, _) = tx.commit();
        hash.ok_or(EditError::Nothing)?;
        let change = scratch.get_last_local_change().ok_or(EditError::Nothing)?;
        let bytes = change.raw_bytes().to_vec();
        guard::scan(&bytes).map_err(|_| EditError::TooLarge)?;
        Ok(bytes)
    }
}

impl Fields {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// All keys and values in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (&**key, value))
    }

    /// The keys that begin with `prefix`, without it.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0
            .range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .map_while(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
    }

    /// How many bytes keys and values take.
    pub fn weight(&self) -> usize {
        self.0.iter().map(|(key, value)| key.len() + value.weight()).sum()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets or removes one key.
    pub fn edit(&mut self, edit: Edit) {
        match edit.value {
            Some(value) => self.0.insert(edit.key, value),
            None => self.0.remove(&edit.key),
        };
    }

    /// The edits that make `self` say what `wanted` says.
    pub fn edits_to(&self, wanted: &Self) -> Vec<Edit> {
        let gone = self.0.keys().filter(|key| !wanted.0.contains_key(*key));
        let gone = gone.map(|key| Edit { key: key.clone(), value: None });
        let changed = wanted.0.iter().filter(|(key, value)| self.0.get(*key) != Some(value));
        let changed = changed.map(|(key, value)| Edit { key: key.clone(), value: Some(value.clone()) });
        gone.chain(changed).collect()
    }
}

impl FromIterator<(Box<str>, Value)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Value)>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl Edit {
    /// `key` becomes `text`.
    pub fn text(key: &str, text: &str) -> Self {
        Self { key: key.into(), value: Some(Value::Text(text.into())) }
    }

    /// `key` becomes yes or no.
    pub fn flag(key: &str, flag: bool) -> Self {
        Self { key: key.into(), value: Some(Value::Flag(flag)) }
    }

    /// `key` becomes a number.
    pub fn number(key: &str, number: i64) -> Self {
        Self { key: key.into(), value: Some(Value::Number(number)) }
    }

    /// `key` goes.
    pub fn remove(key: &str) -> Self {
        Self { key: key.into(), value: None }
    }
}

impl Value {
    /// How many bytes it takes.
    pub fn weight(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Number(_) => 8,
            Self::Flag(_) => 1,
        }
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn of_owned(value: &automerge::Value<'_>) -> Option<Self> {
        match value.as_scalar()? {
            ScalarValue::Str(text) => Some(Self::Text(text.as_str().into())),
            ScalarValue::Int(number) => Some(Self::Number(*number)),
            ScalarValue::Boolean(flag) => Some(Self::Flag(*flag)),
            ScalarValue::Bytes(bytes) => Some(Self::Bytes(bytes.as_slice().into())),
            _ => None,
        }
    }

    fn scalar(&self) -> ScalarValue {
        match self {
            Self::Text(text) => ScalarValue::Str((&**text).into()),
            Self::Number(number) => ScalarValue::Int(*number),
            Self::Flag(flag) => ScalarValue::Boolean(*flag),
            Self::Bytes(bytes) => ScalarValue::Bytes(bytes.to_vec()),
        }
    }

    fn of(value: &ValueRef<'_>) -> Option<Self> {
        let ValueRef::Scalar(scalar) = value else { return None };
        match scalar {
            ScalarValueRef::Str(text) => Some(Self::Text(text.as_ref().into())),
            ScalarValueRef::Int(number) => Some(Self::Number(*number)),
            ScalarValueRef::Boolean(flag) => Some(Self::Flag(*flag)),
            ScalarValueRef::Bytes(bytes) => Some(Self::Bytes(bytes.as_ref().into())),
            _ => None,
        }
    }
}

/// As an operator types it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => write!(f, "{number}"),
            Self::Flag(true) => f.write_str("yes"),
            Self::Flag(false) => f.write_str("no"),
            Self::Bytes(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
        }
    }
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").finish_non_exhaustive()
    }
}

/// One level deep: what a stranger nests is refused, not followed.
fn read(document: &Automerge) -> Result<Fields, ChangeRefusal> {
    document
        .map_range(ROOT, ..)
        .map(|item| Some((item.key.as_ref().into(), Value::of(&item.value)?)))
        .map(|pair| pair.ok_or(ChangeRefusal::Value))
        .collect::<Result<_, _>>()
}
