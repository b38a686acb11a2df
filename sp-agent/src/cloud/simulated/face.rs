//! How the APIs of a simulated cloud answer: latency, and the faults of its script.
//!
//! Pure: asked about a moment, it says how long the answer takes and what it is.

use std::time::Duration;

use shared::model::ServiceKind;

use super::names::{Names, Thing};
use super::options::{ANSWER_TIME_MAX, Fault, FaultKind, Plan};
use crate::cloud::{CloudError, Probe, ProbeOutcome, Trouble};

/// The services that a simulated cloud's catalog has.
pub(super) const SERVICES: [ServiceKind; 6] = [
    ServiceKind::Identity,
    ServiceKind::Compute,
    ServiceKind::Placement,
    ServiceKind::Volume,
    ServiceKind::Network,
    ServiceKind::Image,
];

#[derive(Debug, Clone)]
pub(super) struct Face {
    names: Names,
    latency: Duration,
    faults: Vec<Fault>,
}

/// What comes of one request.
#[derive(Debug)]
pub(super) struct Answer {
    /// How long it takes; zero if nothing is asked at all.
    pub(super) takes: Duration,
    pub(super) result: Result<(), CloudError>,
}

impl Face {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            names: Names { seed: plan.seed },
            latency: plan.latency,
            faults: plan.faults.clone(),
        }
    }

    pub(super) fn endpoint(&self, service: ServiceKind) -> String {
        format!("simulated://{:016x}/{}", self.names.seed, service.name())
    }

    /// How a service answers `age` after the cloud's birth; `nonce` varies the latency.
    pub(super) fn answer(&self, service: ServiceKind, age: Duration, nonce: u64) -> Answer {
        let latency = self.latency(service, nonce);
        let endpoint = self.endpoint(service);
        let (takes, result) = match self.fault(service, age) {
            None => (latency, Ok(())),
            Some(FaultKind::Slow(more)) => (latency.saturating_add(more), Ok(())),
            Some(FaultKind::Unauthorized) => {
                let reason = "401: the request you have made requires authentication".to_owned();
                (latency, Err(CloudError::Unauthorized { endpoint, reason }))
            }
            Some(FaultKind::Down) => {
                let reason = "connection refused".to_owned();
                (
                    Duration::ZERO,
                    Err(CloudError::Unreachable { endpoint, reason }),
                )
            }
            Some(FaultKind::Missing) => (Duration::ZERO, Err(CloudError::Missing { service })),
        };
        if takes <= ANSWER_TIME_MAX {
            return Answer { takes, result };
        }
        Answer {
            takes: ANSWER_TIME_MAX,
            result: Err(CloudError::Unreachable {
                endpoint: self.endpoint(service),
                reason: format!("no answer within {} s", ANSWER_TIME_MAX.as_secs()),
            }),
        }
    }

    /// An answer to the health question, as a probe tells it.
    pub(super) fn probe(&self, service: ServiceKind, answer: Answer) -> Probe {
        let outcome = match answer.result {
            Ok(()) => ProbeOutcome::Available {
                latency: answer.takes,
                versions: versions(service),
            },
            Err(CloudError::Missing { .. }) => ProbeOutcome::Missing,
            Err(error) => ProbeOutcome::Failing {
                trouble: Trouble::from(&error),
                reason: error.to_string(),
            },
        };
        let endpoint = match outcome {
            ProbeOutcome::Missing => String::new(),
            _ => self.endpoint(service),
        };
        Probe {
            service,
            endpoint,
            outcome,
        }
    }

    /// The last fault in the list that strikes now. A credential that Keystone refuses is of no
    /// use anywhere.
    fn fault(&self, service: ServiceKind, age: Duration) -> Option<FaultKind> {
        let strikes = |fault: &&Fault| {
            let for_all =
                fault.service == ServiceKind::Identity && fault.what == FaultKind::Unauthorized;
            (for_all || fault.service == service) && age >= fault.at && age - fault.at < fault.lasts
        };
        self.faults
            .iter()
            .rev()
            .find(strikes)
            .map(|fault| fault.what)
    }

    /// From half of the given latency to one and a half.
    fn latency(&self, service: ServiceKind, nonce: u64) -> Duration {
        let bits = self
            .names
            .bits(Thing::Answer, nonce ^ (service as u64) << 56);
        let permille = 500 + (bits % 1001) as u32;
        self.latency.saturating_mul(permille) / 1000
    }
}

