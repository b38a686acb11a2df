//! `[cloud.openstack]`: how to reach one OpenStack, and as whom.

use std::time::Duration;

use shared::runtime::clock::Clock;
use shared::runtime::errors::chain;
use shared::runtime::settings::{Setting, Table};

use super::{Surroundings, secret};
use crate::cloud::openstack::{
    Auth, Domain, Interface, OpenStack, Options, check_auth_url, check_ca_file,
};

const AUTH_URL: &str = "https://cloud.example.org:5000/v3";

/// The domain that every Keystone has.
const DOMAIN_DEFAULT: &str = "Default";

pub(super) fn read(mut table: Table<'_>, surroundings: &Surroundings) -> Option<Options> {
    let auth_url = table
        .text("auth_url", AUTH_URL)
        .required(format!("write auth_url = \"{AUTH_URL}\""));
    let region_name = table.text("region_name", "RegionOne").value;
    let interfaces = [Interface::Public, Interface::Internal, Interface::Admin]
        .map(|interface| (interface.name(), interface));
    let interface = table.choice("interface", &interfaces).value;
    let ca_file = table.path("ca_file", "/etc/ssl/certs/cloud-ca.pem");
    let concurrency = table.integer("concurrency", 1..=Options::CONCURRENCY_MAX as u64);
    let seconds = Duration::from_secs(1);
    let timeout = table.duration("request_timeout", seconds..=Options::REQUEST_TIMEOUT_MAX);
    let page_size = table.integer("page_size", 1..=Options::PAGE_SIZE_MAX.into());
    let default_domain = table.text("default_domain_id", "default");
    if default_domain.value.as_deref() == Some("") {
        default_domain.fault(
            "is empty",
            "write default_domain_id = \"default\", or remove it",
        );
    }
    let auth = auth(&mut table, surroundings);
    // Looked at whatever else is wrong, so that all is told at once.
    let auth_url = auth_url.try_map(|url| match check_auth_url(&url) {
        Ok(()) => Ok(url),
        Err(error) => Err((chain(&error).to_string(), "correct it".to_owned())),
    });
    let has_ca = ca_file.is_given();
    let ca_file = ca_file.try_map(|path| match check_ca_file(&path) {
        Ok(()) => Ok(path),
        Err(error) => {
            let instead = "name another file, or remove it".to_owned();
            Err((chain(&error).to_string(), instead))
        }
    });
    if has_ca && ca_file.value.is_none() {
        return None;
    }

    let mut options = Options::new(auth_url.value?, auth?);
    options.region_name = region_name;
    options.interface = interface.unwrap_or_default();
    options.ca_file = ca_file.value;
    if let Some(concurrency) = concurrency.value {
        options.concurrency_max = usize::try_from(concurrency).unwrap_or(usize::MAX);
    }
    options.request_timeout = timeout.value.unwrap_or(options.request_timeout);
    if let Some(page_size) = page_size.value {
        options.page_size = u32::try_from(page_size).unwrap_or(u32::MAX);
    }
    if let Some(id) = default_domain.value {
        options.default_domain_id = id;
    }
    // What only the client itself can tell: whether it can be made of these options.
    match OpenStack::new(&options, Clock::system()) {
        Ok(_) => Some(options),
        Err(error) => {
            table.fault(chain(&error), "correct it");
            None
        }
    }
}

fn auth(table: &mut Table<'_>, surroundings: &Surroundings) -> Option<Auth> {
    let id = table.text("application_credential_id", "8a5f4e7c…");
    let username = table.text("username", "regroup");
    match (id.is_given(), username.is_given()) {
        (true, true) => {
            let what = "stands beside application_credential_id";
            username.fault(what, "remove one of them: an agent signs in one way");
            allow_all(table);
            None
        }
        (true, false) => {
            let secret = secret::read(table, ("secret", "secret_file"), surroundings);
            table.allow(&PASSWORD_KEYS);
            Some(Auth::ApplicationCredential {
                id: id.value?,
                secret: secret?,
            })
        }
        (false, true) => {
            let auth = password(table, username, surroundings);
            table.allow(&["secret", "secret_file"]);
            auth
        }
        (false, false) => {
            allow_all(table);
            table.fault(
                "does not say as whom to sign in",
                "write application_credential_id and secret_file, or username, password_file and \
                 project_name",
            );
            None
        }
    }
}

const PASSWORD_KEYS: [&str; 7] = [
    "password",
    "password_file",
    "user_domain_name",
    "user_domain_id",
    "project_name",
    "project_domain_name",
    "project_domain_id",
];

fn allow_all(table: &mut Table<'_>) {
    table.allow(&PASSWORD_KEYS);
    table.allow(&["secret", "secret_file"]);
}

fn password(
    table: &mut Table<'_>,
    username: Setting<'_, Option<String>>,
    surroundings: &Surroundings,
) -> Option<Auth> {
    let password = secret::read(table, ("password", "password_file"), surroundings);
    let user_domain = domain(table, "user_domain_name", "user_domain_id");
    let project_domain = domain(table, "project_domain_name", "project_domain_id");
    let project_name = table
        .text("project_name", "admin")
        .required("write the project in which the account is an administrator");
    Some(Auth::Password {
        username: username.value?,
        password: password?,
        user_domain,
        project_name: project_name.value?,
        project_domain,
    })
}

fn domain(table: &mut Table<'_>, name_key: &'static str, id_key: &'static str) -> Domain {
    let name = table.text(name_key, DOMAIN_DEFAULT);
    let id = table.text(id_key, "default");
    if name.is_given() && id.is_given() {
        id.fault(format!("stands beside {name_key}"), "remove one of them");
    }
    match (id.value, name.value) {
        (Some(id), _) => Domain::Id(id),
        (None, Some(name)) => Domain::Name(name),
        (None, None) => Domain::Name(DOMAIN_DEFAULT.to_owned()),
    }
}
