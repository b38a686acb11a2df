//! `idp-hub org drift` and `org policy`: what the regions' agents remark, and the answer.

mod shown;

use reqwest::Method;
use serde_json::{Value, json};

use super::super::arguments::{Cure, Drift, DriftPolicy, WhichDrift};
use super::super::client::{Client, escaped};
use super::super::error::CliError;
use super::super::moment::now;
use super::super::output::Screen;
use super::super::pages::List;
use super::super::prompt::{self, YES};
use super::shown::{local_administrators as of_region, named};
use crate::api::{CuredDocument, LocalAdministratorsDocument, RemarkDocument};

pub(super) async fn run(client: &Client, asked: &Drift, screen: Screen) -> Result<(), CliError> {
    match &asked.cure {
        None => {
            let region = asked.region.as_deref();
            let all = remarks(client, region).await?;
            let local = match region {
                Some(region) => local_administrators(client, region).await?,
                None => None,
            };
            let text = || {
                let more = match (&local, region) {
                    (Some(it), _) => of_region::shown(&it.region, (it.count, &it.items)),
                    (None, Some(_)) => String::new(),
                    (None, None) => shown::OF_A_REGION.to_owned(),
                };
                shown::drift(&all, now(), screen) + &more
            };
            let document = match &local {
                Some(it) => json!({ "drift": all, "local_administrators": it }),
                None => json!({ "drift": all }),
            };
            screen.write(text, &document)
        }
        Some(Cure::PutBack(which)) => cure(client, which, How::PutBack, screen).await,
        Some(Cure::Adopt { which, end }) => {
            cure(client, which, How::Adopt { end: *end }, screen).await
        }
    }
}

/// Says what is done about drift in a region.
pub(super) async fn policy(
    client: &Client,
    region: &str,
    policy: DriftPolicy,
    screen: Screen,
) -> Result<(), CliError> {
    let path = format!("/regions/{}/organization/policy", escaped(region));
    let body = json!({ "drift": policy.word() });
    client.act(Method::PUT, &path, Some(&body)).await?;
    screen.line(shown::policy(policy), &body)
}

/// What is done about a drift.
#[derive(Debug, Clone, Copy)]
enum How {
    PutBack,
    Adopt { end: bool },
}

impl How {
    fn can(self, it: &RemarkDocument) -> bool {
        let is_deleted = || it.differences.iter().any(|it| it.what == "deleted");
        match self {
            Self::PutBack => it.can_put_back,
            Self::Adopt { end } => it.can_adopt || (end && it.can_put_back && is_deleted()),
        }
    }

    /// Takes out what is not done to all at once: after a restore, links that were given since the
    /// backup are not taken away by one word for everything.
    fn left_out(self, found: &mut Vec<RemarkDocument>) -> Vec<RemarkDocument> {
        match self {
            Self::PutBack => found
                .extract_if(.., |it| shown::is_unsaid_link(it))
                .collect(),
            Self::Adopt { .. } => Vec::new(),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::PutBack => "put-back",
            Self::Adopt { .. } => "adopt",
        }
    }

    fn body(self, it: &RemarkDocument) -> Value {
        match self {
            Self::PutBack => json!({ "seen": it.seen }),
            Self::Adopt { end } => json!({ "seen": it.seen, "end": end }),
        }
    }
}

async fn cure(
    client: &Client,
    which: &WhichDrift,
    how: How,
    screen: Screen,
) -> Result<(), CliError> {
    let region = which.region.as_str();
    let mut found = remarks(client, Some(region)).await?;
    match &which.id {
        Some(id) => found.retain(|it| it.id.starts_with(id.as_str())),
        None => found.retain(|it| how.can(it)),
    }
    let left_out = match which.all {
        true => how.left_out(&mut found),
        false => Vec::new(),
    };
    if found.len() > 1
        && let Some(id) = &which.id
    {
        return Err(CliError::Usage(format!(
            "several ids begin with {id:?}; give more of it: `idp-hub org drift --output json` \
             shows them whole"
        )));
    }
    if found.is_empty() {
        return Err(CliError::Usage(match &which.id {
            Some(id) => format!(
                "the region {region:?} has no drift {id:?} (any more); `idp-hub org drift` shows \
                 what there is"
            ),
            None => format!(
                "the region {region:?} has no drift of which that can be done{}",
                shown::left_out(&left_out)
            ),
        }));
    }
    if !which.yes {
        eprintln!("{}\n", shown::drift(&found, now(), screen));
        let question = shown::question(found.len(), how.word());
        if !prompt::confirm(&question, YES)? {
            return Err(CliError::Declined);
        }
    }
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for it in &found {
        let (region, id) = (escaped(region), escaped(&it.id));
        let path = format!("/regions/{region}/drift/{id}/{}", how.word());
        match client.post::<CuredDocument>(&path, &how.body(it)).await {
            Ok(cured) => done.push(cured),
            // Of all, one that can't be done is no reason to leave the others.
            Err(error) if which.all => {
                let named = named(&it.kind, &it.name, it.department.as_ref());
                refused.push(format!("{named}: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    let ids: Vec<&str> = left_out.iter().map(|it| it.id.as_str()).collect();
    let document = json!({ "cured": done, "refused": refused, "left_out": ids });
    let text = || {
        let cured = shown::cured(&done, &refused, how.word());
        format!("{cured}{}", shown::left_out(&left_out))
    };
    screen.write(text, &document)
}

async fn remarks(client: &Client, region: Option<&str>) -> Result<Vec<RemarkDocument>, CliError> {
    let list = List::of("/directory/drift");
    list.by("region", region).read(client).await
}

/// Who has the role `admin` in a region, and not by the directory; `None` before it is merged.
async fn local_administrators(
    client: &Client,
    region: &str,
) -> Result<Option<LocalAdministratorsDocument>, CliError> {
    let path = format!("/regions/{}/organization/administrators", escaped(region));
    match client.get(&path).await {
        Ok(found) => Ok(Some(found)),
        Err(CliError::Problem(it)) if it.status == 409 => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_put_back_at_once_is_not_what_a_restored_hub_does_not_know() {
        let remark = |id: &str, what: &str| -> RemarkDocument {
            let document = json!({
                "region": "north", "id": id, "kind": "membership", "name": "ann in staff",
                "state": "drift", "why": "region", "since": "2026-11-26T10:00:00Z",
                "differences": [{ "what": what }], "next_step": "do this",
                "can_put_back": true, "can_adopt": true, "seen": "07",
            });
            serde_json::from_value(document).unwrap()
        };
        let all = || vec![remark("1", "link-given"), remark("2", "not-in-directory")];
        let mut found = all();
        let left_out = How::PutBack.left_out(&mut found);
        assert_eq!((&found[..], &left_out[..]), (&all()[..1], &all()[1..]));
        let text = shown::left_out(&left_out);
        for said in [
            "1 link",
            "org drift put-back north 2",
            "org drift adopt north 2",
        ] {
            assert!(text.contains(said), "{text}");
        }
        let mut found = all();
        assert!(How::Adopt { end: false }.left_out(&mut found).is_empty());
    }
}
