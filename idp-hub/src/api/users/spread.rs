//! A password's way to the regions: sealed to each agent, and stored with its hash in one change.

use shared::audit::{Act, By};
use shared::ids::ObjectId;
use shared::pki::{Context, SealedFor};
use shared::runtime::errors::chain;
use zeroize::Zeroizing;

use super::PasswordDocument;
use super::standing::shown;
use crate::api::passwords::{self, PasswordError};
use crate::api::problem::Problem;
use crate::api::state::ApiState;
use crate::api::who::Source;
use crate::directory::Edit;
use crate::directory::rights::{Action, Asker};
use crate::store::users::{NewPassword, PasswordRow, Recipient, Sealed, UserRow};
use crate::store::{Changing, RegionNo, StoreError};

/// A password that somebody chose.
pub(super) struct Chosen<'a> {
    /// Whose.
    pub(super) row: &'a UserRow,
    /// The password.
    pub(super) password: Zeroizing<String>,
    /// What the audit trail is told of it: by whom, and how.
    pub(super) act: Act,
    /// Who chose it, and when that counts.
    pub(super) how: How,
}

/// Who chose a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    /// It is the user's already in this region, and may be as its cloud took it.
    CapturedFrom(RegionNo),
    /// He himself, who showed that he knows the one of this version, if that is still his.
    Own(Option<u64>),
    /// Somebody else, if he may.
    By(Asker),
    /// Somebody who makes him a cloud administrator with it, if he may.
    Appointing(Asker),
}

impl How {
    const fn captured_from(&self) -> Option<RegionNo> {
        match self {
            Self::CapturedFrom(region) => Some(*region),
            Self::Own(_) | Self::By(_) | Self::Appointing(_) => None,
        }
    }

    /// Does what goes along with a new password, in its transaction.
    ///
    /// # Errors
    /// If he may not, or it can't be; or if the database fails.
    fn begin(&self, it: &mut Changing<'_>, user: ObjectId, by: &By) -> Result<(), StoreError> {
        match self {
            Self::Own(_) => Ok(()),
            Self::CapturedFrom(region) => it.vouches(*region, user),
            Self::By(asker) => it.permit(*asker, Action::SetPassword(user)),
            Self::Appointing(asker) => {
                let edit = Edit::Appoint(user);
                it.permit(*asker, Action::Edit(&edit))?;
                it.edit_by(edit, by).map(drop)
            }
        }
    }
}

/// Gives a user a password: its hash here, and itself to every region, in one change.
///
/// # Errors
/// If it is none, whoever asks may not, or another one was set at the same moment.
pub(super) async fn set(state: &ApiState, chosen: Chosen<'_>) -> Result<PasswordDocument, Problem> {
    Ok(set_now(state, chosen).await?.0)
}

/// As [`set`]; and the password as the store has it since.
///
/// # Errors
/// As [`set`].
pub(super) async fn set_now(
    state: &ApiState,
    chosen: Chosen<'_>,
) -> Result<(PasswordDocument, PasswordRow), Problem> {
    let Chosen {
        row,
        password,
        act,
        how,
    } = chosen;
    let captured_from = how.captured_from();
    if captured_from.is_none() {
        passwords::check_for_clouds(&password)?;
    }
    let hash = state.passwords().hash_as_it_is(password.clone()).await?;
    let recipients = state.store.read(|it| it.recipients()).await?;
    let (user, now) = (row.id, state.clock.unix_millis().0);
    // A clock that went back makes none that counts less than the one before.
    let version = row
        .version()
        .map_or(now, |it| now.max(it.saturating_add(1)));
    let others = recipients.iter();
    let others = others.filter(|it| Some(it.no) != captured_from);
    let sealed = seal_all(state, (user, version), others.cloned().collect(), password);
    let new = NewPassword {
        user,
        hash: hash.clone(),
        version,
        author: act.by.who.clone(),
        checked: match how {
            How::Own(version) => version,
            How::CapturedFrom(_) | How::By(_) | How::Appointing(_) => None,
        },
        captured_from,
        sealed: sealed.await?,
    };
    let told = state.store.change(move |it| {
        how.begin(it, user, &act.by)?;
        let told = it.set_user_password(&new)?;
        it.audit(act.changing("", told_to(version, told.len())))?;
        let it = it.reading();
        Ok((told, it.lacking(user)?, it.read_only_for(user)?))
    });
    let (told, lacking, read_only) = told.await?;
    let document = PasswordDocument {
        user: user.to_string(),
        set: shared::model::UnixMillis(version).into(),
        regions: told.len() as u64,
        regions_lacking: lacking.len() as u64,
        lacking: shown(&lacking),
        regions_read_only: read_only.len() as u64,
        read_only: shown(&read_only),
    };
    Ok((document, PasswordRow { hash, version }))
}

/// Tells a password that was right just now to regions that lack it. What fails is for the next
/// sign-in: the user is signed in all the same.
pub(super) async fn spread(
    state: &ApiState,
    source: Source,
    row: &UserRow,
    password: Zeroizing<String>,
) {
    let (user, title) = (row.id, row.title());
    let by = By::new(title.as_str(), source.to_string());
    let act = Act::new(by, "spread-password").on("user", user, title.as_str());
    let Some(version) = row.version() else {
        return;
    };
    let spread = async {
        let mut lacking = state.store.read(move |it| it.lacking(user)).await?;
        lacking.retain(|it| it.key.is_some());
        if lacking.is_empty() {
            return Ok(());
        }
        let sealed = seal_all(state, (user, version), lacking, password).await?;
        let told = state.store.change(move |it| {
            let told = it.spread_user_password((user, version), &act.by.who, sealed)?;
            if !told.is_empty() {
                it.audit(act.changing("", told_to(version, told.len())))?;
            }
            Ok(told)
        });
        let regions = told.await?.len();
        tracing::info!(target: "audit", action = "spread-password", user = title, regions);
        Ok::<_, Problem>(())
    };
    if let Err(problem) = spread.await {
        let problem = problem.kind().slug();
        tracing::warn!(
            user = title,
            problem,
            "regions that lack a password are told it at his next sign-in"
        );
    }
}

/// Of a password nothing is told but when it was set.
fn told_to(version: u64, regions: usize) -> String {
    format!("version={version} regions={regions}")
}

/// Seals a password to each agent that has told a key. Thousands take a second of a core, so it is
/// done off the async threads.
async fn seal_all(
    state: &ApiState,
    (user, version): (ObjectId, u64),
    recipients: Vec<Recipient>,
    password: Zeroizing<String>,
) -> Result<Vec<Sealed>, PasswordError> {
    let federation = state.authority.hub_facts().federation;
    let sealing = move || {
        let sealed = recipients.into_iter().filter_map(|it| {
            let context = Context {
                federation,
                region: it.id,
                purpose: SealedFor::Password(user, version),
            };
            let (no, key) = (it.no, it.key?);
            match key.seal(&context, password.as_bytes()) {
                Ok(bytes) => Some(Sealed { no, key, bytes }),
                Err(error) => {
                    let (region, error) = (it.name, chain(&error).to_string());
                    tracing::warn!(region, error, "cannot seal a password to a region's agent");
                    None
                }
            }
        });
        sealed.collect()
    };
    let sealed = tokio::task::spawn_blocking(sealing).await;
    sealed.map_err(|_| PasswordError::Busy)
}
