//! `sp-agent status`.

use std::fmt::Write;
use std::time::Duration;

use shared::foreign;
use shared::model::UnixMillis;
use shared::runtime::clock::Clock;
use shared::runtime::daemon::Exit;

use super::ask::{daemon, json, say};
use super::{Failure, Output, load};
use crate::config::Purpose;
use crate::status::{
    AdoptionReport, CloudReport, CredentialReport, LinkReport, OrganizationReport, RegionReport,
    Report, SpoolReport, Time, offline,
};
use crate::tasks::Origin;

/// Failures that fit on a screen beside the rest.
const FAILURES_SHOWN: usize = 5;

#[cfg(test)]
mod tests;

pub(super) async fn run(origin: &Origin, output: Output) -> Result<Exit, Failure> {
    let config = load(origin, Purpose::Ask)?;
    let report = match daemon(&config).await? {
        Some(client) => client.report().await?,
        None => offline(&config.data_dir, Clock::system().unix_millis()),
    };
    match output {
        Output::Json => json(&report)?,
        Output::Table => say(&text_of(&report))?,
    }
    Ok(exit_of(&report))
}

fn exit_of(report: &Report) -> Exit {
    if report.is_well() {
        Exit::Success
    } else {
        Exit::Failure
    }
}

/// One line each, names in a column.
struct Page {
    text: String,
    now: UnixMillis,
}

impl Page {
    fn line(&mut self, name: &str, value: impl std::fmt::Display) {
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "{name:<12} {value}");
    }

    fn ago(&self, time: &Time) -> String {
        let age = self.now.since(time.unix_millis());
        format!("{} ago", span(age))
    }

    fn lasting(&self, time: &Time) -> String {
        format!("for {}", span(self.now.since(time.unix_millis())))
    }
}

impl Page {
    fn credential(&mut self, it: &CredentialReport) {
        let source = match (it.source.as_str(), &it.given) {
            ("given", Some(at)) => {
                let by = it.by.as_deref().unwrap_or("somebody");
                format!(
                    "given {} by {by}; counts before the configuration's",
                    self.ago(at)
                )
            }
            ("former", _) => "which worked before the configuration was changed".to_owned(),
            _ => "by the configuration".to_owned(),
        };
        self.line("credential", format_args!("{}, {source}", it.account));
        if let Some(note) = &it.note {
            self.line("", note);
        }
        if let Some(since) = it.since.as_ref().filter(|_| it.is_refused()) {
            let lasting = self.lasting(since);
            let reason = it.reason.as_deref().unwrap_or_default();
            self.line("", format_args!("REFUSED {lasting}: {reason}"));
        }
    }
}

fn text_of(report: &Report) -> String {
    let mut page = Page {
        text: String::new(),
        now: report.at.unix_millis(),
    };
    match &report.running_since {
        Some(since) => {
            let lasting = page.lasting(since);
            page.line(
                "agent",
                format_args!("{}, running {lasting}", report.software),
            );
        }
        None => page.line("agent", format_args!("{}, NOT RUNNING", report.software)),
    }
    allegiance(&mut page, report);
    if let Some(it) = &report.adoption {
        adoption(&mut page, it);
    }
    if let Some(it) = &report.region {
        let refused = &report.allegiance;
        let is_removed = refused.is_refused("removed") || refused.is_refused("unknown");
        region(&mut page, it, is_removed);
    }
    if let Some(it) = &report.link {
        link(&mut page, it);
    }
    if let Some(it) = &report.cloud {
        cloud(&mut page, it);
    }
    if let Some(it) = &report.spool {
        spool(&mut page, it);
    }
    if let Some(it) = &report.organization {
        organization(&mut page, it);
    }
    let spool = report.spool.as_ref().and_then(|it| it.next_step.as_ref());
    let cloud = report.cloud.as_ref();
    let credential = cloud.and_then(|it| it.credential.as_ref()?.next_step.as_ref());
    let steps = report.allegiance.next_step.iter();
    for step in steps.chain(credential).chain(spool) {
        let _ = write!(page.text, "\nNext: {step}\n");
    }
    page.text
}

fn allegiance(page: &mut Page, report: &Report) {
    let it = &report.allegiance;
    let mut text = it.state.clone();
    if let Some(epoch) = it.epoch {
        let _ = write!(text, ", epoch {epoch}");
    }
    if let Some(since) = &it.since {
        let _ = write!(text, ", {}", page.lasting(since));
    }
    page.line("allegiance", text);
    if let Some(reason) = &it.reason {
        page.line("", reason);
    }
}

fn adoption(page: &mut Page, it: &AdoptionReport) {
    match (&it.key, &it.reason) {
        (_, Some(reason)) => {
            page.line("adoption", format_args!("NOT POSSIBLE at {}", it.address));
            page.line("", reason);
        }
        (key, None) => {
            page.line(
                "adoption",
                format_args!("waits for it at {} (UDP)", it.address),
            );
            page.line("key", key.as_deref().unwrap_or_default());
        }
    }
}

