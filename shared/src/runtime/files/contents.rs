//! Whether files hold something else than before.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// As much of a file as is looked at, in bytes: nobody's settings or certificates are larger.
const BYTES_MAX: u64 = 1024 * 1024;

/// What some files held at one moment, and who might read them; to be compared, not kept. A watched
/// directory tells of much else, such as of a log that lies in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents(u64);

impl Contents {
    /// Looks into the files. That one is missing, or can't be read, counts as content too. Blocks
    /// on the disk.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let mut hasher = DefaultHasher::new();
        for path in paths {
            path.hash(&mut hasher);
            let read = read(path).map_err(|error| error.kind());
            read.hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

fn read(path: &Path) -> io::Result<(u32, u64, Vec<u8>)> {
    let found = std::fs::metadata(path)?;
    let mut bytes = Vec::new();
    // To read a pipe might take for ever.
    if found.is_file() {
        File::open(path)?.take(BYTES_MAX).read_to_end(&mut bytes)?;
    }
    Ok((found.mode(), found.len(), bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_a_file_holds_counts_and_not_that_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        let look = || Contents::of([path.as_path()]);
        let missing = look();
        std::fs::write(&path, "a = 1").unwrap();
        let first = look();
        std::fs::write(&path, "a = 1").unwrap();
        std::fs::write(folder.path().join("log"), "a line").unwrap();
        assert_eq!(look(), first);
        std::fs::write(&path, "a = 2").unwrap();
        let second = look();
        let others_may_read = std::fs::Permissions::from_mode(0o604);
        std::fs::set_permissions(&path, others_may_read).unwrap();
        let open = look();
        let all = [missing, first, second, open];
        for (place, one) in all.iter().enumerate() {
            assert!(!all[..place].contains(one), "{place}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(look(), missing);
    }
}
