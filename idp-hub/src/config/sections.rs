//! Section by section: names, defaults, and what each setting must be by itself.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use shared::pki::{WebNames, WebNamesError};
use shared::runtime::errors::chain;
use shared::runtime::logs::check_filter;
use shared::runtime::settings::{Setting, Table};
use shared::transport::Congestion;

use super::{
    CertificateFiles, Config, HostPort, LINK_PORT, LinkConfig, Machine, Purpose,
    REGION_RECORDS_DEFAULT, SOCKET_DEFAULT, WebConfig, checks,
};

const DATA_DIR_DEFAULT: &str = "/var/lib/idp-hub";
const WEB_PORT: u16 = 8443;

/// Twice the fleet that the hub is measured with.
const REGIONS_DEFAULT: u32 = 20_000;

/// Each region costs some 30 kB while it is connected: three gigabytes.
const REGIONS_MAX: u32 = 100_000;

/// A region of some hundred servers.
const REGION_RECORDS_MIN: u32 = 1_000;

/// 20 GB of the hub's disk.
const REGION_RECORDS_MAX: u32 = 10_000_000;

pub(super) fn root(mut root: Table<'_>, purpose: Purpose, machine: &Machine) -> Config {
    let data_dir = root.path("data_dir", DATA_DIR_DEFAULT);
    // What is wrong already is not looked for at the place of the default.
    let is_wrong = data_dir.is_given() && data_dir.value.is_none();
    let data_dir = data_dir.or(DATA_DIR_DEFAULT.into());
    let socket = root
        .path("socket", SOCKET_DEFAULT)
        .or(SOCKET_DEFAULT.into());
    checks::socket_path(&socket);
    if purpose == Purpose::Serve {
        if !is_wrong {
            checks::data_dir(&data_dir);
        }
        checks::socket_dir(&socket);
    }
    let link = link(root.section("link"), machine);
    let mut web_table = root.section("web");
    let web_listen = web_table.address("listen", "[::]:8443").or(any(WEB_PORT));
    let metrics = metrics(root.section("metrics"), &web_listen);
    let web = web(web_table, web_listen.value, &link.address, purpose, machine);
    let log = log(root.section("log"));
    let mut limits = root.section("limits");
    let regions = limits.integer("regions_max", 1..=REGIONS_MAX.into());
    let records = limits.integer(
        "region_records_max",
        REGION_RECORDS_MIN.into()..=REGION_RECORDS_MAX.into(),
    );
    Config {
        data_dir: data_dir.value,
        socket: socket.value,
        link,
        web,
        metrics,
        log,
        regions_max: regions
            .value
            .and_then(|it| it.try_into().ok())
            .unwrap_or(REGIONS_DEFAULT),
        region_records_max: records
            .value
            .and_then(|it| it.try_into().ok())
            .unwrap_or(REGION_RECORDS_DEFAULT),
    }
}

fn link(mut table: Table<'_>, machine: &Machine) -> LinkConfig {
    let listen = table
        .address("listen", "[::]:7443")
        .or(any(LINK_PORT))
        .value;
    let address = table
        .text("address", "hub.example.org:7443")
        .try_map(|text| {
            let wrong = |error: super::HostPortError| {
                (
                    format!("{text:?} {error}"),
                    "write \"hub.example.org:7443\"".to_owned(),
                )
            };
            text.parse::<HostPort>().map_err(wrong)
        });
    let given = address.is_given();
    let port = if listen.port() == 0 {
        LINK_PORT
    } else {
        listen.port()
    };
    let default = HostPort::new(&machine.host_name, port);
    if default.is_err() && !given {
        let name = &machine.host_name;
        let what = format!("is missing, and this machine's name {name:?} is no address");
        address.fault(what, "write address = \"hub.example.org:7443\"");
    }
    let address = address.value.or(default.ok());
    let words = [("cubic", Congestion::Cubic), ("bbr", Congestion::Bbr)];
    let congestion = table.choice("congestion", &words);
    LinkConfig {
        congestion: congestion.or(Congestion::Cubic).value,
        listen,
        address: address.unwrap_or_else(|| HostPort::localhost(LINK_PORT)),
    }
}

