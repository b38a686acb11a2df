//! Content, modes and refusals, against a real directory.

use std::os::unix::fs::symlink;

use super::*;

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn names_in(directory: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    names
}

#[test]
fn a_write_replaces_content_and_mode_and_leaves_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key.pem");
    fs::write(&path, "old").unwrap();
    for (mode, bits) in [
        (Mode::Public, 0o644),
        (Mode::Group, 0o640),
        (Mode::Private, 0o600),
    ] {
        write_atomic(&path, b"new", mode).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(mode_of(&path), bits);
    }
    assert_eq!(names_in(directory.path()), ["key.pem"]);
}

#[test]
fn a_reader_sees_only_whole_contents_while_writers_compete() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    write_atomic(&path, &[b'0'; 9000], Mode::Private).unwrap();
    std::thread::scope(|scope| {
        for digit in [b'1', b'2'] {
            let path = &path;
            scope.spawn(move || {
                (0..50).for_each(|_| write_atomic(path, &[digit; 9000], Mode::Private).unwrap());
            });
        }
        for _ in 0..500 {
            let bytes = read_bounded(&path, 9000).unwrap();
            assert_eq!(bytes.len(), 9000);
            assert!(
                bytes.iter().all(|byte| *byte == bytes[0]),
                "a mixture of two writes"
            );
        }
    });
    assert_eq!(names_in(directory.path()), ["state"]);
}

#[test]
fn a_failed_write_keeps_the_old_content_and_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("taken");
    fs::create_dir(&path).unwrap();
    let error = write_atomic(&path, b"new", Mode::Private).unwrap_err();
    assert!(matches!(error, FileError::NotReplaceable { .. }), "{error}");

    let nowhere = directory.path().join("missing/file");
    let error = write_atomic(&nowhere, b"new", Mode::Private).unwrap_err();
    assert!(matches!(error, FileError::Create { .. }), "{error}");
    assert!(matches!(
        write_atomic(Path::new("/"), b"", Mode::Private),
        Err(FileError::NotReplaceable { .. })
    ));
    assert!(matches!(
        create_atomic(Path::new(".."), b"", Mode::Private),
        Err(FileError::NoName { .. })
    ));
    assert_eq!(names_in(directory.path()), ["taken"]);
}

#[test]
fn a_link_is_not_replaced_and_its_target_not_written() {
    let directory = tempfile::tempdir().unwrap();
    let (target, link) = (
        directory.path().join("target"),
        directory.path().join("link"),
    );
    fs::write(&target, "old").unwrap();
    symlink(&target, &link).unwrap();
    let error = write_atomic(&link, b"new", Mode::Private).unwrap_err();
    assert!(
        error.to_string().contains("link: it is not a regular file"),
        "{error}"
    );
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

    symlink(
        directory.path().join("elsewhere"),
        directory.path().join("dangling"),
    )
    .unwrap();
    let error =
        create_atomic(&directory.path().join("dangling"), b"new", Mode::Private).unwrap_err();
    assert!(matches!(error, FileError::Exists { .. }), "{error}");
    assert_eq!(names_in(directory.path()), ["dangling", "link", "target"]);
}

#[test]
fn create_writes_once_and_only_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("bound.key");
    create_atomic(&path, b"first", Mode::Private).unwrap();
    let error = create_atomic(&path, b"second", Mode::Private).unwrap_err();
    assert!(matches!(error, FileError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(mode_of(&path), 0o600);
    assert_eq!(names_in(directory.path()), ["bound.key"]);
}

#[test]
fn reading_is_bounded_also_where_the_size_lies() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, "12345").unwrap();
    assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
    let error = read_bounded(&path, 4).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{} is larger than the 4 bytes allowed", path.display())
    );
    // Files of /proc say that they are empty.
    let error = read_bounded(Path::new("/proc/self/status"), 10).unwrap_err();
    assert!(matches!(error, FileError::TooLarge { .. }), "{error}");
}

#[test]
fn what_cannot_be_read_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let missing = read_bounded(&directory.path().join("none"), 10).unwrap_err();
    assert!(missing.is_not_found());
    assert!(missing.to_string().ends_with("/none"), "{missing}");
    let error = read_bounded(directory.path(), 10).unwrap_err();
    assert!(matches!(error, FileError::NotAFile { .. }) && !error.is_not_found());
    let path = directory.path().join("binary");
    fs::write(&path, [0xff, 0xfe]).unwrap();
    assert!(matches!(
        read_text(&path, 10),
        Err(FileError::NotText { .. })
    ));
    let link = directory.path().join("link");
    fs::write(&path, "text").unwrap();
    symlink(&path, &link).unwrap();
    assert_eq!(read_text(&link, 10).unwrap(), "text");
}

#[test]
fn a_secret_that_others_can_read_is_refused_with_the_cure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, "secret").unwrap();
    for (mode, taken) in [(0o600, true), (0o440, true), (0o660, false), (0o604, false)] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        match read_secret(&path, 100) {
            Ok(bytes) => assert!(taken && bytes.as_slice() == b"secret", "{mode:o}"),
            Err(error) => {
                assert!(!taken, "{error}");
                let cure = format!("(mode {mode:04o}); if it is ours, run: chmod 0600");
                assert!(error.to_string().contains(&cure), "{error}");
            }
        }
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(
        read_secret(&path, 5),
        Err(FileError::TooLarge { .. })
    ));
}

#[test]
fn a_private_directory_is_private_or_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("var/lib");
    create_private_dir(&path).unwrap();
    create_private_dir(&path).unwrap();
    assert_eq!(mode_of(&path), 0o700);
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    let error = create_private_dir(&path).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("(mode 0755); if it is ours, run: chmod 0700"),
        "{error}"
    );
    assert_eq!(
        mode_of(&path),
        0o755,
        "someone else's directory is left alone"
    );
    let file = path.join("file");
    fs::write(&file, "").unwrap();
    assert!(matches!(
        create_private_dir(&file),
        Err(FileError::NotADirectory { .. })
    ));
    assert!(matches!(
        create_private_dir(&file.join("below")),
        Err(FileError::Inspect { .. })
    ));
}
