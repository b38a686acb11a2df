//! As whom the agent signs in at its cloud, and how another credential comes through the socket.

use serde::{Deserialize, Serialize};
use shared::model::{
    CloudCredential, CredentialFault, NamedDomain, Service, ServiceKind, ServiceState,
};
use zeroize::Zeroizing;

use super::report::{CredentialReport, Time};
use crate::cloud::openstack::Auth;
use crate::config::Config;
use crate::credential::{Counts, Doubt};

/// A credential, as it is asked to be taken. It is what a command and its own daemon say to each
/// other on one machine; its secret is wiped when it is dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialAsked {
    /// An application credential's id, instead of an account.
    application_credential_id: Option<String>,
    /// An account's name.
    username: Option<String>,
    /// Its password, or the application credential's secret.
    secret: String,
    user_domain: Option<Place>,
    project_name: Option<String>,
    project_domain: Option<Place>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Place {
    Id(String),
    Name(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialTold {
    /// As whom the agent signs in from now on.
    pub account: String,
    /// What whoever gave it should know.
    pub warning: Option<String>,
}

impl std::fmt::Debug for CredentialAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CredentialAsked(not shown)")
    }
}

impl Drop for CredentialAsked {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.secret);
    }
}

impl From<&CloudCredential> for CredentialAsked {
    fn from(it: &CloudCredential) -> Self {
        match it {
            CloudCredential::Application { id, secret } => Self {
                application_credential_id: Some(id.clone()),
                username: None,
                secret: secret.as_str().to_owned(),
                user_domain: None,
                project_name: None,
                project_domain: None,
            },
            CloudCredential::Password {
                user,
                password,
                user_domain,
                project,
                project_domain,
            } => Self {
                application_credential_id: None,
                username: Some(user.clone()),
                secret: password.as_str().to_owned(),
                user_domain: user_domain.clone().map(Place::from),
                project_name: project.clone(),
                project_domain: project_domain.clone().map(Place::from),
            },
        }
    }
}

impl From<NamedDomain> for Place {
    fn from(it: NamedDomain) -> Self {
        match it {
            NamedDomain::Id(id) => Self::Id(id),
            NamedDomain::Name(name) => Self::Name(name),
        }
    }
}

impl From<Place> for NamedDomain {
    fn from(it: Place) -> Self {
        match it {
            Place::Id(id) => Self::Id(id),
            Place::Name(name) => Self::Name(name),
        }
    }
}

impl CredentialAsked {
    /// The credential.
    ///
    /// # Errors
    /// The first part that is missing or too long.
    pub fn offered(mut self) -> Result<CloudCredential, CredentialFault> {
        let secret = Zeroizing::new(std::mem::take(&mut self.secret));
        let offered = match self.application_credential_id.take() {
            Some(id) => CloudCredential::Application { id, secret },
            None => CloudCredential::Password {
                user: self.username.take().unwrap_or_default(),
                password: secret,
                user_domain: self.user_domain.take().map(NamedDomain::from),
                project: self.project_name.take(),
                project_domain: self.project_domain.take().map(NamedDomain::from),
            },
        };
        offered.check()?;
        Ok(offered)
    }
}

/// How the credential does, by what the services say. `None` where the cloud needs none.
pub(super) fn credential(config: &Config, services: &[Service]) -> Option<CredentialReport> {
    let options = config.openstack()?;
    let (state, since, reason) = standing(services);
    let (source, given, by, note) = match &config.credential.counts {
        Counts::Configured => ("configuration", None, None, None),
        Counts::Given { at, by } => ("given", Some(Time::from(*at)), Some(by.clone()), None),
        Counts::Unreadable(what) => ("configuration", None, None, Some(what.clone())),
        Counts::Former { doubt } => ("former", None, None, Some(former(doubt))),
    };
    Some(CredentialReport {
        account: options.auth.shown(),
        kind: options.auth.kind().to_owned(),
        source: source.to_owned(),
        given,
        by,
        state: state.to_owned(),
        since,
        reason,
        note,
        next_step: next_step(state, &options.auth),
    })
}

