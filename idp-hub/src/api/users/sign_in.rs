//! Whether somebody is the user of the directory that he says he is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::model::{CloudId, Folded};
use zeroize::Zeroizing;

use super::asked::ask;
use super::lockout::Whose;
use super::refused::{Counts, Refused, nobodys_name, refused};
use super::spread::{Chosen, How, set_now, spread};
use crate::api::passwords::Place;
use crate::api::problem::{Kind, Problem};
use crate::api::session::{attempt, succeeded, take_back, unasked};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::store::StoreError;
use crate::store::directory::Vouching;
use crate::store::users::{Recipient, UserRow};

/// The longest name of a user, and of a department, in bytes: 255 characters of four each.
const NAME_BYTES_MAX: usize = 1020;

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
    let began = state.clock.now();
    if department.len() > NAME_BYTES_MAX || name.len() > NAME_BYTES_MAX {
        return Err(nobodys_name());
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
    let whose = match &found {
        Some(row) => state.lockout(|it| it.whose(state.clock.now(), row.id, source.into())),
        None => nobody,
    };
    let user = found.as_ref().map(|it| it.id);
    let row = match unlocked(state, &whose) {
        // Whoever goes away before there is an answer leaves it counted.
        Ok(()) => look_at(state, (source, began), (place, found), password).await,
        Err(locked) => Err(locked),
    };
    let row = row.inspect_err(|it| {
        forgive(state, (source, &pair), &whose, it);
        if let Some(user) = user {
            let (at, why) = (state.clock.unix_millis(), (source, it.reason));
            state.refusals(|all| all.add(at, user, why));
        }
    })?;
    succeeded(state, source, &pair);
    let from = (row.id, source.into());
    state.lockout(|it| it.right(state.clock.now(), &whose, from));
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
    (source, began): (Source, Instant),
    (place, found): (Place, Option<UserRow>),
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    let is_known = found.is_some();
    let row = found.filter(UserRow::may_sign_in);
    let mut hidden = (is_known && row.is_none()).then_some("disabled");
    if let Some(row) = row.as_ref().filter(|it| it.password.is_none()) {
        match vouching(state, row.id).await? {
            Vouching::By(region, here) => {
                let from = (region, here);
                // As much work as of anybody, of which nothing comes.
                let work = state.passwords().verify(place, password.clone(), None);
                let captured = capture(state, (source, began), row, &from, password);
                return tokio::join!(captured, work).0;
            }
            Vouching::Beyond(..) => hidden = Some(BEYOND),
            Vouching::Nobody => {}
        }
    }
    let row = by_hash(state, source, (place, row), password).await;
    row.map_err(|it| match hidden {
        Some(reason) if it.counts == Counts::Everywhere => refused(reason),
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
        Refused::kept("locked", problem)
    })
}

/// Where the hub itself failed or was busy, nobody guessed. Where the region gave no answer,
/// somebody may have: only those who are where he is are not held up.
fn forgive(state: &ApiState, (source, pair): (Source, &str), whose: &Whose, refused: &Refused) {
    match refused.counts {
        Counts::Everywhere => {}
        Counts::ForName => {
            let now = state.clock.now();
            let users = state.lockout(|it| it.users_at(now, source.into()));
            unasked(state, source, users);
        }
        Counts::Nowhere => {
            take_back(state, source, pair);
            state.lockout(|it| it.take_back(whose));
        }
    }
}

/// Asks the region that the user came from, and keeps the password that it says is his.
async fn capture(
    state: &ApiState,
    (source, began): (Source, Instant),
    row: &UserRow,
    asked: &(Recipient, CloudId),
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    ask(state, began, asked, &password).await?;
    let (from, _) = asked;
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
