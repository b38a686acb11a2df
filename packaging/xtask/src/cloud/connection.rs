//! How to reach a cloud: for programs (JSON), for shells (openrc), for OpenStack's own client.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::release::Name;
use super::service::Service;
use super::state::{State, write_private};

const REGION: &str = "RegionOne";
const DOMAIN: &str = "default";
const ADMIN: &str = "admin";

/// The address and administrator of a cloud; what `--json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Connection {
    name: String,
    release: Name,
    auth_url: String,
    port: u16,
    services: Vec<Service>,
    username: String,
    password: String,
    project_name: String,
    user_domain_id: String,
    project_domain_id: String,
    region_name: String,
    dir: PathBuf,
    pids: Vec<u32>,
}

impl Connection {
    /// Of the cloud in `dir`.
    pub(crate) fn new(state: &State, dir: &Path) -> Self {
        Self {
            name: state.name.clone(),
            release: state.release,
            auth_url: format!("http://127.0.0.1:{}/v3", Service::Keystone.port(state.port)),
            port: state.port,
            services: state.services.clone(),
            username: ADMIN.to_owned(),
            password: state.admin_password.clone(),
            project_name: ADMIN.to_owned(),
            user_domain_id: DOMAIN.to_owned(),
            project_domain_id: DOMAIN.to_owned(),
            region_name: REGION.to_owned(),
            dir: dir.to_path_buf(),
            pids: state.processes.iter().map(|process| process.pid).collect(),
        }
    }

    /// The environment that OpenStack's programs read.
    pub(crate) fn environment(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("OS_AUTH_URL", &self.auth_url),
            ("OS_IDENTITY_API_VERSION", "3"),
            ("OS_REGION_NAME", &self.region_name),
            ("OS_USERNAME", &self.username),
            ("OS_PASSWORD", &self.password),
            ("OS_PROJECT_NAME", &self.project_name),
            ("OS_USER_DOMAIN_ID", &self.user_domain_id),
            ("OS_PROJECT_DOMAIN_ID", &self.project_domain_id),
        ]
    }

    /// Writes `openrc` and `clouds.json` into the cloud's folder, for its owner only.
    pub(crate) fn write_files(&self) -> io::Result<()> {
        write_private(&self.dir.join("openrc"), &self.openrc())?;
        write_private(
            &self.dir.join("clouds.json"),
            &format!("{:#}\n", self.clouds_json()),
        )
    }

    /// No value holds a character that a shell would mind.
    fn openrc(&self) -> String {
        let line = |(name, value): (&str, &str)| format!("export {name}={value}\n");
        self.environment().into_iter().map(line).collect()
    }

    /// The file that openstacksdk looks for (its documentation: "Configuring OpenStack SDK
    /// Applications"), which also allows keys of others beside its own.
    fn clouds_json(&self) -> serde_json::Value {
        json!({ "clouds": { &self.name: {
            "auth": {
                "auth_url": self.auth_url,
                "username": self.username,
                "password": self.password,
                "project_name": self.project_name,
                "user_domain_id": self.user_domain_id,
                "project_domain_id": self.project_domain_id,
            },
            "region_name": self.region_name,
            "identity_api_version": "3",
            "port": self.port,
        }}})
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}  {}  {}",
            self.name,
            self.release.as_str(),
            self.auth_url
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection() -> Connection {
        Connection::new(&State::example(), Path::new("/clouds/a"))
    }

    #[test]
    fn json_has_what_tests_need() {
        let value = serde_json::to_value(connection()).unwrap();
        let expected = json!({
            "name": "a", "release": "current", "port": 15000,
            "auth_url": "http://127.0.0.1:15000/v3",
            "services": ["keystone", "placement", "nova", "neutron", "cinder", "glance"],
            "username": "admin", "password": "admin-pw", "project_name": "admin",
            "user_domain_id": "default", "project_domain_id": "default",
            "region_name": "RegionOne", "dir": "/clouds/a", "pids": [4],
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn the_shell_gets_the_same_as_the_client() {
        let openrc = connection().openrc();
        assert!(
            openrc.contains("export OS_AUTH_URL=http://127.0.0.1:15000/v3\n"),
            "{openrc}"
        );
        assert!(openrc.contains("export OS_PASSWORD=admin-pw\n"), "{openrc}");
        let clouds = connection().clouds_json();
        assert_eq!(
            clouds.pointer("/clouds/a/auth/password").unwrap(),
            "admin-pw"
        );
        assert_eq!(clouds.pointer("/clouds/a/port").unwrap(), 15000);
    }
}
