//! Which name is free, and which names say something: as the coarsest database compares them.

use std::collections::HashSet;

use shared::model::{Folded, Role};

/// The department that every Keystone has from the beginning, and that stays its own.
pub(super) const DEFAULT: &str = "Default";

/// Beside `admin`, the role that administers a domain or a project (Keystone: its default roles).
const MANAGER: &str = "manager";

/// Whether a role administers the place where somebody has it.
pub(super) fn is_administrators_role<I>(role: &Role<I>) -> bool {
    let is_manager = || Folded::new(&role.name) == Folded::new(MANAGER);
    role.department.is_none() && (role.is_cloud_admin() || is_manager())
}

/// Names that are taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Taken(HashSet<Folded>);

impl Taken {
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(&Folded::new(name))
    }

    pub(super) fn take(&mut self, name: &str) {
        self.0.insert(Folded::new(name));
    }

    /// A free name made of this one and an id, of so many characters at most: the name is cut, the
    /// id is not. Where even that is taken, a number follows.
    pub(super) fn free(&self, name: &str, id: &str, chars_max: usize) -> String {
        let candidates = std::iter::once(String::new()).chain((2..).map(|it| format!("_{it}")));
        let candidates =
            candidates.map(|number| with_suffix(name, &format!("_{id}{number}"), chars_max));
        // As many candidates as there are names, and one more, can't all be taken.
        let mut candidates = candidates.take(self.0.len().saturating_add(1));
        candidates
            .find(|it| !self.has(it))
            .unwrap_or_else(|| id.to_owned())
    }
}

/// A name and what is appended to it, the name cut so that both fit.
fn with_suffix(name: &str, suffix: &str, chars_max: usize) -> String {
    let room = chars_max.saturating_sub(suffix.chars().count());
    let kept: String = name.chars().take(room).collect();
    let whole = format!("{}{suffix}", kept.trim_end());
    whole.chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_gives_way_keeps_its_beginning_and_gets_the_whole_id() {
        let mut taken = Taken::default();
        let id = "67e5504410b1426f9247bb680e5fe0c8";
        assert_eq!(taken.free("ops", id, 64), format!("ops_{id}"));
        let long = taken.free(&"\u{e9}".repeat(64), id, 64);
        assert_eq!(long, format!("{}_{id}", "\u{e9}".repeat(31)));
        taken.take(&format!("OPS_{id}"));
        assert_eq!(taken.free("ops", id, 64), format!("ops_{id}_2"));
    }

    proptest! {
        #[test]
        fn a_free_name_is_free_and_fits(
            names in proptest::collection::vec("\\PC{0,70}", 1..20),
            name in "\\PC{0,70}",
        ) {
            let mut taken = Taken::default();
            for name in &names {
                taken.take(name);
                let again = taken.free(name, "0123456789abcdef0123456789abcdef", 64);
                taken.take(&again);
            }
            let free = taken.free(&name, "0123456789abcdef0123456789abcdef", 64);
            prop_assert!(!taken.has(&free), "{free:?}");
            prop_assert!(free.chars().count() <= 64);
        }
    }
}