fn web(
    mut table: Table<'_>,
    listen: SocketAddr,
    link: &HostPort,
    purpose: Purpose,
    machine: &Machine,
) -> WebConfig {
    let names = table.texts("names", "hub.example.org");
    if names.value.as_ref().is_some_and(Vec::is_empty) {
        names.fault("is empty", "name the hosts under which the page is opened");
    }
    let names = match names.value {
        Some(given) => web_names(&given),
        None => default_names(link.host(), &machine.host_name),
    };
    let certificate = table.path("certificate", "/etc/idp-hub/web.pem");
    let key = table.path("key", "/etc/idp-hub/web-key.pem");
    let certificate = match (certificate.is_given(), key.is_given()) {
        (true, false) => {
            certificate.fault(
                "comes without its key",
                "add key = \"/etc/idp-hub/web-key.pem\"",
            );
            None
        }
        (false, true) => {
            key.fault(
                "comes without its certificate",
                "add certificate = \"/etc/idp-hub/web.pem\"",
            );
            None
        }
        _ => certificate_files(&certificate, &key, purpose, machine),
    };
    WebConfig {
        listen,
        names,
        certificate,
    }
}

fn certificate_files(
    certificate: &Setting<'_, Option<PathBuf>>,
    key: &Setting<'_, Option<PathBuf>>,
    purpose: Purpose,
    machine: &Machine,
) -> Option<CertificateFiles> {
    let files = CertificateFiles {
        certificate: certificate.value.clone()?,
        key: key.value.clone()?,
    };
    if purpose != Purpose::Ask {
        checks::web_files(&files, certificate, key, machine.now_secs);
    }
    Some(files)
}

/// The names that are right; of the others each is a fault at its own place.
fn web_names(given: &[Setting<'_, String>]) -> WebNames {
    let mut right = Vec::new();
    for name in given {
        match WebNames::new(&[&name.value]) {
            Ok(_) if right.len() == WebNames::COUNT_MAX => {
                name.fault(WebNamesError::TooMany, "remove some");
                break;
            }
            Ok(_) => right.push(name.value.as_str()),
            Err(error) => name.fault(error, "write a name such as \"hub.example.org\""),
        }
    }
    WebNames::new(&right).unwrap_or_else(|_| WebNames::local())
}

/// What agents dial, the machine's own name, and what works on the machine itself.
fn default_names(address: &str, host_name: &str) -> WebNames {
    [host_name, address]
        .into_iter()
        .fold(WebNames::local(), |names, name| {
            // A machine's name that is no host name is told where it matters, at link.address.
            names.clone().with(name).unwrap_or(names)
        })
}

fn metrics(mut table: Table<'_>, web: &Setting<'_, SocketAddr>) -> Option<SocketAddr> {
    let listen = table.address("listen", "127.0.0.1:9443");
    if let Some(address) = listen.value
        && checks::same_port(address, web.value)
    {
        let what = format!("has port {}, as web.listen has", address.port());
        listen.fault(what, "write \"127.0.0.1:9443\"");
    }
    listen.value
}

fn log(mut table: Table<'_>) -> Option<String> {
    let level = table.text("level", "info");
    level
        .try_map(|filter| match check_filter(None, Some(&filter)) {
            Ok(_) => Ok(filter),
            Err(error) => {
                let cause = std::error::Error::source(&error);
                let what = cause.map_or_else(String::new, |it| format!(": {}", chain(it)));
                let what = format!("is no log filter{what}");
                Err((what, "write \"info\", or \"info,idp_hub=debug\"".to_owned()))
            }
        })
        .value
}

/// Every address of both families.
const fn any(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port)
}
