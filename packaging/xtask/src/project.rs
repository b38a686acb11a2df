//! Where things are: the project's root, its assets, and the cache under `target/`.

use std::path::{Path, PathBuf};
use std::{env, io};

/// The file that marks the project's root, seen from there.
const MARK: &str = "packaging/xtask/Cargo.toml";

/// The folders that commands work with.
#[derive(Clone, Debug)]
pub(crate) struct Project {
    /// The workspace's root.
    pub(crate) root: PathBuf,
    /// Templates, scripts and version pins of the clouds.
    pub(crate) openstack_assets: PathBuf,
    /// Everything that is made for clouds: virtualenvs, seed databases, running clouds.
    pub(crate) openstack_cache: PathBuf,
}

impl Project {
    /// Finds the project around the current directory.
    ///
    /// `REGROUP_OPENSTACK_CACHE`, an absolute path, moves the cache of clouds, so that several
    /// checkouts (or runs of CI) can share one.
    pub(crate) fn find() -> Result<Self, ProjectError> {
        let start = env::current_dir().map_err(ProjectError::CurrentDir)?;
        let root = root_above(&start).ok_or(ProjectError::NotInside { start })?;
        Self::at(
            root,
            env::var_os("REGROUP_OPENSTACK_CACHE").map(PathBuf::from),
        )
    }

    fn at(root: PathBuf, cache: Option<PathBuf>) -> Result<Self, ProjectError> {
        let openstack_cache = cache.unwrap_or_else(|| root.join("target/openstack"));
        // Database addresses and configuration files hold it: no space, quote or percent sign.
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        if !openstack_cache.is_absolute() || !openstack_cache.to_string_lossy().chars().all(plain) {
            return Err(ProjectError::Cache {
                path: openstack_cache,
            });
        }
        let openstack_assets = root.join("packaging/openstack");
        Ok(Self {
            root,
            openstack_assets,
            openstack_cache,
        })
    }
}

fn root_above(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|folder| folder.join(MARK).is_file())
        .map(Path::to_path_buf)
}

/// Why the project's folders are not known.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    /// The process has no current directory.
    #[error("cannot read the current directory; change into the project and try again")]
    CurrentDir(#[source] io::Error),
    /// No parent folder is the project.
    #[error("{} is not inside the project; change into it and try again", start.display())]
    NotInside {
        /// Where the search began.
        start: PathBuf,
    },
    /// The cache's path would break the files that mention it.
    #[error(
        "cannot keep clouds in {}: use an absolute path of letters, digits and /._-+ \
         (REGROUP_OPENSTACK_CACHE sets it)", path.display()
    )]
    Cache {
        /// The refused path.
        path: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_found_from_a_folder_inside() {
        let inside = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let root = root_above(&inside).unwrap();
        assert!(root.join("Cargo.lock").is_file());
        assert_eq!(root_above(Path::new("/")), None);
    }

    #[test]
    fn the_cache_is_under_target_unless_it_is_named() {
        let project = Project::at("/project".into(), None).unwrap();
        assert_eq!(
            project.openstack_cache,
            Path::new("/project/target/openstack")
        );
        let project = Project::at("/project".into(), Some("/cache".into())).unwrap();
        assert_eq!(project.openstack_cache, Path::new("/cache"));
    }

    #[test]
    fn a_cache_path_that_would_break_a_database_address_is_refused() {
        for path in ["relative", "/with space", "/per%cent", "/quo'te"] {
            let result = Project::at("/project".into(), Some(path.into()));
            assert!(matches!(result, Err(ProjectError::Cache { .. })), "{path}");
        }
    }
}
