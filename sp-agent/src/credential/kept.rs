//! The credential that was given, as it lies on the disk: JSON, for its owner alone (mode 0600).
//!
//! Written whole beside, made durable and moved into its place, so that a power cut leaves the one
//! until now or the new one.

use std::borrow::Cow;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use shared::model::UnixMillis;
use shared::pki::Fingerprint;
use shared::runtime::files::{self, FileError, Mode};
use zeroize::Zeroizing;

use super::{keystone, parts};
use crate::cloud::openstack::{Auth, Domain, Options, Secret};

/// Its name within the data directory.
pub const FILE: &str = "cloud-credential.json";

/// A later release that writes another form reads this one still.
const VERSION: u32 = 1;

/// The largest that is read, in bytes: a secret and four names, each character escaped.
const BYTES_MAX: u64 = 64 * 1024;

/// Room for what is written, so that it leaves no smaller copy behind when it grows.
const ROOM_BYTES: usize = 16 * 1024;

/// Why a credential can't be kept, or read again.
#[derive(Debug, thiserror::Error)]
pub enum KeptError {
    /// The file can't be read or written.
    #[error("the credential that was given can't be used; give it again: sp-agent credential set")]
    File(#[from] FileError),
    /// It holds something else.
    #[error(
        "{FILE} in the data directory is damaged ({0}); give the credential again: sp-agent \
         credential set"
    )]
    Damaged(String),
    /// The options name no Keystone.
    #[error("the configuration names no Keystone")]
    NoKeystone,
}

/// A credential that was given.
pub(super) struct Kept {
    pub(super) auth: Auth,
    pub(super) given: UnixMillis,
    pub(super) by: String,
    keystone: String,
    salt: String,
    instead_of: Fingerprint,
}

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    version: u32,
    /// The Keystone that it was proven at.
    keystone: Cow<'a, str>,
    given_ms: u64,
    by: Cow<'a, str>,
    /// Of the configuration's credential, which it stands for.
    salt: Cow<'a, str>,
    instead_of: Cow<'a, str>,
    #[serde(borrow)]
    credential: Credential<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Credential<'a> {
    Password {
        username: Cow<'a, str>,
        #[serde(borrow)]
        password: Cow<'a, str>,
        user_domain: Place<'a>,
        project_name: Cow<'a, str>,
        project_domain: Place<'a>,
    },
    ApplicationCredential {
        id: Cow<'a, str>,
        #[serde(borrow)]
        secret: Cow<'a, str>,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place<'a> {
    Id(Cow<'a, str>),
    Name(Cow<'a, str>),
}

impl Kept {
    /// Whether it counts instead of the credential of these options, which are the configuration's.
    pub(super) fn stands_for(&self, configured: &Options) -> bool {
        keystone(&configured.auth_url).is_some_and(|it| it == self.keystone)
            && imprint(&self.salt, &configured.auth) == self.instead_of
    }
}

/// A salted hash of a credential, by which it is known again and not found out.
fn imprint(salt: &str, auth: &Auth) -> Fingerprint {
    let mut bytes = vec![salt.as_bytes()];
    bytes.extend(parts(auth).into_iter().map(str::as_bytes));
    Fingerprint::of_parts(&bytes)
}

/// Keeps `auth` instead of the credential of `configured`, which are the configuration's options.
/// Blocks on the disk.
///
/// # Errors
/// If it can't be written: what was kept until then is.
pub fn keep(
    data_dir: &Path,
    configured: &Options,
    auth: &Auth,
    (given, by): (UnixMillis, &str),
) -> Result<(), KeptError> {
    let salt = HEXLOWER.encode(&rand::random::<[u8; 16]>());
    let record = Record {
        version: VERSION,
        keystone: keystone(&configured.auth_url)
            .ok_or(KeptError::NoKeystone)?
            .into(),
        given_ms: given.0,
        by: by.into(),
        instead_of: imprint(&salt, &configured.auth).to_string().into(),
        salt: salt.into(),
        credential: written(auth),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM_BYTES));
    serde_json::to_writer_pretty(&mut *bytes, &record)
        .map_err(|error| KeptError::Damaged(error.to_string()))?;
    files::write_atomic(&data_dir.join(FILE), &bytes, Mode::Private)?;
    Ok(())
}

/// What was kept, if anything was. Blocks on the disk.
pub(super) fn read(data_dir: &Path) -> Result<Option<Kept>, KeptError> {
    let bytes = match files::read_secret(&data_dir.join(FILE), BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // The library's own words may quote what stands in the file.
    let damaged = |what: &str| KeptError::Damaged(what.to_owned());
    let record: Record<'_> = serde_json::from_slice(&bytes).map_err(|error| {
        let what = format!("at line {}", error.line());
        damaged(&what)
    })?;
    if record.version != VERSION {
        return Err(damaged("it is of a later release"));
    }
    let instead_of = record.instead_of.parse();
    Ok(Some(Kept {
        given: UnixMillis(record.given_ms),
        by: record.by.into_owned(),
        keystone: record.keystone.into_owned(),
        salt: record.salt.into_owned(),
        instead_of: instead_of.map_err(|_| damaged("in instead_of"))?,
        auth: read_back(record.credential),
    }))
}

fn written(auth: &Auth) -> Credential<'_> {
    match auth {
        Auth::ApplicationCredential { id, secret } => Credential::ApplicationCredential {
            id: id.into(),
            secret: secret.expose().into(),
        },
        Auth::Password {
            username,
            password,
            user_domain,
            project_name,
            project_domain,
        } => Credential::Password {
            username: username.into(),
            password: password.expose().into(),
            user_domain: place(user_domain),
            project_name: project_name.into(),
            project_domain: place(project_domain),
        },
    }
}

