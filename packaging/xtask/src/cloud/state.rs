//! What is known of a cloud between runs: `state.json` in its folder.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::process::{self, Observed, Process};
use super::release::{Name, clouds_folder};
use super::service::Service;

const FILE: &str = "state.json";

/// A cloud's fixed facts, and what was started for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Its name, which is also its folder's.
    pub(crate) name: String,
    /// Which OpenStack it is.
    pub(crate) release: Name,
    /// Where its ports begin.
    pub(crate) port: u16,
    /// What it runs, in order of starting.
    pub(crate) services: Vec<Service>,
    /// Of the user "admin".
    pub(crate) admin_password: String,
    /// Of the user "svc", as which the services call each other.
    pub(crate) service_password: String,
    /// Wrong passwords after which its Keystone locks an account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) lockout: Option<u8>,
    /// Whether its databases are complete.
    pub(crate) adopted: bool,
    /// The services as they were last started.
    pub(crate) processes: Vec<Process>,
}

/// A cloud's folder.
#[derive(Clone, Debug)]
pub(crate) struct CloudDir {
    clouds: PathBuf,
    name: String,
}

impl CloudDir {
    /// The folder for a cloud of that name, which need not exist.
    ///
    /// # Errors
    /// The name could not be a folder's: it must be lower-case letters, digits and hyphens.
    pub(crate) fn of(cache: &Path, name: &str) -> Result<Self, StateError> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > 30 || name.starts_with('-') || !name.chars().all(plain) {
            return Err(StateError::Name {
                name: name.to_owned(),
            });
        }
        Ok(Self {
            clouds: clouds_folder(cache),
            name: name.to_owned(),
        })
    }

    /// All clouds that exist, by name.
    pub(crate) fn all(cache: &Path) -> Result<Vec<Self>, StateError> {
        let clouds = clouds_folder(cache);
        let entries = match fs::read_dir(&clouds) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => {
                return Err(StateError::File {
                    path: clouds,
                    source,
                });
            }
        };
        let names = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok());
        let mut names: Vec<String> = names.collect();
        names.sort();
        let dirs = names.iter().filter_map(|name| Self::of(cache, name).ok());
        Ok(dirs.filter(|dir| dir.file().is_file()).collect())
    }

    /// The folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.clouds.join(&self.name)
    }

    /// A service's folder, which is also its working directory.
    pub(crate) fn of_service(&self, service: Service) -> PathBuf {
        self.path().join(service.name())
    }

    /// A service's log: its output and everything that oslo.log writes.
    pub(crate) fn log(&self, service: Service) -> PathBuf {
        self.path().join(format!("{service}.log"))
    }

    /// Held by the run that changes this cloud. Outside of the folder, which may be removed.
    pub(crate) fn lock(&self) -> PathBuf {
        self.clouds.join(format!(".{}.lock", self.name))
    }

    /// Held while ports are chosen.
    pub(crate) fn ports_lock(&self) -> PathBuf {
        self.clouds.join(".ports.lock")
    }

    /// What is known of the cloud; none when it does not exist.
    pub(crate) fn load(&self) -> Result<Option<State>, StateError> {
        let path = self.file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::File { path, source }),
        };
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| StateError::Parse { path, source })
    }

    /// What is known of a cloud that must exist.
    pub(crate) fn load_existing(&self) -> Result<State, StateError> {
        self.load()?.ok_or_else(|| StateError::Unknown {
            name: self.name.clone(),
        })
    }

    /// Stores what is known.
    pub(crate) fn save(&self, state: &State) -> Result<(), StateError> {
        let path = self.file();
        let text = serde_json::to_string_pretty(state).map_err(|source| StateError::Parse {
            path: path.clone(),
            source,
        })?;
        fs::create_dir_all(self.path())
            .and_then(|()| write_private(&path, &text))
            .map_err(|source| StateError::File { path, source })
    }

    /// Removes all that is in the folder, but what is known of the cloud: another run that chooses
    /// ports meanwhile must see which are this one's.
    pub(crate) fn clear(&self) -> Result<(), StateError> {
        let state = self.file();
        let removed = fs::read_dir(self.path()).and_then(|entries| {
            entries
                .map(|entry| entry.map(|it| it.path()))
                .filter(|path| path.as_ref().map_or(true, |it| *it != state))
                .try_for_each(|path| remove_any(&path?))
        });
        removed.map_err(|source| StateError::File {
            path: self.path(),
            source,
        })
    }

    /// Removes the folder with all that is in it.
    pub(crate) fn remove(&self) -> Result<(), StateError> {
        fs::remove_dir_all(self.path()).map_err(|source| StateError::File {
            path: self.path(),
            source,
        })
    }

    /// The services of the cloud whose first process does not live. Workers may have outlived it
    /// for a moment; nobody would replace them, so the service counts as dead.
    pub(crate) fn dead(&self, state: &State, seen: &[Observed]) -> Vec<Service> {
        let alive = |service: &Service| {
            let mut started = state.processes.iter().filter(|one| one.service == *service);
            started.any(|one| {
                process::living(seen, one, &self.of_service(*service)).contains(&one.pid)
            })
        };
        state
            .services
            .iter()
            .copied()
            .filter(|service| !alive(service))
            .collect()
    }

    fn file(&self) -> PathBuf {
        self.path().join(FILE)
    }
}

