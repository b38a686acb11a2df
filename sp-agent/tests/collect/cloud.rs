//! A cloud that does as it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use shared::model::{
    CloudDescription, CloudId, CloudKind, Key, Record, RecordKind, Server, ServerState,
    ServiceKind, UnixMillis,
};
use sp_agent::cloud::{
    Cloud, CloudError, Incomplete, Mark, Page, Pages, Part, Probe, ProbeOutcome, Unread, Whole,
};

/// Servers of one page.
const PAGE: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The probe answers, reading does not.
    Status,
    /// The first page comes, the second does not.
    AfterFirstPage,
    Refused,
    Missing,
    Hangs,
    /// All is read but server 0.
    ButOne,
    /// All is read but the users of the department `away`.
    ButADepartment,
}

#[derive(Default)]
pub(crate) struct FakeCloud {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    servers: BTreeMap<u64, String>,
    /// Each change in its order; a mark is how many there were.
    changes: Vec<u64>,
    tells_changes: bool,
    faults: BTreeMap<ServiceKind, Fault>,
    audits: BTreeMap<Part, u32>,
    probes: u32,
}

pub(crate) fn server_id(number: u64) -> CloudId {
    CloudId::Text(format!("server-{number}"))
}

fn server(number: u64, name: &str) -> Record {
    Record::Server(Server {
        id: server_id(number),
        name: name.to_owned(),
        project: CloudId::Text("project".to_owned()),
        state: ServerState::Running,
        vcpus: 1,
        memory_mib: 512,
        disk_gib: 1,
        node: None,
        addresses: Vec::new(),
        created: UnixMillis(0),
        fault: None,
    })
}

impl FakeCloud {
    pub(crate) fn with_servers(count: u64) -> Self {
        let inner = Inner {
            servers: (0..count).map(|number| (number, "a".to_owned())).collect(),
            tells_changes: true,
            ..Inner::default()
        };
        Self {
            inner: Mutex::new(inner),
        }
    }

    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.inner.lock().unwrap())
    }

    pub(crate) fn forget_changes(&self) {
        self.with(|it| it.tells_changes = false);
    }

    pub(crate) fn create(&self, number: u64) {
        self.rename(number, "a");
    }

    pub(crate) fn rename(&self, number: u64, name: &str) {
        self.with(|it| {
            it.servers.insert(number, name.to_owned());
            it.changes.push(number);
        });
    }

    pub(crate) fn delete(&self, number: u64) {
        self.with(|it| {
            it.servers.remove(&number);
            it.changes.push(number);
        });
    }

    pub(crate) fn fail(&self, service: ServiceKind, fault: Fault) {
        self.with(|it| it.faults.insert(service, fault));
    }

    pub(crate) fn mend(&self, service: ServiceKind) {
        self.with(|it| it.faults.remove(&service));
    }

    pub(crate) fn audits(&self, part: Part) -> u32 {
        self.with(|it| it.audits.get(&part).copied().unwrap_or(0))
    }

    pub(crate) fn probes(&self) -> u32 {
        self.with(|it| it.probes)
    }

    fn fault(&self, service: ServiceKind) -> Option<Fault> {
        self.with(|it| it.faults.get(&service).copied())
    }

    async fn stumble(&self, service: ServiceKind) -> Result<(), CloudError> {
        let endpoint = "http://controller".to_owned();
        match self.fault(service) {
            None | Some(Fault::AfterFirstPage | Fault::ButOne | Fault::ButADepartment) => Ok(()),
            Some(Fault::Status) => Err(broken()),
            Some(Fault::Refused) => Err(CloudError::Unauthorized {
                endpoint,
                reason: "wrong password".to_owned(),
            }),
            Some(Fault::Missing) => Err(CloudError::Missing { service }),
            Some(Fault::Hangs) => std::future::pending().await,
        }
    }

    async fn but_one(&self, pages: &Pages) -> Result<Incomplete, CloudError> {
        let page = Page {
            unread: vec![Unread::Record(server_id(0))],
            ..Page::default()
        };
        pages.send(page).await.map_err(|_| CloudError::Stopped)?;
        Ok(Incomplete {
            what: "servers",
            failed: 1,
            of: self.with(|it| it.servers.len() as u64),
            first: "a (server-0)".to_owned(),
            source: broken(),
        })
    }

    fn mark(&self) -> Mark {
        self.with(|it| Mark(UnixMillis(it.changes.len() as u64)))
    }
}

