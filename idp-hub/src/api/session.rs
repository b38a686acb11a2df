//! Signing in and out, and the password.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use shared::audit::Act;
use shared::ids::ObjectId;
use shared::pki::SecretHash;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::audit;
use super::directory::NamedDocument;
use super::documents::Time;
use super::extract::{Json, Path};
use super::passwords::{PasswordError, Place};
use super::problem::{Kind, Problem, ProblemDocument};
use super::state::ApiState;
use super::users::{self, Given};
use super::visits::{Comer, note_refused, signing, tell_visit, visit};
use super::who::{self, Source, Who};
use crate::store::accounts::AccountRow;

/// How long a session lasts: a working day, so that nobody is thrown out in the middle of one.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// The longest name of an account, in bytes.
pub(super) const ACCOUNT_BYTES_MAX: usize = 64;

/// Account and password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    /// The name of an account of the hub; with a department, of a user in it.
    account: String,
    /// The department of a user of the directory, by name or id; without it, it is an account of
    /// the hub.
    #[serde(default)]
    department: Option<String>,
    #[schema(format = Password)]
    password: Zeroized,
}

/// A text that is wiped when it is dropped.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = String)]
pub(super) struct Zeroized(String);

impl Zeroized {
    pub(super) fn take(mut self) -> Zeroizing<String> {
        Zeroizing::new(std::mem::take(&mut self.0))
    }
}

impl Drop for Zeroized {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// Who is signed in, and at which hub.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionDocument {
    /// The account, or the user's name; `local socket` for whoever asks through it.
    pub account: String,
    /// The user's department; absent for accounts of the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<NamedDocument>,
    /// The user's id; absent for accounts of the hub.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Whether he may do everything.
    #[serde(default)]
    pub cloud_administrator: bool,
    /// When the session ends by itself; absent for the local socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Time>,
    /// The hub's release.
    pub software: String,
    /// The federation's id.
    pub federation: String,
    /// What agents are told to dial.
    pub hub_address: String,
}

fn document(state: &ApiState, account: &str, expires: Option<Time>) -> SessionDocument {
    SessionDocument {
        account: account.to_owned(),
        department: None,
        user: None,
        cloud_administrator: true,
        expires,
        software: env!("CARGO_PKG_VERSION").to_owned(),
        federation: state.authority.hub_facts().federation.to_string(),
        hub_address: state.link_address.to_string(),
    }
}

fn of_user(
    document: SessionDocument,
    (id, cloud_administrator): (ObjectId, bool),
    of: NamedDocument,
) -> SessionDocument {
    SessionDocument {
        department: Some(of),
        user: Some(id.to_string()),
        cloud_administrator,
        ..document
    }
}

/// Sign in. The session comes as a cookie.
#[utoipa::path(post, path = "/session", tag = "session", request_body = SignIn,
    security(()), responses(
    (status = 201, description = "Signed in", body = SessionDocument),
    (status = 401, description = "Account and password don't fit. As a user of the directory also: \
        the region that knows him can't be asked, or too many wrong passwords were given for him \
        lately; which of these, nobody is told, and no sooner than 2 s after he asked",
        body = ProblemDocument),
    (status = 429, description = "Too many attempts from there", body = ProblemDocument),
    (status = 503, description = "Too many sign-ins at once; or the hub was restored, and no user \
        signs in before its regions have said who was deleted since", body = ProblemDocument),
))]
pub(super) async fn sign_in(
    State(state): State<ApiState>,
    source: Source,
    Json(asked): Json<SignIn>,
) -> Result<(StatusCode, HeaderMap, axum::Json<SessionDocument>), Problem> {
    if let Some(department) = asked.department {
        let given = Given {
            department,
            name: asked.account,
            password: asked.password.take(),
        };
        return sign_in_user(&state, source, given).await;
    }
    let name = asked.account.clone();
    let account = check(&state, source, &asked.account, asked.password)
        .await
        .inspect_err(|problem| {
            let reason = problem.kind().slug();
            note_refused(&state, source, ("account", &name), reason);
        })?;
    let token: Zeroizing<[u8; 32]> = Zeroizing::new(rand::random());
    let hash = SecretHash::of(&token);
    let row = account.clone();
    let act = signing(("account", &account.name), source, "sign-in");
    let told = visit(&state, Comer::Administrator, &account.name, act);
    let begun = state.store.change(move |it| {
        let expires = it.now.plus(LIFETIME);
        let begun = it.begin_web_session(hash, &row, expires)?;
        tell_visit(it, told.filter(|_| begun))?;
        Ok(begun.then_some(expires))
    });
    let expires = begun.await?.ok_or_else(wrong)?;
    tracing::info!(target: "audit", action = "sign-in", account = account.name, %source);
    let document = document(&state, &account.name, Some(expires.into()));
    Ok(begun_with(&token, document))
}

