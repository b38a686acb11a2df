//! Clouds behind TLS, with a CA of their own.

use std::path::PathBuf;

use super::*;
use crate::cloud::openstack::testing::Fake;

struct Secure {
    fake: Fake,
    ca_file: PathBuf,
    _folder: tempfile::TempDir,
}

fn secure(names: &[&str]) -> Secure {
    let (fake, ca) = Fake::start_secure(names);
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca).unwrap();
    Secure {
        fake,
        ca_file,
        _folder: folder,
    }
}

async fn describe(secure: &Secure, ca_file: Option<PathBuf>) -> Result<String, CloudError> {
    let mut options = options(secure.fake.url());
    options.ca_file = ca_file;
    Ok(with(&options).describe().await?.version)
}

#[tokio::test]
async fn a_private_ca_is_trusted_once_it_is_named() {
    let secure = secure(&["127.0.0.1"]);
    let error = describe(&secure, None).await.unwrap_err().to_string();
    assert!(error.contains("set ca_file"), "{error}");
    assert_eq!(
        secure.fake.sign_ins(),
        0,
        "nobody unknown is told the password"
    );
    let version = describe(&secure, Some(secure.ca_file.clone()))
        .await
        .unwrap();
    assert!(version.starts_with("Keystone v3.14, Nova"), "{version}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let secure = secure(&["cloud.example"]);
    let error = describe(&secure, Some(secure.ca_file.clone()))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not valid for name"), "{error}");
    assert_eq!(secure.fake.sign_ins(), 0);
}
