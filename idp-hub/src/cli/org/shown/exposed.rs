//! Who is in whose power in the regions' own Keystones, as text.

use shared::foreign;

use super::within;
use crate::api::{ExposureDocument, ExposuresDocument, PersonDocument, PlanDocument};
use crate::cli::output::Screen;

/// Those who stand in the short plan.
const IN_PLAN_MAX: usize = 10;

/// Who would come to be so by a merge, and what to do; nothing, where nobody would.
pub(super) fn of_plan(plan: &PlanDocument, full: bool) -> String {
    let count = plan.exposed;
    if count == 0 {
        return String::new();
    }
    let mut text = format!(
        "\n\nIn somebody's power by this: {count} of those who have the role \"admin\" are of a \
         department that\nsomebody else administers, who sets their passwords in a region's own \
         Keystone, and so is them there."
    );
    let most = if full { usize::MAX } else { IN_PLAN_MAX };
    let listed = plan.exposures.iter().take(most);
    for it in listed.clone() {
        let user = person(&it.user);
        text.push_str(&format!("\n  {user} is in the power of {}", by(it)));
    }
    let more = count.saturating_sub(listed.count() as u64);
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text.push_str(
        "\n  next: take one of the two roles away there first, or merge it so, and see: idp-hub \
         org exposed",
    );
    text
}

/// How many there are, where anybody is.
pub(in crate::cli::org) fn counted(count: u64) -> Option<String> {
    (count > 0).then(|| {
        format!(
            "In somebody's power in the regions' own Keystones: {count} of those who have the role \
             \"admin\"\n  next: idp-hub org exposed"
        )
    })
}

/// All of them, and what to do.
pub(in crate::cli::org) fn listed(all: &ExposuresDocument, screen: Screen) -> String {
    if all.count == 0 {
        return "Nobody who has the role \"admin\" is of a department that somebody else \
                administers."
            .to_owned();
    }
    let names = [
        "WHO HAS ADMIN",
        "CLOUD ADMINISTRATOR",
        "WHO SETS HIS PASSWORD",
        "ID",
    ];
    let rows = all.items.iter().map(|it| {
        let is_one = if it.cloud_administrator { "yes" } else { "" };
        [
            person(&it.user),
            is_one.to_owned(),
            by(it),
            it.user.id.clone(),
        ]
    });
    let mut text = screen.listed(names, rows);
    text.push_str(
        "\n\nWhoever administers a department sets the passwords of its users in a region's own \
         Keystone,\nwhich asks no hub. Some may be meant so (org link --entrust).\n  next: have \
         users of the federation's own department administer the clouds (idp-hub org\n  \
         administrator add), and take one of the two roles from the others: idp-hub org list\n  \
         assignments, and org unlink",
    );
    text
}

fn by(it: &ExposureDocument) -> String {
    let mut all: Vec<String> = it.by.iter().map(person).collect();
    if it.more > 0 {
        all.push(format!("{} more", it.more));
    }
    all.join(", ")
}

fn person(it: &PersonDocument) -> String {
    format!(
        "{}{}",
        foreign::name(&it.name),
        within(Some(&it.department))
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn exposures() -> Value {
        let person = |name: &str| {
            json!({ "id": "1f", "name": name,
                "department": { "id": "2f", "name": "ops" } })
        };
        json!([{ "user": person("ann\u{1b}[8m"), "cloud_administrator": true,
            "by": [person("bob"), person("cleo")], "more": 3 }])
    }

    #[test]
    fn who_is_in_whose_power_is_listed_with_the_next_step() {
        let screen = Screen::wide(100);
        let of = |document: Value| listed(&serde_json::from_value(document).unwrap(), screen);
        assert!(of(json!({ "count": 0, "items": [] })).starts_with("Nobody"));
        let text = of(json!({ "count": 1, "items": exposures() }));
        for said in [
            "(in ops)",
            "yes",
            "bob (in ops), cleo (in ops), 3 more",
            "next:",
        ] {
            assert!(text.contains(said), "{said}:\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(counted(0), None);
        assert!(counted(7).unwrap().contains("idp-hub org exposed"));
    }

    #[test]
    fn a_plan_says_whom_it_brings_into_whose_power() {
        let of = |exposed: u64, exposures: Value, full: bool| {
            let document = json!({
                "region": "north", "digest": "07".repeat(16), "counts": [], "renamed": 0,
                "overwritten": 0, "items": [], "exposed": exposed, "exposures": exposures,
                "links": { "memberships": 0, "implications": 0, "assignments": 0, "withheld": 0,
                    "superseded": 0, "outside": 0 },
            });
            of_plan(&serde_json::from_value(document).unwrap(), full)
        };
        assert_eq!(of(0, json!([]), false), "");
        let one = of(1, exposures(), false);
        let line = "is in the power of bob (in ops), cleo (in ops), 3 more\n  next:";
        assert!(one.contains(line), "{one}");
        let many = json!(vec![exposures()[0].clone(); 30]);
        assert!(of(40, many.clone(), false).contains("and 30 more"));
        assert!(of(40, many, true).contains("and 10 more"));
    }
}
