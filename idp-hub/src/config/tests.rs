//! Whole files: what they give, and all that is told about them.

use shared::ids::FederationId;
use shared::pki::{Authority, BoundKey, Serial, WebNames};
use shared::runtime::files::{Mode, write_atomic};

use super::*;

const NOW: u64 = 1_800_000_000;

const SHIPPED: &str = include_str!("../../../packaging/idp-hub/hub.toml");

fn machine() -> Machine {
    Machine {
        host_name: "hub1".to_owned(),
        now_secs: NOW,
    }
}

fn read(text: &str) -> Result<Config, Faults> {
    Config::read("hub.toml", text, Purpose::Init, &machine())
}

fn told(text: &str, purpose: Purpose) -> String {
    let faults = Config::read("hub.toml", text, purpose, &machine()).unwrap_err();
    faults.to_string()
}

#[test]
fn an_empty_file_gives_the_defaults() {
    let config = read("").unwrap();
    assert_eq!(config.link.listen.to_string(), "[::]:7443");
    assert_eq!(config.link.address.to_string(), "hub1:7443");
    assert_eq!(config.web.listen.to_string(), "[::]:8443");
    let names = ["hub1", "localhost", "127.0.0.1", "::1"];
    assert_eq!(config.web.names.as_slice(), names);
    assert_eq!(
        (&config.metrics, &config.log, config.regions_max),
        (&None, &None, 20_000)
    );
    assert_eq!(config.link.congestion, Congestion::Cubic);
    assert_eq!(config.region_records_max, 300_000);
    assert_eq!(config.database(), Path::new("/var/lib/idp-hub/hub.db"));
}

#[test]
fn the_shipped_file_is_the_defaults_and_its_examples_are_right() {
    assert_eq!(read(SHIPPED), read(""));
    let uncommented: String = SHIPPED
        .lines()
        .filter(|line| !line.contains("web.pem") && !line.contains("web-key.pem"))
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let config = read(&uncommented).unwrap();
    assert_eq!(config.link.address.to_string(), "hub.example.org:7443");
    assert_eq!(config.metrics.unwrap().to_string(), "127.0.0.1:9443");
    assert_eq!(config.web.listen, read("").unwrap().web.listen);
    assert_eq!(config.log.as_deref(), Some("info"));
}

#[test]
fn every_fault_is_told_at_once() {
    let text = r#"data_dir = "hub"
socket = 7
sokcet = "/run/x"
[link]
listen = "7443"
address = "0.0.0.0:7443"
congestion = "reno"
[web]
listen = "0.0.0.0:8443"
names = ["hub.example.org", "*.example.org"]
certificate = "/etc/idp-hub/web.pem"
[metrics]
listen = "127.0.0.1:8443"
[log]
level = "info,=="
[limits]
regions_max = 1_000_000
region_records_max = 10
[lnik]
"#;
    let expected = "hub.toml has 13 faults:\n\
         hub.toml:1:12: data_dir: \"hub\" is no absolute path; write \
         \"/var/lib/idp-hub\"\n\
         hub.toml:2:10: socket: is an integer; write \"/run/idp-hub/hub.sock\"\n\
         hub.toml:3:1: sokcet: there is no such setting; write \"socket\"\n\
         hub.toml:5:10: link.listen: \"7443\" is no IP address with a port; write \
         \"[::]:7443\"\n\
         hub.toml:6:11: link.address: \"0.0.0.0:7443\" is for listening; nobody can dial \
         it; write \"hub.example.org:7443\"\n\
         hub.toml:7:14: link.congestion: \"reno\" is none of its words; write \"cubic\" or \
         \"bbr\"\n\
         hub.toml:10:29: web.names[1]: \"*.example.org\" is neither a DNS name nor an IP \
         address; write a name such as \"hub.example.org\"\n\
         hub.toml:11:15: web.certificate: comes without its key; add key = \
         \"/etc/idp-hub/web-key.pem\"\n\
         hub.toml:13:10: metrics.listen: has port 8443, as web.listen has; write \
         \"127.0.0.1:9443\"\n\
         hub.toml:15:9: log.level: is no log filter: invalid filter directive; write \
         \"info\", or \"info,idp_hub=debug\"\n\
         hub.toml:17:15: limits.regions_max: 1000000 is out of bounds; write a whole \
         number from 1 to 100000\n\
         hub.toml:18:22: limits.region_records_max: 10 is out of bounds; write a whole \
         number from 1000 to 10000000\n\
         hub.toml:19:2: lnik: there is no such setting; write \"link\"";
    assert_eq!(told(text, Purpose::Init), expected);
}

