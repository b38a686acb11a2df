//! What a command has to say of a thing before anything is asked of the hub, in the command line's
//! own words.

use crate::cli::arguments::{Create, Kind, Link, Said, Set};
use crate::cli::error::CliError;

/// Whether it is one of the kinds that have a name.
pub(super) fn is_object(kind: Kind) -> Result<(), CliError> {
    match kind.is_link() {
        false => Ok(()),
        true => Err(CliError::Usage(format!(
            "a {} has no name: see `idp-hub org list`, `org link` and `org unlink`",
            kind.word()
        ))),
    }
}

/// Whether it is one of the kinds that link two things.
pub(super) fn is_link(kind: Kind) -> Result<(), CliError> {
    match kind.is_link() {
        true => Ok(()),
        false => Err(CliError::Usage(format!(
            "a {} links nothing: see `idp-hub org create` and `org set`",
            kind.word()
        ))),
    }
}

/// Whether all is said that a new thing needs, and nothing that its kind has not.
pub(super) fn of_a_thing(asked: &Create) -> Result<(), CliError> {
    let kind = asked.which.kind;
    is_object(kind)?;
    let (word, within) = (kind.word(), asked.which.within.is_some());
    let wrong = match kind {
        Kind::Project | Kind::User | Kind::Group if !within => {
            format!("a {word} belongs to a department: say which with --in DEPARTMENT")
        }
        Kind::Department if within => {
            "a department is in no other: leave out --in, or make a project there".to_owned()
        }
        Kind::Group | Kind::Role if asked.disabled => {
            format!("nobody can switch a {word} off: leave out --disabled")
        }
        Kind::Department | Kind::User | Kind::Group | Kind::Role if asked.parent.is_some() => {
            format!("projects alone are nested in projects: leave out --parent for a {word}")
        }
        _ => return of_users(kind, &asked.said),
    };
    Err(CliError::Usage(wrong))
}

/// Whether nothing is to be changed that its kind has not.
pub(super) fn of_a_change(asked: &Set) -> Result<(), CliError> {
    let kind = asked.which.kind;
    is_object(kind)?;
    let word = kind.word();
    let wrong = match kind {
        Kind::Group | Kind::Role if asked.enable || asked.disable => {
            format!("nobody can switch a {word} off: leave out --enable and --disable")
        }
        Kind::Department | Kind::Project | Kind::Group | Kind::Role if asked.no_email => {
            format!("users alone have an address: leave out --no-email for a {word}")
        }
        _ => return of_users(kind, &asked.said),
    };
    Err(CliError::Usage(wrong))
}

/// Whether nothing is said that is said of users alone.
fn of_users(kind: Kind, said: &Said) -> Result<(), CliError> {
    let (email, project) = (&said.email, &said.default_project);
    let (what, flag) = match (email, project) {
        (Some(_), _) => ("an address", "--email"),
        (None, Some(_)) => ("a default project", "--default-project"),
        (None, None) => return Ok(()),
    };
    match kind {
        Kind::User => Ok(()),
        _ => Err(CliError::Usage(format!(
            "users alone have {what}: leave out {flag} for a {}",
            kind.word()
        ))),
    }
}

/// Whether all is said that a link needs.
pub(super) fn of_a_link(asked: &Link) -> Result<(), CliError> {
    is_link(asked.kind)?;
    let [user, group, role, implied, project, department] = [
        &asked.user,
        &asked.group,
        &asked.role,
        &asked.implied,
        &asked.project,
        &asked.department,
    ]
    .map(Option::is_some);
    let (is_all, needs) = match asked.kind {
        Kind::Membership => (user && group, "--user and --group"),
        Kind::Implication => (role && implied, "--role and --implied"),
        _ => (
            user != group && role && project != department,
            "--role, either --user or --group, and either --project or --department",
        ),
    };
    match is_all {
        true => Ok(()),
        false => Err(CliError::Usage(format!(
            "{} takes {needs}",
            match asked.kind {
                Kind::Membership => "a membership",
                Kind::Implication => "an implication",
                _ => "an assignment",
            }
        ))),
    }
}

/// Whom or what a link is of, as it was said: `user "carol", role "member", project "web"`.
pub(super) fn said(asked: &Link) -> String {
    let all = [
        ("user", &asked.user),
        ("group", &asked.group),
        ("role", &asked.role),
        ("brings along", &asked.implied),
        ("project", &asked.project),
        ("department", &asked.department),
    ];
    let all = all.into_iter();
    let all = all.filter_map(|(what, name)| Some(format!("{what} {:?}", name.as_ref()?)));
    all.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    enum Asked {
        Create(Create),
        Set(Set),
        Link(Link),
    }

    fn asked(line: &str) -> Result<(), String> {
        let asked = Asked::try_parse_from(["org"].into_iter().chain(line.split(' '))).unwrap();
        let found = match &asked {
            Asked::Create(it) => of_a_thing(it),
            Asked::Set(it) => of_a_change(it),
            Asked::Link(it) => of_a_link(it),
        };
        found.map_err(|it| it.to_string())
    }

    #[test]
    fn what_lacks_is_named_as_it_is_typed() {
        for (line, says) in [
            ("create user carol", "--in DEPARTMENT"),
            ("create project web", "--in DEPARTMENT"),
            ("create department ops --in dev", "leave out --in"),
            ("create role reader --disabled", "leave out --disabled"),
            ("create membership carol", "org link"),
            (
                "create user carol --in ops --parent web",
                "leave out --parent",
            ),
            (
                "create group devs --in ops --email a@b",
                "leave out --email",
            ),
            ("create role r --default-project web", "--default-project"),
            ("set role reader --disable", "--enable and --disable"),
            ("set project web --no-email", "--no-email"),
            ("set department ops --email a@b", "--email"),
            ("set membership x --rename y", "org link"),
            ("link membership --user carol", "--user and --group"),
            ("link implication --role r", "--role and --implied"),
            (
                "link assignment --user carol --role r",
                "either --project or --department",
            ),
            (
                "link assignment --user a --group b --role r --project p",
                "either --user or --group",
            ),
            ("link user --user carol", "org create"),
        ] {
            let error = asked(line).unwrap_err();
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn what_is_all_there_is_asked_for() {
        for line in [
            "create user carol --in ops --disabled",
            "create role reader",
            "set user carol --email a@b --disable",
            "set group devs --rename staff",
            "create role reader --in ops",
            "create department ops --disabled",
            "link membership --user carol --group devs",
            "link implication --role r --implied s",
            "link assignment --group devs --role r --department ops --inherited",
        ] {
            assert_eq!(asked(line), Ok(()), "{line}");
        }
    }
}
