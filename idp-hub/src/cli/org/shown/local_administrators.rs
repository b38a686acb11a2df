//! Who has the role `admin` in a region's cloud, and not by the directory, as text.

use shared::foreign;

use crate::api::LocalAdministratorDocument;

/// Those that are named of each sort.
const NAMED_MAX: usize = 20;

/// Nothing, where there are none.
pub(in crate::cli::org) fn shown(
    region: &str,
    (count, all): (u64, &[LocalAdministratorDocument]),
) -> String {
    if count == 0 {
        return String::new();
    }
    let region = foreign::line(region);
    let (own, others): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.own);
    let mut text = format!(
        "\n\nWith the role \"admin\" in {region}, and not by the directory, so with power over \
         that cloud: {count}"
    );
    for it in others.iter().take(NAMED_MAX) {
        text.push_str(&format!("\n  {}", one(it)));
    }
    if !own.is_empty() {
        let names = own.iter().take(NAMED_MAX).map(|it| foreign::name(&it.name));
        let names: Vec<String> = names.collect();
        text.push_str(&format!(
            "\n  the region's own accounts: {}",
            names.join(", ")
        ));
    }
    let named = others.len().min(NAMED_MAX) + own.len().min(NAMED_MAX);
    let more = count.saturating_sub(named as u64);
    if more > 0 {
        text.push_str(&format!("\n  and {more} more: --output json"));
    }
    if !others.is_empty() {
        text.push_str(
            "\n  next: from whoever should not have it, take it in that region's own Keystone",
        );
    }
    text
}

fn one(it: &LocalAdministratorDocument) -> String {
    let [name, department, scope] =
        [&it.name, &it.department, &it.scope].map(|it| foreign::quoted(it));
    let group = it.group.as_ref();
    let group = group.map(|it| format!(", by the group {}", foreign::quoted(it)));
    let known = match &it.object {
        Some(_) => "the directory gives it to the user nowhere there",
        None => "the directory does not know the user",
    };
    format!(
        "user {name} of {department} ({}), in the {} {scope}{}: {known}",
        foreign::line(&it.here),
        it.scope_kind,
        group.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strangers_are_named_one_by_one_and_the_regions_own_in_a_line() {
        assert_eq!(shown("north", (0, &[])), "");
        let all = json!([
            { "here": "e1", "name": "ev\u{1b}[8me", "department": "ops", "scope_kind": "project",
              "scope": "lab", "group": "staff" },
            { "here": "a1", "name": "ann", "department": "ops", "object": "1f",
              "scope_kind": "department", "scope": "ops" },
            { "here": "n1", "name": "nova", "department": "Default", "own": true,
              "scope_kind": "project", "scope": "service" },
        ]);
        let all: Vec<LocalAdministratorDocument> = serde_json::from_value(all).unwrap();
        let text = shown("north", (4, &all));
        for part in [
            "not by the directory, so with power over that cloud: 4",
            "in the project \"lab\", by the group \"staff\": the directory does not know the user",
            "user \"ann\" of \"ops\" (a1), in the department \"ops\": the directory gives it to",
            "the region's own accounts: nova",
            "and 1 more",
            "next: from whoever should not have it",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        let own = shown("north", (1, &all[2..]));
        assert!(!own.contains("next"), "{own}");
    }
}
