//! The audit trail: listed, and verified. And what handlers tell it.

mod documents;

use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use shared::audit::{Act, By, Head, Wanted};
use shared::model::UnixMillis;
use utoipa::{IntoParams, ToSchema};

pub use documents::{
    AuditDocument, AuditEntryDocument, AuditHeadDocument, AuditSubjectDocument, BrokenDocument,
    VerifiedDocument,
};

use super::directory::Administrator;
use super::extract::{Json, PageQuery, Query, cursor, key_in};
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::ApiState;
use super::who::{Source, Who};
use crate::store::audit::Passing;

/// On whose behalf a request is carried out.
pub(super) fn by(who: &Who, source: Source) -> By {
    By::new(who.name(), source.to_string())
}

/// What somebody does about himself: comes, goes, or changes his password.
pub(super) fn himself(who: &Who, source: Source, action: &str) -> Act {
    let act = Act::new(by(who, source), action);
    match who {
        Who::User(user) => act.on("user", user.id, who.name()),
        Who::Local | Who::Account(_) => act.on("account", "", who.name()),
    }
}

/// Tells the trail of what was refused: of each action and way of refusing one in a while, with the
/// count of the others, as anybody may be refused as often as he likes.
pub(super) fn refused(state: &ApiState, act: Act, reason: &'static str) {
    if let Some(silenced) = state.admit_refusal(&act.action, reason) {
        let act = outcome(act, reason, silenced);
        state.store.audit_soon(Passing::Refusal, act);
    }
}

/// The same, where it is known already that the trail may be told.
pub(super) fn outcome(act: Act, reason: &str, silenced: u64) -> Act {
    act.with_outcome(match silenced {
        0 => format!("refused: {reason}"),
        _ => format!("refused: {reason}, and {silenced} times before this without an entry"),
    })
}

/// Which entries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// How many entries, 1 to 1000; 100 unless given.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before; the newest entries without it.
    #[serde(default)]
    after: Option<String>,
    /// Those of this action, such as `edit`, `merge` or `sign-in`.
    #[serde(default)]
    action: Option<String>,
    /// Those by this account.
    #[serde(default)]
    who: Option<String>,
    /// Those about this: a kind, such as `user` or `region`, an id, or a part of a name.
    #[serde(default)]
    subject: Option<String>,
    /// Not before this moment, by RFC 3339.
    #[serde(default)]
    since: Option<String>,
}

/// The audit trail, the newest entry first. A page may have fewer entries than were asked for, or
/// none, and a `next` all the same: go on until there is none.
#[utoipa::path(get, path = "/audit", tag = "audit", params(AuditQuery), responses(
    (status = 200, description = "Some entries", body = AuditDocument),
    (status = 400, description = "A wrong limit, cursor or moment", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(super) async fn list(
    State(state): State<ApiState>,
    _: Administrator,
    Query(asked): Query<AuditQuery>,
) -> Result<axum::Json<AuditDocument>, Problem> {
    let page = PageQuery::new(asked.limit, asked.after);
    let (limit, before) = (page.limit()? as usize, number(&page.after()?)?);
    let wanted = Wanted {
        action: asked.action,
        who: asked.who,
        subject: asked.subject,
        since: asked.since.as_deref().map(moment).transpose()?,
    };
    let listed = state
        .store
        .read(move |it| it.audit_entries(before, limit, &wanted));
    let listed = listed.await?;
    let next = listed.next.map(|it| cursor(&it.to_le_bytes()));
    Ok(axum::Json(AuditDocument {
        items: listed.items.into_iter().map(Into::into).collect(),
        next,
        head: listed.head.into(),
    }))
}

/// What the trail is held against.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Witness {
    /// A newest entry that was written down before, which must still be there: `NUMBER:LINK`.
    #[serde(default)]
    head: Option<String>,
}

/// Check the whole chain of the audit trail. One check at a time.
#[utoipa::path(get, path = "/audit/verify", tag = "audit", params(Witness), responses(
    (status = 200, description = "What was found: also where it is broken",
        body = VerifiedDocument),
    (status = 400, description = "No head", body = ProblemDocument),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
    (status = 503, description = "It is being checked already", body = ProblemDocument),
))]
pub(super) async fn verify(
    State(state): State<ApiState>,
    _: Administrator,
    Query(asked): Query<Witness>,
) -> Result<axum::Json<VerifiedDocument>, Problem> {
    let witness: Option<Head> = match asked.head.as_deref().map(str::parse).transpose() {
        Ok(witness) => witness,
        Err(error) => {
            let detail = format!("head: {error}.");
            return Err(Problem::new(Kind::InvalidRequest, detail));
        }
    };
    let turn = state.verifying().try_acquire().map_err(|_| {
        Problem::new(
            Kind::Unavailable,
            "The audit trail is being checked already.",
        )
    })?;
    let found = state.store.read(move |it| it.verify_audit(witness)).await?;
    drop(turn);
    Ok(axum::Json(VerifiedDocument::new(found, witness)))
}

/// A copy of the database.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupMade {
    /// Where it is, on the hub's machine.
    file: String,
}

/// Tell the trail of a copy of the database: `idp-hub backup` makes it beside the hub, and says so.
#[utoipa::path(post, path = "/audit/backups", tag = "audit", request_body = BackupMade, responses(
    (status = 204, description = "Told"),
    (status = 401, description = "Nobody is signed in", body = ProblemDocument),
))]
pub(super) async fn backed_up(
    State(state): State<ApiState>,
    who: Administrator,
    source: Source,
    Json(made): Json<BackupMade>,
) -> Result<StatusCode, Problem> {
    let act = Act::new(by(&who.0, source), "backup").on("backup", "", made.file);
    state.store.audit(act).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The entry's number in a cursor.
fn number(after: &[u8]) -> Result<Option<u64>, Problem> {
    Ok(key_in(after)?.map(u64::from_le_bytes))
}

fn moment(text: &str) -> Result<UnixMillis, Problem> {
    let moment: Result<Timestamp, _> = text.parse();
    let millis = moment.map(Timestamp::as_millisecond);
    millis
        .map(|it| UnixMillis(u64::try_from(it).unwrap_or(0)))
        .map_err(|_| {
            let detail = format!("since: {text:?} is not a moment.");
            Problem::new(Kind::InvalidRequest, detail)
                .next_step("Give one by RFC 3339, such as 2026-11-21T18:00:00Z.")
        })
}
