//! Links that a merge does not take in, as text.

use super::named;
use crate::api::{LinkEndDocument, PlanDocument, WithheldDocument};

/// Links that stand in the short plan; beyond it `--full` is easier to read.
const LINKS_MAX: usize = 10;

/// How many there are, the first ones, and what to do about those that are meant; nothing, where
/// there are none.
pub(super) fn shown(plan: &PlanDocument, full: bool) -> String {
    let count = plan.links.withheld;
    if count == 0 {
        return String::new();
    }
    let mut text = format!(
        "\n\nNot taken in: {count} links that lead to the role \"admin\", which would be power \
         over every cloud,\nor to \"manager\" over what the directory had already.\nThey \
         stay in this region as they are."
    );
    let most = if full { usize::MAX } else { LINKS_MAX };
    let listed = plan.withheld.iter().take(most);
    for link in listed.clone() {
        text.push_str(&format!("\n  {}", one(link)));
    }
    let more = count.saturating_sub(listed.count() as u64);
    if more > 0 {
        let how = if full { "" } else { "; see them with --full" };
        text.push_str(&format!("\n  and {more} more{how}"));
    }
    text.push_str(
        "\n  next: once it is merged, make those that are meant for every region, by these ids: \
         idp-hub org link --help",
    );
    text
}

fn one(link: &WithheldDocument) -> String {
    let actor = end(&link.actor);
    let role = link.role.as_ref().map(end).unwrap_or_default();
    let scope = link.scope.as_ref().map(end).unwrap_or_default();
    match link.kind.as_str() {
        "membership" => format!("{actor} is in {scope}"),
        "implication" => format!("{actor} brings {role} along"),
        _ if link.inherited => format!("{actor} has {role} in the projects below {scope}"),
        _ => format!("{actor} has {role} in {scope}"),
    }
}

fn end(it: &LinkEndDocument) -> String {
    format!(
        "{} ({})",
        named(&it.kind, &it.name, it.department.as_ref()),
        it.id
    )
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn plan(withheld: Value, count: u64) -> PlanDocument {
        let document = json!({
            "region": "north", "digest": "07".repeat(16), "counts": [], "renamed": 0,
            "overwritten": 0, "items": [], "withheld": withheld,
            "links": { "memberships": 0, "implications": 0, "assignments": 0, "withheld": count,
                "superseded": 0, "outside": 0 },
        });
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn links_that_make_administrators_are_told_one_by_one_with_the_next_step() {
        assert_eq!(shown(&plan(json!([]), 0), false), "");
        let end = |kind: &str, name: &str| json!({ "kind": kind, "id": "1f", "name": name });
        let assignment = json!({ "kind": "assignment", "actor": end("user", "eve\u{1b}[8m"),
            "role": end("role", "admin"), "scope": end("project", "lab") });
        let membership = json!({ "kind": "membership", "actor": end("user", "bob"),
            "scope": end("group", "admins") });
        let implication = json!({ "kind": "implication", "actor": end("role", "lead"),
            "role": end("role", "admin") });
        let few = shown(
            &plan(json!([assignment, membership, implication]), 3),
            false,
        );
        for line in [
            "Not taken in: 3 links",
            "user \"eve",
            "has role \"admin\" (1f) in project \"lab\" (1f)",
            "user \"bob\" (1f) is in group \"admins\" (1f)",
            "role \"lead\" (1f) brings role \"admin\" (1f) along",
            "next: ",
        ] {
            assert!(few.contains(line), "{line}:\n{few}");
        }
        assert!(!few.contains('\u{1b}') && !few.contains("more"), "{few}");
        let many = plan(json!(vec![assignment; 30]), 40);
        assert!(shown(&many, false).contains("and 30 more; see them with --full"));
        assert!(shown(&many, true).contains("and 10 more\n"));
    }
}
