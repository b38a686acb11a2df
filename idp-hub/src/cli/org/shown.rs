//! The directory and its plans as text. Names are strangers' words: one line each.

pub(super) mod exposed;
mod plan;
mod withheld;

use shared::foreign;

use super::super::arguments::Kind;
use super::super::output::{Screen, headers};
use super::super::prompt::YES;
use crate::api::{
    LinkDocument, NamedDocument, ObjectDocument, PasswordDocument, PasswordStandingDocument,
};

pub(super) use plan::{is_as_there, merged, needs_a_look, plan};

fn name(it: Option<&NamedDocument>) -> String {
    it.map_or_else(String::new, |it| foreign::name(&it.name))
}

/// Departments, projects, users, groups or roles.
pub(super) fn objects(all: &[ObjectDocument], kind: Kind, screen: Screen) -> String {
    if all.is_empty() {
        let word = kind.word();
        return format!(
            "There are no {word}s yet. Merge a region's with `idp-hub org plan REGION`, or make \
             one: idp-hub org create {word} NAME"
        );
    }
    let mut table = screen.table();
    table.set_header(headers(["NAME", "DEPARTMENT", "USE", "ID"]));
    for it in all {
        let used = match it.enabled {
            Some(false) => "disabled",
            _ => "",
        };
        table.add_row([
            foreign::name(&it.name),
            name(it.department.as_ref()),
            used.to_owned(),
            it.id.clone(),
        ]);
    }
    table.trim_fmt()
}

/// Memberships, implications or assignments.
pub(super) fn links(all: &[LinkDocument], kind: Kind, screen: Screen) -> String {
    if all.is_empty() {
        let word = kind.word();
        return format!("There are no {word}s yet. Make one: idp-hub org link {word} --help");
    }
    let mut table = screen.table();
    table.set_header(headers(["WHO", "ROLE", "WHERE", "ID"]));
    for it in all {
        let (who, role, place) = match kind {
            Kind::Implication => (
                name(it.role.as_ref()),
                name(it.implied.as_ref()),
                String::new(),
            ),
            Kind::Membership => (
                name(it.user.as_ref()),
                String::new(),
                name(it.group.as_ref()),
            ),
            _ => (
                name(it.user.as_ref().or(it.group.as_ref())),
                name(it.role.as_ref()),
                name(it.project.as_ref().or(it.department.as_ref())),
            ),
        };
        table.add_row([who, role, place, it.id.clone()]);
    }
    table.trim_fmt()
}

/// Everything about one.
pub(super) fn one(it: &ObjectDocument, screen: Screen) -> String {
    let mut pairs = vec![
        ("Name", foreign::name(&it.name)),
        ("Kind", it.kind.clone()),
        ("Department", name(it.department.as_ref())),
        ("Nested in", name(it.parent.as_ref())),
        (
            "Description",
            foreign::line(it.description.as_deref().unwrap_or_default()),
        ),
        (
            "Email",
            foreign::name(it.email.as_deref().unwrap_or_default()),
        ),
        ("Default project", name(it.default_project.as_ref())),
    ];
    pairs.retain(|(_, value)| !value.is_empty());
    if let Some(enabled) = it.enabled {
        pairs.push(("Enabled", if enabled { "yes" } else { "no" }.to_owned()));
    }
    let changed = format!("{} by {}", it.changed.0, foreign::line(&it.changed_by));
    pairs.extend([("Changed", changed), ("Id", it.id.clone())]);
    screen.pairs(pairs)
}

/// Who has the new password, and who not yet.
pub(super) fn password(of: &ObjectDocument, set: &PasswordDocument) -> String {
    let mut text = format!(
        "The password of {} is set; the user's sessions here have ended. It goes to {} of {} \
         regions: at once, or as soon as they are back.",
        foreign::quoted(&of.name),
        set.regions,
        set.regions + set.regions_lacking,
    );
    if set.regions_lacking > 0 {
        text.push_str(&format!(
            "\n{} can't get it yet, as their agents have told no key: {}. They get it when the \
             user next signs in here, or when it is set again.",
            set.regions_lacking,
            set.lacking.join(", "),
        ));
    }
    text
}

