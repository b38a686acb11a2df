//! Whole files: what they give, and all that is told about them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use shared::model::ServiceKind;

use super::*;
use crate::cloud::openstack::{Auth, Domain, Interface};
use crate::cloud::simulated::{Character, Fault, FaultKind, Options};

const SHIPPED: &str = include_str!("../../../packaging/sp-agent/agent.toml");

fn read(text: &str) -> Result<Config, Faults> {
    Config::read("agent.toml", text, Purpose::Run, &Surroundings::default())
}

fn told(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

fn openstack(settings: &str) -> String {
    format!("[cloud]\nkind = \"openstack\"\n[cloud.openstack]\n{settings}")
}

#[test]
fn a_file_with_a_cloud_alone_gives_the_defaults() {
    let config = read("cloud.kind = \"simulated\"").unwrap();
    assert_eq!(config.data_dir, Path::new("/var/lib/sp-agent"));
    assert_eq!(config.socket, Path::new("/run/sp-agent/agent.sock"));
    assert_eq!(config.collect, collect::Options::default());
    assert_eq!(config.hub.addresses, []);
    assert_eq!(config.hub.congestion, Congestion::Bbr);
    assert_eq!((config.log, config.metrics), (None, None));
    assert_eq!(config.host, HostConfig::default());
    assert!(config.policy.read_only, "its organization can't be changed");
    let Some(CloudConfig::Simulated(plan)) = config.cloud else {
        panic!("no simulated cloud");
    };
    assert_eq!(plan, Options::default().check().unwrap());
}

/// The shipped file with every setting that is commented out by `#` without a space.
fn shipped(kind: &str, secret_file: &Path) -> String {
    let lines = SHIPPED.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    let text: Vec<&str> = lines.collect();
    text.join("\n")
        .replace("kind = \"openstack\"", &format!("kind = \"{kind}\""))
        .replace(
            "/etc/sp-agent/cloud-secret",
            &secret_file.display().to_string(),
        )
}

#[test]
fn the_shipped_files_settings_are_the_defaults_and_its_examples_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), "hush", 0o600);
    let config = read(&shipped("simulated", &secret)).unwrap();
    let bare = read("cloud.kind = \"simulated\"").unwrap();
    assert_eq!(config.collect, bare.collect);
    assert_eq!(config.hub, bare.hub);
    let plan = |config: &Config| match &config.cloud {
        Some(CloudConfig::Simulated(plan)) => plan.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(plan(&config), plan(&bare));
    let config = read(&shipped("openstack", &secret)).unwrap();
    let Some(CloudConfig::OpenStack(options)) = config.cloud else {
        panic!("no OpenStack");
    };
    assert_eq!(options.auth_url, "https://cloud.example.org:5000/v3");
    assert_eq!(options.interface, Interface::Public);
    let examples: String = SHIPPED
        .lines()
        .map(|line| {
            line.strip_prefix("# ")
                .filter(|it| it.contains(" = "))
                .unwrap_or("")
        })
        .filter(|line| !line.contains("file"))
        .fold(String::new(), |text, line| text + line + "\n");
    assert!(
        toml::from_str::<toml::Table>(&examples).is_ok(),
        "{examples}"
    );
}

#[test]
fn every_fault_is_told_with_its_place_and_cure() {
    let text = r#"data_dir = "here"
socket = "/run/agent.sock"
[hub]
addresses = ["hub", "10.0.0.1:7443", "[::]:7443"]
congestion = "bbrr"
[log]
level = "sp_agent=loud"
[metrics]
listen = "9444"
[host]
mounts = ["var"]
[cloud]
kind = "openstak"
[collect]
changes = "100ms"
sample = "5s"
audits = "5m"
"#;
    let expected = include_str!("tests/everywhere.txt").trim_end();
    assert_eq!(told(text), expected);
    let expected = "agent.toml has 1 fault:\nagent.toml: cloud.kind: is missing; write [cloud] and \
                    kind = \"openstack\" or kind = \"simulated\"";
    assert_eq!(told(""), expected);
}

