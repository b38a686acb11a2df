//! What Keystone wants to be told at a sign-in, and what it answers.
//!
//! Keystone API v3, "Authentication and token management": `POST /v3/auth/tokens`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::catalog::CatalogService;
use super::options::{Auth, Domain};
use super::scalar::Scalar;

/// A token that says it lives longer is renewed after a week all the same.
const LIFE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// A token that says it lives shorter would be renewed with every request.
const LIFE_MIN: Duration = Duration::from_secs(10);

/// The body of a sign-in. Borrows its secrets, so that they are copied once, for the wire.
#[derive(Serialize)]
pub(super) struct SignIn<'a> {
    auth: AuthBody<'a>,
}

#[derive(Serialize)]
struct AuthBody<'a> {
    identity: Identity<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<Scope<'a>>,
}

#[derive(Serialize)]
struct Identity<'a> {
    methods: [&'static str; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    application_credential: Option<Credential<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<PasswordBody<'a>>,
}

#[derive(Serialize)]
struct Credential<'a> {
    id: &'a str,
    secret: &'a str,
}

#[derive(Serialize)]
struct PasswordBody<'a> {
    user: User<'a>,
}

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    password: &'a str,
    domain: DomainBody<'a>,
}

#[derive(Serialize)]
struct Scope<'a> {
    project: Project<'a>,
}

#[derive(Serialize)]
struct Project<'a> {
    name: &'a str,
    domain: DomainBody<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum DomainBody<'a> {
    Id(&'a str),
    Name(&'a str),
}

impl<'a> From<&'a Domain> for DomainBody<'a> {
    fn from(domain: &'a Domain) -> Self {
        match domain {
            Domain::Id(id) => Self::Id(id),
            Domain::Name(name) => Self::Name(name),
        }
    }
}

impl<'a> From<&'a Auth> for SignIn<'a> {
    fn from(auth: &'a Auth) -> Self {
        let auth = match auth {
            Auth::ApplicationCredential { id, secret } => AuthBody {
                identity: Identity {
                    methods: ["application_credential"],
                    application_credential: Some(Credential {
                        id,
                        secret: secret.expose(),
                    }),
                    password: None,
                },
                // An application credential has its project, and refuses to be given one.
                scope: None,
            },
            Auth::Password {
                username,
                password,
                user_domain,
                project_name,
                project_domain,
            } => AuthBody {
                identity: Identity {
                    methods: ["password"],
                    application_credential: None,
                    password: Some(PasswordBody {
                        user: User {
                            name: username,
                            password: password.expose(),
                            domain: user_domain.into(),
                        },
                    }),
                },
                scope: Some(Scope {
                    project: Project {
                        name: project_name,
                        domain: project_domain.into(),
                    },
                }),
            },
        };
        Self { auth }
    }
}

/// A domain that the account or the project of a token lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Its id.
    pub id: String,
    /// Its name; empty where Keystone told none.
    pub name: String,
}

impl Home {
    fn of(told: &Named) -> Option<Self> {
        let id = told.id.text()?.to_owned();
        let name = told.name.text().unwrap_or_default().to_owned();
        Some(Self { id, name })
    }
}

/// What Keystone says of a new token.
#[derive(Debug)]
pub(super) struct Token {
    /// How long it is valid, from when it was issued.
    pub(super) life: Duration,
    /// The account's name.
    pub(super) user: String,
    /// The account's id.
    pub(super) user_id: Option<String>,
    /// The project's name, and its id.
    pub(super) project: (String, Option<String>),
    /// The domains that the account and the project live in.
    pub(super) domains: Vec<Home>,
    /// The names of the account's roles in it.
    pub(super) roles: Vec<String>,
    /// Whether administrators of the project are the cloud's. Keystone says so where its
    /// `admin_project_name` is set; otherwise they all are.
    pub(super) is_admin_project: bool,
    /// The catalog, as it is.
    pub(super) services: Vec<CatalogService>,
}

#[derive(Deserialize)]
struct Envelope {
    token: TokenBody,
}

#[derive(Deserialize)]
struct TokenBody {
    #[serde(default)]
    issued_at: Scalar,
    #[serde(default)]
    expires_at: Scalar,
    user: Option<Housed>,
    project: Option<Housed>,
    #[serde(default)]
    roles: Vec<Named>,
    #[serde(default)]
    is_admin_project: Scalar,
    catalog: Option<Vec<CatalogService>>,
}

#[derive(Default, Deserialize)]
struct Named {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
}

