//! Sign-in, description, health and check.

use reqwest::Method;
use serde_json::json;
use shared::runtime::clock::Clock;
use sp_agent::cloud::openstack::{Auth, Secret, Verdict, check_account};
use sp_agent::cloud::{Account, AccountError, Cloud, CloudError, Part, ProbeOutcome};

use crate::cloud::{Hand, administrator, client, connection, options, unique};
use crate::told::{audit, id};

#[tokio::test]
async fn the_cloud_is_described_probed_and_found_good() {
    let cloud = client(&administrator());
    let description = cloud.describe().await.expect("it is described");
    let names: Vec<&str> = description
        .version
        .split(", ")
        .filter_map(|it| it.split(' ').next())
        .collect();
    let expected = [
        "Keystone",
        "Nova",
        "Placement",
        "Cinder",
        "Neutron",
        "Glance",
    ];
    assert_eq!(names, expected, "{}", description.version);
    for probe in cloud.probe().await {
        let ProbeOutcome::Available { versions, .. } = &probe.outcome else {
            panic!("{probe:?}");
        };
        assert!(
            !versions.1.is_empty() && probe.endpoint.starts_with("http"),
            "{probe:?}"
        );
    }
    let lines = cloud.check().await;
    assert!(lines.len() >= 13, "{lines:#?}");
    assert!(
        lines.iter().all(|it| it.verdict == Verdict::Good),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn an_application_credential_outlives_a_change_of_password() {
    let admin = Hand::administrator().await;
    let (hand, _) = admin.tenant().await;
    let body = json!({"application_credential": {"name": "agent", "unrestricted": false}});
    let path = format!("/users/{}/application_credentials", hand.user);
    let made = hand.post("identity", &path, body).await["application_credential"].clone();
    let cloud = client(&options(Auth::ApplicationCredential {
        id: id(&made),
        secret: Secret::new(made["secret"].as_str().unwrap()),
    }));
    audit(&cloud, Part::Networks).await;
    // The change revokes the token, and a younger one than this is not replaced.
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    let body = json!({"user": {"password": "Another-horse-8"}});
    let path = format!("/users/{}", hand.user);
    admin.send(Method::PATCH, "identity", &path, body).await;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    audit(&cloud, Part::Networks).await;
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such() {
    let admin = Hand::administrator().await;
    let (_, auth) = admin.tenant().await;
    let Auth::Password {
        username,
        user_domain,
        project_name,
        project_domain,
        ..
    } = auth
    else {
        panic!("a tenant signs in with a password");
    };
    let cloud = client(&options(Auth::Password {
        username,
        password: Secret::new("wrong"),
        user_domain,
        project_name,
        project_domain,
    }));
    let error = cloud.describe().await.unwrap_err();
    let is_refused = matches!(error, CloudError::CredentialRefused { .. });
    assert!(is_refused, "{error}");
    let probes = cloud.probe().await;
    let failing = |it: &ProbeOutcome| matches!(it, ProbeOutcome::Failing { .. });
    assert!(probes.iter().all(|it| failing(&it.outcome)), "{probes:?}");
}

#[tokio::test]
async fn a_region_that_the_catalog_does_not_have_is_told_with_those_that_it_has() {
    let mut options = administrator();
    options.region_name = Some("Atlantis".to_owned());
    let error = client(&options).describe().await.unwrap_err().to_string();
    assert!(
        error.contains("no region Atlantis") && error.contains("RegionOne"),
        "{error}"
    );
}

#[tokio::test]
async fn only_an_administrators_account_lets_an_agent_be_adopted() {
    let admin = Hand::administrator().await;
    let (name, password) = (unique("member"), "Correct-horse-9");
    let project = json!({"project": {"name": name, "domain_id": "default"}});
    let project = admin.post("identity", "/projects", project).await["project"].clone();
    let user = json!({"user": {"name": name, "password": password, "domain_id": "default"}});
    let user = admin.post("identity", "/users", user).await["user"].clone();
    let roles = admin.get("identity", "/roles?name=member").await;
    let (project, user, role) = (id(&project), id(&user), id(&roles["roles"][0]));
    let path = format!("/projects/{project}/users/{user}/roles/{role}");
    admin
        .send(Method::PUT, "identity", &path, json!(null))
        .await;

    let own = administrator();
    let check = async |user: &str, password: &str, project: Option<&str>| {
        let account = Account {
            user: user.to_owned().into(),
            password: password.to_owned().into(),
            user_domain: None,
            project: project.map(str::to_owned),
            project_domain: None,
        };
        check_account(&own, &account, Clock::system()).await
    };
    let text = |name: &str| connection()[name].as_str().expect("a text");
    let (chief, secret) = (text("username"), text("password"));
    assert_eq!(check(chief, secret, None).await, Ok(()));
    let member = check(&name, password, Some(&name)).await;
    let is_told = |told: &str| told.contains("role admin") && told.contains("member");
    assert!(
        matches!(&member, Err(AccountError::NotAdministrator(told)) if is_told(told)),
        "{member:?}"
    );
    for (user, password, project) in [
        (chief, "wrong", None),
        ("nobody", secret, None),
        (chief, secret, Some("nowhere")),
        (&name, password, None),
    ] {
        let told = check(user, password, project).await;
        assert!(matches!(told, Err(AccountError::Refused(_))), "{told:?}");
    }
}
