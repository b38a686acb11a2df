//! What `sp-agent check` tells of a cloud.

use serde::{Deserialize, Serialize};
use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;

use crate::cloud::openstack::{CheckLine, OpenStack, Verdict};
use crate::cloud::simulated::Simulated;
use crate::cloud::{Cloud, Probe, ProbeOutcome};
use crate::config::CloudConfig;

/// One point of the check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// `good`, `warning` or `bad`.
    pub verdict: String,
    /// What was looked at.
    pub subject: String,
    /// What was found, and what to do.
    pub text: String,
}

impl CheckReport {
    /// Whether the agent can't do its work because of it.
    pub fn is_bad(&self) -> bool {
        self.verdict == name(Verdict::Bad)
    }

    fn new(verdict: Verdict, subject: &str, text: String) -> Self {
        Self {
            verdict: name(verdict).to_owned(),
            subject: subject.to_owned(),
            text,
        }
    }
}

const fn name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::Warning => "warning",
        Verdict::Bad => "bad",
    }
}

/// Asks the configured cloud everything that the agent will ask of it. Never fails: a failure is a
/// point.
pub async fn check(cloud: &CloudConfig, clock: Clock) -> Vec<CheckReport> {
    match cloud {
        CloudConfig::OpenStack(options) => match OpenStack::new(options, clock) {
            Ok(cloud) => cloud.check().await.into_iter().map(of_line).collect(),
            Err(error) => {
                let text = chain(&error).to_string();
                vec![CheckReport::new(Verdict::Bad, "settings", text)]
            }
        },
        CloudConfig::Simulated(plan) => {
            let cloud = Simulated::new(plan.clone(), clock);
            cloud.probe().await.into_iter().map(of_probe).collect()
        }
    }
}

fn of_line(line: CheckLine) -> CheckReport {
    CheckReport::new(line.verdict, &line.subject, line.text)
}

fn of_probe(probe: Probe) -> CheckReport {
    let subject = probe.service.name();
    match probe.outcome {
        ProbeOutcome::Available { latency, .. } => {
            let millis = latency.as_millis();
            let text = format!("answers at {} within {millis} ms", probe.endpoint);
            CheckReport::new(Verdict::Good, subject, text)
        }
        ProbeOutcome::Failing { reason, .. } => CheckReport::new(Verdict::Bad, subject, reason),
        ProbeOutcome::Missing => {
            let text = "the catalog has none".to_owned();
            CheckReport::new(Verdict::Warning, subject, text)
        }
    }
}
