//! What was under way when a backup was made and ends with it, as a document and as text.

use serde::Serialize;

use super::withdrawn::{NamedDocument, listed};
use crate::store::UnderWay;

#[derive(Serialize)]
pub(super) struct UnderWayDocument<'a> {
    purges_lapsed: NamedDocument<'a>,
    raises_dropped: NamedDocument<'a>,
}

impl<'a> UnderWayDocument<'a> {
    pub(super) fn new(it: &'a UnderWay) -> Self {
        Self {
            purges_lapsed: NamedDocument::new(&it.purges),
            raises_dropped: NamedDocument::new(&it.raises),
        }
    }
}

/// What is to be said again, if anything is.
pub(super) fn text(it: &UnderWay) -> String {
    let purges = listed(
        &it.purges,
        "Being purged when the backup was made, and told to no region any more, as somebody may\n  \
         have taken it back since:",
        "Say it again where it is still wanted: idp-hub org purge KIND NAME.",
    );
    let raises = listed(
        &it.raises,
        "Limits that waited then until others have less, and are not given any more, as others\n  \
         may have been set since:",
        "Who wants them still shifts them again; see: idp-hub org quota list REGION.",
    );
    purges + &raises
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
            raises: named("data in region \"north\", compute: cores=15"),
        });
        for part in [
            "    the project web\n",
            "org purge KIND NAME",
            "compute: cores=15\n",
            "org quota list REGION",
        ] {
            assert!(told.contains(part), "{part}:\n{told}");
        }
        assert_eq!(text(&UnderWay::default()), "");
    }
}
