//! The mean of some samples. Pure.

use std::collections::BTreeMap;

use shared::model::{Disk, HostSample, Nic, ServiceKind, ServiceLatency, UnixMillis};

/// The mean of one window's samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mean {
    /// The averages; `at` is the window's beginning. A core, disk, interface or API is averaged
    /// over the samples that tell of it; an API's latency over its answers.
    pub sample: HostSample,
    /// Of how many samples.
    pub count: u32,
    /// How often each API did not answer; without those that always did.
    pub failures: Vec<(ServiceKind, u32)>,
}

impl Mean {
    pub(super) fn failures_text(&self) -> String {
        let entry = |(kind, count): &(ServiceKind, u32)| format!("{}={count}", kind.name());
        let entries: Vec<_> = self.failures.iter().map(entry).collect();
        entries.join(",")
    }
}

/// Reads what [`Mean::failures_text`] wrote. A later release's service is left out.
pub(super) fn failures_of(text: &str) -> Vec<(ServiceKind, u32)> {
    let entry = |entry: &str| {
        let (name, count) = entry.split_once('=')?;
        let kind = ServiceKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)?;
        Some((kind, count.parse().ok()?))
    };
    text.split(',').filter_map(entry).collect()
}

/// A sum on its way to a mean. A window's few hundred figures of at most 2⁴⁸ fit easily.
#[derive(Default)]
struct Average {
    sum: u64,
    count: u64,
}

impl Average {
    fn add(&mut self, figure: u64) {
        self.sum = self.sum.saturating_add(figure);
        self.count += 1;
    }

    /// Rounded to the nearest.
    fn value(&self) -> u64 {
        let half = self.count / 2;
        self.sum
            .saturating_add(half)
            .checked_div(self.count)
            .unwrap_or(0)
    }

    fn small(&self) -> u32 {
        u32::try_from(self.value()).unwrap_or(u32::MAX)
    }
}

#[derive(Default)]
struct Latency {
    answers: Average,
    failures: u32,
}

#[derive(Default)]
struct Averages<'a> {
    cores: Vec<Average>,
    load: [Average; 3],
    memory: [Average; 2],
    disks: BTreeMap<&'a str, [Average; 2]>,
    nics: BTreeMap<&'a str, [Average; 2]>,
    latencies: BTreeMap<ServiceKind, Latency>,
}

/// The mean of the samples of the window that begins at `at`; `None` of none.
pub(super) fn mean(at: UnixMillis, samples: &[HostSample]) -> Option<Mean> {
    let count = u32::try_from(samples.len()).ok().filter(|it| *it > 0)?;
    let mut averages = Averages::default();
    for sample in samples {
        averages.add(sample);
    }
    Some(averages.mean(at, count))
}

impl<'a> Averages<'a> {
    fn add(&mut self, sample: &'a HostSample) {
        let cores = sample.cpu_permille.len().max(self.cores.len());
        self.cores.resize_with(cores, Average::default);
        for (core, busy) in self.cores.iter_mut().zip(&sample.cpu_permille) {
            core.add((*busy).into());
        }
        for (load, figure) in self.load.iter_mut().zip(sample.load_centi) {
            load.add(figure.into());
        }
        add_pair(
            &mut self.memory,
            sample.memory_used_mib,
            sample.memory_total_mib,
        );
        for disk in &sample.disks {
            let pair = self.disks.entry(&disk.mount).or_default();
            add_pair(pair, disk.used_mib, disk.total_mib);
        }
        for nic in &sample.nics {
            let pair = self.nics.entry(&nic.name).or_default();
            add_pair(pair, nic.received_bytes_per_s, nic.sent_bytes_per_s);
        }
        for latency in &sample.latencies {
            let entry = self.latencies.entry(latency.service).or_default();
            match latency.millis {
                Some(millis) => entry.answers.add(millis.into()),
                None => entry.failures = entry.failures.saturating_add(1),
            }
        }
    }

