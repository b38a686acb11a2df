//! A spool's directory, with the faults that befall one, and records to put.

use std::fs;
use std::path::PathBuf;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shared::model::{
    CloudId, Key, Quota, QuotaResource, Record, RecordKind, Server, ServerState, ServiceKind,
    StoragePool, UnixMillis,
};
use sp_agent::cloud::{Mark, Page, Part};
use sp_agent::spool::{Spool, SpoolError, Written};
use tempfile::TempDir;

const FILE: &str = "spool.sqlite";

pub(crate) struct Home {
    pub(crate) outer: TempDir,
    backup: TempDir,
    lives: u64,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            outer: tempfile::tempdir().unwrap(),
            backup: tempfile::tempdir().unwrap(),
            lives: 0,
        }
    }

    /// Made by the spool itself, and so private.
    pub(crate) fn directory(&self) -> PathBuf {
        self.outer.path().join("spool")
    }

    pub(crate) fn try_open(&mut self) -> Result<Spool, SpoolError> {
        self.lives += 1;
        let mut chance = ChaCha8Rng::seed_from_u64(self.lives);
        let now = UnixMillis(1_700_000_000_000 + self.lives);
        Spool::open(&self.directory(), now, move || chance.random())
    }

    pub(crate) fn open(&mut self) -> Spool {
        self.try_open().unwrap()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory().join(FILE)
    }

    /// Of a closed spool.
    pub(crate) fn back_up(&self) {
        fs::copy(self.file(), self.backup.path().join(FILE)).unwrap();
    }

    /// Of a closed spool; false if there is no backup.
    pub(crate) fn restore(&self) -> bool {
        let backup = self.backup.path().join(FILE);
        backup.exists() && fs::copy(backup, self.file()).is_ok()
    }

    /// Of a closed spool: half of it turns to ones.
    pub(crate) fn damage(&self) {
        let mut bytes = fs::read(self.file()).unwrap();
        let half = bytes.len() / 2;
        bytes[half..].fill(0xff);
        fs::write(self.file(), bytes).unwrap();
    }

    pub(crate) fn moved_aside(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| name.contains("damaged")).collect();
        names.sort();
        names
    }
}

pub(crate) fn server_id(number: u64) -> CloudId {
    CloudId::new(&format!("67e55044-10b1-426f-9247-{number:012x}"))
}

pub(crate) fn server(number: u64, name: &str) -> Record {
    Record::Server(Server {
        id: server_id(number),
        name: name.to_owned(),
        project: CloudId::new("67e5504410b1426f9247bb680e5fe0c8"),
        state: ServerState::Running,
        vcpus: 4,
        memory_mib: 8192,
        disk_gib: 40,
        node: Some("compute-17.example.org".to_owned()),
        addresses: vec!["10.0.0.7".parse().unwrap()],
        created: UnixMillis::from_secs(1_690_000_000 + number),
        fault: None,
    })
}

pub(crate) fn server_key(number: u64) -> Key {
    Key {
        kind: RecordKind::Server,
        id: server_id(number),
    }
}

pub(crate) fn pool(number: u64) -> Record {
    pool_named(&format!("host@backend#{number}"))
}

pub(crate) fn pool_named(name: &str) -> Record {
    Record::StoragePool(StoragePool {
        id: CloudId::new(name),
        space_gib: None,
    })
}

pub(crate) fn quota(project: u64, service: ServiceKind, used: u64) -> Record {
    Record::Quota(Quota {
        project: CloudId::Text(format!("project-{project}")),
        project_name: "a project".to_owned(),
        service,
        resources: vec![QuotaResource {
            name: "things".to_owned(),
            limit: None,
            used,
            reserved: 0,
        }],
    })
}

pub(crate) fn page(records: impl IntoIterator<Item = Record>) -> Page {
    Page {
        records: records.into_iter().collect(),
        ..Page::default()
    }
}

/// An audit of one page.
pub(crate) async fn audit(spool: &Spool, part: Part, page: Page) -> Written {
    let audit = spool.begin_audit(part);
    let put = spool.put_page(&audit, page).await.unwrap();
    let swept = spool.finish_audit(audit, Mark(UnixMillis(5))).await;
    Written {
        changed: put.changed,
        ..swept.unwrap()
    }
}