#[test]
fn a_door_is_where_it_is_wanted_and_nowhere_else() {
    let door =
        |text: &str| read(&format!("cloud.kind = \"simulated\"\n{text}")).map(|it| it.adoption);
    assert_eq!(door("").unwrap(), None);
    assert_eq!(door("[adoption]").unwrap(), None);
    let given = door("[adoption]\nlisten = \"10.0.0.7:7444\"").unwrap();
    assert_eq!(given, Some("10.0.0.7:7444".parse().unwrap()));
    for (wrong, expected) in [
        (
            "listen = \"10.0.0.7\"",
            "is no IP address with a port; write \"[::]:7444\"",
        ),
        ("listen = \"[::]:0\"", "has port 0; write \"[::]:7444\""),
        (
            "lisen = \"[::]:7444\"",
            "there is no such setting; write \"listen\"",
        ),
    ] {
        let told = door(&format!("[adoption]\n{wrong}"))
            .unwrap_err()
            .to_string();
        assert!(
            told.contains("adoption.lis") && told.contains(expected),
            "{told}"
        );
    }
    let empty = "[cloud.simulated]\nadministrator_password = \"\"";
    let told = door(empty).unwrap_err().to_string();
    assert!(told.contains("administrator_password: is empty"), "{told}");
}

#[test]
fn a_policy_is_what_the_operator_wrote_also_for_whoever_reads_the_cloud() {
    let login = "auth_url = \"https://cloud\"\nusername = \"me\"\npassword = \"hush\"\n\
         project_name = \"admin\"\ndefault_domain_id = \"d0\"\n";
    let bare = read(&openstack(login)).unwrap();
    assert_eq!(bare.policy, Policy::default());
    let most = (bare.policy.removals_max, bare.policy.withdrawals_max);
    assert!(!bare.policy.read_only && most == (20, 500));
    let text = openstack(&format!(
        "{login}[policy]\nread_only = true\n\
         protected_departments = [\"财务\"]\nprotected_users = [\"root\", \"u1\"]\n\
         removals_max = 0\nwithdrawals_max = 7\npurge_unchecked = [\"object-store\"]\n\
         purge_rest = \"20m\"\n\
         credential_from_hub = false\n",
    ));
    let config = read(&text).unwrap();
    let expected = Policy {
        read_only: true,
        protected_departments: vec!["财务".to_owned()],
        protected_users: vec!["root".to_owned(), "u1".to_owned()],
        removals_max: 0,
        withdrawals_max: 7,
        purge_unchecked: vec!["object-store".to_owned()],
        purge_rest: Duration::from_secs(20 * 60),
        credential_from_hub: false,
    };
    assert_eq!(config.policy, expected);
    let Some(CloudConfig::OpenStack(options)) = config.cloud else {
        panic!("no OpenStack");
    };
    assert_eq!(options.policy, expected);
    assert_eq!(options.default_domain_id, "d0");
}

#[test]
fn a_policy_that_protects_nothing_is_told() {
    let text = "cloud.kind = \"simulated\"\n[policy]\nread_only = \"yes\"\n\
                protected_departments = [\"\", \" Vault\"]\nprotected_users = \"root\"\n\
                removals_max = 10001\nwithdrawals_max = 100001\nprotected_groups = []\n";
    let expected = include_str!("tests/policy.txt").trim_end();
    assert_eq!(told(text), expected);
}

