//! Memberships on a real disk, with crashes between any two steps.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown, symlink};
use std::time::Duration;

use proptest::prelude::*;
use rustix::fs::{CWD, FileType, Mode as Bits, mknodat};
use shared::model::UnixMillis;
use shared::pki::{
    Authority, BoundKey, Csr, Peer, Serial, TrustAnchors, Validity, certificate_to_pem,
};

use super::change::Step;
use super::*;

const NOW: UnixMillis = UnixMillis::from_secs(1_800_000_000);

struct Hub {
    ca: Authority,
    federation: FederationId,
    region: RegionId,
}

impl Hub {
    fn new(seed: u128) -> Self {
        let federation = FederationId::from_random(seed);
        let ca = Authority::create(federation, NOW.as_secs()).unwrap();
        let region = RegionId::from_random(seed + 1);
        Self {
            ca,
            federation,
            region,
        }
    }

    fn issue(&self, key: &BoundKey, peer: Peer, now_secs: u64) -> Vec<u8> {
        let csr = Csr::create(key).unwrap();
        let day = Duration::from_secs(24 * 3600);
        let (serial, validity) = (
            Serial::generate().unwrap(),
            Validity::starting(now_secs, day),
        );
        self.ca.issue(&csr, peer, serial, validity).unwrap().der
    }

    fn certificate(&self, key: &BoundKey) -> Vec<u8> {
        self.issue(key, Peer::Region(self.region), NOW.as_secs())
    }

    fn membership(&self) -> Membership {
        Membership {
            federation: self.federation,
            region: self.region,
            name: "east \"1\"\n区".to_owned(),
            epoch: u64::MAX,
            addresses: vec!["hub.example.org:7443".to_owned(), "[::1]:7443".to_owned()],
        }
    }

    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::of(self.ca.anchor().clone())
    }

    fn admit(&self, data_dir: &Path) -> Result<(), MembershipError> {
        let founding = Founding::begin(data_dir)?;
        let key = founding.bound_key()?;
        let certificate = self.certificate(&key);
        founding.commit(&self.membership(), &key, &self.anchors(), &certificate)
    }
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data_dir = folder.path().join("data");
    (folder, data_dir)
}

#[test]
fn a_membership_reads_what_it_writes() {
    let (_folder, data_dir) = folder();
    assert_eq!(Membership::load(&data_dir).unwrap(), None);
    let hub = Hub::new(1);
    assert!(matches!(
        hub.membership().save(&data_dir),
        Err(MembershipError::NotJoined)
    ));
    hub.admit(&data_dir).unwrap();
    assert_eq!(Membership::load(&data_dir).unwrap(), Some(hub.membership()));
    let mut higher = hub.membership();
    higher.epoch = 7;
    higher.save(&data_dir).unwrap();
    assert_eq!(Membership::load(&data_dir).unwrap(), Some(higher));
}

#[test]
fn a_crash_at_any_step_leaves_an_agent_joined_or_free_to_join() {
    for done in 0..=Step::ALL.len() {
        let (_folder, data_dir) = folder();
        // The join that is broken off is with another hub, so that no trace of it may remain.
        let (first, second) = (Hub::new(1), Hub::new(10));
        let founding = Founding::begin(&data_dir).unwrap();
        let key = founding.bound_key().unwrap();
        let certificate = first.certificate(&key);
        for step in Step::ALL.into_iter().take(done) {
            founding
                .perform(step, &first.membership(), &first.anchors(), &certificate)
                .unwrap();
        }
        drop(founding);
        let joined = done == Step::ALL.len();
        let expected = joined.then(|| first.membership());
        assert_eq!(Membership::load(&data_dir).unwrap(), expected, "{done}");
        assert_eq!(Credentials::load(&data_dir).is_ok(), joined, "{done}");
        if joined {
            assert!(matches!(
                second.admit(&data_dir),
                Err(MembershipError::AlreadyJoined)
            ));
        } else {
            second.admit(&data_dir).unwrap();
            assert_eq!(
                Membership::load(&data_dir).unwrap(),
                Some(second.membership())
            );
            let credentials = Credentials::load(&data_dir).unwrap();
            assert_eq!(credentials.key.fingerprint(), key.fingerprint());
            assert!(credentials.anchors.trusts(&second.ca.pin()));
            assert!(!credentials.anchors.trusts(&first.ca.pin()));
        }
    }
}

