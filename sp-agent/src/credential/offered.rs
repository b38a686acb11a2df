//! From what somebody gives to what the agent signs in with. Pure.

use shared::model::{CloudCredential, NamedDomain};

use crate::cloud::openstack::{Auth, Domain, Secret};

/// The domain that every Keystone has, and the project that every installation begins with.
const DOMAIN_DEFAULT: &str = "Default";
const PROJECT_DEFAULT: &str = "admin";

/// The credential, where `own` is the one until now: it says what is not given.
pub fn auth_of(own: &Auth, offered: &CloudCredential) -> Auth {
    match offered {
        CloudCredential::Application { id, secret } => Auth::ApplicationCredential {
            id: id.clone(),
            secret: Secret::new(secret.as_str()),
        },
        CloudCredential::Password {
            user,
            password,
            user_domain,
            project,
            project_domain,
        } => {
            let (own_user_domain, own_project, own_project_domain) = places(own);
            Auth::Password {
                username: user.clone(),
                password: Secret::new(password.as_str()),
                user_domain: user_domain.as_ref().map_or(own_user_domain, domain),
                // The domain of another project is not the one of the own project.
                project_domain: match (project_domain, project) {
                    (Some(given), _) => domain(given),
                    (None, Some(_)) => default_domain(),
                    (None, None) => own_project_domain,
                },
                project_name: project.clone().unwrap_or(own_project),
            }
        }
    }
}

fn places(own: &Auth) -> (Domain, String, Domain) {
    match own {
        Auth::Password {
            user_domain,
            project_name,
            project_domain,
            ..
        } => (
            user_domain.clone(),
            project_name.clone(),
            project_domain.clone(),
        ),
        Auth::ApplicationCredential { .. } => (
            default_domain(),
            PROJECT_DEFAULT.to_owned(),
            default_domain(),
        ),
    }
}

fn default_domain() -> Domain {
    Domain::Name(DOMAIN_DEFAULT.to_owned())
}

fn domain(it: &NamedDomain) -> Domain {
    match it {
        NamedDomain::Id(id) => Domain::Id(id.clone()),
        NamedDomain::Name(name) => Domain::Name(name.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Domain {
        Domain::Name(text.to_owned())
    }

    fn own() -> Auth {
        Auth::Password {
            username: "regroup".to_owned(),
            password: Secret::new("old"),
            user_domain: Domain::Id("d1".to_owned()),
            project_name: "ops".to_owned(),
            project_domain: name("Ops"),
        }
    }

    fn offered(project: Option<&str>) -> CloudCredential {
        CloudCredential::Password {
            user: "chief".to_owned(),
            password: "new".to_owned().into(),
            user_domain: None,
            project: project.map(str::to_owned),
            project_domain: None,
        }
    }

    #[test]
    fn what_is_not_given_stays_as_it_was() {
        let Auth::Password {
            username,
            password,
            user_domain,
            project_name,
            project_domain,
        } = auth_of(&own(), &offered(None))
        else {
            panic!("another kind");
        };
        assert_eq!((username.as_str(), password.expose()), ("chief", "new"));
        assert_eq!(user_domain, Domain::Id("d1".to_owned()));
        assert_eq!(
            (project_name.as_str(), project_domain),
            ("ops", name("Ops"))
        );
    }

    #[test]
    fn where_nothing_was_known_it_is_as_every_keystone_begins() {
        let application = CloudCredential::Application {
            id: "a".to_owned(),
            secret: "s".to_owned().into(),
        };
        let own = auth_of(&own(), &application);
        let shown = auth_of(&own, &offered(None)).shown();
        assert_eq!(shown, "user chief of domain Default in project admin");
        let Auth::Password { project_domain, .. } = auth_of(&own, &offered(Some("x"))) else {
            panic!("another kind");
        };
        assert_eq!(project_domain, name("Default"));
    }
}
