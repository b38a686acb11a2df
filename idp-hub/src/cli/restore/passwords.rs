//! Whose passwords a restore has forgotten, as text.

use super::withdrawn::listed;
use crate::store::Forgotten;

/// Who is to be given a password.
pub(super) fn text(forgotten: Option<&Forgotten>) -> String {
    let Some(it) = forgotten else {
        return "- Users' passwords are as they were then too, and could not be compared with\n  \
                newer ones: one that was changed since opens the hub again, though no cloud.\n  \
                Give another one to whose was: idp-hub org password DEPARTMENT USER.\n"
            .to_owned();
    };
    let mut text = listed(
        &it.changed,
        "Users who were given a password since then: this hub has forgotten it and any older one.",
        "Who came with a region signs in with the newest, as its cloud knows it. The others,\n  \
         and whoever may more than came with it, are given another one: idp-hub org password\n  \
         DEPARTMENT USER. All of them again, later: idp-hub audit list --action forget-password.",
    );
    if it.changed.count == 0 {
        text.push_str("- No user's password was changed since then.\n");
    }
    if it.deleted > 0 {
        text.push_str(&format!(
            "- {} users were deleted since then, and stay so: their passwords are forgotten too.\n",
            it.deleted
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Named;

    #[test]
    fn whoever_is_to_be_given_a_password_is_named_with_the_command() {
        let of = |names: &[&str], count, deleted| {
            text(Some(&Forgotten {
                changed: Named {
                    count,
                    first: names.iter().map(|it| (*it).to_owned()).collect(),
                },
                deleted,
            }))
        };
        let said = of(&["ops/carol", "ops/ca\u{200b}rol"], 5, 1);
        for part in [
            "\n    ops/carol\n    ops/ca\\u{200b}rol\n    and 3 more\n",
            "idp-hub org password\n  DEPARTMENT USER",
            "idp-hub audit list --action forget-password",
            "- 1 users were deleted",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let none = of(&[], 0, 0);
        assert_eq!(none, "- No user's password was changed since then.\n");
        assert!(text(None).contains("could not be compared"));
        let all = [said, none, text(None)].concat();
        assert!(all.lines().all(|it| it.chars().count() <= 90), "{all}");
    }
}