/// Lowest and highest version, as a current OpenStack writes them.
fn versions(service: ServiceKind) -> (String, String) {
    let (lowest, highest) = match service {
        ServiceKind::Compute => ("2.1", "2.100"),
        ServiceKind::Placement => ("1.0", "1.39"),
        ServiceKind::Volume => ("3.0", "3.71"),
        ServiceKind::Identity => ("3.14", "3.14"),
        ServiceKind::Image => ("2.0", "2.17"),
        ServiceKind::Network => ("2.0", "2.0"),
        ServiceKind::Kubernetes => ("", ""),
    };
    (lowest.to_owned(), highest.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::options::{Character, Options};
    use super::*;

    fn face(faults: Vec<Fault>) -> Face {
        let options = Options {
            faults,
            character: Character::Busy,
            latency: Duration::from_millis(10),
            ..Options::default()
        };
        Face::new(&options.check().unwrap())
    }

    fn fault(service: ServiceKind, what: FaultKind) -> Fault {
        Fault {
            at: Duration::from_secs(10),
            lasts: Duration::from_secs(5),
            service,
            what,
        }
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn a_fault_strikes_in_its_window_and_its_service_only() {
        let face = face(vec![fault(ServiceKind::Volume, FaultKind::Down)]);
        let fails = |service, age| face.answer(service, age, 1).result.is_err();
        let millis = Duration::from_millis(1);
        assert!(!fails(ServiceKind::Volume, secs(10) - millis));
        assert!(fails(ServiceKind::Volume, secs(10)));
        assert!(fails(ServiceKind::Volume, secs(15) - millis));
        assert!(!fails(ServiceKind::Volume, secs(15)));
        assert!(!fails(ServiceKind::Compute, secs(12)));
    }

    #[test]
    fn each_fault_is_told_as_what_it_is() {
        let tells = |what| {
            let face = face(vec![fault(ServiceKind::Compute, what)]);
            let answer = face.answer(ServiceKind::Compute, secs(11), 1);
            let error = answer.result.as_ref().map_err(ToString::to_string);
            let error = error.copied();
            (error, face.probe(ServiceKind::Compute, answer))
        };
        let (error, probe) = tells(FaultKind::Down);
        let reason = error.unwrap_err();
        assert!(
            reason.contains("does not answer (connection refused)"),
            "{reason}"
        );
        let trouble = Trouble::Service;
        assert_eq!(probe.outcome, ProbeOutcome::Failing { trouble, reason });

        let (error, probe) = tells(FaultKind::Unauthorized);
        assert!(error.unwrap_err().contains("refuses the token"));
        assert!(matches!(probe.outcome, ProbeOutcome::Failing { .. }));

        let (error, probe) = tells(FaultKind::Missing);
        assert!(error.unwrap_err().contains("no compute service"));
        assert_eq!(
            (probe.outcome, probe.endpoint.as_str()),
            (ProbeOutcome::Missing, "")
        );

        let (error, probe) = tells(FaultKind::Slow(secs(2)));
        assert_eq!(error, Ok(()));
        assert!(
            matches!(probe.outcome, ProbeOutcome::Available { latency, .. }
            if latency >= secs(2) && latency < secs(3))
        );

        let (error, _) = tells(FaultKind::Slow(Duration::MAX));
        assert!(error.unwrap_err().contains("no answer within 30 s"));
    }

    #[test]
    fn a_refused_login_strikes_every_service() {
        let face = face(vec![fault(ServiceKind::Identity, FaultKind::Unauthorized)]);
        for service in SERVICES {
            let answer = face.answer(service, secs(12), 1);
            assert!(matches!(
                answer.result,
                Err(CloudError::Unauthorized { .. })
            ));
        }
    }

    #[test]
    fn the_last_of_two_faults_strikes() {
        let slow = fault(ServiceKind::Image, FaultKind::Slow(secs(1)));
        let down = fault(ServiceKind::Image, FaultKind::Down);
        let down_in_the_end = face(vec![slow, down]).answer(ServiceKind::Image, secs(12), 1);
        assert!(down_in_the_end.result.is_err());
        let slow_in_the_end = face(vec![down, slow]).answer(ServiceKind::Image, secs(12), 1);
        assert!(slow_in_the_end.result.is_ok());
    }

    proptest! {
        #[test]
        fn answers_are_bounded(
            nonce in any::<u64>(),
            age_s in any::<u64>(),
            slow_s in any::<u64>(),
        ) {
            let face = face(vec![fault(ServiceKind::Network, FaultKind::Slow(secs(slow_s)))]);
            let takes = face.answer(ServiceKind::Network, secs(age_s), nonce).takes;
            prop_assert!(takes >= Duration::from_millis(5) && takes <= ANSWER_TIME_MAX);
        }
    }
}
