//! What a cloud calls its own things.

use std::fmt;

use uuid::Uuid;

/// An id that a cloud gave: kept as the cloud writes it, held small.
///
/// OpenStack writes UUIDs with hyphens (Nova, Neutron, Cinder) and without (Keystone); both take
/// 17 bytes here instead of 36. Everything else stays the text it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CloudId {
    /// A UUID written `67e55044-10b1-426f-9247-bb680e5fe0c8`.
    Hyphenated([u8; 16]),
    /// A UUID written `67e5504410b1426f9247bb680e5fe0c8`.
    Simple([u8; 16]),
    /// Any other text, such as a pool's name or a Kubernetes `namespace/name`.
    Text(String),
}

impl CloudId {
    /// The longest id taken over, in bytes: Cinder's pool names (`host@backend#pool`) are the
    /// longest in the field, and its column holds 255 characters.
    pub const BYTES_MAX: usize = 512;

    /// Takes an id as the cloud wrote it, cut at a character after [`Self::BYTES_MAX`] bytes.
    pub fn new(text: &str) -> Self {
        let canonical = |id: &Uuid| text.bytes().all(|b| !b.is_ascii_uppercase()) && !id.is_nil();
        match (text.len(), Uuid::try_parse(text)) {
            (36, Ok(id)) if canonical(&id) => Self::Hyphenated(id.into_bytes()),
            (32, Ok(id)) if canonical(&id) => Self::Simple(id.into_bytes()),
            _ => Self::Text(cut(text, Self::BYTES_MAX).to_owned()),
        }
    }

    /// The id of what has none, and is told from others by a text alone (UUID version 5, RFC 9562
    /// §5.5). Nobody but a region itself can make two of its texts have one id.
    pub fn derived(text: &str) -> Self {
        Self::Simple(Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).into_bytes())
    }

    /// Two ids joined, for things that only have a name within another (a project's quota).
    pub fn joined(&self, within: &str) -> Self {
        Self::Text(format!("{self}/{}", cut(within, 64)))
    }
}

/// The longest beginning of `text` within `bytes_max` bytes that ends at a character.
fn cut(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max))
        .unwrap_or_default()
}

impl fmt::Display for CloudId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hyphenated(bytes) => Uuid::from_bytes(*bytes).hyphenated().fmt(f),
            Self::Simple(bytes) => Uuid::from_bytes(*bytes).simple().fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn uuids_are_held_small_and_written_as_they_came() {
        for (text, small) in [
            ("67e55044-10b1-426f-9247-bb680e5fe0c8", true),
            ("67e5504410b1426f9247bb680e5fe0c8", true),
            ("67E55044-10b1-426f-9247-bb680e5fe0c8", false),
            ("{67e55044-10b1-426f-9247-bb680e5fe0c8}", false),
            ("compute1@lvm#pool", false),
        ] {
            let id = CloudId::new(text);
            assert_eq!(!matches!(id, CloudId::Text(_)), small, "{text}");
            assert_eq!(id.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn any_id_is_written_as_it_came(text in "\\PC{0,60}") {
            prop_assert_eq!(CloudId::new(&text).to_string(), text);
        }

        #[test]
        fn a_long_id_is_cut_at_a_character(text in "\\PC{300,600}") {
            let shown = CloudId::new(&text).to_string();
            prop_assert!(shown.len() <= CloudId::BYTES_MAX && text.starts_with(&shown));
        }
    }
}
