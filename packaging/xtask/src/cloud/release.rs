//! The OpenStack releases that a cloud can have, as `packaging/openstack/releases.toml` lists them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::service::{self, Service};
use crate::project::Project;

/// Which release; its packages and versions are in `releases.toml`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Name {
    /// The newest.
    Current,
    /// More than two years older.
    Old,
}

impl Name {
    /// As it is written on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Old => "old",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    uv: String,
    release: BTreeMap<Name, Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    summary: String,
    constraints: String,
    packages: Vec<String>,
    services: BTreeMap<Service, Program>,
}

/// How a service is served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Program {
    /// Under gunicorn.
    Wsgi {
        /// `module:callable`, or `module:factory()`.
        wsgi: String,
        /// Of the one worker process.
        #[serde(default = "one_thread")]
        threads: u8,
        /// What kind of worker.
        #[serde(default)]
        worker: Worker,
    },
    /// Run with `--config-file`.
    Script {
        /// In `packaging/openstack/rig`.
        script: String,
    },
}

/// Gunicorn's kinds of worker (its documentation: "worker_class").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Worker {
    /// Threads.
    #[default]
    Gthread,
    /// Green threads, for services that patch Python's library with them.
    Eventlet,
}

impl Worker {
    /// As gunicorn calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Gthread => "gthread",
            Self::Eventlet => "eventlet",
        }
    }
}

fn one_thread() -> u8 {
    1
}

/// A release and where its files are.
#[derive(Clone, Debug)]
pub(crate) struct Release {
    /// Which one.
    pub(crate) name: Name,
    /// Its services with their versions, for people.
    pub(crate) summary: String,
    /// The installer's version.
    pub(crate) uv: String,
    /// What is installed.
    pub(crate) packages: Vec<String>,
    /// The file of exact versions.
    pub(crate) constraints: PathBuf,
    /// The services that it can run, and how.
    programs: BTreeMap<Service, Program>,
    /// Its folder in the cache.
    pub(crate) folder: PathBuf,
}

impl Release {
    /// Reads the release's entry.
    pub(crate) fn load(project: &Project, name: Name) -> Result<Self, ReleaseError> {
        let path = project.openstack_assets.join("releases.toml");
        let text = fs::read_to_string(&path).map_err(|source| ReleaseError::Read {
            path: path.clone(),
            source,
        })?;
        let mut file: File = toml::from_str(&text).map_err(|source| ReleaseError::Parse {
            path,
            source: Box::new(source),
        })?;
        let entry = file
            .release
            .remove(&name)
            .ok_or(ReleaseError::Unlisted { name })?;
        Ok(Self {
            name,
            summary: entry.summary,
            uv: file.uv,
            packages: entry.packages,
            constraints: project.openstack_assets.join(entry.constraints),
            programs: entry.services,
            folder: project.openstack_cache.join(name.as_str()),
        })
    }

    /// Its virtualenv.
    pub(crate) fn venv(&self) -> PathBuf {
        self.folder.join("venv")
    }

    /// A program of its virtualenv.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.venv().join("bin").join(name)
    }

    /// Its seed databases, one folder for each service.
    pub(crate) fn seeds(&self) -> PathBuf {
        self.folder.join("seed")
    }

    /// The lock on virtualenv and seeds.
    pub(crate) fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    /// The services that it can run.
    pub(crate) fn services(&self) -> Vec<Service> {
        self.programs.keys().copied().collect()
    }

    /// How a service is served.
    pub(crate) fn program_of(&self, service: Service) -> Result<&Program, ReleaseError> {
        self.programs
            .get(&service)
            .ok_or_else(|| self.lacks(service))
    }

    fn lacks(&self, service: Service) -> ReleaseError {
        ReleaseError::NoService {
            service,
            name: self.name,
            has: service::list(&self.services()),
        }
    }

    /// The services to run when `asked` are wanted (all, when nothing is asked).
    pub(crate) fn choose(&self, asked: &[Service]) -> Result<Vec<Service>, ReleaseError> {
        let all = self.services();
        let chosen = service::with_needs(if asked.is_empty() { &all } else { asked });
        match chosen.iter().find(|service| !all.contains(service)) {
            None => Ok(chosen),
            Some(missing) => Err(self.lacks(*missing)),
        }
    }
}

/// The folder of all clouds.
pub(crate) fn clouds_folder(cache: &Path) -> PathBuf {
    cache.join("clouds")
}

/// Why a release can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReleaseError {
    /// The list can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The list.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The list is malformed.
    #[error("cannot understand {}; correct it", path.display())]
    Parse {
        /// The list.
        path: PathBuf,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The list lacks it.
    #[error("releases.toml has no [release.{}]", name.as_str())]
    Unlisted {
        /// Which.
        name: Name,
    },
    /// The release lacks a service.
    #[error("release {} has no {service}, only {has}; leave it out of --services", name.as_str())]
    NoService {
        /// What was asked for or is needed.
        service: Service,
        /// The release.
        name: Name,
        /// What there is.
        has: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(name: Name) -> Release {
        Release::load(&Project::find().unwrap(), name).unwrap()
    }

    #[test]
    fn every_release_is_listed_with_its_pinned_versions() {
        for name in <Name as clap::ValueEnum>::value_variants() {
            let release = load(*name);
            let pins = fs::read_to_string(&release.constraints).unwrap();
            for package in &release.packages {
                let pinned = pins
                    .lines()
                    .any(|line| line.starts_with(&format!("{package}==")));
                assert!(
                    pinned,
                    "{package} has no pin in {}",
                    release.constraints.display()
                );
            }
        }
    }

    #[test]
    fn services_say_how_they_are_served() {
        let nova = load(Name::Old).program_of(Service::Nova).unwrap().clone();
        let wsgi = "nova_cloud:application".to_owned();
        assert_eq!(
            nova,
            Program::Wsgi {
                wsgi,
                threads: 1,
                worker: Worker::Eventlet
            }
        );
        let cinder = load(Name::Current)
            .program_of(Service::Cinder)
            .unwrap()
            .clone();
        assert_eq!(
            cinder,
            Program::Script {
                script: "cinder_cloud.py".to_owned()
            }
        );
    }

    #[test]
    fn services_default_to_all_and_bring_their_needs() {
        let mut release = load(Name::Current);
        assert_eq!(release.choose(&[]).unwrap(), Service::ALL);
        assert_eq!(
            release.choose(&[Service::Keystone]).unwrap(),
            [Service::Keystone]
        );
        release
            .programs
            .retain(|service, _| *service == Service::Keystone);
        let error = release.choose(&[Service::Nova]).unwrap_err().to_string();
        assert!(error.contains("has no placement, only keystone"), "{error}");
    }
}
