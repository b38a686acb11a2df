//! How to reach one OpenStack cloud, and as whom: what an operator configures.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;
use zeroize::Zeroizing;

use super::fault::one_line;
use super::patience::Patience;
use super::setup::SetupError;
use crate::cloud::Policy;

/// However short a question may take, a pass also waits: for a token, for the versions of a
/// service, for the place of a question of another pass.
const SILENCE_MAX_LEAST: Duration = Duration::from_secs(300);

/// Everything that the client of one cloud needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Keystone's address, such as `https://cloud.example:5000/v3`; a missing `/v3` is added.
    pub auth_url: String,
    /// As whom.
    pub auth: Auth,
    /// Which region of the catalog; may be left out where the catalog has only one.
    pub region_name: Option<String>,
    /// Which of each service's addresses.
    pub interface: Interface,
    /// Certificates (PEM) to trust besides the machine's own, such as a private CA's.
    pub ca_file: Option<PathBuf>,
    /// Requests that may run at the same time, for each API; 1 to [`Self::CONCURRENCY_MAX`].
    pub concurrency_max: usize,
    /// The longest that one request may take, its answer included.
    pub request_timeout: Duration,
    /// Records asked for in one page, as long as none is too heavy; 1 to [`Self::PAGE_SIZE_MAX`].
    pub page_size: u32,
    /// Keystone's own domain (its option `[identity] default_domain_id`).
    pub default_domain_id: String,
    /// What the operator keeps from the federation.
    pub policy: Policy,
}

impl Options {
    /// More would only queue inside the services: Nova and Cinder run few workers in the field.
    pub const CONCURRENCY_MAX: usize = 64;
    /// Nova's and Cinder's own default limit (`max_limit`, `osapi_max_limit`).
    pub const PAGE_SIZE_MAX: u32 = 1000;
    /// A request that takes longer holds a place that a later one would use better.
    pub const REQUEST_TIMEOUT_MAX: Duration = Duration::from_secs(600);

    /// A reading that gives no sign of life for so long hangs: two questions in a row lie between
    /// two signs at most, such as one for a quota and one whether its project still exists.
    pub(super) fn silence_max(&self, patience: &Patience) -> Duration {
        let longest = patience.longest(self.request_timeout);
        longest.saturating_mul(2).max(SILENCE_MAX_LEAST)
    }

    /// The usual: public addresses, the only region, four requests at a time, 30 s, full pages.
    pub fn new(auth_url: impl Into<String>, auth: Auth) -> Self {
        Self {
            auth_url: auth_url.into(),
            auth,
            region_name: None,
            interface: Interface::Public,
            ca_file: None,
            concurrency_max: 4,
            request_timeout: Duration::from_secs(30),
            page_size: Self::PAGE_SIZE_MAX,
            default_domain_id: "default".to_owned(),
            policy: Policy::default(),
        }
    }

    /// Keystone's v3 address, from however the operator wrote it.
    pub(super) fn keystone(&self) -> Result<Url, SetupError> {
        keystone(&self.auth_url)
    }

    /// Checks what the types can't.
    pub(super) fn check(&self) -> Result<(), SetupError> {
        let in_range = |what, value: u64, min, max| match (min..=max).contains(&value) {
            true => Ok(()),
            false => Err(SetupError::OutOfRange { what, min, max }),
        };
        let concurrency = u64::try_from(self.concurrency_max).unwrap_or(u64::MAX);
        let concurrency_max = Self::CONCURRENCY_MAX as u64;
        in_range("concurrency_max", concurrency, 1, concurrency_max)?;
        let page_size_max = u64::from(Self::PAGE_SIZE_MAX);
        in_range("page_size", self.page_size.into(), 1, page_size_max)?;
        // Rounded up, so that a part of a second passes and zero does not.
        let seconds = self.request_timeout.as_millis().div_ceil(1000);
        let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
        let seconds_max = Self::REQUEST_TIMEOUT_MAX.as_secs();
        in_range("request_timeout, in seconds,", seconds, 1, seconds_max)
    }
}

