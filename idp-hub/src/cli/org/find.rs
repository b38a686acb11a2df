//! A thing of the directory by its name, or by its id where several have the name.

use shared::foreign;
use shared::ids::ObjectId;

use super::super::arguments::Kind;
use super::super::client::Client;
use super::super::error::CliError;
use super::super::pages::List;
use crate::api::ObjectDocument;

/// Things of one name that are told apart at most.
const SAME_MAX: usize = 20;

/// HTTP's status where there is no such thing.
const NOT_FOUND: u16 = 404;

/// Finds one.
pub(super) struct Found;

impl Found {
    /// The id of what is named, if something is.
    pub(super) async fn id(
        client: &Client,
        kind: Kind,
        name: Option<&str>,
        within: Option<&str>,
    ) -> Result<Option<String>, CliError> {
        match name {
            None => Ok(None),
            Some(name) => Ok(Some(find(client, kind, name, within).await?.id)),
        }
    }
}

/// The one with this name or id, in this department, where one is named.
pub(super) async fn find(
    client: &Client,
    kind: Kind,
    name: &str,
    within: Option<&str>,
) -> Result<ObjectDocument, CliError> {
    let word = kind.word();
    if name.parse::<ObjectId>().is_ok() {
        match client.get(&format!("/directory/{word}s/{name}")).await {
            // A region may have brought something along that is called like an id.
            Err(CliError::Problem(problem)) if problem.status == NOT_FOUND => {}
            found => return found,
        }
    }
    let is_there = |it: &ObjectDocument| match (within, &it.department) {
        (None, _) => true,
        (Some(within), Some(its)) => within == its.id || within == its.name,
        (Some(_), None) => false,
    };
    // To the end of all that have the name: the one that is meant may be the last of them.
    let list = List::of(&format!("/directory/{word}s")).by("name", Some(name));
    let list = list.enough(SAME_MAX + 1);
    let mut found = list.only(client, is_there).await?;
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(one), false) => {
            found.push(one);
            Err(CliError::Usage(several(word, name, &found)))
        }
        (None, _) => Err(CliError::Usage(format!(
            "the directory has no {word} {name:?}{}; see `idp-hub org list {word}`",
            within.map_or_else(String::new, |it| format!(" in the department {it:?}"))
        ))),
    }
}

fn several(word: &str, name: &str, found: &[ObjectDocument]) -> String {
    let mut text = format!("several {word}s are called {name:?}; give the id of one of them:");
    for it in found.iter().take(SAME_MAX) {
        let department = it.department.as_ref().map_or("", |it| &it.name);
        text.push_str(&format!("\n  {}  {}", it.id, foreign::name(department)));
    }
    if found.len() > SAME_MAX {
        text.push_str("\n  and others; name the department, with --in");
    }
    text
}
