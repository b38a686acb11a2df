//! Whom users wait for at a hub that was restored; and lets them sign in without the word of a
//! region that is away.

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::model::UnixMillis;
use utoipa::ToSchema;

use crate::api::audit;
use crate::api::documents::Time;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::{Source, Who};
use crate::store::RegionNo;
use crate::store::users::Recipient;

/// Whether users of the directory wait at a hub that was restored from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignInHoldDocument {
    /// When the hub was restored. Absent where they may sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Time>,
    /// The merged regions that have not said yet who was deleted since the backup. Those that are
    /// away are waited for at most a quarter of an hour after the hub's start, if another one has.
    pub regions: Vec<String>,
    /// Those of them of which the hub has as many records as it may, so that what they say waits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub full: Vec<String>,
    /// Those of them whose agents can't write their spool, so that they say nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mute: Vec<String>,
    /// Those of the others that have not told all of their organization yet: some of it was not
    /// read since their agents began anew, and what that is stands among the failures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reading: Vec<String>,
    /// Those of the others whose agents are there, and have not said it yet: that takes seconds
    /// once they have the directory. One that said it to this hub before, and now says nothing for
    /// five minutes, as it was put back to an earlier release, is waited for no longer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<String>,
}

/// Since when users of the directory wait at a hub that was restored from a backup, and for which
/// regions.
#[utoipa::path(get, path = "/directory/sign-in-hold", tag = "directory", responses(
    (status = 200, description = "Whether they wait", body = SignInHoldDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(in crate::api) async fn sign_in_hold(
    State(state): State<ApiState>,
) -> Result<axum::Json<SignInHoldDocument>, Problem> {
    let held = state.store.read(|it| match it.sign_in_held()? {
        Some(since) => Ok(Some((since, it.recipients()?))),
        None => Ok(None),
    });
    let (since, merged) = held.await?.unzip();
    let heard = state.store.ends_told().heard();
    let mut merged = merged.unwrap_or_default();
    merged.retain(|it| !heard.contains(&it.no));
    let overview = state.store.overview();
    let mute = state.registry.mute();
    let trouble = |no| {
        let region = overview.region(no);
        let is_there = state.registry.heard(no).is_some();
        if region.as_ref().is_some_and(|it| it.full.is_some()) {
            Some(Trouble::Full)
        } else if mute.contains(&no) {
            Some(Trouble::Mute)
        } else {
            let has_told = region.is_some_and(|it| it.organization_told);
            is_there.then_some(match has_told {
                true => Trouble::Silent,
                false => Trouble::Reading,
            })
        }
    };
    Ok(axum::Json(hold(since, &merged, trouble)))
}

/// Why a region says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Full,
    Mute,
    Reading,
    Silent,
}

/// Which regions they wait for, and what is wrong with some of these.
fn hold(
    since: Option<UnixMillis>,
    regions: &[Recipient],
    trouble: impl Fn(RegionNo) -> Option<Trouble>,
) -> SignInHoldDocument {
    let those = |with| {
        let those = regions.iter().filter(|it| trouble(it.no) == Some(with));
        those.map(|it| it.name.clone()).collect()
    };
    SignInHoldDocument {
        since: since.map(Time::from),
        regions: regions.iter().map(|it| it.name.clone()).collect(),
        full: those(Trouble::Full),
        mute: those(Trouble::Mute),
        reading: those(Trouble::Reading),
        silent: those(Trouble::Silent),
    }
}

/// Let users of the directory sign in again at a hub that was restored from a backup, before every
/// merged region has said who was deleted since: whoever was, and of whom only a region knows that
/// is away, has his old password until that is back. Where they may sign in, nothing is done.
#[utoipa::path(delete, path = "/directory/sign-in-hold", tag = "directory", responses(
    (status = 204, description = "They may sign in"),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(in crate::api) async fn admit_users(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
) -> Result<StatusCode, Problem> {
    let by = audit::by(&who, source);
    let why = "an administrator's word".to_owned();
    if state.store.open_sign_in(by, why).await? {
        let by = who.name();
        tracing::info!(target: "audit", action = "open-sign-in", by, %source);
    }
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use shared::ids::RegionId;

    use super::*;

    #[test]
    fn regions_that_can_say_nothing_are_named_with_why() {
        let region = |number: u32| Recipient {
            no: RegionNo(number),
            id: RegionId::from_random(number.into()),
            name: format!("region-{number}"),
            key: None,
        };
        let regions = [1, 2, 3, 4, 6].map(region);
        // Nobody waits for the fifth.
        let trouble = |no: RegionNo| match no.0 {
            2 => Some(Trouble::Full),
            3 => Some(Trouble::Mute),
            4 | 5 => Some(Trouble::Reading),
            6 => Some(Trouble::Silent),
            _ => None,
        };
        let document = hold(None, &regions, trouble);
        assert_eq!(document.regions.len(), 5);
        assert_eq!(document.full, ["region-2"]);
        assert_eq!(document.mute, ["region-3"]);
        assert_eq!(document.reading, ["region-4"]);
        assert_eq!(document.silent, ["region-6"]);
    }
}
