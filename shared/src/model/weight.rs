//! What one record adds to the running totals.

use super::{Record, ServerState, Totals};

/// What one record adds to the totals, in a fraction of their room: a hub holds one for each record
/// that changed lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Weight {
    /// Nothing: a tombstone, or what only a later release can read.
    #[default]
    Nothing,
    /// A server.
    Server {
        /// Its state.
        state: ServerState,
        /// Virtual CPUs of its flavor.
        vcpus: u32,
        /// Memory of its flavor, MiB.
        memory_mib: u64,
    },
    /// A volume.
    Volume {
        /// Its size, GiB.
        size_gib: u64,
    },
    /// Anything else, of which a cloud has few.
    Other(Box<Totals>),
}

impl Weight {
    /// Of a record.
    pub fn of(record: &Record) -> Self {
        match record {
            Record::Server(it) => Self::Server {
                state: it.state,
                vcpus: it.vcpus,
                memory_mib: it.memory_mib,
            },
            Record::Volume(it) => Self::Volume {
                size_gib: it.size_gib,
            },
            Record::Quota(_)
            | Record::Department(_)
            | Record::Project(_)
            | Record::User(_)
            | Record::Group(_)
            | Record::Role(_)
            | Record::Membership(_)
            | Record::Implication(_)
            | Record::Assignment(_)
            | Record::Binding(_)
            | Record::Lapse(_)
            | Record::Remark(_)
            | Record::Applying(_)
            | Record::Recall(_)
            | Record::PutBack(_)
            | Record::Secret(_)
            | Record::Limits(_)
            | Record::Purge(_)
            | Record::Service(_)
            | Record::HostSample(_) => Self::Nothing,
            Record::Network(_)
            | Record::FloatingIp(_)
            | Record::Node(_)
            | Record::StoragePool(_) => Self::Other(Box::new(Totals::of(record))),
        }
    }

    /// The totals of this alone.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        totals.put(self);
        totals
    }
}

impl Totals {
    /// Adds what a record weighs.
    pub fn put(&mut self, weight: &Weight) {
        match weight {
            Weight::Other(totals) => self.add(totals),
            weight => self.change(weight, u64::wrapping_add),
        }
    }

    /// Takes away what a record weighs.
    pub fn take(&mut self, weight: &Weight) {
        match weight {
            Weight::Other(totals) => self.subtract(totals),
            weight => self.change(weight, u64::wrapping_sub),
        }
    }

    fn change(&mut self, weight: &Weight, by: impl Fn(u64, u64) -> u64) {
        let change = |figure: &mut u64, share| *figure = by(*figure, share);
        match *weight {
            Weight::Server {
                state,
                vcpus,
                memory_mib,
            } => {
                change(&mut self.servers, 1);
                match state {
                    ServerState::Running => change(&mut self.servers_running, 1),
                    ServerState::Stopped => change(&mut self.servers_stopped, 1),
                    ServerState::Failed => change(&mut self.servers_failed, 1),
                    _ => {}
                }
                change(&mut self.server_vcpus, vcpus.into());
                change(&mut self.server_memory_mib, memory_mib);
            }
            Weight::Volume { size_gib } => {
                change(&mut self.volumes, 1);
                change(&mut self.volumes_gib, size_gib);
            }
            Weight::Nothing | Weight::Other(_) => {}
        }
    }
}