#[derive(Default, Deserialize)]
struct Housed {
    #[serde(default)]
    id: Scalar,
    #[serde(default)]
    name: Scalar,
    domain: Option<Named>,
}

/// Reads the body of Keystone's answer to a sign-in.
///
/// # Errors
/// What is missing in it, and what the operator can do.
pub(super) fn parse(body: &[u8]) -> Result<Token, String> {
    let Envelope { token } = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let times = token.issued_at.time().zip(token.expires_at.time());
    let (issued, expires) = times.ok_or("it does not say when the token expires")?;
    let services = token.catalog.ok_or(
        "the token has no catalog; the account needs a role in the project that is configured",
    )?;
    let project = token.project.unwrap_or_default();
    let user = token.user.unwrap_or_default();
    let domains = [&user.domain, &project.domain].into_iter().flatten();
    let domains = domains.filter_map(Home::of).collect();
    Ok(Token {
        life: expires.since(issued).clamp(LIFE_MIN, LIFE_MAX),
        user_id: user.id.text().map(str::to_owned),
        user: user.name.into_text(),
        project: (
            project.name.into_text(),
            project.id.text().map(str::to_owned),
        ),
        domains,
        roles: token
            .roles
            .into_iter()
            .map(|role| role.name.into_text())
            .collect(),
        is_admin_project: match token.is_admin_project {
            Scalar::Nothing => true,
            told => told.flag(),
        },
        services,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::cloud::openstack::options::Secret;
    use crate::cloud::openstack::testing::any_json;

    #[test]
    fn a_password_is_given_with_domains_by_id_or_by_name() {
        let auth = Auth::Password {
            username: "admin".to_owned(),
            password: Secret::new("hush"),
            user_domain: Domain::Id("default".to_owned()),
            project_name: "ops".to_owned(),
            project_domain: Domain::Name("Default".to_owned()),
        };
        let body = serde_json::to_value(SignIn::from(&auth)).unwrap();
        let expected = json!({"auth": {
            "identity": {
                "methods": ["password"],
                "password": {"user": {
                    "name": "admin", "password": "hush", "domain": {"id": "default"},
                }},
            },
            "scope": {"project": {"name": "ops", "domain": {"name": "Default"}}},
        }});
        assert_eq!(body, expected);
    }

    #[test]
    fn an_application_credential_is_given_without_a_scope() {
        let auth = Auth::ApplicationCredential {
            id: "abc".to_owned(),
            secret: Secret::new("hush"),
        };
        let body = serde_json::to_value(SignIn::from(&auth)).unwrap();
        let expected = json!({"auth": {"identity": {
            "methods": ["application_credential"],
            "application_credential": {"id": "abc", "secret": "hush"},
        }}});
        assert_eq!(body, expected);
    }

    #[test]
    fn a_tokens_life_is_told_by_keystones_clock_alone() {
        let body = json!({"token": {
            "issued_at": "2031-01-01T00:00:00.000000Z",
            "expires_at": "2031-01-01T01:00:00.000000Z",
            "user": {"name": "admin", "domain": {"id": "d1", "name": "a"}},
            "project": {"id": "p1", "name": "ops", "domain": {"id": "d2"}},
            "roles": [{"id": "r", "name": "admin"}], "catalog": [],
        }});
        let token = parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(token.life, Duration::from_secs(3600));
        assert_eq!(token.roles, ["admin"]);
        let homes = token.domains.iter();
        let homes: Vec<_> = homes.map(|it| (it.id.as_str(), it.name.as_str())).collect();
        assert_eq!(homes, [("d1", "a"), ("d2", "")]);
        assert_eq!(token.project, ("ops".to_owned(), Some("p1".to_owned())));
    }

    #[test]
    fn a_token_without_a_project_says_what_is_missing() {
        let body = json!({"token": {
            "issued_at": "2031-01-01T00:00:00Z", "expires_at": "2031-01-01T01:00:00Z",
        }});
        let error = parse(body.to_string().as_bytes()).unwrap_err();
        assert!(error.contains("needs a role"), "{error}");
    }

    proptest! {
        #[test]
        fn any_json_is_a_token_or_refused(
            json in any_json(&["token", "issued_at", "expires_at", "catalog", "roles", "project"]),
        ) {
            if let Ok(token) = parse(json.as_bytes()) {
                prop_assert!(token.life >= LIFE_MIN && token.life <= LIFE_MAX);
            }
        }
    }
}
