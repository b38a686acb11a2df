//! Which mounts are file systems worth telling about. Pure.
//!
//! From mountinfo (proc_pid_mountinfo(5)) rather than mounts, because it names the device by
//! number, by which a bind mount is known.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use procfs::process::MountInfo;

/// Images that are full by their nature.
const IMAGE_TYPES: [&str; 5] = ["squashfs", "iso9660", "udf", "erofs", "cramfs"];

/// The file systems asked for their size: the largest few are told, but which those are must be
/// asked first. A machine of containers has hundreds.
const ASKED_MAX: usize = 256;

/// The mount points of all file systems on block devices, each file system once, where its path is
/// shortest.
pub(super) fn file_systems(mountinfo: &str) -> Vec<PathBuf> {
    let mut at_point: BTreeMap<PathBuf, Mount> = BTreeMap::new();
    for mount in mountinfo.lines().filter_map(Mount::parse) {
        // A later mount hides an earlier one at the same place.
        at_point.insert(mount.point.clone(), mount);
    }
    let mut mounts: Vec<Mount> = at_point.into_values().filter(Mount::is_on_disk).collect();
    mounts.sort_by_key(|mount| mount.point.as_os_str().len());
    let mut seen = HashSet::new();
    let mut points = Vec::new();
    for mount in mounts {
        // By number, as one device may have several names; and by name, as each subvolume of a
        // btrfs has a number of its own.
        let new_number = seen.insert(mount.number);
        let new_source = seen.insert(mount.source);
        if new_number && new_source {
            points.push(mount.point);
        }
    }
    points.truncate(ASKED_MAX);
    points
}

#[derive(Debug)]
struct Mount {
    point: PathBuf,
    number: String,
    source: String,
    kind: String,
}

impl Mount {
    /// A line that is none of mountinfo's is no mount.
    fn parse(line: &str) -> Option<Self> {
        let info = MountInfo::from_line(line).ok()?;
        Some(Self {
            point: unescape(&info.mount_point),
            number: info.majmin,
            source: info.mount_source.unwrap_or_default(),
            kind: info.fs_type,
        })
    }

    fn is_on_disk(&self) -> bool {
        self.source.starts_with("/dev/")
            && self.source != "/dev/fuse"
            && !IMAGE_TYPES.contains(&self.kind.as_str())
    }
}

/// Undoes what the kernel does to blanks and backslashes: `\040` is a blank.
fn unescape(path: &Path) -> PathBuf {
    let text = path.to_string_lossy();
    let mut parts = text.split('\\');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.get(..3).and_then(|it| u8::from_str_radix(it, 8).ok());
        match (code, part.get(3..)) {
            (Some(code), Some(rest)) => {
                whole.push(char::from(code));
                whole.push_str(rest);
            }
            _ => {
                whole.push('\\');
                whole.push_str(part);
            }
        }
    }
    whole.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(mountinfo: &str) -> Vec<String> {
        let points = file_systems(mountinfo).into_iter();
        points.map(|it| it.display().to_string()).collect()
    }

    #[test]
    fn each_file_system_on_a_disk_is_found_once() {
        let mountinfo = "\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
22 21 0:20 / /proc rw - proc proc rw
23 21 0:21 / /run rw - tmpfs tmpfs rw,size=1k
24 21 254:0 /var/lib/x /srv/bound rw - ext4 /dev/vda1 rw
25 21 254:1 / /var/lib/data rw shared:9 master:2 - xfs /dev/mapper/vg-data rw
26 21 7:1 / /snap/core/1 ro - squashfs /dev/loop1 ro
27 21 0:40 /@home /home rw - btrfs /dev/vdc rw,subvol=/@home
28 21 0:41 /@var /var/cache rw - btrfs /dev/vdc rw,subvol=/@var
29 21 0:50 / /nfs rw - nfs4 10.0.0.1:/export rw
30 21 254:5 / /mnt/my\\040disk rw - ext4 /dev/vdf rw
31 21 0:60 / /run/user/0/doc rw - fuse.portal /dev/fuse rw
";
        assert_eq!(
            points(mountinfo),
            ["/", "/home", "/mnt/my disk", "/var/lib/data"]
        );
    }

    #[test]
    fn of_two_mounts_at_one_place_the_later_one_is_seen() {
        let mountinfo = "\
21 1 254:0 / /mnt rw - ext4 /dev/vda rw
22 21 0:20 / /mnt rw - tmpfs tmpfs rw
";
        assert!(points(mountinfo).is_empty());
    }

    #[test]
    fn no_more_are_asked_than_is_healthy() {
        let line = |number| format!("9 1 8:{number} / /m{number} rw - ext4 /dev/d{number} rw\n");
        let mountinfo: String = (0..1000).map(line).collect();
        assert_eq!(points(&mountinfo).len(), ASKED_MAX);
    }

    #[test]
    fn blanks_and_backslashes_are_themselves_again() {
        for (escaped, plain) in [
            ("/a\\040b", "/a b"),
            ("/a\\134040b", "/a\\040b"),
            ("/a\\", "/a\\"),
            ("/a\\09", "/a\\09"),
            ("/\\011\\012", "/\t\n"),
        ] {
            assert_eq!(unescape(Path::new(escaped)), PathBuf::from(plain));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([0-9:/ \\\\a-z-]|\\PC|\n){0,200}") {
            prop_assert!(file_systems(&text).len() <= ASKED_MAX);
        }
    }
}