#[test]
fn what_must_be_there_to_serve_is_looked_for() {
    let text = "data_dir = \"/nowhere/hub\"\nsocket = \"/nowhere/run/hub.sock\"\n";
    let expected = "hub.toml has 2 faults:\n\
         hub.toml:1:12: data_dir: there is no /nowhere/hub; run \"idp-hub init\" first\n\
         hub.toml:2:10: socket: there is no directory /nowhere/run; make it (the systemd \
         unit does, by RuntimeDirectory=)";
    assert_eq!(told(text, Purpose::Serve), expected);
    assert!(read(text).is_ok());
    let long = format!("socket = \"/{}\"", "s".repeat(107));
    assert!(told(&long, Purpose::Ask).contains("longer than the 107 bytes"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().display();
    let text = format!("data_dir = \"{path}\"\nsocket = \"{path}/hub.sock\"\n");
    assert!(Config::read("hub.toml", &text, Purpose::Serve, &machine()).is_ok());
}

#[test]
fn a_machine_without_a_usable_name_needs_an_address() {
    let machine = Machine {
        host_name: "my machine".to_owned(),
        now_secs: NOW,
    };
    let read = |text| Config::read("hub.toml", text, Purpose::Init, &machine);
    assert_eq!(
        read("").unwrap_err().to_string(),
        "hub.toml has 1 fault:\nhub.toml: link.address: is missing, and this machine's name \
         \"my machine\" is no address; write address = \"hub.example.org:7443\""
    );
    let config = read("[link]\naddress = \"10.0.0.7:7443\"").unwrap();
    let names = ["10.0.0.7", "localhost", "127.0.0.1", "::1"];
    assert_eq!(config.web.names.as_slice(), names);
}

#[test]
fn a_given_certificate_must_be_readable_and_fit_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let ca = Authority::create(FederationId::from_random(1), NOW).unwrap();
    let (key, other) = (BoundKey::generate().unwrap(), BoundKey::generate().unwrap());
    let names = WebNames::new(&["hub.example.org"]).unwrap();
    let issued = ca
        .issue_web(key.public_key(), &names, Serial::generate().unwrap(), NOW)
        .unwrap();
    let pem = issued.to_pem();
    write_atomic(&file("web.pem"), pem.as_bytes(), Mode::Public).unwrap();
    write_atomic(&file("key.pem"), key.to_pem().as_bytes(), Mode::Private).unwrap();
    write_atomic(&file("other.pem"), other.to_pem().as_bytes(), Mode::Private).unwrap();
    let text = |certificate: &str, key: &str| {
        let (certificate, key) = (file(certificate), file(key));
        format!("[web]\ncertificate = {certificate:?}\nkey = {key:?}")
    };
    assert!(
        read(&text("web.pem", "key.pem"))
            .unwrap()
            .web
            .certificate
            .is_some()
    );
    let tell = |certificate, key| {
        let told = told(&text(certificate, key), Purpose::Init);
        told.replace(&folder.path().display().to_string(), "")
    };
    assert!(tell("web.pem", "other.pem").contains(
        "hub.toml:2:15: web.certificate: cannot serve the console with /web.pem and /other.pem: \
         the certificate is not over this private key"
    ));
    let both = tell("none.pem", "web.pem");
    assert!(
        both.contains("hub.toml:2:15: web.certificate: cannot open /none.pem"),
        "{both}"
    );
    assert!(
        both.contains("hub.toml:3:7: web.key: /web.pem is open to others"),
        "{both}"
    );
    let text = text("none.pem", "none.pem");
    assert!(Config::read("hub.toml", &text, Purpose::Ask, &machine()).is_ok());
}

#[test]
fn a_file_that_is_not_there_is_told_unless_it_is_the_default_one() {
    let error = Config::load(Path::new("/nowhere/hub.toml"), Purpose::Ask, &machine());
    let error = error.unwrap_err();
    let told = shared::runtime::errors::chain(&error).to_string();
    assert!(
        told.starts_with("cannot read the configuration; name another file"),
        "{told}"
    );
    assert!(told.contains("/nowhere/hub.toml"), "{told}");
}

#[test]
fn a_wrong_directory_is_one_fault() {
    for value in ["5", "\"data\""] {
        let text = format!("data_dir = {value}\nsocket = \"/tmp/hub.sock\"\n");
        let read = Config::read("hub.toml", &text, Purpose::Serve, &machine());
        let told = read.unwrap_err().to_string();
        let faults = told.matches("hub.toml:").count();
        assert_eq!(faults, 1, "{told}");
    }
}