    fn mean(self, at: UnixMillis, count: u32) -> Mean {
        let pair = |[a, b]: &[Average; 2]| (a.value(), b.value());
        let (memory_used_mib, memory_total_mib) = pair(&self.memory);
        let disk = |(mount, figures): (&&str, _)| {
            let (used_mib, total_mib) = pair(figures);
            Disk {
                mount: (*mount).to_owned(),
                used_mib,
                total_mib,
            }
        };
        let nic = |(name, figures): (&&str, _)| {
            let (received_bytes_per_s, sent_bytes_per_s) = pair(figures);
            Nic {
                name: (*name).to_owned(),
                received_bytes_per_s,
                sent_bytes_per_s,
            }
        };
        let latency = |(service, latency): (&ServiceKind, &Latency)| ServiceLatency {
            service: *service,
            millis: (latency.answers.count > 0).then(|| latency.answers.small()),
        };
        let failed = |(service, latency): (&ServiceKind, &Latency)| {
            (latency.failures > 0).then_some((*service, latency.failures))
        };
        Mean {
            sample: HostSample {
                at,
                cpu_permille: self.cores.iter().map(|core| core.value() as u16).collect(),
                load_centi: self.load.map(|load| load.small()),
                memory_used_mib,
                memory_total_mib,
                disks: self.disks.iter().map(disk).collect(),
                nics: self.nics.iter().map(nic).collect(),
                latencies: self.latencies.iter().map(latency).collect(),
            },
            count,
            failures: self.latencies.iter().filter_map(failed).collect(),
        }
    }
}

fn add_pair([a, b]: &mut [Average; 2], first: u64, second: u64) {
    a.add(first);
    b.add(second);
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: UnixMillis = UnixMillis(300_000);

    fn sample(cpu: &[u16], used: u64, latency: Option<u32>) -> HostSample {
        HostSample {
            at: UnixMillis(310_000),
            cpu_permille: cpu.to_vec(),
            load_centi: [cpu.len() as u32, 10, 1],
            memory_used_mib: used,
            memory_total_mib: 1 << 48,
            disks: Vec::new(),
            nics: Vec::new(),
            latencies: vec![ServiceLatency {
                service: ServiceKind::Compute,
                millis: latency,
            }],
        }
    }

    fn disk(mount: &str, used_mib: u64) -> Disk {
        Disk {
            mount: mount.to_owned(),
            used_mib,
            total_mib: 100,
        }
    }

    #[test]
    fn of_nothing_there_is_none_and_of_one_it_is_itself() {
        assert_eq!(mean(AT, &[]), None);
        let one = sample(&[1, 1000], 7, Some(30));
        let mean = mean(AT, std::slice::from_ref(&one)).unwrap();
        assert_eq!((mean.count, mean.sample.at), (1, AT));
        assert_eq!(mean.failures, []);
        assert_eq!(mean.sample, HostSample { at: AT, ..one });
    }

    #[test]
    fn each_figure_is_averaged_over_the_samples_that_tell_it() {
        let mut a = sample(&[100, 200], 1 << 48, Some(10));
        let mut b = sample(&[101], 1 << 48, None);
        let c = sample(&[100, 300], 1 << 48, Some(21));
        a.disks = vec![disk("/", 10), disk("/var", 4)];
        b.disks = vec![disk("/", 20)];
        b.nics = vec![Nic {
            name: "eth0".to_owned(),
            received_bytes_per_s: 8,
            sent_bytes_per_s: 9,
        }];
        let mean = mean(AT, &[a, b.clone(), c]).unwrap();
        let sample = &mean.sample;
        assert_eq!(sample.cpu_permille, [100, 250]);
        assert_eq!(sample.load_centi, [2, 10, 1]);
        assert_eq!(sample.memory_used_mib, 1 << 48);
        assert_eq!(sample.disks, [disk("/", 15), disk("/var", 4)]);
        assert_eq!(sample.nics, b.nics);
        assert_eq!(sample.latencies[0].millis, Some(16));
        assert_eq!(mean.failures, [(ServiceKind::Compute, 1)]);
        assert_eq!(mean.count, 3);
    }

    #[test]
    fn an_api_that_never_answered_has_no_latency() {
        let down = sample(&[], 0, None);
        let mean = mean(AT, &[down.clone(), down]).unwrap();
        assert_eq!(mean.sample.latencies[0].millis, None);
        assert_eq!(mean.failures, [(ServiceKind::Compute, 2)]);
    }

    #[test]
    fn failures_read_what_they_write() {
        let mut mean = mean(AT, &[sample(&[], 0, None)]).unwrap();
        mean.failures.push((ServiceKind::Volume, 300));
        assert_eq!(mean.failures_text(), "compute=1,volume=300");
        assert_eq!(failures_of(&mean.failures_text()), mean.failures);
        assert_eq!(failures_of(""), []);
        assert_eq!(failures_of("later=3,compute=x"), []);
    }
}