#[test]
fn leaving_moves_the_membership_aside_and_keeps_the_key() {
    let (_folder, data_dir) = folder();
    let hub = Hub::new(1);
    let gone = |result| matches!(result, Err(MembershipError::NotJoined));
    assert!(gone(leave(&data_dir, NOW).map(drop)));
    hub.admit(&data_dir).unwrap();
    let credentials = Credentials::load(&data_dir).unwrap();
    let aside = leave(&data_dir, NOW).unwrap();
    assert!(aside.join("membership.toml").is_file());
    assert_eq!(Membership::load(&data_dir).unwrap(), None);
    assert!(gone(hub.membership().save(&data_dir)));
    let pem = certificate_to_pem(&hub.certificate(&credentials.key));
    let late = credentials.keep_certificate(&pem);
    assert!(matches!(late, Ok(Kept::InMemory(_))), "{late:?}");
    assert_eq!(
        Membership::load(&data_dir).unwrap(),
        None,
        "a late renewal must not bring it back"
    );

    hub.admit(&data_dir).unwrap();
    let again = Credentials::load(&data_dir).unwrap();
    assert_eq!(again.key.fingerprint(), credentials.key.fingerprint());
    assert_ne!(leave(&data_dir, NOW).unwrap(), aside);
}

#[test]
fn one_command_at_a_time_changes_a_membership() {
    let (_folder, data_dir) = folder();
    let founding = Founding::begin(&data_dir).unwrap();
    assert!(matches!(
        Founding::begin(&data_dir),
        Err(MembershipError::Busy)
    ));
    drop(founding);
    assert!(Founding::begin(&data_dir).is_ok());
}

#[test]
fn what_the_agents_user_put_in_the_way_is_neither_followed_nor_given_away() {
    let (folder, data_dir) = folder();
    fs::DirBuilder::new().mode(0o700).create(&data_dir).unwrap();
    let (lock, precious) = (
        data_dir.join("membership.lock"),
        folder.path().join("shadow"),
    );
    let is_refused = |outcome: Result<(), MembershipError>, path: &Path| {
        let error = outcome.unwrap_err();
        assert!(
            matches!(error, MembershipError::Planted { .. }),
            "{error:?}"
        );
        assert!(
            error.to_string().contains(path.to_str().unwrap()),
            "{error}"
        );
    };
    let begin = || Founding::begin(&data_dir).map(drop);

    symlink(&precious, &lock).unwrap();
    is_refused(begin(), &lock);
    assert!(!precious.exists(), "a file was made where the link points");
    fs::remove_file(&lock).unwrap();
    mknodat(CWD, &lock, FileType::Fifo, Bits::RWXU, 0).unwrap();
    is_refused(begin(), &lock);
    fs::remove_file(&lock).unwrap();

    BoundKey::generate()
        .map(|key| fs::write(&precious, &*key.to_pem()))
        .unwrap()
        .unwrap();
    fs::set_permissions(&precious, fs::Permissions::from_mode(0o600)).unwrap();
    let key = data_dir.join("key.pem");
    symlink(&precious, &key).unwrap();
    is_refused(bound_key(&data_dir).map(drop), &key);
    fs::remove_file(&key).unwrap();
    let staging = data_dir.join("membership.joining");
    let elsewhere = folder.path().join("elsewhere");
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&elsewhere)
        .unwrap();
    symlink(&elsewhere, &staging).unwrap();
    is_refused(Hub::new(1).admit(&data_dir), &staging);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);

    // Only root can give files away, so the rest is tried where the tests run as root.
    if chown(&data_dir, Some(65_534), None).is_ok() {
        fs::remove_file(&lock).unwrap();
        fs::hard_link(&precious, &lock).unwrap();
        is_refused(begin(), &lock);
        assert_eq!(fs::metadata(&precious).unwrap().uid(), 0);
        fs::remove_file(&lock).unwrap();
        fs::remove_file(&staging).unwrap();
        Hub::new(1).admit(&data_dir).unwrap();
        for name in [
            "membership.lock",
            "key.pem",
            "membership",
            "membership/anchors.pem",
        ] {
            let given = fs::metadata(data_dir.join(name)).unwrap();
            assert_eq!(given.uid(), 65_534, "{name}");
        }
    }
}

