//! Whether somebody is the user of the directory that he says he is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use shared::audit::{Act, By};
use shared::model::CloudId;
use shared::pki::{Context, SECRET_BYTES_MAX, SealedFor};
use shared::runtime::errors::chain;
use shared::wire::frame::Checked;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::lockout::Whose;
use super::spread::{Chosen, set, spread};
use crate::api::problem::{Kind, Problem};
use crate::api::session::{attempt, succeeded, wrong};
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::directory::rights::Asker;
use crate::store::users::{Recipient, UserRow};

/// The longest name of a user, and of a department, in bytes: 255 characters of four each.
const NAME_BYTES_MAX: usize = 1020;

/// Regions that are asked about one password: a user came with one, and a few more may know him.
const REGIONS_ASKED_MAX: u32 = 3;

/// How long all of them are waited for, together.
const ASKED_MAX: Duration = Duration::from_secs(10);

/// Passwords about which regions are asked at once. Each waits for seconds at worst, and holds some
/// kilobytes; a morning's users come one after the other.
pub(in crate::api) const ASKING_MAX: usize = 64;

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
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let reason = problem.kind().slug();
        Self { problem, reason }
    }
}

impl<E> From<E> for Refused
where
    E: Into<crate::store::StoreError>,
{
    fn from(error: E) -> Self {
        Problem::from(error.into()).into()
    }
}

/// Told as a wrong password, whatever it is.
fn refused(reason: &'static str) -> Refused {
    let problem = wrong();
    Refused { problem, reason }
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
    // First, so that nothing is counted whose password is not looked at.
    let place = state.passwords().place().map_err(Problem::from)?;
    // Names may be long, and are remembered.
    let hashed = hash_of(&department, &name);
    let pair = format!("user {hashed:016x}");
    attempt(state, source, &pair)?;
    let nobody = Whose::Nobody(hashed);
    let found = state
        .store
        .read(move |it| it.user_named(&department, &name))
        .await?;
    let whose = found.as_ref().map_or(nobody, |it| Whose::User(it.id));
    unlocked(state, &whose)?;
    let is_known = found.is_some();
    let row = found.filter(UserRow::may_sign_in);
    let regions = match &row {
        Some(row) if row.password.is_none() => {
            let id = row.id;
            let asked = state
                .store
                .read(move |it| it.regions_of_user(id, REGIONS_ASKED_MAX));
            asked.await?
        }
        _ => Vec::new(),
    };
    let row = match row {
        Some(row) if !regions.is_empty() => {
            drop(place);
            let captured = capture(state, source, &row, &regions, password).await;
            captured.inspect_err(|it| forgive(state, &whose, it))?
        }
        row => {
            let hash = row.as_ref().and_then(|it| it.password.as_ref());
            let hash = hash.map(|it| it.hash.clone());
            let passwords = state.passwords();
            let fits = passwords.verify(place, password.clone(), hash).await;
            let fits = fits.map_err(Problem::from)?;
            let row = match (row, is_known) {
                (None, true) => return Err(refused("disabled")),
                (row, _) => row.filter(|_| fits),
            };
            let row = row.ok_or_else(|| refused("wrong-password"))?;
            spread(state, source, &row, password).await;
            row
        }
    };
    succeeded(state, source, &pair);
    state.lockout(|it| it.right(&whose));
    Ok(row)
}

fn hash_of(department: &str, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (department, name).hash(&mut hasher);
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
        let reason = "locked";
        Refused { problem, reason }
    })
}

/// A password that nobody could look at was not wrong.
fn forgive(state: &ApiState, whose: &Whose, refused: &Refused) {
    if refused.problem.kind() != Kind::WrongPassword {
        state.lockout(|it| it.take_back(whose));
    }
}

/// Asks the regions that know the user, and keeps the password that one of them says is his.
async fn capture(
    state: &ApiState,
    source: Source,
    row: &UserRow,
    regions: &[(Recipient, CloudId)],
    password: Zeroizing<String>,
) -> Result<UserRow, Refused> {
    let asking: &Semaphore = state.asking();
    let _turn = asking.try_acquire().map_err(|_| {
        let detail = "Too many sign-ins wait for regions already.";
        Problem::new(Kind::Unavailable, detail).retry_after(Duration::from_secs(2))
    })?;
    let asked = tokio::time::timeout(ASKED_MAX, ask(state, regions, &password)).await;
    let from = asked.unwrap_or_else(|_| Err(away()))?;
    let (title, region) = (row.title(), from.name.clone());
    let by = By::new(
        format!("{title}, by the cloud of {region}"),
        source.to_string(),
    );
    let act = Act::new(by, "capture-password").on("user", row.id, title.as_str());
    let chosen = Chosen {
        row,
        password,
        act,
        asker: Asker::Cloud,
        captured_from: Some(from.no),
    };
    let document = set(state, chosen).await?;
    let regions = document.regions;
    tracing::info!(
        target: "audit", action = "capture-password", user = title, region, regions
    );
    let id = row.id;
    let row = state.store.read(move |it| it.user_row(id)).await?;
    row.ok_or_else(|| refused("ended"))
}

/// The first region whose cloud says that it is his password.
async fn ask<'a>(
    state: &ApiState,
    regions: &'a [(Recipient, CloudId)],
    password: &str,
) -> Result<&'a Recipient, Refused> {
    if password.len() > SECRET_BYTES_MAX {
        return Err(refused("wrong-password"));
    }
    let mut unheard = false;
    for (region, user) in regions {
        match ask_one(state, region, user, password).await {
            Ok(Checked::Right) => return Ok(region),
            // A password that is over, or is not enough alone, is not taken over.
            Ok(Checked::Wrong | Checked::Expired | Checked::NeedsMore) => {}
            Err(reason) => {
                let region = &region.name;
                tracing::info!(region, reason, "a region gave no answer about a password");
                unheard = true;
            }
        }
    }
    Err(match unheard {
        true => away(),
        false => refused("wrong-password"),
    })
}

async fn ask_one(
    state: &ApiState,
    region: &Recipient,
    user: &CloudId,
    password: &str,
) -> Result<Checked, String> {
    let key = region.key.ok_or("its agent has told no key yet")?;
    let context = Context {
        federation: state.authority.hub_facts().federation,
        region: region.id,
        purpose: SealedFor::Check(user),
    };
    let sealed = key.seal(&context, password.as_bytes());
    let sealed = sealed.map_err(|error| chain(&error).to_string())?;
    let answer = state.regions().check(region.no, user.clone(), sealed).await;
    answer.map_err(|error| chain(&error).to_string())
}

fn away() -> Refused {
    let detail = "The region that knows this password can't be asked now.";
    Problem::new(Kind::RegionAway, detail).into()
}
