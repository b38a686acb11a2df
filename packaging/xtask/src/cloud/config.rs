//! The configuration files of a service, rendered from the templates in `packaging/openstack`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::release::Program;
use super::render::{RenderError, Values, render};
use super::service::Service;

/// What a cloud's configuration depends on.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    /// Where the cloud's ports begin.
    pub(crate) port: u16,
    /// Of the account that the services use.
    pub(crate) service_password: &'a str,
    /// The release's virtualenv, which holds the services' own pipelines.
    pub(crate) venv: &'a Path,
    /// Wrong passwords that lock an account.
    pub(crate) lockout: Option<u8>,
}

/// Writes the files of `service` into its folder, and makes the folders that they mention.
pub(crate) fn write(
    assets: &Path,
    service: Service,
    program: &Program,
    folder: &Path,
    settings: &Settings<'_>,
) -> Result<(), ConfigError> {
    for inner in ["state", "lock", "images", "staging", "tasks"] {
        let path = folder.join(inner);
        fs::create_dir_all(&path).map_err(|source| ConfigError::Write { path, source })?;
    }
    let auth = fill(
        &template_path(assets, "auth.conf"),
        &base_values(folder, settings),
    )?;
    let mut values = base_values(folder, settings);
    values.insert("auth".to_owned(), auth);
    put(assets, service.conf_file(), folder, &values)?;
    if let Program::Wsgi {
        wsgi,
        threads,
        worker,
    } = program
    {
        values.insert("port".to_owned(), service.port(settings.port).to_string());
        values.insert("wsgi_app".to_owned(), wsgi.clone());
        values.insert("worker".to_owned(), worker.as_str().to_owned());
        values.insert("threads".to_owned(), threads.to_string());
        put(assets, "gunicorn.conf.py", folder, &values)?;
    }
    if let Some(file) = pipeline_file(service) {
        let from = settings.venv.join("etc").join(service.name()).join(file);
        fs::copy(&from, folder.join(file))
            .map_err(|source| ConfigError::Read { path: from, source })?;
    }
    Ok(())
}

/// The file of middleware that a service looks for beside its own configuration.
fn pipeline_file(service: Service) -> Option<&'static str> {
    match service {
        Service::Nova => Some("api-paste.ini"),
        Service::Glance => Some("glance-api-paste.ini"),
        _ => None,
    }
}

/// The text that a service's configuration is rendered from.
pub(crate) fn source(assets: &Path, service: Service) -> Result<String, ConfigError> {
    read(&template_path(assets, service.conf_file()))
}

/// Values that every template may use.
fn base_values(folder: &Path, settings: &Settings<'_>) -> Values {
    let ports = Service::ALL.map(|service| {
        (
            format!("port.{service}"),
            service.port(settings.port).to_string(),
        )
    });
    let mut values = Values::from(ports);
    values.insert("dir".to_owned(), folder.display().to_string());
    values.insert("venv".to_owned(), settings.venv.display().to_string());
    values.insert(
        "service_password".to_owned(),
        settings.service_password.to_owned(),
    );
    let lockout = settings.lockout.map_or_else(String::new, |wrong| {
        format!("lockout_failure_attempts = {wrong}")
    });
    values.insert("lockout".to_owned(), lockout);
    values
}

fn template_path(assets: &Path, file: &str) -> PathBuf {
    assets.join("conf").join(file)
}

fn put(assets: &Path, file: &str, folder: &Path, values: &Values) -> Result<(), ConfigError> {
    let text = fill(&template_path(assets, file), values)?;
    let path = folder.join(file);
    fs::write(&path, text).map_err(|source| ConfigError::Write { path, source })
}

fn fill(template: &Path, values: &Values) -> Result<String, ConfigError> {
    let text = read(template)?;
    render(&text, values).map_err(|source| ConfigError::Template {
        path: template.to_path_buf(),
        source,
    })
}

fn read(path: &Path) -> Result<String, ConfigError> {
    fs::read_to_string(path).map_err(|source| ConfigError::Read {
        path: path.to_path_buf(),
        source,
    })
}

/// Why a service has no configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// A source can't be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A template is wrong.
    #[error("cannot fill the template {}", path.display())]
    Template {
        /// Which.
        path: PathBuf,
        /// Why.
        source: RenderError,
    },
    /// A result can't be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Project;

    fn rendered(service: Service, file: &str) -> String {
        rendered_with(None, service, file)
    }

    fn rendered_with(lockout: Option<u8>, service: Service, file: &str) -> String {
        let assets = Project::find().unwrap().openstack_assets;
        let settings = Settings {
            port: 17000,
            service_password: "pw",
            venv: Path::new("/cache/venv"),
            lockout,
        };
        let mut values = base_values(Path::new("/clouds/a/x"), &settings);
        let auth = fill(&template_path(&assets, "auth.conf"), &values).unwrap();
        values.insert("auth".to_owned(), auth);
        values.insert("port".to_owned(), service.port(settings.port).to_string());
        values.insert("wsgi_app".to_owned(), "module:app".to_owned());
        values.insert("threads".to_owned(), "1".to_owned());
        values.insert("worker".to_owned(), "gthread".to_owned());
        fill(&template_path(&assets, file), &values).unwrap()
    }

    #[test]
    fn every_template_can_be_filled() {
        for service in Service::ALL {
            let text = rendered(service, service.conf_file());
            assert!(!text.contains("{{"), "{text}");
            let database = text
                .lines()
                .find(|line| line.starts_with("connection = "))
                .unwrap();
            assert!(
                database.starts_with("connection = sqlite:////clouds/a/x/"),
                "{database}"
            );
        }
    }

    #[test]
    fn services_sign_in_to_their_own_cloud() {
        let text = rendered(Service::Nova, "nova.conf");
        let sign_ins = text
            .lines()
            .filter(|line| *line == "auth_url = http://127.0.0.1:17000/v3");
        assert_eq!(sign_ins.count(), 6);
        assert_eq!(
            text.lines().filter(|line| *line == "password = pw").count(),
            6
        );
    }

    #[test]
    fn wrong_passwords_lock_an_account_where_that_is_asked_for() {
        let option = "lockout_failure_attempts";
        assert!(!rendered(Service::Keystone, "keystone.conf").contains(option));
        let text = rendered_with(Some(5), Service::Keystone, "keystone.conf");
        let section = text.split("[security_compliance]").nth(1).unwrap();
        let section = section.split('[').next().unwrap();
        assert!(
            section.contains("\nlockout_failure_attempts = 5\n"),
            "{text}"
        );
    }

    #[test]
    fn gunicorn_listens_on_the_port_of_the_service() {
        let text = rendered(Service::Glance, "gunicorn.conf.py");
        assert!(text.contains("bind = \"127.0.0.1:17005\""), "{text}");
    }
}
