//! The directory and its plans as text. Names are strangers' words: one line each.

pub(super) mod exposed;
pub(super) mod local_administrators;
mod plan;
mod withheld;

use shared::foreign::{self, word};

use super::super::arguments::Kind;
use super::super::output::Screen;
use super::super::prompt::YES;
use crate::api::{
    BeyondDocument, LinkDocument, NamedDocument, ObjectDocument, PasswordDocument,
    PasswordStandingDocument, PlacedDocument,
};

pub(super) use plan::{is_as_there, merged, needs_a_look, plan};

fn name(it: Option<&NamedDocument>) -> String {
    it.map_or_else(String::new, |it| foreign::name(&it.name))
}

/// Where something is, behind its name: several departments may have the name.
pub(super) fn within(department: Option<&impl AsRef<str>>) -> String {
    department.map_or_else(String::new, |it| {
        format!(" (in {})", foreign::name(it.as_ref()))
    })
}

/// A name, and where it is.
pub(super) fn placed(it: Option<&PlacedDocument>) -> String {
    it.map_or_else(String::new, |it| {
        format!(
            "{}{}",
            foreign::name(&it.name),
            within(it.department.as_ref())
        )
    })
}

/// What a thing is, and where.
pub(super) fn named(kind: &str, name: &str, department: Option<&impl AsRef<str>>) -> String {
    format!("{kind} {}{}", foreign::quoted(name), within(department))
}

pub(super) fn object(it: &ObjectDocument) -> String {
    named(&it.kind, &it.name, it.department.as_ref())
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
    let is_nested = all.iter().any(|it| it.parent.is_some());
    let columns = [
        ("NAME", true),
        ("NESTED IN", is_nested),
        ("DEPARTMENT", kind != Kind::Department),
        ("USE", true),
        ("ID", true),
    ];
    let rows = all.iter().map(|it| {
        let used = match it.enabled {
            Some(false) => "disabled",
            _ => "",
        };
        let cells = [
            foreign::name(&it.name),
            name(it.parent.as_ref()),
            name(it.department.as_ref()),
            used.to_owned(),
            it.id.clone(),
        ];
        let cells = cells.into_iter().zip(columns);
        cells.filter_map(|(cell, (_, is_shown))| is_shown.then_some(cell))
    });
    let names = columns.iter().filter(|(_, is_shown)| *is_shown);
    screen.listed(names.map(|(name, _)| *name), rows)
}

/// Memberships, implications or assignments.
pub(super) fn links(all: &[LinkDocument], kind: Kind, screen: Screen) -> String {
    if all.is_empty() {
        let word = kind.word();
        return format!("There are no {word}s yet. Make one: idp-hub org link {word} --help");
    }
    let rows = all.iter().map(|it| {
        let mut cells = match kind {
            Kind::Implication => vec![placed(it.role.as_ref()), placed(it.implied.as_ref())],
            Kind::Membership => vec![placed(it.user.as_ref()), placed(it.group.as_ref())],
            _ => vec![actor(it), placed(it.role.as_ref()), scope(it)],
        };
        cells.push(it.id.clone());
        cells
    });
    let names: &[&str] = match kind {
        Kind::Implication => &["ROLE", "BRINGS", "ID"],
        Kind::Membership => &["USER", "GROUP", "ID"],
        _ => &["WHO", "ROLE", "WHERE", "ID"],
    };
    screen.listed(names, rows)
}

/// Who has a role.
fn actor(it: &LinkDocument) -> String {
    match &it.group {
        Some(group) => format!("group {}", placed(Some(group))),
        None => format!("user {}", placed(it.user.as_ref())),
    }
}

/// Where he has it.
fn scope(it: &LinkDocument) -> String {
    let scope = match &it.project {
        Some(project) => format!("project {}", placed(Some(project))),
        None => format!("department {}", name(it.department.as_ref())),
    };
    match it.inherited {
        Some(true) => format!("projects below {scope}"),
        _ => scope,
    }
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
        ("Default project", placed(it.default_project.as_ref())),
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
        "The password of the {} is set; the user's sessions here have ended. It goes to {} of {} \
         regions: at once, or as soon as they are back.",
        object(of),
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
    if set.regions_read_only > 0 {
        text.push_str(&format!(
            "\n{}",
            kept_there(set.regions_read_only, &set.read_only)
        ));
    }
    text
}

/// In which regions no password is set.
fn kept_there(count: u64, named: &[String]) -> String {
    let named: Vec<String> = named.iter().map(|it| foreign::line(it)).collect();
    format!(
        "In {count} it is not set, as their agents take no changes (read_only in their [policy]), \
         and the user keeps the one there: {}.",
        named.join(", ")
    )
}