#[test]
fn a_clouds_faults_are_told_at_their_places() {
    let text = openstack(
        "auth_url = \"ftp://cloud\"\ninterface = \"inside\"\nconcurrency = 0\n\
         ca_file = \"/nowhere.pem\"\nusername = \"me\"\npassword_file = \"/nowhere\"\n\
         user_domain_name = \"a\"\nuser_domain_id = \"b\"\n",
    );
    let expected = include_str!("tests/openstack.txt").trim_end();
    assert_eq!(told(&text), expected);

    let text = r#"[cloud]
kind = "simulated"
[cloud.simulated]
servers = 2000000
networks = 0
floating_ips = 1
born = "yesterday"
[[cloud.simulated.faults]]
at = "1m"
lasts = "10s"
service = "compute"
what = "slow"
[[cloud.simulated.faults]]
at = "1m"
service = "magnum"
what = "down"
by = "1s"
"#;
    let expected = include_str!("tests/simulated.txt").trim_end();
    assert_eq!(told(text), expected);
}

#[test]
fn what_the_client_of_the_cloud_refuses_is_told_at_its_setting() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), "hush\n", 0o600);
    let with = |more: &str| {
        let path = secret.display();
        let id = "application_credential_id = \"a\"";
        openstack(&format!("{more}\n{id}\nsecret_file = \"{path}\"\n"))
    };
    let wrong_url = told(&with("auth_url = \"ftp://cloud\""));
    assert!(
        wrong_url.contains("agent.toml:4:12: cloud.openstack.auth_url: "),
        "{wrong_url}"
    );
    let url = "auth_url = \"https://cloud\"";
    let wrong_ca = told(&with(&format!("{url}\nca_file = \"/nowhere.pem\"")));
    assert!(
        wrong_ca.contains("agent.toml:5:11: cloud.openstack.ca_file: "),
        "{wrong_ca}"
    );
    assert!(read(&with(url)).is_ok());
}

#[test]
fn every_fault_of_a_cloud_is_told_at_once_whatever_its_kind_is_called() {
    let section = "auth_url = \"ftp://x\"\npage_size = 0\nca_file = \"/nowhere.pem\"\n\
                   application_credential_id = \"a\"\nsecret_file = \"/nowhere\"\n";
    let places = [
        "agent.toml:4:12: cloud.openstack.auth_url: ",
        "agent.toml:5:13: cloud.openstack.page_size: ",
        "agent.toml:6:11: cloud.openstack.ca_file: ",
        "agent.toml:8:15: cloud.openstack.secret_file: ",
    ];
    let kind = "kind = \"openstack\"";
    // Right, nearly right, another word, and none: the only section says which is meant.
    for (written, more) in [
        (kind, 0),
        ("kind = \"openstak\"", 1),
        ("kind = \"vmware\"", 1),
        ("", 1),
    ] {
        let told = told(&openstack(section).replace(kind, written));
        assert!(told.contains(&format!("has {} faults", 4 + more)), "{told}");
        assert!(places.iter().all(|it| told.contains(it)), "{told}");
        let words = "\"openstack\" or \"simulated\"";
        let is_listed = told.contains(words) || told.contains("kind = \"simulated\"");
        assert_eq!(is_listed, more > 0, "{told}");
    }
}

#[test]
fn an_account_or_an_application_credential_signs_in() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), "hush", 0o640);
    let text = openstack(&format!(
        "auth_url = \"https://cloud\"\nusername = \"me\"\npassword_file = \"{}\"\n\
         project_name = \"admin\"\nproject_domain_id = \"default\"\n",
        secret.display()
    ));
    let Some(CloudConfig::OpenStack(options)) = read(&text).unwrap().cloud else {
        panic!("no OpenStack");
    };
    let Auth::Password {
        user_domain,
        project_domain,
        ..
    } = options.auth
    else {
        panic!("{:?}", options.auth);
    };
    assert_eq!(user_domain, Domain::Name("Default".to_owned()));
    assert_eq!(project_domain, Domain::Id("default".to_owned()));

    let both = openstack(
        "auth_url = \"https://c\"\nusername = \"a\"\napplication_credential_id = \"b\"\n",
    );
    let both = told(&both);
    assert!(
        both.contains("5:12: cloud.openstack.username: stands beside"),
        "{both}"
    );
    let neither = told(&openstack("auth_url = \"https://c\"\n"));
    assert!(
        neither.contains("does not say as whom to sign in"),
        "{neither}"
    );
}

