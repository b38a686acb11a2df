//! What was under way when a backup was made and ends with it, as a document and as text.

use serde::Serialize;

use super::withdrawn::{NamedDocument, listed};
use crate::store::UnderWay;

#[derive(Serialize)]
pub(super) struct UnderWayDocument<'a> {
    purges_lapsed: NamedDocument<'a>,
}

impl<'a> UnderWayDocument<'a> {
    pub(super) fn new(it: &'a UnderWay) -> Self {
        Self {
            purges_lapsed: NamedDocument::new(&it.purges),
        }
    }
}

/// What is to be said again, if anything is.
pub(super) fn text(it: &UnderWay) -> String {
    listed(
        &it.purges,
        "Being purged when the backup was made, and told to no region any more, as somebody may\n  \
         have taken it back since:",
        "Say it again where it is still wanted: idp-hub org purge KIND NAME.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Named;

    #[test]
    fn what_is_not_done_any_more_is_named_with_the_command_that_says_it_again() {
        let named = |name: &str| Named {
            count: 1,
            first: vec![name.to_owned()],
        };
        let told = text(&UnderWay {
            purges: named("the project web"),
        });
        for part in ["    the project web\n", "org purge KIND NAME"] {
            assert!(told.contains(part), "{part}:\n{told}");
        }
        assert_eq!(text(&UnderWay::default()), "");
    }
}