fn place(domain: &Domain) -> Place<'_> {
    match domain {
        Domain::Id(id) => Place::Id(id.into()),
        Domain::Name(name) => Place::Name(name.into()),
    }
}

fn domain(place: Place<'_>) -> Domain {
    match place {
        Place::Id(id) => Domain::Id(id.into_owned()),
        Place::Name(name) => Domain::Name(name.into_owned()),
    }
}

fn read_back(credential: Credential<'_>) -> Auth {
    match credential {
        Credential::ApplicationCredential { id, secret } => Auth::ApplicationCredential {
            id: id.into_owned(),
            secret: Secret::new(secret),
        },
        Credential::Password {
            username,
            password,
            user_domain,
            project_name,
            project_domain,
        } => Auth::Password {
            username: username.into_owned(),
            password: Secret::new(password),
            user_domain: domain(user_domain),
            project_name: project_name.into_owned(),
            project_domain: domain(project_domain),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::{Counts, overlay};
    use super::*;

    fn options(url: &str, password: &str) -> Options {
        Options::new(url, auth(password))
    }

    fn auth(password: &str) -> Auth {
        Auth::Password {
            username: "regroup".to_owned(),
            password: Secret::new(password),
            user_domain: Domain::Name("Default".to_owned()),
            project_name: "ops".to_owned(),
            project_domain: Domain::Id("default".to_owned()),
        }
    }

    const NORTH: &str = "https://north:5000";
    const GIVEN: UnixMillis = UnixMillis(1_795_280_000_123);

    fn kept(data_dir: &Path, given: &Auth) {
        let configured = options(NORTH, "old");
        keep(data_dir, &configured, given, (GIVEN, "admin")).unwrap();
    }

    #[test]
    fn what_was_given_counts_until_the_configurations_own_changes() {
        let folder = tempfile::tempdir().unwrap();
        let overlaid = |url: &str, password: &str| {
            let mut options = options(url, password);
            let counts = overlay(folder.path(), &mut options);
            (counts, options.auth)
        };
        assert_eq!(overlaid(NORTH, "old"), (Counts::Configured, auth("old")));
        let application = Auth::ApplicationCredential {
            id: "a\"b".to_owned(),
            secret: Secret::new("s\\\n"),
        };
        for given in [auth("new"), application] {
            kept(folder.path(), &given);
            let by = "admin".to_owned();
            let counts = Counts::Given { at: GIVEN, by };
            let found = overlaid("https://north:5000/v3/", "old");
            assert_eq!(found, (counts, given));
            let changed = overlaid(NORTH, "newer");
            assert_eq!(changed, (Counts::Configured, auth("newer")));
            let elsewhere = overlaid("https://south:5000", "old");
            assert_eq!(elsewhere, (Counts::Configured, auth("old")));
        }
    }

    #[test]
    fn it_is_its_owners_alone_and_damage_says_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path(), &auth("hush"));
        let path = folder.path().join(FILE);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("\"old\""), "{text}");
        let broken = text.replace("\"hush\"", "\"hush");
        let later = text.replace("\"version\": 1", "\"version\": 2");
        let private = std::fs::Permissions::from_mode(0o600);
        for damage in [broken, later] {
            std::fs::write(&path, damage).unwrap();
            std::fs::set_permissions(&path, private.clone()).unwrap();
            let mut options = options(NORTH, "old");
            let Counts::Unreadable(reason) = overlay(folder.path(), &mut options) else {
                panic!("read");
            };
            assert!(!reason.contains("hush"), "{reason}");
            assert_eq!(options.auth, auth("old"));
        }
    }
}