/// Where a user's password is known, and what gives it to the others.
pub(super) fn standing(it: &PasswordStandingDocument) -> String {
    let mut text = match (&it.set, &it.first_checked_by) {
        (Some(set), _) => format!("\n\nThe password was set on {}.", set.0),
        (None, Some(region)) => format!(
            "\n\nThe hub has no password of the user: at the first sign-in here {:?} checks it.",
            foreign::line(region)
        ),
        (None, None) => match &it.beyond_region {
            Some(region) => format!(
                "\n\nThe hub has no password of the user, who may more than the region {:?} could \
                 give: so its word for the password does not count, and an administrator sets one.",
                foreign::line(region)
            ),
            None => "\n\nNobody gave the user a password yet.".to_owned(),
        },
    };
    if it.set.is_some() && it.regions_lacking > 0 {
        let named: Vec<String> = it.lacking.iter().map(|it| foreign::line(it)).collect();
        text.push_str(&format!(
            " {} of {} regions lack it until the user next signs in here: {}.",
            it.regions_lacking,
            it.regions.saturating_add(it.regions_lacking),
            named.join(", ")
        ));
    }
    if it.set.is_none() || it.regions_lacking > 0 {
        text.push_str("\n  next: idp-hub org password DEPARTMENT USER, which sets one everywhere");
    }
    text + &not_let_in(it)
}

/// Whether a user is locked, and why the hub did not let him in last.
fn not_let_in(it: &PasswordStandingDocument) -> String {
    let mut text = String::new();
    if let Some(until) = &it.locked_until {
        text.push_str(&format!(
            "\n\nLocked until {}, after too many wrong passwords; not where the user signed in \
             lately, unless they were given there.\n  next: idp-hub org unlock DEPARTMENT USER",
            foreign::line(&until.0)
        ));
    }
    if let Some(last) = &it.last_refused {
        text.push_str(&format!(
            "\n\nLast refused at the hub on {}, from {}: {} ({}).",
            foreign::line(&last.at.0),
            foreign::line(&last.source),
            foreign::line(&last.reason),
            foreign::line(&last.detail)
        ));
    }
    text
}

/// Asks before something ends.
pub(super) fn question(it: &ObjectDocument, how: &str) -> String {
    let (kind, shown) = (&it.kind, foreign::quoted(&it.name));
    let meant = match how {
        "retire" => {
            "Retiring it ends its use in every region, with all that is in it; what tenants made \
             stays."
        }
        _ => "Deleting it takes it, and every role that it has, from every region.",
    };
    let within = it.department.as_ref();
    let within = within.map_or_else(String::new, |it| {
        format!(" of the department {}", foreign::quoted(&it.name))
    });
    format!(
        "{kind} {shown}{within} ({}): {meant}\nNothing brings it back. Type {YES} to go on: ",
        it.id
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_shown_why_a_user_was_not_let_in_and_what_next() {
        let quiet = serde_json::json!({
            "user": "u", "set": "2026-11-20T18:00:00.000Z",
            "regions": 2, "regions_lacking": 0, "lacking": [],
        });
        let shown = |it| standing(&serde_json::from_value(it).unwrap());
        let text = shown(quiet.clone());
        assert!(
            !text.contains("ocked") && !text.contains("efused"),
            "{text}"
        );
        let mut told = quiet;
        told["locked_until"] = "2026-11-21T18:16:00.000Z".into();
        told["last_refused"] = serde_json::json!({
            "at": "2026-11-21T18:01:00.000Z", "source": "192.0.2.7",
            "reason": "region-away", "detail": "its region was away",
        });
        let text = shown(told);
        for part in [
            "Locked until 2026-11-21T18:16:00.000Z",
            "next: idp-hub org unlock",
            "on 2026-11-21T18:01:00.000Z, from 192.0.2.7: region-away (its region was away).",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
