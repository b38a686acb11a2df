//! What was under way when a backup was made and ends with it, as a document and as text.

use serde::Serialize;

use shared::foreign::{self, word};

use super::withdrawn::{NamedDocument, listed};
use crate::store::{DroppedLimit, UnderWay};

#[derive(Serialize)]
pub(super) struct UnderWayDocument<'a> {
    purges_lapsed: NamedDocument<'a>,
    raises_dropped: NamedDocument<'a>,
    /// The commands that set these, as far as they are known.
    raises_set_by: Vec<String>,
}

impl<'a> UnderWayDocument<'a> {
    pub(super) fn new(it: &'a UnderWay) -> Self {
        Self {
            purges_lapsed: NamedDocument::new(&it.purges),
            raises_dropped: NamedDocument::new(&it.raises),
            raises_set_by: it.limits.iter().map(command).collect(),
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
    let mut next =
        "Whoever gave for them has the lower limit still: nobody can shift them again. A\n  \
                    cloud administrator sets those that are still wanted, where the others have\n  \
                    less by now (idp-hub org quota list REGION):"
            .to_owned();
    for it in &it.limits {
        next.push_str(&format!("\n    {}", foreign::line(&command(it))));
    }
    let raises = listed(
        &it.raises,
        "Limits that waited then until others have less, and are not given any more, as others\n  \
         may have been set since:",
        &next,
    );
    purges + &raises
}

/// By the project's id: several may have the name.
fn command(it: &DroppedLimit) -> String {
    let (region, resource) = (word(&it.region), word(&it.resource));
    let (project, limit) = (it.project, it.limit);
    format!("idp-hub org quota set {region} {project} {resource}={limit}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use shared::ids::ObjectId;

    use super::*;
    use crate::cli::arguments::Arguments;
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
            limits: vec![DroppedLimit {
                region: "north".to_owned(),
                project: ObjectId::from_random(1),
                resource: "cores".to_owned(),
                limit: 15,
            }],
        });
        for part in [
            "    the project web\n",
            "org purge KIND NAME",
            "compute: cores=15\n",
            "org quota list REGION",
        ] {
            assert!(told.contains(part), "{part}:\n{told}");
        }
        assert!(!told.contains("shifts them again"), "{told}");
        let sets = format!("{} cores=15", ObjectId::from_random(1));
        let mut lines = told.lines().map(str::trim);
        let command = lines.find(|it| it.ends_with(&sets)).unwrap();
        Arguments::try_parse_from(command.split(' ')).unwrap();
        assert_eq!(text(&UnderWay::default()), "");
    }
}