type Begun = (StatusCode, HeaderMap, axum::Json<SessionDocument>);

fn begun_with(token: &[u8; 32], document: SessionDocument) -> Begun {
    let mut headers = HeaderMap::new();
    headers.extend(who::set_cookie(token, LIFETIME.as_secs()).map(|it| (SET_COOKIE, it)));
    (StatusCode::CREATED, headers, axum::Json(document))
}

/// As a user of the directory.
async fn sign_in_user(state: &ApiState, source: Source, given: Given) -> Result<Begun, Problem> {
    let name = format!("{}/{}", given.department, given.name);
    let tell = |reason| note_refused(state, source, ("user", &name), reason);
    let going_on = state.sign_ins().begin(state.clock.now());
    let going_on = going_on.inspect_err(|problem| tell(problem.kind().slug()))?;
    let row = match users::check(state, source, given).await {
        Ok(row) => row,
        Err(refused) => {
            tell(refused.reason);
            return Err(going_on.told(state, refused).await);
        }
    };
    let version = row.version().ok_or_else(wrong)?;
    let token: Zeroizing<[u8; 32]> = Zeroizing::new(rand::random());
    let (hash, id) = (SecretHash::of(&token), row.id);
    let is_administrator = state.store.read(move |it| it.is_administrator(id));
    let is_administrator = is_administrator.await?;
    let act = signing(("user", &row.title()), source, "sign-in");
    let act = act.on("user", id, row.title());
    let told = visit(state, Comer::user(is_administrator), &row.title(), act);
    let begun = state.store.change(move |it| {
        let expires = it.now.plus(LIFETIME);
        let begun = it.begin_user_session(hash, (id, version), expires)?;
        if begun {
            users::keep_place(it, id, source);
        }
        tell_visit(it, told.filter(|_| begun))?;
        Ok(begun.then_some(expires))
    });
    let expires = begun.await?.ok_or_else(wrong)?;
    tracing::info!(target: "audit", action = "sign-in", account = row.title(), %source);
    let document = document(state, &row.user.name, Some(expires.into()));
    let department = NamedDocument {
        id: row.user.department.to_string(),
        name: row.department.name.clone(),
    };
    let who = (id, is_administrator);
    Ok(begun_with(&token, of_user(document, who, department)))
}

pub(super) fn wrong() -> Problem {
    Problem::new(
        Kind::WrongPassword,
        "There is no account with this name and password.",
    )
}

/// The account, if the password is its.
async fn check(
    state: &ApiState,
    source: Source,
    name: &str,
    password: Zeroized,
) -> Result<AccountRow, Problem> {
    if name.len() > ACCOUNT_BYTES_MAX {
        return Err(wrong());
    }
    // First, so that nothing is counted whose password is not looked at.
    let place = state.passwords().place()?;
    attempt(state, source, name)?;
    let looked_at = look_at(state, name, place, password).await;
    // Where the store failed, nobody was wrong. Whoever goes away before that leaves it counted.
    let looked_at = looked_at.inspect_err(|_| take_back(state, source, name));
    let account = looked_at?.ok_or_else(wrong)?;
    succeeded(state, source, name);
    Ok(account)
}

/// The account, or none if the password is not its.
async fn look_at(
    state: &ApiState,
    name: &str,
    place: Place,
    password: Zeroized,
) -> Result<Option<AccountRow>, Problem> {
    let name = name.to_owned();
    let account = state.store.read(move |it| it.account(&name)).await?;
    let stored = account.as_ref().map(|it| it.password_hash.clone());
    let passwords = state.passwords();
    let fits = passwords.verify(place, password.take(), stored).await?;
    Ok(account.filter(|_| fits))
}

pub(super) fn attempt(state: &ApiState, source: Source, account: &str) -> Result<(), Problem> {
    let Some(address) = source.0 else {
        return Ok(());
    };
    let now = state.clock.now();
    state
        .limiter(|limiter| limiter.attempt(now, account, address))
        .map_err(|wait| {
            let seconds = wait.as_millis().div_ceil(1000);
            let detail = format!("The next attempt from here is heard in {seconds} s.");
            Problem::new(Kind::TooManyAttempts, detail).retry_after(wait)
        })
}

pub(super) fn succeeded(state: &ApiState, source: Source, account: &str) {
    if let Some(address) = source.0 {
        state.limiter(|limiter| limiter.succeeded(account, address));
    }
}

/// The region that knows the account gave no answer; so many users signed in from there lately.
pub(super) fn unasked(state: &ApiState, source: Source, users: usize) {
    if let Some(address) = source.0 {
        state.limiter(|limiter| limiter.unasked(address, users));
    }
}

/// Nobody could look at the attempt.
pub(super) fn take_back(state: &ApiState, source: Source, account: &str) {
    if let Some(address) = source.0 {
        state.limiter(|limiter| limiter.take_back(account, address));
    }
}