fn former(doubt: &Doubt) -> String {
    match doubt {
        Doubt::Untried => "the configuration's credential is another one, and is tried".to_owned(),
        Doubt::Unanswered(why) => {
            format!("the configuration's credential is another one, and can't be tried yet: {why}")
        }
        Doubt::Refused { text, .. } => format!(
            "the configuration's credential is not taken: {text}. Once it is mended, have it tried \
             again: systemctl reload sp-agent"
        ),
    }
}

fn standing(services: &[Service]) -> (&'static str, Option<Time>, Option<String>) {
    let found = |wanted: fn(&ServiceState) -> bool| services.iter().find(|it| wanted(&it.state));
    let refused = found(|it| matches!(it, ServiceState::CredentialRefused { .. }));
    let lacking = || found(|it| matches!(it, ServiceState::RightsMissing { .. }));
    if let Some(service) = refused.or_else(lacking) {
        let reason = service.state.reason().map(str::to_owned);
        return (service.state.code(), Some(service.since.into()), reason);
    }
    let keystone = services.iter().find(|it| it.kind == ServiceKind::Identity);
    match keystone.map(|it| &it.state) {
        Some(ServiceState::Available) => ("works", None, None),
        // Keystone is away, or was not asked yet.
        _ => ("unknown", None, None),
    }
}

fn next_step(state: &str, auth: &Auth) -> Option<String> {
    let step = match (state, auth) {
        ("credential-refused", Auth::Password { .. }) => {
            "Look at the account in Keystone: its password, whether it, its domain and its project \
             are switched on, and its role there. Then give the agent what works: sp-agent \
             credential set; or, at the hub: idp-hub region credential NAME. If it was mended in \
             Keystone alone, have it tried at once: systemctl reload sp-agent"
        }
        ("credential-refused", Auth::ApplicationCredential { .. }) => {
            "Make a new application credential (openstack application credential create), and give \
             it to the agent: sp-agent credential set; or, at the hub: idp-hub region credential \
             NAME"
        }
        ("rights-missing", _) => {
            "Give the agent's account the role admin again, or give the agent another account: \
             sp-agent credential set; then see: sp-agent check"
        }
        _ => return None,
    };
    Some(step.to_owned())
}

#[cfg(test)]
mod tests {
    use shared::model::UnixMillis;

    use super::*;

    fn service(kind: ServiceKind, state: ServiceState, since: u64) -> Service {
        Service {
            kind,
            state,
            endpoint: String::new(),
            versions: (String::new(), String::new()),
            since: UnixMillis(since),
        }
    }

    #[test]
    fn a_refused_credential_comes_before_lost_rights_and_a_keystone_that_is_away_says_nothing() {
        let reason = || "401".to_owned();
        let refused = ServiceState::CredentialRefused { reason: reason() };
        let lacking = ServiceState::RightsMissing { reason: reason() };
        let failing = ServiceState::Failing { reason: reason() };
        let state = |services: &[Service]| standing(services).0;
        let volume = service(ServiceKind::Volume, lacking, 3);
        assert_eq!(state(&[]), "unknown");
        let identity = |state| service(ServiceKind::Identity, state, 5);
        assert_eq!(state(&[identity(ServiceState::Available)]), "works");
        assert_eq!(state(&[identity(failing)]), "unknown");
        assert_eq!(state(std::slice::from_ref(&volume)), "rights-missing");
        let (state, since, _) = standing(&[volume, identity(refused)]);
        assert_eq!(state, "credential-refused");
        assert_eq!(since, Some(UnixMillis(5).into()));
    }

    #[test]
    fn what_is_asked_through_the_socket_arrives_and_is_not_shown() {
        let offered = CloudCredential::Password {
            user: "chief".to_owned(),
            password: "hush".to_owned().into(),
            user_domain: Some(NamedDomain::Id("default".to_owned())),
            project: Some("ops".to_owned()),
            project_domain: None,
        };
        let asked = CredentialAsked::from(&offered);
        assert!(!format!("{asked:?}").contains("hush"));
        let text = serde_json::to_string(&asked).unwrap();
        let asked: CredentialAsked = serde_json::from_str(&text).unwrap();
        assert_eq!(asked.offered().unwrap(), offered);
    }
}
