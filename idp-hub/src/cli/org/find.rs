//! A thing of the directory by its name, or by its id where several have the name.

use shared::ids::ObjectId;

use super::super::arguments::Kind;
use super::super::client::Client;
use super::super::error::CliError;
use super::super::pages::List;
use super::shown;
use crate::api::ObjectDocument;

/// Things of one name that are told apart at most.
const SAME_MAX: usize = 20;

/// HTTP's status where there is no such thing.
pub(super) const NOT_FOUND: u16 = 404;

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
    let mut found = called(kind, name).only(client, is_there).await?;
    match (found.pop(), found.is_empty(), within) {
        (Some(one), true, _) => Ok(one),
        (Some(one), false, _) => {
            found.push(one);
            let text = format!("several {word}s are called {name:?}; give the id of one of them:");
            Err(CliError::Usage(text + &each(&found)))
        }
        (None, _, Some(within)) => {
            let text = format!("the department {within:?} has no {word} {name:?}");
            let others: Vec<ObjectDocument> = called(kind, name).read(client).await?;
            Err(CliError::Usage(match others.is_empty() {
                true => format!("{text}; see `idp-hub org list {word}`"),
                false => format!("{text}; it is elsewhere:{}", each(&others)),
            }))
        }
        (None, _, None) => Err(CliError::Usage(format!(
            "the directory has no {word} {name:?}; see `idp-hub org list {word}`"
        ))),
    }
}

/// What has just this name, wherever it is.
fn called(kind: Kind, name: &str) -> List {
    let list = List::of(&format!("/directory/{}s", kind.word()));
    list.by("name", Some(name)).enough(SAME_MAX + 1)
}

/// Each with its id and its department, in a line of its own.
fn each(found: &[ObjectDocument]) -> String {
    let mut text = String::new();
    for it in found.iter().take(SAME_MAX) {
        text.push_str(&format!(
            "\n  {}{}",
            it.id,
            shown::within(it.department.as_ref())
        ));
    }
    if found.len() > SAME_MAX {
        text.push_str("\n  and others; name the department, with --in");
    }
    text
}
