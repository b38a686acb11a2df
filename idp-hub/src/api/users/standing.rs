//! Which regions have a user's password, and which lack it until he signs in again.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use shared::ids::ObjectId;
use shared::model::UnixMillis;
use utoipa::ToSchema;

use super::in_whose_power;
use super::refusals::RefusalDocument;
use crate::api::directory::id_of;
use crate::api::documents::Time;
use crate::api::extract::Path;
use crate::api::problem::{Problem, ProblemDocument};
use crate::api::state::ApiState;
use crate::api::who::Who;
use crate::directory::rights::Reach;
use crate::store::directory::Vouching;
use crate::store::users::Recipient;

/// Regions that are named of those that lack a password.
const LACKING_SHOWN: usize = 100;

/// Where a user's password is known, and why he is not let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordStandingDocument {
    /// The user's id.
    pub user: String,
    /// When it was set at the hub, or taken over from the region; absent where the hub has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub set: Option<Time>,
    /// The region in which he has the one that he came with, where the hub has none: his first
    /// sign-in here is checked there. Absent too for whom nobody gave a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_checked_by: Option<String>,
    /// The region that he came with, where the hub has no password of him and that region's word
    /// does not count: he has the role `admin`, or administers what did not come with it. He signs
    /// in here once an administrator set him a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond_region: Option<String>,
    /// What he administers that did not come with that region: one such thing. Absent where he has
    /// the role `admin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond_by: Option<BeyondDocument>,
    /// How many merged regions have it, or are told as soon as they are back.
    pub regions: u64,
    /// How many lack it: they joined later, their agents have told no key yet, or they made him
    /// anew since. They are told it at his next sign-in here, or when it is set again.
    pub regions_lacking: u64,
    /// The first 100 of these, by name.
    pub lacking: Vec<String>,
    /// In how many it is not set, as their agents take no changes by their policies: there the user
    /// keeps the one that he has.
    #[serde(default)]
    pub regions_read_only: u64,
    /// The first 100 of these, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_only: Vec<String>,
    /// Until when he is locked, as too many wrong passwords were given for him: wherever he did
    /// not sign in lately, or somewhere where he did. Absent where he is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<Time>,
    /// The last time that somebody was not let in at this hub as him. Absent where that never was
    /// so since the hub was started, or too many others were refused since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_refused: Option<RefusalDocument>,
}

/// Something that somebody administers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BeyondDocument {
    /// `department`, `project`, `user` or `group`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Which regions have the password of a user of the directory, and which lack it; whether he is
/// locked, and why he was not let in last.
#[utoipa::path(get, path = "/directory/users/{id}/password", tag = "directory",
    params(("id" = String, Path, description = "The user's id")), responses(
    (status = 200, description = "Where it is known", body = PasswordStandingDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 403, description = "Not of a department that he administers, or of an account with \
        more power", body = ProblemDocument),
    (status = 404, description = "No such user", body = ProblemDocument),
))]
pub(in crate::api) async fn password_standing(
    State(state): State<ApiState>,
    who: Who,
    Path(id): Path<String>,
) -> Result<axum::Json<PasswordStandingDocument>, Problem> {
    let id = id_of("id", &id)?;
    let row = in_whose_power(&state, &who, id).await?;
    let found = state.read_whole(move |it, directory| {
        let live = directory.live();
        let vouching = it.vouching(id, Reach::of(live, id))?;
        let thing = match &vouching {
            Vouching::Beyond(_, thing) => *thing,
            Vouching::By(..) | Vouching::Nobody => None,
        };
        let thing = thing.and_then(|(kind, id)| {
            let object = live.object(kind, &id)?;
            Some(BeyondDocument {
                kind: kind.name().to_owned(),
                id: id.to_string(),
                name: object.name().to_owned(),
            })
        });
        let regions = (
            it.recipients()?.len(),
            it.lacking(id)?,
            it.read_only_for(id)?,
        );
        Ok((regions, vouching, thing))
    });
    let ((all, mut lacking, read_only), vouching, thing) = found.await?;
    let set = row.version().map(|it| Time::from(UnixMillis(it)));
    let (by, beyond) = match vouching {
        _ if set.is_some() => (None, None),
        Vouching::By(region, _) => (Some(region), None),
        Vouching::Beyond(region, _) => (None, Some(region)),
        Vouching::Nobody => (None, None),
    };
    // It has the one that he came with, and is nobody's to tell.
    let origin = by.as_ref().or(beyond.as_ref()).map(|it| it.no);
    lacking.retain(|it| Some(it.no) != origin);
    Ok(axum::Json(PasswordStandingDocument {
        user: id.to_string(),
        set,
        first_checked_by: by.map(|it| it.name),
        beyond_by: thing.filter(|_| beyond.is_some()),
        beyond_region: beyond.map(|it| it.name),
        regions: all.saturating_sub(lacking.len()) as u64,
        regions_lacking: lacking.len() as u64,
        lacking: shown(&lacking),
        regions_read_only: read_only.len() as u64,
        read_only: shown(&read_only),
        locked_until: locked_until(&state, id),
        last_refused: state.refusals(|it| it.last(id)).map(RefusalDocument::from),
    }))
}

fn locked_until(state: &ApiState, user: ObjectId) -> Option<Time> {
    let left = state.lockout(|it| it.locked_for(state.clock.now(), user))?;
    Some(state.clock.unix_millis().plus(left).into())
}

/// The first of the regions that lack a password, by name.
pub(super) fn shown(lacking: &[Recipient]) -> Vec<String> {
    let mut shown: Vec<String> = lacking.iter().map(|it| it.name.clone()).collect();
    shown.sort_unstable();
    shown.truncate(LACKING_SHOWN);
    shown
}

#[cfg(test)]
mod tests {
    use shared::ids::RegionId;

    use super::*;
    use crate::store::RegionNo;

    #[test]
    fn the_first_are_shown_by_name_and_not_by_number() {
        let lacking = (0..101).map(|number: u32| Recipient {
            no: RegionNo(number),
            id: RegionId::from_random(number.into()),
            name: format!("north-{:03}", 100 - number),
            key: None,
        });
        let shown = shown(&lacking.collect::<Vec<_>>());
        let (first, last) = (shown.first().unwrap(), shown.last().unwrap());
        assert_eq!(shown.len(), 100);
        assert_eq!((first.as_str(), last.as_str()), ("north-000", "north-099"));
    }
}