fn secret_file(folder: &Path, text: &str, mode: u32) -> PathBuf {
    let path = folder.join("secret");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_secret_that_others_can_read_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let secret = secret_file(folder.path(), "hush", 0o644);
    let account = "auth_url = \"https://c\"\napplication_credential_id = \"a\"\n";
    let text = openstack(&format!(
        "{account}secret_file = \"{}\"\n",
        secret.display()
    ));
    let open = told(&text);
    assert!(
        open.contains("6:15: cloud.openstack.secret_file: "),
        "{open}"
    );
    assert!(open.contains("open to others (mode 0644)"), "{open}");

    let inline = openstack(&format!("{account}secret = \"hush\"\n"));
    let surroundings = |is_open| Surroundings {
        credentials: None,
        is_open,
    };
    let read = |is_open| Config::read("a", &inline, Purpose::Run, &surroundings(is_open));
    assert!(read(false).is_ok());
    let open = read(true).unwrap_err().to_string();
    assert!(
        open.contains("is a secret in a file that everybody can read"),
        "{open}"
    );
    assert!(!open.contains("hush"), "{open}");
    let path = folder.path().join("agent.toml");
    for (mode, is_open) in [(0o644, true), (0o640, false)] {
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert_eq!(checks::is_open(&path), is_open);
    }
}

#[test]
fn systemd_hands_over_the_secret_where_the_file_names_none() {
    let folder = tempfile::tempdir().unwrap();
    let account = "auth_url = \"https://c\"\napplication_credential_id = \"a\"\n";
    let surroundings = Surroundings {
        credentials: Some(folder.path().to_owned()),
        is_open: true,
    };
    let read = || Config::read("a", &openstack(account), Purpose::Run, &surroundings);
    let none = read().unwrap_err().to_string();
    assert!(
        none.contains("/etc/credstore/sp-agent.cloud-secret"),
        "{none}"
    );
    fs::write(folder.path().join(CREDENTIAL), "hush\n").unwrap();
    let mode = Permissions::from_mode(0o440);
    fs::set_permissions(folder.path().join(CREDENTIAL), mode).unwrap();
    assert!(read().is_ok());
}

#[test]
fn a_simulated_cloud_is_as_it_is_written() {
    let text = r#"[cloud]
kind = "simulated"
[cloud.simulated]
seed = 7
servers = 10
character = "flaky"
pace = 0
born = "1970-01-01T00:01:00Z"
latency = "20ms"
[[cloud.simulated.faults]]
at = "1m"
lasts = "10s"
service = "compute"
what = "slow"
by = "3s"
"#;
    let Some(CloudConfig::Simulated(plan)) = read(text).unwrap().cloud else {
        panic!("no simulated cloud");
    };
    let expected = Options {
        seed: 7,
        servers: 10,
        character: Character::Flaky,
        pace: Some(0),
        born: Some(shared::model::UnixMillis(60_000)),
        latency: Duration::from_millis(20),
        faults: vec![Fault {
            at: Duration::from_secs(60),
            lasts: Duration::from_secs(10),
            service: ServiceKind::Compute,
            what: FaultKind::Slow(Duration::from_secs(3)),
        }],
        ..Options::default()
    };
    assert_eq!(plan, expected.check().unwrap());
}

#[test]
fn a_command_looks_at_the_file_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    fs::write(&path, openstack("secret_file = \"/nowhere\"\n")).unwrap();
    let config = Config::load(&path, Purpose::Ask, None).unwrap();
    assert!(config.cloud.is_none());
    assert!(matches!(
        Config::load(&path, Purpose::Run, None),
        Err(ConfigError::Faults(_))
    ));
    let nowhere = Path::new("/nowhere/agent.toml");
    assert!(matches!(
        Config::load(nowhere, Purpose::Ask, None),
        Err(ConfigError::Read(_))
    ));
}
