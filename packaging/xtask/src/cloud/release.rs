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
}

impl Name {
    /// As it is written on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
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
    services: Vec<Service>,
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
    /// The services that it can run.
    pub(crate) services: Vec<Service>,
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
            services: entry.services,
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

    /// The services to run when `asked` are wanted (all, when nothing is asked).
    pub(crate) fn choose(&self, asked: &[Service]) -> Result<Vec<Service>, ReleaseError> {
        let asked = if asked.is_empty() {
            &self.services
        } else {
            asked
        };
        let chosen = service::with_needs(asked);
        match chosen
            .iter()
            .find(|service| !self.services.contains(service))
        {
            None => Ok(chosen),
            Some(missing) => Err(ReleaseError::NoService {
                service: *missing,
                name: self.name,
                has: service::list(&self.services),
            }),
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
    fn services_default_to_all_and_bring_their_needs() {
        let mut release = load(Name::Current);
        assert_eq!(release.choose(&[]).unwrap(), Service::ALL);
        assert_eq!(
            release.choose(&[Service::Keystone]).unwrap(),
            [Service::Keystone]
        );
        release.services = vec![Service::Keystone];
        let error = release.choose(&[Service::Nova]).unwrap_err().to_string();
        assert!(error.contains("has no placement, only keystone"), "{error}");
    }
}
