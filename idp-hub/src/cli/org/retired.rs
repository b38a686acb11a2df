//! `idp-hub org retired`, and `purge`: what is left of what was retired, and its end.

mod shown;

use reqwest::Method;
use serde_json::{Value, json};
use shared::foreign;
use shared::ids::ObjectId;

use super::super::arguments::{Ending, Kind};
use super::super::client::Client;
use super::super::error::CliError;
use super::super::moment::now;
use super::super::output::Screen;
use super::super::pages::List;
use super::super::prompt::{self, YES};
use super::find::NOT_FOUND;
use super::shown::within as in_department;
use crate::api::RetiredDocument;

pub(super) use self::shown::one;

/// All that was retired, or of one kind.
pub(super) async fn list(
    client: &Client,
    kind: Option<Kind>,
    screen: Screen,
) -> Result<(), CliError> {
    let all = all(client, kind, None).await?;
    screen.write(
        || shown::list(&all, now(), screen),
        &json!({ "retired": all }),
    )
}

/// One that was retired, by name or id; `None` where none is called so.
pub(super) async fn find(
    client: &Client,
    kind: Kind,
    name: &str,
    within: Option<&str>,
) -> Result<Option<RetiredDocument>, CliError> {
    if name.parse::<ObjectId>().is_ok() {
        let path = format!("/directory/retired/{name}");
        match client.get(&path).await {
            // A region may have brought something along that is called like an id.
            Err(CliError::Problem(problem)) if problem.status == NOT_FOUND => {}
            found => return found.map(Some),
        }
    }
    let mut found = all(client, Some(kind), Some(name)).await?;
    found.retain(|it| match (within, &it.department) {
        (None, _) => true,
        (Some(within), Some(its)) => within == its.id || within == its.name,
        (Some(_), None) => false,
    });
    match (found.pop(), found.is_empty()) {
        (found, true) => Ok(found),
        (Some(one), false) => {
            found.push(one);
            let word = kind.word();
            let mut text =
                format!("several retired {word}s are called {name:?}; give the id of one of them:");
            for it in &found {
                text.push_str(&format!(
                    "\n  {}{}",
                    it.id,
                    in_department(it.department.as_ref())
                ));
            }
            Err(CliError::Usage(text))
        }
        (None, false) => Ok(None),
    }
}

pub(super) async fn purge(
    client: &Client,
    asked: &Ending,
    cancel: bool,
    screen: Screen,
) -> Result<(), CliError> {
    let which = &asked.which;
    let word = which.kind.word();
    if !matches!(which.kind, Kind::Project | Kind::Department) {
        let what = format!("a {word} is not purged: use `idp-hub org delete {word} …`");
        return Err(CliError::Usage(what));
    }
    let found = find(client, which.kind, &which.name, which.within.as_deref()).await?;
    let Some(found) = found else {
        return Err(CliError::Usage(format!(
            "no retired {word} is called {:?}; see `idp-hub org retired`, and retire it first, \
             with `idp-hub org retire {word} …`",
            which.name
        )));
    };
    if cancel {
        return take_back(client, &found, screen).await;
    }
    if !asked.yes && found.why_not.is_none() {
        eprintln!("{}\n", one(&found, now(), screen));
        if !prompt::confirm(&shown::question(&found), YES)? {
            return Err(CliError::Declined);
        }
    }
    let path = format!("/directory/retired/{}/purge", found.id);
    let told: RetiredDocument = client.post(&path, &Value::Null).await?;
    screen.write(|| shown::told(&told, now()), &told)
}

async fn take_back(
    client: &Client,
    found: &RetiredDocument,
    screen: Screen,
) -> Result<(), CliError> {
    let path = format!("/directory/retired/{}", found.id);
    let purge = format!("{path}/purge");
    client.act(Method::DELETE, &purge, None::<&Value>).await?;
    let told: RetiredDocument = client.get(&path).await?;
    let (word, name) = (&told.kind, foreign::quoted(&told.name));
    let text = || format!("The {word} {name} is not purged any more where it was not yet.");
    screen.write(text, &told)
}

async fn all(
    client: &Client,
    kind: Option<Kind>,
    name: Option<&str>,
) -> Result<Vec<RetiredDocument>, CliError> {
    let list = List::of("/directory/retired").by("kind", kind.map(Kind::word));
    list.by("name", name).read(client).await
}
