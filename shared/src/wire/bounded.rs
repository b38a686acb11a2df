//! Texts, byte strings and lists that carry their cap in their type.
//!
//! They decode without copying, and refuse what is longer: an error, never a cut.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// UTF-8 of at most `MAX` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<'a, const MAX: usize>(Cow<'a, str>);

impl<'a, const MAX: usize> Text<'a, MAX> {
    /// Takes `text`, cut at a character if it is longer than the cap: for what a cloud tells, where
    /// a name's beginning is worth more than an error.
    pub fn cut(text: &'a str) -> Self {
        Self(Cow::Borrowed(
            text.get(..text.floor_char_boundary(MAX))
                .unwrap_or_default(),
        ))
    }

    /// Takes an owned text, cut likewise.
    pub fn cut_owned(mut text: String) -> Self {
        text.truncate(text.floor_char_boundary(MAX));
        Self(Cow::Owned(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, owned.
    pub fn into_string(self) -> String {
        self.0.into_owned()
    }
}

impl<const MAX: usize> Serialize for Text<'_, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de: 'a, 'a, const MAX: usize> Deserialize<'de> for Text<'a, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&'de str>::deserialize(deserializer)?;
        match text.len() <= MAX {
            true => Ok(Self(Cow::Borrowed(text))),
            false => Err(de::Error::custom(TooLong {
                what: "text",
                len: text.len(),
                max: MAX,
            })),
        }
    }
}

/// At most `MAX` bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes<'a, const MAX: usize>(&'a [u8]);

impl<'a, const MAX: usize> Bytes<'a, MAX> {
    /// Takes `bytes`, or nothing if they are more than the cap.
    pub const fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() <= MAX {
            Some(Self(bytes))
        } else {
            None
        }
    }

    /// Takes `bytes`, without those beyond the cap.
    pub fn cut(bytes: &'a [u8]) -> Self {
        Self(bytes.get(..MAX).unwrap_or(bytes))
    }

    /// The bytes.
    pub const fn as_slice(&self) -> &'a [u8] {
        self.0
    }
}

impl<const MAX: usize> Serialize for Bytes<'_, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de: 'a, 'a, const MAX: usize> Deserialize<'de> for Bytes<'a, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&'de [u8]>::deserialize(deserializer)?;
        Self::new(bytes).ok_or_else(|| {
            de::Error::custom(TooLong {
                what: "byte string",
                len: bytes.len(),
                max: MAX,
            })
        })
    }
}

/// At most `MAX` elements.
///
/// `T` must not be zero-sized: a list of four billion nothings costs no bytes but a second of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T, const MAX: usize> List<T, MAX> {
    const NOT_ZERO_SIZED: () = assert!(size_of::<T>() > 0);

    /// Takes the first `MAX` of `elements`: for what a cloud tells.
    pub fn cut(elements: impl IntoIterator<Item = T>) -> Self {
        let () = Self::NOT_ZERO_SIZED;
        Self(elements.into_iter().take(MAX).collect())
    }

    /// The elements.
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The elements, owned.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T: Serialize, const MAX: usize> Serialize for List<T, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let () = Self::NOT_ZERO_SIZED;
        deserializer.deserialize_seq(ListVisitor::<T, MAX>(PhantomData))
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at most {MAX} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let announced = seq.size_hint().unwrap_or(0);
        if announced > MAX {
            return Err(de::Error::custom(TooLong {
                what: "list",
                len: announced,
                max: MAX,
            }));
        }
        // An announced length costs its sender nothing, so memory follows what really came.
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            if elements.len() == MAX {
                return Err(de::Error::custom(TooLong {
                    what: "list",
                    len: MAX + 1,
                    max: MAX,
                }));
            }
            elements.push(element);
        }
        Ok(List(elements))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{what} of {len}, where at most {max} are allowed")]
struct TooLong {
    what: &'static str,
    len: usize,
    max: usize,
}