fn remove_any(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&partial)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&partial, path)
}

/// A password that nobody can guess: 128 bits in hexadecimal.
pub(crate) fn new_password() -> Result<String, StateError> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|source| StateError::File {
            path: "/dev/urandom".into(),
            source,
        })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Why a cloud's state can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// Not a name for a cloud.
    #[error("{name:?} cannot be a cloud's name; use 1 to 30 of a-z, 0-9 and -, no - first")]
    Name {
        /// The name.
        name: String,
    },
    /// There is none of that name.
    #[error("there is no cloud {name}; `cargo xtask cloud list` shows which there are")]
    Unknown {
        /// The name.
        name: String,
    },
    /// A file can't be used.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The state is not understood.
    #[error(
        "cannot understand {}, perhaps from another version of xtask; end the processes that it \
         names, then remove its folder", path.display()
    )]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
}

#[cfg(test)]
impl State {
    /// A cloud for unit tests.
    pub(crate) fn example() -> Self {
        Self {
            name: "a".to_owned(),
            release: Name::Current,
            port: 15000,
            services: Service::ALL.to_vec(),
            admin_password: "admin-pw".to_owned(),
            service_password: "service-pw".to_owned(),
            lockout: None,
            adopted: true,
            processes: vec![Process {
                service: Service::Keystone,
                pid: 4,
            }],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_the_file_and_stays_private() {
        use std::os::unix::fs::PermissionsExt as _;
        let cache = std::env::temp_dir().join(format!("xtask-state-{}", std::process::id()));
        let dir = CloudDir::of(&cache, "a").unwrap();
        assert_eq!(dir.load().unwrap(), None);
        dir.save(&State::example()).unwrap();
        assert_eq!(dir.load().unwrap(), Some(State::example()));
        assert_eq!(CloudDir::all(&cache).unwrap().len(), 1);
        let mode = fs::metadata(dir.file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        dir.remove().unwrap();
        assert!(CloudDir::all(&cache).unwrap().is_empty());
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn a_cloud_that_is_made_anew_is_known_all_the_while() {
        let cache = std::env::temp_dir().join(format!("xtask-clear-{}", std::process::id()));
        let dir = CloudDir::of(&cache, "a").unwrap();
        dir.save(&State::example()).unwrap();
        fs::create_dir(dir.of_service(Service::Keystone)).unwrap();
        fs::write(dir.log(Service::Keystone), "of an earlier run").unwrap();
        dir.clear().unwrap();
        assert_eq!(dir.load().unwrap(), Some(State::example()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        fs::remove_dir_all(cache).unwrap();
    }

    #[test]
    fn names_that_are_paths_or_options_are_refused() {
        for name in ["", "..", "a/b", "-a", "A", "a b", &"a".repeat(31)] {
            assert!(CloudDir::of(Path::new("/cache"), name).is_err(), "{name:?}");
        }
        assert!(CloudDir::of(Path::new("/cache"), "region-2").is_ok());
    }

    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (new_password().unwrap(), new_password().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, two);
    }
}
