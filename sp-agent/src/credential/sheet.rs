//! A credential as people write it down: parts by OpenStack's own names, from an openrc or a
//! clouds.yaml, or as they are typed. Pure.

use std::collections::BTreeMap;

use serde::Deserialize;
use shared::model::{CloudCredential, CredentialFault, NamedDomain};
use zeroize::Zeroizing;

use super::openrc;

/// Why a file is no credential. None shows what stands in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Neither an openrc nor a clouds.yaml.
    #[error(
        "it is no clouds.yaml that can be read, and no openrc: none of its lines sets OS_USERNAME \
         or OS_APPLICATION_CREDENTIAL_ID"
    )]
    Unknown,
    /// A clouds.yaml of several clouds, or without the named one.
    #[error("it has the clouds {0}; name one of them with --cloud")]
    Cloud(String),
    /// The shell would have to compute a part.
    #[error("{0} is computed by the shell there; write it out")]
    Computed(String),
    /// It says neither how to sign in nor as whom.
    #[error("it names no account and no application credential")]
    Nobody,
    /// A part can't be what it says.
    #[error(transparent)]
    Fault(#[from] CredentialFault),
}

/// The parts, of which any may be missing.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Keystone's address.
    pub auth_url: Option<String>,
    /// An application credential's id.
    pub application_credential_id: Option<String>,
    /// Its secret.
    pub application_credential_secret: Option<Zeroizing<String>>,
    /// An account's name.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Zeroizing<String>>,
    /// The account's domain.
    pub user_domain: Option<NamedDomain>,
    /// The project's name.
    pub project_name: Option<String>,
    /// The project's domain.
    pub project_domain: Option<NamedDomain>,
}

impl std::fmt::Debug for Sheet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sheet(…)")
    }
}

#[derive(Deserialize)]
struct Clouds {
    clouds: BTreeMap<String, Cloud>,
}

#[derive(Deserialize)]
struct Cloud {
    #[serde(default)]
    auth: BTreeMap<String, Option<String>>,
}

impl Sheet {
    /// Reads an openrc, or the cloud called `cloud` of a clouds.yaml; the only one unless given.
    ///
    /// # Errors
    /// If it is neither, or it is not plain which cloud is meant.
    pub fn read(text: &str, cloud: Option<&str>) -> Result<Self, SheetError> {
        let is_openrc = openrc::is_one(text);
        let parts = match is_openrc {
            true => openrc::read(text)?,
            false => of_yaml(text, cloud)?,
        };
        Ok(Self::of(parts))
    }

    /// From parts by the names that both kinds of files use.
    fn of(mut parts: BTreeMap<String, String>) -> Self {
        let mut take = |names: &[&str]| {
            let found = names.iter().find_map(|name| parts.remove(*name));
            found.filter(|it| !it.is_empty())
        };
        let mut domain = |id: &str, name: &[&str]| {
            let id = take(&[id]).map(NamedDomain::Id);
            id.or_else(|| take(name).map(NamedDomain::Name))
        };
        let user_domain = domain("user_domain_id", &["user_domain_name", "domain_name"]);
        let project_domain = domain("project_domain_id", &["project_domain_name"]);
        Self {
            auth_url: take(&["auth_url"]),
            application_credential_id: take(&["application_credential_id"]),
            application_credential_secret: take(&["application_credential_secret"])
                .map(Zeroizing::new),
            username: take(&["username"]),
            password: take(&["password"]).map(Zeroizing::new),
            user_domain,
            project_name: take(&["project_name", "tenant_name"]),
            project_domain,
        }
    }

