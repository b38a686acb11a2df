//! What was withdrawn since a backup and is given again by it, as a document and as text.

use serde::Serialize;
use shared::foreign;

use crate::store::{Named, Withdrawn};

#[derive(Serialize)]
pub(super) struct WithdrawnDocument<'a> {
    switched_on_again: NamedDocument<'a>,
    given_again: NamedDocument<'a>,
}

/// Some things, in words.
#[derive(Serialize)]
pub(super) struct NamedDocument<'a> {
    count: u64,
    first: &'a [String],
}

impl<'a> NamedDocument<'a> {
    pub(super) fn new(it: &'a Named) -> Self {
        Self {
            count: it.count,
            first: &it.first,
        }
    }
}

impl<'a> WithdrawnDocument<'a> {
    pub(super) fn new(it: &'a Withdrawn) -> Self {
        Self {
            switched_on_again: NamedDocument::new(&it.on),
            given_again: NamedDocument::new(&it.given),
        }
    }
}

/// What is to be switched off and taken away again, if anything is.
pub(super) fn text(withdrawn: Option<&Withdrawn>) -> String {
    let Some(it) = withdrawn else {
        return "- Whoever was switched off since then is on again, and has again what was taken \
                away from\n  him, in every region too once its agent is told. It could not be \
                compared: see to it,\n  with idp-hub org list.\n"
            .to_owned();
    };
    let on = listed(
        &it.on,
        "Switched off since then, and on again in every region too once its agent is told:",
        "Switch them off again: idp-hub org set KIND NAME --in DEPARTMENT --disable.",
    );
    let given = listed(
        &it.given,
        "Taken away since then, and given again in every region too once its agent is told:",
        "Take them away again: idp-hub org unlink --help.",
    );
    on + &given
}

/// Such things, and what to do about them, if there are any.
pub(super) fn listed(it: &Named, what: &str, next: &str) -> String {
    if it.count == 0 {
        return String::new();
    }
    let mut text = format!("- {what}\n");
    // All that are known: once the backup is in its place, nothing can compare them again.
    for name in &it.first {
        text.push_str(&format!("    {}\n", foreign::name(name)));
    }
    let more = it.count.saturating_sub(it.first.len() as u64);
    if more > 0 {
        text.push_str(&format!("    and {more} more\n"));
    }
    text.push_str(&format!("  {next}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_again_is_told_one_by_one_with_the_next_step() {
        let again = |count, first: &[&str]| Named {
            count,
            first: first.iter().map(|it| (*it).to_owned()).collect(),
        };
        let mut withdrawn = Withdrawn {
            on: again(1, &["user ops/mallory\u{1b}[8m"]),
            given: again(
                3,
                &[
                    "ops/bob: admin in ops/web",
                    "ops/bob in the group ops/staff",
                ],
            ),
        };
        let told = text(Some(&withdrawn));
        for part in [
            "user ops/mallory",
            "org set KIND NAME --in DEPARTMENT --disable",
            "ops/bob: admin in ops/web\n",
            "and 1 more\n",
            "org unlink",
        ] {
            assert!(told.contains(part), "{part}:\n{told}");
        }
        assert!(!told.contains('\u{1b}'), "{told}");
        withdrawn.given = Named::default();
        assert!(!text(Some(&withdrawn)).contains("unlink"));
        assert_eq!(text(Some(&Withdrawn::default())), "");
        assert!(text(None).contains("could not be compared"));
    }
}