async fn but_a_department(pages: &Pages) -> Result<Incomplete, CloudError> {
    let page = Page {
        unread: vec![Unread::Unlisted(CloudId::new("away"))],
        ..Page::default()
    };
    pages.send(page).await.map_err(|_| CloudError::Stopped)?;
    Ok(Incomplete {
        what: "departments' users",
        failed: 1,
        of: 2,
        first: "sales (away)".to_owned(),
        source: broken(),
    })
}

fn broken() -> CloudError {
    CloudError::Status {
        endpoint: "http://controller".to_owned(),
        what: "GET /servers/detail".to_owned(),
        status: 500,
        reason: "the database is away".to_owned(),
    }
}

#[async_trait]
impl Cloud for FakeCloud {
    async fn describe(&self) -> Result<CloudDescription, CloudError> {
        Ok(CloudDescription {
            kind: CloudKind::Simulated,
            version: "1".to_owned(),
            endpoint: "http://controller".to_owned(),
        })
    }

    async fn probe(&self) -> Vec<Probe> {
        self.with(|it| it.probes += 1);
        let services = [
            ServiceKind::Compute,
            ServiceKind::Volume,
            ServiceKind::Network,
        ];
        let probe = |service| Probe {
            service,
            endpoint: "http://controller".to_owned(),
            outcome: match self.fault(service) {
                Some(Fault::Missing) => ProbeOutcome::Missing,
                _ => ProbeOutcome::Available {
                    latency: Duration::from_millis(12),
                    versions: ("2.1".to_owned(), "2.100".to_owned()),
                },
            },
        };
        services.map(probe).into()
    }

    async fn audit(&self, part: Part, pages: &Pages) -> Result<Whole, CloudError> {
        self.with(|it| *it.audits.entry(part).or_default() += 1);
        self.stumble(part.service()).await?;
        let mark = self.mark();
        let servers = match part {
            Part::Servers => self.with(|it| it.servers.clone()),
            _ => BTreeMap::new(),
        };
        let but_one = self.fault(part.service()) == Some(Fault::ButOne);
        let servers: Vec<_> = servers
            .iter()
            .filter(|(number, _)| !(but_one && **number == 0))
            .map(|(number, name)| server(*number, name))
            .collect();
        for records in servers.chunks(PAGE) {
            let page = Page {
                records: records.to_vec(),
                ..Page::default()
            };
            pages.send(page).await.map_err(|_| CloudError::Stopped)?;
            if self.fault(part.service()) == Some(Fault::AfterFirstPage) {
                return Err(broken());
            }
        }
        let incomplete = match self.fault(part.service()) {
            Some(Fault::ButOne) => Some(self.but_one(pages).await?),
            Some(Fault::ButADepartment) if part == Part::Users => {
                Some(but_a_department(pages).await?)
            }
            _ => None,
        };
        Ok(Whole::of(mark, incomplete))
    }

    async fn changes(
        &self,
        part: Part,
        since: Mark,
        pages: &Pages,
    ) -> Result<Option<Mark>, CloudError> {
        self.stumble(part.service()).await?;
        if !self.with(|it| it.tells_changes) {
            return Ok(None);
        }
        let mark = self.mark();
        let mut page = Page::default();
        if part == Part::Servers {
            self.with(|it| {
                let changed: BTreeSet<_> = it.changes[since.0.0 as usize..].iter().collect();
                for number in changed {
                    match it.servers.get(number) {
                        Some(name) => page.records.push(server(*number, name)),
                        None => page.deleted.push(Key {
                            kind: RecordKind::Server,
                            id: server_id(*number),
                        }),
                    }
                }
            });
        }
        pages.send(page).await.map_err(|_| CloudError::Stopped)?;
        Ok(Some(mark))
    }
}
