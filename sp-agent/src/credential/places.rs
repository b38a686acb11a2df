//! Whether an account lives where the agent is at home already. Pure.
//!
//! The domains in which the agent's account and its project live are the region's own, with all
//! that is in them (see what of a cloud's organization stays the region's own). So an account of
//! another domain takes that one from the federation: whoever is in it, a cloud administrator who
//! is dismissed too, is no more what the directory says.

use crate::cloud::openstack::{Auth, Domain, Home, Options};

/// Keystone's own domain, which is each region's own anyway.
const DEFAULT_NAME: &str = "default";

/// Those of `homes`, in which an account and its project live, that were not the agent's until now.
/// `own` are its options as they are at work, and `known` is where it is known to live.
pub fn strange_homes<'a>(own: &Options, known: &[Home], homes: &'a [Home]) -> Vec<&'a Home> {
    let named = named_domains(&own.auth);
    let is_own = |home: &Home| {
        home.id == own.default_domain_id
            || home.name.eq_ignore_ascii_case(DEFAULT_NAME)
            || known.iter().any(|it| it.id == home.id)
            || named.iter().any(|it| match it {
                Domain::Id(id) => *id == home.id,
                Domain::Name(name) => name.eq_ignore_ascii_case(&home.name),
            })
    };
    let mut strange: Vec<&Home> = homes.iter().filter(|it| !is_own(it)).collect();
    strange.dedup_by(|one, other| one.id == other.id);
    strange
}

fn named_domains(auth: &Auth) -> Vec<&Domain> {
    match auth {
        Auth::ApplicationCredential { .. } => Vec::new(),
        Auth::Password {
            user_domain,
            project_domain,
            ..
        } => vec![user_domain, project_domain],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::openstack::Secret;

    fn home(id: &str, name: &str) -> Home {
        Home {
            id: id.to_owned(),
            name: name.to_owned(),
        }
    }

    fn options(auth: Auth) -> Options {
        Options::new("https://cloud:5000", auth)
    }

    #[test]
    fn only_the_agents_own_domains_and_default_are_not_strange() {
        let password = Auth::Password {
            username: "regroup".to_owned(),
            password: Secret::new("s"),
            user_domain: Domain::Id("d1".to_owned()),
            project_name: "ops".to_owned(),
            project_domain: Domain::Name("Ops".to_owned()),
        };
        let application = Auth::ApplicationCredential {
            id: "a".to_owned(),
            secret: Secret::new("s"),
        };
        let (federation, research) = (home("f", "federation"), home("r", "research"));
        let (own, ops, known) = (home("d1", "any"), home("d2", "OPS"), home("k", "kept"));
        let (default, renamed) = (home("d9", "Default"), home("default", "Renamed"));
        let all = [own, ops, known.clone(), default, renamed];
        let at = options(password);
        let none: Vec<&Home> = Vec::new();
        assert_eq!(strange_homes(&at, std::slice::from_ref(&known), &all), none);
        assert_eq!(strange_homes(&at, &[], &all), [&known]);
        let at = options(application);
        assert_eq!(strange_homes(&at, &[known], &all).len(), 2);
        let both = [federation.clone(), federation.clone()];
        assert_eq!(strange_homes(&at, &[], &both), [&federation]);
        let both = [research.clone(), federation.clone()];
        assert_eq!(strange_homes(&at, &[], &both), [&research, &federation]);
    }
}
