//! File systems of a test's own, whose power can be cut and whose space can be used up.
//!
//! They need root and the kernel's loop devices. Where these are missing the test fails and says
//! so: passing without having tried would be worth less.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::inproc::private_dir;

/// `FS_IOC_SHUTDOWN`, `_IOR('X', 125, __u32)` (Linux, `include/uapi/linux/fs.h`): from here on
/// nothing gets to the device.
const SHUTDOWN: u32 = 0x8004_587d;

/// `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`: not even the file system's own journal, as when the power goes.
const NO_LOG_FLUSH: u32 = 2;

/// How large an image is, bytes; only what is written takes space.
const IMAGE_BYTES: u64 = 256 << 20;

/// A mounted file system. Unmounted when it is dropped.
pub struct Mount {
    place: PathBuf,
    is_mounted: bool,
    home: TempDir,
}

impl Mount {
    /// An ext4 in a file, over a loop device.
    pub fn ext4() -> Self {
        let mut mount = Self::prepare();
        let image = mount.image();
        File::create(&image).unwrap().set_len(IMAGE_BYTES).unwrap();
        run("mkfs.ext4", &["-q", "-F", text(&image)]);
        mount.plug_in();
        mount
    }

    /// A file system in memory with so many MiB.
    pub fn tmpfs(mib: u32) -> Self {
        let mut mount = Self::prepare();
        let options = format!("size={mib}m,mode=700");
        run(
            "mount",
            &["-t", "tmpfs", "-o", &options, "tmpfs", text(&mount.place)],
        );
        mount.is_mounted = true;
        mount
    }

    fn prepare() -> Self {
        let home = private_dir();
        let place = home.path().join("mounted");
        std::fs::create_dir(&place).unwrap();
        Self {
            place,
            is_mounted: false,
            home,
        }
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.place
    }

    /// From here on nothing that is written stays, as when the power goes.
    pub fn cut_power(&self) {
        let root = File::open(&self.place).unwrap();
        // SAFETY: the request takes a pointer to 32 bits, which it reads.
        let cut = unsafe {
            let request = rustix::ioctl::Setter::<SHUTDOWN, u32>::new(NO_LOG_FLUSH);
            rustix::ioctl::ioctl(&root, request)
        };
        cut.unwrap_or_else(|error| panic!("the kernel can't shut the file system down: {error}"));
    }

    /// Mounts an ext4 again after its power was cut.
    pub fn power_up(&mut self) {
        self.unmount();
        self.plug_in();
    }

    /// Takes all the space that is left. Given back when the ballast is dropped.
    pub fn fill(&self) -> Ballast {
        let path = self.place.join("ballast");
        let mut file = File::create(&path).unwrap();
        for step in [1 << 20, 4096, 1] {
            while file.write_all(&vec![0; step]).is_ok() {}
        }
        Ballast(path)
    }

    fn image(&self) -> PathBuf {
        self.home.path().join("image")
    }

    fn plug_in(&mut self) {
        let image = self.image();
        run("mount", &["-o", "loop", text(&image), text(&self.place)]);
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&self.place, owner_only).unwrap();
        self.is_mounted = true;
    }

    fn unmount(&mut self) {
        run("umount", &[text(&self.place)]);
        self.is_mounted = false;
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if self.is_mounted {
            // After a failed test somebody may still be in it; then it goes with the last of them.
            let _ = Command::new("umount")
                .arg("--lazy")
                .arg(&self.place)
                .status();
        }
    }
}

/// A file that takes all the space there was.
pub struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program} can't be run: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?} failed; this test needs root and loop devices: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