#[test]
fn only_this_members_certificates_are_kept() {
    let (_folder, data_dir) = folder();
    let (hub, other) = (Hub::new(1), Hub::new(10));
    hub.admit(&data_dir).unwrap();
    let credentials = Credentials::load(&data_dir).unwrap();
    let own = Peer::Region(hub.region);
    let at = NOW.as_secs();
    let stranger = BoundKey::generate().unwrap();
    let neighbour = Peer::Region(RegionId::from_random(5));
    let before = credentials.not_after();
    for (what, der) in [
        ("another key", hub.issue(&stranger, own, at)),
        ("another region", hub.issue(&credentials.key, neighbour, at)),
        ("another CA", other.issue(&credentials.key, own, at)),
    ] {
        let kept = credentials.keep_certificate(&certificate_to_pem(&der));
        assert!(kept.is_err(), "{what}");
        assert_eq!(credentials.not_after(), before, "{what}");
    }
    assert!(credentials.keep_certificate("hello").is_err());

    let later = hub.issue(&credentials.key, own, at + 3600);
    credentials
        .keep_certificate(&certificate_to_pem(&later))
        .unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(credentials.not_after(), before.plus(hour));
    let again = Credentials::load(&data_dir).unwrap();
    assert_eq!(again.not_after(), before.plus(hour));
    assert!(!again.expired(again.not_after()));
    assert!(again.expired(again.not_after().plus(Duration::from_secs(1))));
    let half = again.renew_at(0.5).since(NOW.plus(hour)).as_secs();
    assert!((11 * 3600..=13 * 3600).contains(&half), "{half}");
    assert!(Csr::from_pem(again.csr().unwrap().as_bytes()).is_ok());
}

#[test]
fn a_certificate_that_can_not_be_stored_is_used_and_stored_later() {
    let (_folder, data_dir) = folder();
    let hub = Hub::new(1);
    hub.admit(&data_dir).unwrap();
    let credentials = Credentials::load(&data_dir).unwrap();
    let (old, later) = (credentials.not_after(), NOW.as_secs() + 3600);
    // What stands in the way is as good as a full disk, also for root.
    let path = certificate_path(&data_dir.join(DIRECTORY));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let der = hub.issue(&credentials.key, Peer::Region(hub.region), later);
    let kept = credentials.keep_certificate(&certificate_to_pem(&der));
    assert!(matches!(kept, Ok(Kept::InMemory(_))), "{kept:?}");
    assert!(credentials.not_after() > old, "it must be in use");
    let again = credentials.store_again();
    assert!(matches!(again, Some(Kept::InMemory(_))), "{again:?}");

    fs::remove_dir(&path).unwrap();
    let again = credentials.store_again();
    assert!(matches!(again, Some(Kept::Stored)), "{again:?}");
    assert!(credentials.store_again().is_none());
    let loaded = Credentials::load(&data_dir).unwrap();
    assert_eq!(loaded.not_after(), credentials.not_after());
}

#[test]
fn a_damaged_record_is_told_with_its_place() {
    let path = Path::new("/m.toml");
    let good = record::write(&Hub::new(1).membership());
    assert_eq!(record::read(path, &good).unwrap(), Hub::new(1).membership());
    let wrong = good
        .replace("version = 1", "version = 2")
        .replace("addresses = [", "addresses = [] # [");
    let told = record::read(path, &wrong).unwrap_err().to_string();
    assert_eq!(
        told,
        "/m.toml has 2 faults:\n\
         /m.toml:3:11: version: 2 is out of bounds; write a whole number from 1 to 1\n\
         /m.toml:8:13: addresses: has 0 addresses, not 1 to 16; restore the file from a backup"
    );
    assert_eq!(record::read(path, "").unwrap_err().faults.len(), 6);
}

#[test]
fn a_directory_without_a_record_is_damage_and_no_freedom() {
    let (_folder, data_dir) = folder();
    Hub::new(1).admit(&data_dir).unwrap();
    std::fs::remove_file(data_dir.join("membership/membership.toml")).unwrap();
    assert!(matches!(
        Membership::load(&data_dir),
        Err(MembershipError::Incomplete { .. })
    ));
    leave(&data_dir, NOW).unwrap();
    assert_eq!(Membership::load(&data_dir).unwrap(), None);
}

proptest! {
    #[test]
    fn any_name_survives(name: String, epoch: u64, bits: u128) {
        prop_assume!(name.len() <= NAME_BYTES_MAX);
        let membership = Membership {
            federation: FederationId::from_random(bits),
            region: RegionId::from_random(!bits),
            name,
            epoch,
            addresses: vec!["hub:1".to_owned()],
        };
        let read = record::read(Path::new("/m"), &record::write(&membership)).unwrap();
        prop_assert_eq!(read, membership);
    }
}