fn region(page: &mut Page, it: &RegionReport, is_removed: bool) {
    page.line("region", format_args!("{} ({})", it.name, it.id));
    page.line("federation", &it.federation);
    if let Some(key) = &it.key {
        page.line("key", key);
    }
    if let Some(until) = &it.certificate_until {
        let left = until.unix_millis().since(page.now);
        let text = match left {
            // It has not run out, but no hub takes or renews it any more.
            _ if is_removed => "refused: the hub does not have this region".to_owned(),
            Duration::ZERO => format!("EXPIRED {}", page.ago(until)),
            left => format!("good for {}, renewed by itself", span(left)),
        };
        page.line("certificate", text);
    }
    page.line("hub", it.addresses.join(", "));
}

fn link(page: &mut Page, it: &LinkReport) {
    let mut text = it.phase.clone();
    if let Some(address) = &it.address {
        let _ = write!(text, ", {address}");
    }
    let _ = write!(text, ", {}", page.lasting(&it.since));
    page.line("link", text);
    let acknowledged = match &it.last_acknowledged {
        Some(at) => page.ago(at),
        None => "nothing yet".to_owned(),
    };
    page.line("acknowledged", acknowledged);
    let behind = it
        .behind
        .iter()
        .map(|it| format!("{} by {} changes", it.feed, it.changes));
    let behind: Vec<String> = behind.collect();
    if !behind.is_empty() {
        page.line("behind", behind.join(", "));
    }
}

fn cloud(page: &mut Page, it: &CloudReport) {
    let what = match it.version.as_str() {
        "" => it.kind.clone(),
        version => format!("{}: {version}", it.kind),
    };
    page.line("cloud", what);
    if !it.endpoint.is_empty() {
        page.line("", &it.endpoint);
    }
    let credential = it.credential.as_ref();
    if let Some(it) = credential {
        page.credential(it);
    }
    // Its own lines say it already.
    let is_refused = credential.is_some_and(CredentialReport::is_refused);
    if let Some(reason) = it.reason.as_ref().filter(|_| !is_refused) {
        page.line("", format_args!("NOT KNOWN: {reason}"));
    }
    for service in &it.services {
        let lasting = page.lasting(&service.since);
        let text = match (service.state.as_str(), &service.reason) {
            ("credential-refused", _) => format!("not asked {lasting}"),
            ("rights-missing", Some(reason)) => format!("FORBIDDEN {lasting}: {reason}"),
            (_, Some(reason)) => format!("FAILING {lasting}: {reason}"),
            (state, _) => format!("{state} {lasting}"),
        };
        page.line("", format_args!("{:<13} {text}", service.service));
    }
    let parts = it.parts.iter().map(|part| match &part.read {
        Some(at) => format!("{} {}", part.part, page.ago(at)),
        None => format!("{} never", part.part),
    });
    let parts: Vec<String> = parts.collect();
    for (place, three) in parts.chunks(3).enumerate() {
        let name = if place == 0 { "read" } else { "" };
        page.line(name, three.join(", "));
    }
}

fn spool(page: &mut Page, it: &SpoolReport) {
    let mib = it.bytes.div_ceil(1 << 20);
    page.line("spool", format_args!("{mib} MiB in {}", it.path));
    if let Some(reason) = &it.reason {
        page.line("", format_args!("CAN'T BE WRITTEN: {reason}"));
    }
    let reach = match &it.samples_since {
        Some(since) => format!(", back {}", span(page.now.since(since.unix_millis()))),
        None => String::new(),
    };
    page.line("samples", format_args!("{}{reach}", it.samples));
}

fn organization(page: &mut Page, it: &OrganizationReport) {
    let mut text = format!("{} of {} in place", it.in_place, it.desired);
    if let Some(left) = it.left_s.filter(|left| *left > 0) {
        let _ = write!(text, ", {} left", span(Duration::from_secs(left)));
    }
    if it.read_only {
        text.push_str("; the policy takes no changes (read_only)");
    }
    page.line("directory", text);
    let held = [
        (it.removals_held, "to be removed", "removals_max"),
        (
            it.withdrawals_held,
            "to be taken away or switched off",
            "withdrawals_max",
        ),
    ];
    for (count, what, setting) in held.iter().filter(|(count, ..)| *count > 0) {
        page.line(
            "",
            format_args!("{count} {what} wait: the policy allows so many a minute ({setting})"),
        );
    }
    if it.drift > 0 {
        page.line(
            "",
            format_args!("{} differ in the cloud, and are left so", it.drift),
        );
    }
    if let Some(paused) = &it.paused {
        page.line("", format_args!("PAUSED: {paused}"));
    }
    if it.failed > 0 {
        page.line("", format_args!("FAILED: {}", it.failed));
    }
    for failure in it.failures.iter().take(FAILURES_SHOWN) {
        let name = match failure.name.as_str() {
            "" => &failure.what,
            name => name,
        };
        page.line(
            "",
            format_args!("{}: {}", foreign::quoted(name), failure.error),
        );
    }
}

/// A time in its two largest units: nobody at night needs a third.
fn span(time: Duration) -> String {
    let secs = time.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{minutes} min {} s", secs % 60),
        3600..86_400 => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}
