//! What a thing must be like, whoever brings it: an administrator, who is told to choose something
//! else, or a region, of which it then stays the region's own (Keystone, Identity API v3: the
//! schemas of `keystone.common.validation.parameter_types`, and its resource manager's checks).

use shared::model::{DESCRIPTION_BYTES_MAX, ObjectKind};

/// Projects within each other below a department: Keystone's `max_project_tree_depth`, unless an
/// operator has set another one.
pub(super) const DEPTH_MAX: usize = 5;

/// The longest address of a user, in bytes: what RFC 5321 §4.5.3.1.3 allows a path, and 64 bytes
/// more than any in use.
pub(super) const EMAIL_BYTES_MAX: usize = 255;

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameFault {
    /// Keystone wants a character that is no space.
    Empty,
    /// Longer than Keystone's column.
    Long,
    /// Keystone takes spaces around it away, so that the name would differ ever after.
    OuterSpace,
    /// It can be typed nowhere.
    Control,
}

/// What is wrong with a name, if something is.
pub(super) fn name_fault(kind: ObjectKind, name: &str) -> Option<NameFault> {
    if name.trim().is_empty() {
        Some(NameFault::Empty)
    } else if name.chars().nth(kind.name_chars_max()).is_some() {
        Some(NameFault::Long)
    } else if name.trim() != name {
        Some(NameFault::OuterSpace)
    } else if name.chars().any(char::is_control) {
        Some(NameFault::Control)
    } else {
        None
    }
}

/// Whether mail can be sent to it, as far as its length and its characters go.
pub(super) fn is_email(email: &str) -> bool {
    email.len() <= EMAIL_BYTES_MAX && !email.chars().any(char::is_control)
}

/// A description, cut to what is kept of one. Agents cut it in the same way, so nothing that they
/// compare differs.
pub(super) fn description(text: Option<&String>) -> Option<String> {
    let text = text?;
    let end = text.floor_char_boundary(DESCRIPTION_BYTES_MAX);
    text.get(..end).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_as_every_keystone_keeps_it() {
        let long = "\u{7528}".repeat(65);
        for (name, fault) in [
            ("ops", None),
            ("the ops", None),
            (&long[3..], None),
            ("", Some(NameFault::Empty)),
            (" \t", Some(NameFault::Empty)),
            (" ops", Some(NameFault::OuterSpace)),
            ("ops\u{3000}", Some(NameFault::OuterSpace)),
            ("o\u{7}ps", Some(NameFault::Control)),
            (&long, Some(NameFault::Long)),
        ] {
            assert_eq!(name_fault(ObjectKind::Department, name), fault, "{name:?}");
        }
    }

    #[test]
    fn a_description_is_cut_between_two_characters() {
        let long = format!("a{}", "\u{7528}".repeat(400));
        let cut = description(Some(&long)).unwrap();
        assert_eq!((cut.len(), description(None)), (1018, None));
        assert!(long.starts_with(&cut));
    }
}