    /// The credential. The secret is asked for where it is missing, with a question that names its
    /// owner.
    ///
    /// # Errors
    /// If it names nobody, a part can't be one, or `ask` fails.
    pub fn credential<E: From<SheetError>>(
        self,
        ask: impl FnOnce(&str) -> Result<Zeroizing<String>, E>,
    ) -> Result<CloudCredential, E> {
        let credential = match (self.application_credential_id, self.username) {
            (Some(id), _) => CloudCredential::Application {
                secret: match self.application_credential_secret {
                    Some(secret) => secret,
                    None => ask(&format!("Secret of the application credential {id}: "))?,
                },
                id,
            },
            (None, Some(user)) => CloudCredential::Password {
                password: match self.password {
                    Some(password) => password,
                    None => ask(&format!("Password of {user}: "))?,
                },
                user,
                user_domain: self.user_domain,
                project: self.project_name,
                project_domain: self.project_domain,
            },
            (None, None) => return Err(SheetError::Nobody.into()),
        };
        credential.check().map_err(SheetError::from)?;
        Ok(credential)
    }
}

fn of_yaml(text: &str, cloud: Option<&str>) -> Result<BTreeMap<String, String>, SheetError> {
    // The library's own words may quote what stands in the file.
    let read: Result<Clouds, _> = serde_saphyr::from_str(text);
    let mut clouds = read.map_err(|_| SheetError::Unknown)?.clouds;
    let found = match (cloud, clouds.len()) {
        (Some(name), _) => clouds.remove(name),
        (None, 1) => clouds.pop_first().map(|(_, only)| only),
        (None, _) => None,
    };
    let found = found.ok_or_else(|| {
        let names: Vec<&str> = clouds.keys().map(String::as_str).collect();
        SheetError::Cloud(names.join(", "))
    })?;
    let given = found.auth.into_iter();
    Ok(given
        .filter_map(|(name, value)| Some((name, value?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(sheet: Sheet) -> Result<CloudCredential, SheetError> {
        sheet.credential(|question| Ok(Zeroizing::new(format!("asked: {question}"))))
    }

    #[test]
    fn a_clouds_yaml_is_read_as_the_openstack_client_reads_it() {
        let text = "
clouds:
  north:
    auth:
      auth_url: https://north:5000/v3
      username: \"admin\"
      password: 12345
      project_name: ops
      user_domain_name: Default
      project_domain_id: default
    region_name: RegionOne
  other:
    auth_type: v3applicationcredential
    auth: {application_credential_id: abc, application_credential_secret: 'it''s'}
";
        let sheet = Sheet::read(text, Some("north")).unwrap();
        assert_eq!(sheet.auth_url.as_deref(), Some("https://north:5000/v3"));
        let expected = CloudCredential::Password {
            user: "admin".to_owned(),
            password: "12345".to_owned().into(),
            user_domain: Some(NamedDomain::Name("Default".to_owned())),
            project: Some("ops".to_owned()),
            project_domain: Some(NamedDomain::Id("default".to_owned())),
        };
        assert_eq!(credential(sheet).unwrap(), expected);
        let expected = CloudCredential::Application {
            id: "abc".to_owned(),
            secret: "it's".to_owned().into(),
        };
        let other = Sheet::read(text, Some("other")).unwrap();
        assert_eq!(credential(other).unwrap(), expected);
        for wrong in [None, Some("south")] {
            let told = Sheet::read(text, wrong).unwrap_err().to_string();
            assert!(told.contains("north, other"), "{told}");
        }
    }

    #[test]
    fn what_is_no_credential_says_so_without_showing_it() {
        for text in ["", "hush", "clouds: [hush", "clouds: {a: {auth: [hush]}}"] {
            let told = Sheet::read(text, None).unwrap_err();
            assert_eq!(told, SheetError::Unknown, "{text}");
        }
        let nobody = Sheet::read("clouds: {a: {auth: {password: hush}}}", None);
        assert_eq!(credential(nobody.unwrap()), Err(SheetError::Nobody));
    }

    #[test]
    fn a_secret_that_is_missing_is_asked_for() {
        let sheet = Sheet {
            username: Some("chief".to_owned()),
            ..Sheet::default()
        };
        let Ok(CloudCredential::Password { password, .. }) = credential(sheet) else {
            panic!("no password");
        };
        assert_eq!(*password, "asked: Password of chief: ");
    }
}