/// Who is signed in.
#[utoipa::path(get, path = "/session", tag = "session", responses(
    (status = 200, description = "Who asks", body = SessionDocument),
    (status = 401, description = "Nobody", body = ProblemDocument),
))]
pub(super) async fn who(State(state): State<ApiState>, who: Who) -> axum::Json<SessionDocument> {
    let expires = who.signed_in().map(|it| it.expires.into());
    axum::Json(match who {
        Who::User(user) => {
            let document = document(&state, &user.user, expires);
            let who = (user.id, user.is_administrator);
            of_user(document, who, user.department)
        }
        who => document(&state, who.name(), expires),
    })
}

/// Sign out.
#[utoipa::path(delete, path = "/session", tag = "session", responses(
    (status = 204, description = "Signed out"),
    (status = 401, description = "Nobody was signed in", body = ProblemDocument),
))]
pub(super) async fn sign_out(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
) -> Result<(StatusCode, HeaderMap), Problem> {
    if let Some(signed_in) = who.signed_in() {
        let session = signed_in.session;
        let act = audit::himself(&who, source, "sign-out");
        let told = visit(&state, Comer::of(&who), who.name(), act);
        let ended = state.store.change(move |it| {
            it.end_web_session(session)?;
            tell_visit(it, told)
        });
        ended.await?;
        tracing::info!(target: "audit", action = "sign-out", account = who.name(), %source);
    }
    let mut headers = HeaderMap::new();
    headers.extend(who::clear_cookie().map(|it| (SET_COOKIE, it)));
    Ok((StatusCode::NO_CONTENT, headers))
}

/// A new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPassword {
    /// The one until now; not needed through the local socket.
    #[schema(format = Password)]
    #[serde(default)]
    current: Option<Zeroized>,
    /// At least 12 characters.
    #[schema(format = Password)]
    new: Zeroized,
}

/// Give an account another password. Ends all its sessions, this one too.
#[utoipa::path(put, path = "/accounts/{name}/password", tag = "session",
    params(("name" = String, Path, description = "The account")),
    request_body = NewPassword, responses(
    (status = 204, description = "Set"),
    (status = 400, description = "Not a password", body = ProblemDocument),
    (status = 401, description = "The current one is wrong", body = ProblemDocument),
    (status = 404, description = "No such account", body = ProblemDocument),
    (status = 409, description = "Another one was set at the same moment, or the session ended",
        body = ProblemDocument),
    (status = 429, description = "Too many attempts", body = ProblemDocument),
))]
pub(super) async fn set_password(
    State(state): State<ApiState>,
    who: Who,
    source: Source,
    Path(name): Path<String>,
    Json(asked): Json<NewPassword>,
) -> Result<StatusCode, Problem> {
    let missing = || {
        let detail = format!("The hub has no account {name:?}.");
        Problem::new(Kind::NotFound, detail).next_step(
            "`idp-hub init` made the account `admin`; users of the directory are given a password \
             with `idp-hub org password`.",
        )
    };
    let act = Act::new(audit::by(&who, source), "set-password").on("account", "", name.as_str());
    let checked = match &who {
        Who::Local => {
            let name = name.clone();
            let found = state.store.read(move |it| it.account(&name));
            found.await?.ok_or_else(missing)?;
            None
        }
        Who::User(_) => return Err(missing()),
        Who::Account(account) if account.name != name => return Err(missing()),
        Who::Account(account) => {
            let Some(password) = asked.current else {
                let detail = "The current password is missing.";
                return Err(Problem::new(Kind::InvalidRequest, detail));
            };
            let checked = check(&state, source, &account.name, password).await;
            let refused = |it: &Problem| audit::refused(&state, act.clone(), it.kind().slug());
            Some((checked.inspect_err(refused)?, account.session))
        }
    };
    let hash = state.passwords().hash(asked.new.take()).await?;
    let (account, attempt) = (name.clone(), act.clone());
    let set = state.store.change(move |it| {
        match checked {
            Some((checked, session)) => it.change_own_password(&checked, session, &hash)?,
            None => it.set_password(&account, &hash)?,
        }
        it.audit(act)
    });
    let set = set.await.map_err(Problem::from);
    set.inspect_err(|it| audit::refused(&state, attempt, it.kind().slug()))?;
    let by = who.name();
    tracing::info!(target: "audit", action = "set-password", account = name, by, %source);
    Ok(StatusCode::NO_CONTENT)
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort
            | PasswordError::TooLong
            | PasswordError::TooLongForClouds
            | PasswordError::Control => Self::new(Kind::InvalidRequest, format!("{error}."))
                .next_step("Choose another password."),
            PasswordError::Busy => Self::new(Kind::Unavailable, "Too many sign-ins wait already.")
                .retry_after(Duration::from_secs(2)),
            PasswordError::Hash(_) => Self::internal(&error),
        }
    }
}
