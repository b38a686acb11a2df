//! Whether somebody is the user of the directory that he says he is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{CloudId, Folded};
use shared::pki::{Context, SECRET_BYTES_MAX, SealedFor};
use shared::runtime::errors::chain;
use shared::wire::frame::Checked;
use zeroize::Zeroizing;

use super::lockout::Whose;
use super::spread::{Chosen, How, set_now, spread};
use crate::api::passwords::Place;
use crate::api::problem::{Kind, Problem};
use crate::api::session::{attempt, succeeded, take_back, wrong};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::downlink::CallError;
use crate::store::StoreError;
use crate::store::directory::Vouching;
use crate::store::users::{Recipient, UserRow};

/// The longest name of a user, and of a department, in bytes: 255 characters of four each.
const NAME_BYTES_MAX: usize = 1020;

/// How long the region that a user came from is waited for.
const ASKED_MAX: Duration = Duration::from_secs(10);

/// When whoever may not sign in yet tries again: regions that are there have their say within
/// seconds.
const HELD_RETRY: Duration = Duration::from_secs(10);

/// What somebody says.
pub(in crate::api) struct Given {
    /// His department, by name or id.
    pub(in crate::api) department: String,
    /// His name in it.
    pub(in crate::api) name: String,
    /// His password.
    pub(in crate::api) password: Zeroizing<String>,
}

/// Why he is not taken for it: what he is told, and what the audit is.
#[derive(Debug)]
pub(in crate::api) struct Refused {
    /// What he is told.
    pub(in crate::api) problem: Problem,
    /// What the audit is told.
    pub(in crate::api) reason: &'static str,
    /// Whether somebody looked at a password, or may have.
    is_guess: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let reason = problem.kind().slug();
        let is_guess = problem.kind() == Kind::WrongPassword;
        Self {
            problem,
            reason,
            is_guess,
        }
    }
}

impl<E> From<E> for Refused
where
    E: Into<StoreError>,
{
    fn from(error: E) -> Self {
        Problem::from(error.into()).into()
    }
}

/// Told as a wrong password, whatever it is.
fn refused(reason: &'static str) -> Refused {
    Refused {
        reason,
        ..wrong().into()
    }
}

/// Told as a wrong password, and none: it is his, and does not let him in. Nobody guesses by it.
fn useless(reason: &'static str) -> Refused {
    Refused {
        is_guess: false,
        ..refused(reason)
    }
}

/// The user, with the password that was found to be his.
pub(in crate::api) async fn check(
    state: &ApiState,
    source: Source,
    given: Given,
) -> Result<UserRow, Refused> {
    let Given {
        department,
        name,
        password,
    } = given;
    if department.len() > NAME_BYTES_MAX || name.len() > NAME_BYTES_MAX {
        return Err(refused("wrong-password"));
    }
    // First, so that nothing is counted where the hub is too busy to look at a password, nor
    // anything read.
    let place = state.passwords().place().map_err(Problem::from)?;
    is_open(state).await?;
    // Names may be long, and are remembered.
    let hashed = hash_of(&department, &name);
    let pair = pair_of(&department, &name);
    attempt(state, source, &pair)?;
    let nobody = Whose::Nobody(hashed);
    let found = state
        .store
        .read(move |it| it.user_named(&department, &name));
    let found = found.await.inspect_err(|_| take_back(state, source, &pair));
    let found = found?;
    let whose = found.as_ref().map_or(nobody, |it| Whose::User(it.id));
    unlocked(state, &whose)?;
    // Whoever goes away before there is an answer leaves it counted.
    let row = look_at(state, source, (place, found), password).await;
    let row = row.inspect_err(|it| forgive(state, (source, &pair), &whose, it))?;
    succeeded(state, source, &pair);
    state.lockout(|it| it.right(&whose));
    Ok(row)
}

/// Whether users sign in here at all. Who was deleted since the backup that the hub was restored
/// from would be one of them.
async fn is_open(state: &ApiState) -> Result<(), Refused> {
    if !state.store.is_sign_in_held().await? {
        return Ok(());
    }
    let detail = "This hub was restored from a backup, and its regions have not said yet who was \
                  deleted since: until then no user of the directory signs in here.";
    let problem = Problem::new(Kind::SignInHeld, detail);
    Err(problem.retry_after(HELD_RETRY).into())
}