/// Where a user's password is known, and what gives it to the others.
pub(super) fn standing(of: &ObjectDocument, it: &PasswordStandingDocument) -> String {
    let mut text = match (&it.set, &it.first_checked_by) {
        (Some(set), _) => format!("\n\nThe password was set on {}.", set.0),
        (None, Some(region)) => format!(
            "\n\nThe hub has no password of the user: at the first sign-in here {:?} checks it.",
            foreign::line(region)
        ),
        (None, None) => match &it.beyond_region {
            Some(region) => format!(
                "\n\nThe hub has no password of the user, who may more than the region {:?} could \
                 give{}: so its word for the password does not count, and the user is not let in \
                 before an administrator sets one.",
                foreign::line(region),
                beyond_by(it)
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
    if it.set.is_some() && it.regions_read_only > 0 {
        text.push_str(&format!(
            " {}",
            kept_there(it.regions_read_only, &it.read_only)
        ));
    }
    if it.set.is_none() || it.regions_lacking > 0 {
        text.push_str(&format!(
            "\n  next: idp-hub org password {}, which sets one everywhere",
            typed(of)
        ));
    }
    text + &not_let_in(of, it)
}

/// A user as commands take him: his department and his name, where both can be typed as they are.
fn typed(of: &ObjectDocument) -> String {
    let department = of.department.as_ref();
    let department = department.map_or(["", ""], |it| [&it.name, &it.id]);
    typed_as(department, [&of.name, &of.id])
}

fn typed_as(department: [&str; 2], user: [&str; 2]) -> String {
    let typed = [department, user].map(|[name, id]| {
        let is_plain = foreign::name(name) == name && !name.starts_with('-');
        word(if is_plain { name } else { id })
    });
    typed.join(" ")
}

/// What the user may that the region could not give.
fn beyond_by(it: &PasswordStandingDocument) -> String {
    match &it.beyond_by {
        Some(BeyondDocument { kind, name, .. }) => format!(
            " (he administers the {kind} {}, which did not come with it)",
            foreign::quoted(name)
        ),
        None => " (he has the role \"admin\")".to_owned(),
    }
}

/// That making a thing ended the word of a region for those who administer it.
pub(super) fn made(made: &ObjectDocument) -> String {
    let kind = &made.kind;
    let all = made.need_passwords.iter();
    let lines = all.map(|it| {
        format!(
            "\n\n{} of {} administers this {kind}, which did not come with the region {:?}, as he \
             did:\nso its word for his password does not count any more, \
             and he is not let in at this hub before he\nis given one here.\n  next: idp-hub org \
             password {}",
            foreign::quoted(&it.name),
            foreign::quoted(&it.department.name),
            foreign::line(&it.region),
            typed_as(
                [&it.department.name, &it.department.id],
                [&it.name, &it.user]
            )
        )
    });
    format!(
        "Made the {}: {}{}",
        object(made),
        made.id,
        lines.collect::<String>()
    )
}

/// Whether a user is locked, and why the hub did not let him in last.
fn not_let_in(of: &ObjectDocument, it: &PasswordStandingDocument) -> String {
    let mut text = String::new();
    if let Some(until) = &it.locked_until {
        text.push_str(&format!(
            "\n\nLocked until {}, after too many wrong passwords; not where the user signed in \
             lately, unless they were given there.\n  next: idp-hub org unlock {}",
            foreign::line(&until.0),
            typed(of)
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
    let meant = match how {
        "retire" => {
            "Retiring it ends its use in every region, with all that is in it; what tenants made \
             stays."
        }
        _ => "Deleting it takes it, and every role that it has, from every region.",
    };
    format!(
        "{}, {}: {meant}\nNothing brings it back. Type {YES} to go on: ",
        object(it),
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
        let ann = serde_json::from_value(serde_json::json!({
            "id": "u", "kind": "user", "name": "ann", "changed_by": "root",
            "department": { "id": "d", "name": "the ops" }, "changed": "2026-11-20T18:00:00.000Z",
        }));
        let ann: ObjectDocument = ann.unwrap();
        let shown = |it| standing(&ann, &serde_json::from_value(it).unwrap());
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
            "next: idp-hub org unlock 'the ops' ann",
            "on 2026-11-21T18:01:00.000Z, from 192.0.2.7: region-away (its region was away).",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let mut beyond = serde_json::json!({
            "user": "u", "beyond_region": "north", "regions": 2, "regions_lacking": 0,
            "lacking": [], "regions_read_only": 0,
            "beyond_by": { "kind": "user", "id": "c", "name": "carol" },
        });
        let text = shown(beyond.clone());
        for part in [
            "administers the user \"carol\", which did not come with it",
            "next: idp-hub org password 'the ops' ann",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        beyond.as_object_mut().unwrap().remove("beyond_by");
        let text = shown(beyond);
        assert!(text.contains("has the role \"admin\""), "{text}");
    }

    #[test]
    fn who_is_not_let_in_any_more_is_said_as_something_is_made() {
        let mut made = serde_json::json!({
            "id": "c", "kind": "user", "name": "carol", "changed_by": "root",
            "department": { "id": "d", "name": "ops" }, "changed": "2026-11-20T18:00:00.000Z",
        });
        let shown = |it| super::made(&serde_json::from_value(it).unwrap());
        assert_eq!(shown(made.clone()), "Made the user \"carol\" (in ops): c");
        made["need_passwords"] = serde_json::json!([{
            "user": "a", "name": "ann", "department": { "id": "d", "name": "ops" },
            "region": "north",
        }]);
        let text = shown(made);
        for part in [
            "\"ann\" of \"ops\" administers this user",
            "idp-hub org password ops ann",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
