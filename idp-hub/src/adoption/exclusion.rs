//! One adoption at a time of each key, and for each name.
//!
//! Two of one agent would each take what the other has done for the rest of an attempt that failed,
//! and remove it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shared::pki::Fingerprint;

/// The adoptions that are under way. Cheap to clone.
///
/// It grows with them alone, and whoever begins them bounds them.
#[derive(Clone, Default)]
pub(super) struct Exclusion(Arc<Mutex<Vec<Subject>>>);

#[derive(Clone, PartialEq, Eq)]
struct Subject {
    key: Fingerprint,
    name: String,
}

/// A key and a name that nobody else adopts. Dropped, they are free.
pub(super) struct Hold {
    exclusion: Exclusion,
    subject: Subject,
}

impl Exclusion {
    /// Takes key and name, unless an adoption has one of them.
    pub(super) fn hold(&self, key: Fingerprint, name: &str) -> Option<Hold> {
        let mut held = self.held();
        if held.iter().any(|it| it.key == key || it.name == name) {
            return None;
        }
        let name = name.to_owned();
        let subject = Subject { key, name };
        held.push(subject.clone());
        drop(held);
        let exclusion = self.clone();
        Some(Hold { exclusion, subject })
    }

    fn held(&self) -> MutexGuard<'_, Vec<Subject>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.exclusion.held().retain(|it| *it != self.subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_key_nor_name_is_held_twice_and_both_are_given_back() {
        let exclusion = Exclusion::default();
        let [a, b, c] = [1, 2, 3].map(|it| Fingerprint::from_bytes([it; 32]));
        let first = exclusion.hold(a, "north");
        assert!(first.is_some());
        assert!(exclusion.hold(a, "south").is_none());
        assert!(exclusion.hold(b, "north").is_none());
        let other = exclusion.hold(b, "south");
        assert!(other.is_some());
        drop(first);
        assert!(exclusion.hold(c, "north").is_some());
        assert!(exclusion.hold(c, "south").is_none());
    }
}
