//! `idp-hub restore FILE`, and what a hub that was restored says when it starts.

mod passwords;
mod under_way;
mod withdrawn;

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use shared::keyring;
use shared::runtime::clock::Clock;

use self::under_way::UnderWayDocument;
use self::withdrawn::{NamedDocument, WithdrawnDocument};
use super::arguments::Arguments;
use super::error::CliError;
use super::hold::hold;
use super::init::give_to_owner;
use super::output::Screen;
use crate::api::Time;
use crate::authority::{AuthorityError, CA_FILE};
use crate::config::Purpose;
use crate::store::{self, Restored, Store, StoreError};

/// The log is told at each start for so long: whoever restored has removed again by then what was
/// removed, or will not.
const REMINDED: Duration = Duration::from_secs(30 * 24 * 3600);

#[derive(Serialize)]
struct Document<'a> {
    file: &'a Path,
    taken: Time,
    regions: u32,
    revived: &'a [String],
    passwords_forgotten: Option<u64>,
    passwords_changed: Option<NamedDocument<'a>>,
    administrators_again: &'a [String],
    administrators_since: &'a [String],
    withdrawn: Option<WithdrawnDocument<'a>>,
    #[serde(flatten)]
    under_way: UnderWayDocument<'a>,
    kept: Option<&'a Path>,
}

pub(super) async fn run(
    arguments: &Arguments,
    file: &Path,
    screen: Screen,
) -> Result<(), CliError> {
    let config = super::config(arguments, Purpose::Ask)?;
    let data_dir = &config.data_dir;
    let ca = data_dir.join(CA_FILE);
    if ca
        .metadata()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    {
        return Err(CliError::NoKeys { path: ca });
    }
    hold(data_dir)?;
    let ca = keyring::load_authority(&ca).map_err(AuthorityError::Keys)?;
    let now = Clock::system().unix_millis();
    let restored = store::restore(&config.database(), file, ca.federation(), now)?;
    // Keys that root put there are the service's too.
    give_to_owner(data_dir)?;
    let forgotten = restored.forgotten.as_ref();
    let document = Document {
        file,
        taken: restored.restoration.taken.into(),
        regions: restored.regions,
        revived: &restored.revived,
        passwords_forgotten: forgotten.map(|it| it.changed.count + it.deleted),
        passwords_changed: forgotten.map(|it| NamedDocument::new(&it.changed)),
        administrators_again: &restored.administrators,
        administrators_since: &restored.appointed_since,
        withdrawn: restored.withdrawn.as_ref().map(WithdrawnDocument::new),
        under_way: UnderWayDocument::new(&restored.under_way),
        kept: restored.kept.as_deref(),
    };
    screen.write(|| text(file, &restored), &document)
}

fn text(file: &Path, restored: &Restored) -> String {
    let (file, regions) = (file.display(), restored.regions);
    let taken = Time::from(restored.restoration.taken).0;
    let kept = match &restored.kept {
        Some(kept) => format!("The database until now is kept as {}.\n", kept.display()),
        None => String::new(),
    };
    let revived = match restored.revived.as_slice() {
        [] => String::new(),
        names => format!("\n  These are: {}.", names.join(", ")),
    };
    let passwords = passwords::text(restored.forgotten.as_ref());
    let administrators = administrators(restored);
    let withdrawn = withdrawn::text(restored.withdrawn.as_ref());
    let under_way = under_way::text(&restored.under_way);
    format!(
        "Restored {file}: the hub as of {taken}, with {regions} regions.\n{kept}\n\
         What follows from it:\n\
         - Agents bring everything since then up again, by themselves.\n\
         - Names, regions that were accepted, invitations, and the hub's own accounts with\n  \
           their passwords are as they were then: what was changed at the hub since then is to\n  \
           be changed again.\n\
         {passwords}\
         {administrators}\
         {withdrawn}\
         {under_way}\
         - What was made in the directory since then comes back with the first region that is\n  \
           merged again, as what it was: idp-hub org plan NAME. Memberships and roles that were\n  \
           given since then between older things stay where they are, to be adopted or\n  \
           put back: idp-hub org drift.\n\
         - Nobody is signed in any more: sign in again. Users of the directory can't before\n  \
           each merged region is back, and has said who was deleted since then; one that is\n  \
           away is waited for a quarter of an hour after the start, and longer where no region\n  \
           has said it yet; or until you say: idp-hub org admit. See: idp-hub org status.\n\
         - Regions that were removed since then are back, and report again: remove them again,\n  \
           with idp-hub region remove NAME.{revived}\n\
         - Regions that joined since then are not known here, and their agents say so: invite\n  \
           them again.\n\n\
         Next: systemctl start idp-hub"
    )
}

/// Who is a cloud administrator again, and who is one in the regions alone, if anybody is.
fn administrators(restored: &Restored) -> String {
    let names = restored.administrators.join(", ");
    let who = match restored.forgotten {
        Some(_) => "Cloud administrators again, who were none any more:",
        None => "Cloud administrators as they were then, which could not be compared:",
    };
    let again = format!(
        "- {who}\n  \
         {names}. The hub has forgotten their passwords; a region gives one\n  \
         who has lost it the role admin again once he has another one. After the start\n  \
         remove who is to be none: idp-hub org administrator remove USER --in DEPARTMENT\n  \
         (--last, where he is the only one). Give the others a password:\n  \
         idp-hub org password DEPARTMENT USER.\n"
    );
    let names = restored.appointed_since.join(", ");
    let since = format!(
        "- Cloud administrators since then: {names}.\n  \
         They keep the role admin in each region, and their passwords there, and the hub knows\n  \
         nothing of it. After the start make whoever is to be one that again: idp-hub org\n  \
         administrator add USER --in DEPARTMENT. Of the others switch the user off or delete\n  \
         him in each region's own Keystone.\n"
    );
    let of = |names: &[String], text: String| match names {
        [] => String::new(),
        _ => text,
    };
    of(&restored.administrators, again) + &of(&restored.appointed_since, since)
}

/// Tells the log what still follows from a restore.
pub(super) async fn remind(store: &Store, clock: &Clock) -> Result<(), StoreError> {
    let Some(restoration) = store.read(|it| it.restoration()).await? else {
        return Ok(());
    };
    if clock.unix_millis().since(restoration.at) < REMINDED {
        let (restored, taken) = (Time::from(restoration.at), Time::from(restoration.taken));
        let (restored, taken) = (restored.0, taken.0);
        let what = "this hub was restored from a backup; regions that were removed between that \
                    and the restore are back, and must be removed again";
        tracing::warn!(restored, backup_of = taken, "{what}");
    }
    if store.is_sign_in_held().await? {
        let what = "no user of the directory signs in before each merged region has said who was \
                    deleted since the backup, or `idp-hub org admit`";
        tracing::warn!("{what}");
    }
    Ok(())
}
