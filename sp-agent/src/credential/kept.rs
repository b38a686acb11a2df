//! The credential that works, as it lies on the disk: JSON, for its owner alone (mode 0600).
//!
//! Written whole beside, made durable and moved into its place, so that a power cut leaves the one
//! until now or the new one.

use std::borrow::Cow;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use shared::foreign;
use shared::model::UnixMillis;
use shared::pki::Fingerprint;
use shared::runtime::files::{self, FileError, Mode};
use zeroize::Zeroizing;

use super::{Kept, Why, keystone, parts};
use crate::cloud::openstack::{Auth, Domain, Home, Options, Secret};

/// Its name within the data directory.
pub const FILE: &str = "cloud-credential.json";

/// A later release that writes another form reads this one still.
const VERSION: u32 = 1;

/// The largest that is read, in bytes: a secret and four names, each character escaped.
const BYTES_MAX: u64 = 64 * 1024;

/// What is kept of a refusal, in columns: it is Keystone's word for a good part.
const REFUSED_COLUMNS_MAX: usize = 1000;

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

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    version: u32,
    /// The Keystone that it was proven at.
    keystone: Cow<'a, str>,
    why: Reason<'a>,
    /// Of the configuration's credential, for which it stands.
    salt: Cow<'a, str>,
    instead_of: Cow<'a, str>,
    /// Where it lives.
    homes: Vec<Housed<'a>>,
    #[serde(borrow)]
    credential: Credential<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Reason<'a> {
    Own,
    Given { at_ms: u64, by: Cow<'a, str> },
    Former { refused: Cow<'a, str>, at_ms: u64 },
}

#[derive(Serialize, Deserialize)]
struct Housed<'a> {
    id: Cow<'a, str>,
    name: Cow<'a, str>,
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

/// A salted hash of a credential, by which it is known again and not found out.
fn imprint(salt: &str, auth: &Auth) -> Fingerprint {
    let mut bytes = vec![salt.as_bytes()];
    bytes.extend(parts(auth).into_iter().map(str::as_bytes));
    Fingerprint::of_parts(&bytes)
}

/// Keeps `auth`, which works and lives in `homes`, for the credential of `configured`, which are
/// the configuration's options. Blocks on the disk.
///
/// # Errors
/// If it can't be written: what was kept until then is.
pub fn keep(
    data_dir: &Path,
    configured: &Options,
    (auth, homes): (&Auth, &[Home]),
    why: &Why,
) -> Result<(), KeptError> {
    let salt = HEXLOWER.encode(&rand::random::<[u8; 16]>());
    let homes = homes.iter().map(|it| Housed {
        id: (&it.id).into(),
        name: (&it.name).into(),
    });
    let record = Record {
        version: VERSION,
        keystone: keystone(&configured.auth_url)
            .ok_or(KeptError::NoKeystone)?
            .into(),
        why: Reason::from(why),
        instead_of: imprint(&salt, &configured.auth).to_string().into(),
        salt: salt.into(),
        homes: homes.collect(),
        credential: written(auth),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM_BYTES));
    serde_json::to_writer_pretty(&mut *bytes, &record)
        .map_err(|error| KeptError::Damaged(error.to_string()))?;
    files::write_atomic_handed(&data_dir.join(FILE), &bytes, Mode::Private)?;
    Ok(())
}

/// What was kept at the Keystone of `configured`, which are the configuration's options. Blocks on
/// the disk.
///
/// # Errors
/// If something else stands there.
pub fn read(data_dir: &Path, configured: &Options) -> Result<Option<Kept>, KeptError> {
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
    let instead_of: Result<Fingerprint, _> = record.instead_of.parse();
    let instead_of = instead_of.map_err(|_| damaged("in instead_of"))?;
    if keystone(&configured.auth_url).is_none_or(|it| it != record.keystone) {
        return Ok(None);
    }
    let homes = record.homes.into_iter().map(|it| Home {
        id: it.id.into_owned(),
        name: it.name.into_owned(),
    });
    Ok(Some(Kept {
        auth: read_back(record.credential),
        why: record.why.into(),
        homes: homes.collect(),
        stands: imprint(&record.salt, &configured.auth) == instead_of,
    }))
}

impl<'a> From<&'a Why> for Reason<'a> {
    fn from(why: &'a Why) -> Self {
        match why {
            Why::Own => Self::Own,
            Why::Given { at, by } => Self::Given {
                at_ms: at.0,
                by: by.into(),
            },
            Why::Former { refused, at } => Self::Former {
                refused: foreign::cut(refused, REFUSED_COLUMNS_MAX).into(),
                at_ms: at.0,
            },
        }
    }
}

impl From<Reason<'_>> for Why {
    fn from(reason: Reason<'_>) -> Self {
        match reason {
            Reason::Own => Self::Own,
            Reason::Given { at_ms, by } => Self::Given {
                at: UnixMillis(at_ms),
                by: by.into_owned(),
            },
            Reason::Former { refused, at_ms } => Self::Former {
                refused: refused.into_owned(),
                at: UnixMillis(at_ms),
            },
        }
    }
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

    use shared::runtime::errors::chain;

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
    fn given() -> Why {
        let (at, by) = (UnixMillis(1_795_280_000_123), "admin".to_owned());
        Why::Given { at, by }
    }

    fn kept(data_dir: &Path, auth: &Auth, why: &Why) {
        let homes = [Home {
            id: "d1".to_owned(),
            name: "研发".to_owned(),
        }];
        keep(data_dir, &options(NORTH, "old"), (auth, &homes), why).unwrap();
    }

    #[test]
    fn what_was_kept_is_found_and_whether_it_is_for_the_configuration_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let found = |url: &str, password: &str| {
            let found = read(folder.path(), &options(url, password)).unwrap();
            found.map(|it| (it.auth, it.why, it.homes.len(), it.stands))
        };
        assert_eq!(found(NORTH, "old"), None);
        let application = Auth::ApplicationCredential {
            id: "a\"b".to_owned(),
            secret: Secret::new("s\\\n"),
        };
        let former = Why::Former {
            refused: "no".to_owned(),
            at: UnixMillis(7),
        };
        for (auth, why) in [
            (auth("new"), given()),
            (application, former),
            (auth("old"), Why::Own),
        ] {
            kept(folder.path(), &auth, &why);
            let is = |stands| Some((auth.clone(), why.clone(), 1, stands));
            assert_eq!(found("https://north:5000/v3/", "old"), is(true));
            assert_eq!(found(NORTH, "newer"), is(false));
            assert_eq!(found("https://south:5000", "old"), None);
        }
    }

    #[test]
    fn it_is_its_owners_alone_and_damage_says_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        kept(folder.path(), &auth("hush"), &given());
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
            let refused = read(folder.path(), &options(NORTH, "old")).unwrap_err();
            let reason = chain(&refused).to_string();
            assert!(!reason.contains("hush"), "{reason}");
        }
    }
}