/// Looks at a password: by the hub's own hash, or in the region that he came from.
async fn look_at(
    state: &ApiState,
    source: Source,
    (place, found): (Place, Option<UserRow>),
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    let is_known = found.is_some();
    let row = found.filter(UserRow::may_sign_in);
    let mut hidden = (is_known && row.is_none()).then_some("disabled");
    if let Some(row) = row.as_ref().filter(|it| it.password.is_none()) {
        match vouching(state, row.id).await? {
            Vouching::By(region, here) => {
                drop(place);
                return capture(state, source, row, &(region, here), password).await;
            }
            Vouching::Beyond(_) => hidden = Some(BEYOND),
            Vouching::Nobody => {}
        }
    }
    let row = by_hash(state, source, (place, row), password).await;
    row.map_err(|it| match hidden {
        Some(reason) if it.is_guess => refused(reason),
        _ => it,
    })
}

/// Who may more than the region that he came with could give has his first password from an
/// administrator. A stranger is told the same as of anybody.
const BEYOND: &str = "beyond-region";

/// Who says which password is a user's, of whom the hub has none.
async fn vouching(state: &ApiState, user: ObjectId) -> Result<Vouching, StoreError> {
    let reach = state.store.change(move |it| it.reach(user)).await?;
    state.store.read(move |it| it.vouching(user, reach)).await
}

/// The user, if it is his password by the hub's own hash. Of nobody it takes as long.
async fn by_hash(
    state: &ApiState,
    source: Source,
    (place, row): (Place, Option<UserRow>),
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    let hash = row.as_ref().and_then(|it| it.password.as_ref());
    let hash = hash.map(|it| it.hash.clone());
    let passwords = state.passwords();
    let fits = passwords.verify(place, password.clone(), hash).await;
    let fits = fits.map_err(Problem::from)?;
    let row = row.filter(|_| fits);
    let row = row.ok_or_else(|| refused("wrong-password"))?;
    spread(state, source, &row, password).await;
    Ok(row)
}

/// What attempts at the account of somebody who is called so are counted by.
pub(super) fn pair_of(department: &str, name: &str) -> String {
    format!("user {:016x}", hash_of(department, name))
}

/// However it is written: a user is found by what is the same to some cloud's database.
fn hash_of(department: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (Folded::new(department), Folded::new(name)).hash(&mut hasher);
    hasher.finish()
}

fn unlocked(state: &ApiState, whose: &Whose) -> Result<(), Refused> {
    let now = state.clock.now();
    let locked = state.lockout(|it| it.attempt(now, whose.clone()));
    locked.map_err(|wait| {
        let minutes = wait.as_secs().div_ceil(60);
        let detail = format!(
            "After too many wrong passwords nobody signs in here as this user for {minutes} min."
        );
        let problem = Problem::new(Kind::TooManyAttempts, detail).retry_after(wait);
        Refused {
            reason: "locked",
            ..problem.into()
        }
    })
}

/// A password that is his, or that nobody could look at, was not wrong. One that was sent to a
/// region which said nothing in time may have been looked at there: who can slow a region down gets
/// no guesses by it.
fn forgive(state: &ApiState, (source, pair): (Source, &str), whose: &Whose, refused: &Refused) {
    if !refused.is_guess {
        take_back(state, source, pair);
        state.lockout(|it| it.take_back(whose));
    }
}

/// Asks the region that the user came from, and keeps the password that it says is his.
async fn capture(
    state: &ApiState,
    source: Source,
    row: &UserRow,
    (from, here): &(Recipient, CloudId),
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    let turn = state.asking().turn(from.no);
    let _turn = turn.ok_or_else(|| {
        let detail = "Too many sign-ins wait for regions already.";
        Problem::new(Kind::Unavailable, detail).retry_after(Duration::from_secs(2))
    })?;
    let asked = tokio::time::timeout(ASKED_MAX, ask(state, from, here, &password)).await;
    asked.unwrap_or_else(|_| Err(Silence::from(CallError::Late).refused(&from.name)))?;
    let (title, region) = (row.title(), from.name.clone());
    let by = By::new(
        format!("{title}, by the cloud of {region}"),
        source.to_string(),
    );
    let act = Act::new(by, "capture-password").on("user", row.id, title.as_str());
    let chosen = Chosen {
        row,
        password: password.clone(),
        act,
        how: How::CapturedFrom(from.no),
    };
    let (document, password) = match set_now(state, chosen).await {
        Ok(kept) => kept,
        Err(problem) => return overtaken(state, source, (row.id, problem), password).await,
    };
    let regions = document.regions;
    tracing::info!(
        target: "audit", action = "capture-password", user = title, region, regions
    );
    let id = row.id;
    let row = state.store.read(move |it| it.user_row(id)).await?;
    let row = row.ok_or_else(|| refused("ended"))?;
    // What he showed that he knows: somebody may have set another one since.
    Ok(UserRow {
        password: Some(password),
        ..row
    })
}

