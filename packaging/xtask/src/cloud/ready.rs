//! Waits until a cloud works: every service answers, a compute host is up, a volume pool known.

use std::mem;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::http;
use super::process;
use super::service::Service;
use super::state::{CloudDir, State};
use crate::clock;
use crate::progress::{Progress, Step};
use crate::run;

/// A cloud alone takes 15 s; four at once on two cores, over a minute.
const READY_WITHIN: Duration = Duration::from_secs(240);
const POLL_PERIOD: Duration = Duration::from_millis(200);

/// Waits; shows one step for each service.
///
/// # Errors
/// A service ended, or was not ready in time; the error shows the end of its log.
pub(crate) fn wait(state: &State, dir: &CloudDir, progress: &Progress) -> Result<(), ReadyError> {
    let deadline = clock::now() + READY_WITHIN;
    let begin = |service: &Service| (*service, progress.step(format!("start {service}")));
    let mut waiting: Vec<(Service, Step<'_>)> = state.services.iter().map(begin).collect();
    let mut questions = Questions { state, token: None };
    loop {
        for (service, step) in mem::take(&mut waiting) {
            match questions.is_ready(service) {
                true => step.done(),
                false => waiting.push((service, step)),
            }
        }
        let Some((first, _)) = waiting.first() else {
            return Ok(());
        };
        let (culprit, error) = match dir.dead(state, &process::observe()).first() {
            Some(dead) => (*dead, died(*dead, dir)),
            None if clock::now() > deadline => (*first, late(*first, dir)),
            None => {
                thread::sleep(POLL_PERIOD);
                continue;
            }
        };
        let others = waiting
            .into_iter()
            .filter(|(service, _)| *service != culprit);
        others.for_each(|(_, step)| step.abandon());
        return Err(error);
    }
}

fn died(service: Service, dir: &CloudDir) -> ReadyError {
    let log = dir.log(service);
    ReadyError::Died {
        service,
        tail: run::tail(&log),
        log: log.display().to_string(),
    }
}

fn late(service: Service, dir: &CloudDir) -> ReadyError {
    ReadyError::Late {
        service,
        tail: run::tail(&dir.log(service)),
    }
}

/// Asks the services of a cloud, as its administrator once Keystone answers.
struct Questions<'a> {
    state: &'a State,
    token: Option<String>,
}

impl Questions<'_> {
    /// Nova and Cinder answer before they can do anything; a Keystone that does not know this
    /// cloud's administrator is another one's; the others work when they answer.
    fn is_ready(&mut self, service: Service) -> bool {
        if !self.answers(service) {
            return false;
        }
        match service {
            Service::Keystone => self.token().is_some(),
            Service::Nova => self.lists(service, "/v2.1/os-hypervisors", "hypervisors", is_up),
            Service::Cinder => {
                self.lists(service, "/v3/scheduler-stats/get_pools", "pools", |_| true)
            }
            _ => true,
        }
    }

    /// The administrator's, once Keystone gives it.
    fn token(&mut self) -> Option<&str> {
        if self.token.is_none() {
            self.token = token(self.state);
        }
        self.token.as_deref()
    }

    /// Each root lists versions: 200, 300, or 401 where even that wants a token.
    fn answers(&self, service: Service) -> bool {
        let reply = http::get(service.port(self.state.port), "/", None);
        reply.is_ok_and(|reply| matches!(reply.status, 200 | 300 | 401))
    }

    /// Whether the list at `path` has an entry that is good.
    fn lists(
        &mut self,
        service: Service,
        path: &str,
        list: &str,
        good: fn(&Value) -> bool,
    ) -> bool {
        let port = service.port(self.state.port);
        let Some(token) = self.token() else {
            return false;
        };
        let reply = http::get(port, path, Some(token));
        let Ok(reply) = reply else { return false };
        reply
            .json()
            .get(list)
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(good))
    }
}

fn is_up(hypervisor: &Value) -> bool {
    hypervisor.get("state").and_then(Value::as_str) == Some("up")
}

/// A token of the administrator, in the project "admin".
fn token(state: &State) -> Option<String> {
    let user = json!({
        "name": "admin", "domain": { "id": "default" }, "password": state.admin_password,
    });
    let body = json!({ "auth": {
        "identity": { "methods": ["password"], "password": { "user": user } },
        "scope": { "project": { "name": "admin", "domain": { "id": "default" } } },
    }});
    let reply = http::post(Service::Keystone.port(state.port), "/v3/auth/tokens", &body).ok()?;
    reply.header("x-subject-token").map(str::to_owned)
}

/// Why a cloud is not ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadyError {
    /// A service ended by itself.
    #[error("{service} ended right after its start; the end of {log}:{tail}")]
    Died {
        /// Which.
        service: Service,
        /// Its log.
        log: String,
        /// The end of its log.
        tail: String,
    },
    /// A service takes too long.
    #[error("{service} was not ready within {} s; its log ends:{tail}", READY_WITHIN.as_secs())]
    Late {
        /// Which.
        service: Service,
        /// The end of its log.
        tail: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_hypervisor_that_is_up_counts() {
        assert!(is_up(&json!({ "state": "up" })));
        assert!(!is_up(&json!({ "state": "down" })));
        assert!(!is_up(&json!({})));
    }
}