/// Keystone's v3 address, from however the operator wrote it.
///
/// # Errors
/// If it is none, or a credential stands in it.
pub fn keystone(auth_url: &str) -> Result<Url, SetupError> {
    let wrong = |reason: String| SetupError::AuthUrl {
        url: shown(auth_url),
        reason,
    };
    let mut url = Url::parse(auth_url.trim()).map_err(|e| wrong(e.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong("it must begin with https:// or http://".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(
            "a credential must not stand in an address".to_owned(),
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/');
    // Keystone's v2.0 is gone since Queens, but its address lives on in many an openrc.
    let root = path.strip_suffix("/v2.0").unwrap_or(path);
    let path = match root.ends_with("/v3") {
        true => root.to_owned(),
        false => format!("{root}/v3"),
    };
    url.set_path(&path);
    Ok(url)
}

/// An address as it may be shown: without whatever stands before an `@`.
fn shown(url: &str) -> String {
    let rest = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
    rest.chars().take(200).collect()
}

/// As whom the agent signs in. The account needs an administrator role, to see all projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Auth {
    /// An application credential (Keystone API v3.10): made by the operator, revocable, and not
    /// the operator's password.
    ApplicationCredential {
        /// Its id.
        id: String,
        /// Its secret.
        secret: Secret,
    },
    /// An account and its password, in a project.
    Password {
        /// The account's name.
        username: String,
        /// Its password.
        password: Secret,
        /// The account's domain.
        user_domain: Domain,
        /// The project's name.
        project_name: String,
        /// The project's domain.
        project_domain: Domain,
    },
}

impl Auth {
    /// As whom, for people: without any secret.
    pub fn shown(&self) -> String {
        match self {
            Self::ApplicationCredential { id, .. } => {
                format!("application credential {}", one_line(id))
            }
            Self::Password {
                username,
                user_domain,
                project_name,
                ..
            } => format!(
                "user {} of domain {} in project {}",
                one_line(username),
                one_line(user_domain.text()),
                one_line(project_name)
            ),
        }
    }

    /// The word for its kind, in a status and an audit trail.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ApplicationCredential { .. } => "application-credential",
            Self::Password { .. } => "password",
        }
    }

    /// The domains that a sign-in names.
    pub(super) fn domains(&self) -> Vec<Domain> {
        match self {
            Self::ApplicationCredential { .. } => Vec::new(),
            Self::Password {
                user_domain,
                project_domain,
                ..
            } => vec![user_domain.clone(), project_domain.clone()],
        }
    }
}

/// A Keystone domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// By its id, such as `default`.
    Id(String),
    /// By its name, such as `Default`.
    Name(String),
}

impl Domain {
    /// Whether it is an id or a name, as a word.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::Name(_) => "name",
        }
    }

    /// The id or the name.
    pub fn text(&self) -> &str {
        match self {
            Self::Id(text) | Self::Name(text) => text,
        }
    }
}

/// Which address of a service in the catalog (Keystone: endpoint interface).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Interface {
    /// For everyone.
    #[default]
    Public,
    /// For the cloud's own machines.
    Internal,
    /// For administrators; seldom anything else than the internal one today.
    Admin,
}

impl Interface {
    /// The name in the catalog.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// A password, a secret or a token: wiped when dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret over; the caller's other copies are the caller's to wipe.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself, for whoever must send it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(auth_url: &str) -> Options {
        let id = "a".to_owned();
        let secret = Secret::new("hush");
        Options::new(auth_url, Auth::ApplicationCredential { id, secret })
    }

    #[test]
    fn every_usual_way_to_write_keystones_address_is_understood() {
        for (given, keystone) in [
            ("https://cloud:5000", "https://cloud:5000/v3"),
            ("https://cloud:5000/", "https://cloud:5000/v3"),
            ("https://cloud:5000/v3/", "https://cloud:5000/v3"),
            (" https://cloud/identity ", "https://cloud/identity/v3"),
            ("http://cloud:5000/v2.0", "http://cloud:5000/v3"),
        ] {
            assert_eq!(options(given).keystone().unwrap().as_str(), keystone);
        }
    }

    #[test]
    fn an_address_that_is_none_or_holds_a_password_is_refused_without_showing_it() {
        for given in ["cloud:5000", "", "ftp://cloud", "https://me:hush@cloud"] {
            let error = options(given).keystone().unwrap_err().to_string();
            assert!(error.contains("auth_url"), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn figures_out_of_range_are_refused() {
        let right = options("https://cloud");
        right.check().unwrap();
        let wrong: [fn(&mut Options); 4] = [
            |it| it.concurrency_max = 0,
            |it| it.page_size = 1001,
            |it| it.request_timeout = Duration::ZERO,
            |it| it.request_timeout = Duration::MAX,
        ];
        for spoil in wrong {
            let mut options = right.clone();
            spoil(&mut options);
            let refusal = options.check();
            assert!(matches!(refusal, Err(SetupError::OutOfRange { .. })));
        }
    }

    #[test]
    fn a_reading_may_be_silent_for_as_long_as_two_questions_take() {
        let patience = Patience::default();
        let mut options = options("https://cloud");
        let silence_max = |options: &Options| options.silence_max(&patience).as_secs();
        assert_eq!(silence_max(&options), 2 * (4 * 30 + 3 * 68));
        options.request_timeout = Options::REQUEST_TIMEOUT_MAX;
        assert_eq!(silence_max(&options), 2 * (4 * 600 + 3 * 68));
        let silence_max = options.silence_max(&Patience {
            tries_max: 1,
            ..Patience::default()
        });
        assert_eq!(silence_max.as_secs(), 1200);
        options.request_timeout = Duration::from_secs(1);
        assert_eq!(options.silence_max(&Patience::brief()).as_secs(), 300);
    }

    #[test]
    fn secrets_are_not_shown() {
        let shown = format!("{:?}", options("https://cloud"));
        assert!(!shown.contains("hush"), "{shown}");
    }
}