/// The user whose password could not be kept. Where he has one by now, he signed in twice at once,
/// or somebody gave him another: that one counts.
async fn overtaken(
    state: &ApiState,
    source: Source,
    (id, problem): (ObjectId, Problem),
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    let row = state.store.read(move |it| it.user_row(id)).await?;
    let row = row.ok_or_else(|| refused("ended"))?;
    if row.version().is_none() {
        return match vouching(state, id).await? {
            Vouching::By(..) => Err(problem.into()),
            _ => Err(refused(BEYOND)),
        };
    }
    if !row.may_sign_in() {
        return Err(refused("disabled"));
    }
    let place = state.passwords().place().map_err(Problem::from)?;
    by_hash(state, source, (place, Some(row)), password).await
}

/// Whether the region's cloud says that it is his password.
async fn ask(
    state: &ApiState,
    region: &Recipient,
    user: &CloudId,
    password: &str,
) -> Result<(), Refused> {
    if password.len() > SECRET_BYTES_MAX {
        return Err(refused("wrong-password"));
    }
    match check_there(state, region, user, password).await {
        Ok(Checked::Right) => Ok(()),
        Ok(Checked::Wrong) => Err(refused("wrong-password")),
        // What is over, or is not enough alone, is not taken over; the audit says so.
        Ok(Checked::Expired) => Err(useless("password-expired")),
        Ok(Checked::NeedsMore) => Err(useless("needs-more")),
        Err(silence) => Err(silence.refused(&region.name)),
    }
}

/// Why a region gave no answer about a password.
#[derive(Debug)]
struct Silence {
    reason: String,
    /// Whether the password was sent there, and may have been looked at.
    is_guess: bool,
}

impl Silence {
    /// Nothing was sent.
    const fn before(reason: String) -> Self {
        let is_guess = false;
        Self { reason, is_guess }
    }

    fn refused(self, region: &str) -> Refused {
        let Self { reason, is_guess } = self;
        tracing::info!(region, reason, "a region gave no answer about a password");
        let detail = "The region that knows this password can't be asked now.";
        Refused {
            is_guess,
            ..Problem::new(Kind::RegionAway, detail).into()
        }
    }
}

impl From<CallError> for Silence {
    fn from(error: CallError) -> Self {
        let is_guess = match &error {
            CallError::Away | CallError::Unable(_) => false,
            CallError::Late | CallError::Lost(_) => true,
        };
        let reason = chain(&error).to_string();
        Self { reason, is_guess }
    }
}

async fn check_there(
    state: &ApiState,
    region: &Recipient,
    user: &CloudId,
    password: &str,
) -> Result<Checked, Silence> {
    let key = region.key;
    let key = key.ok_or_else(|| Silence::before("its agent has told no key yet".to_owned()))?;
    let context = Context {
        federation: state.authority.hub_facts().federation,
        region: region.id,
        purpose: SealedFor::Check(user),
    };
    let sealed = key.seal(&context, password.as_bytes());
    let sealed = sealed.map_err(|error| Silence::before(chain(&error).to_string()))?;
    let answer = state.regions().check(region.no, user.clone(), sealed).await;
    answer.map_err(Silence::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_password_that_nobody_looked_at_is_forgiven() {
        let unable = || CallError::Unable("its Keystone is down".to_owned());
        let lost = || CallError::Lost("reset".to_owned());
        for (silence, is_guess) in [
            (Silence::before("no key".to_owned()), false),
            (CallError::Away.into(), false),
            (unable().into(), false),
            (CallError::Late.into(), true),
            (lost().into(), true),
        ] {
            let what = format!("{silence:?}");
            let refused = silence.refused("north");
            assert_eq!(refused.is_guess, is_guess, "{what}");
            assert_eq!(refused.problem.kind(), Kind::RegionAway, "{what}");
        }
        assert!(refused("wrong-password").is_guess);
        assert!(!useless("password-expired").is_guess);
    }
}
