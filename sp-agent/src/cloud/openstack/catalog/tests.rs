use proptest::prelude::*;

use super::*;
use crate::cloud::openstack::testing::any_json;

fn services(json: &str) -> Vec<CatalogService> {
    serde_json::from_str(json).unwrap()
}

fn endpoint(interface: &str, region: &str, url: &str) -> String {
    format!(
        r#"{{"id": "e", "interface": "{interface}", "region_id": "{region}",
            "region": "{region}", "url": "{url}"}}"#
    )
}

fn one(kind: &str, endpoints: &[String]) -> String {
    format!(
        r#"{{"id": "s", "name": "n", "type": "{kind}", "endpoints": [{}]}}"#,
        endpoints.join(",")
    )
}

/// A service's type, its address in the catalog, what that becomes, and its version document.
const ADDRESSES: [(&str, ServiceKind, [&str; 3]); 9] = {
    use ServiceKind::{Compute, Image, Network, Placement, Volume};
    [
        (
            "compute",
            Compute,
            [
                "http://c:8774/v2.1",
                "http://c:8774/v2.1",
                "http://c:8774/v2.1/",
            ],
        ),
        (
            "compute",
            Compute,
            [
                "http://c/n/v2.1/abc/",
                "http://c/n/v2.1/abc",
                "http://c/n/v2.1/",
            ],
        ),
        (
            "compute",
            Compute,
            ["http://c/n", "http://c/n/v2.1", "http://c/n/v2.1/"],
        ),
        (
            "volumev3",
            Volume,
            [
                "http://c:8776/v3/a",
                "http://c:8776/v3/a",
                "http://c:8776/v3/",
            ],
        ),
        (
            "block-storage",
            Volume,
            ["http://c/b/", "http://c/b/v3/p1", "http://c/b/v3/"],
        ),
        (
            "network",
            Network,
            ["http://c:9696/", "http://c:9696/v2.0", "http://c:9696/"],
        ),
        (
            "network",
            Network,
            ["http://c/net", "http://c/net/v2.0", "http://c/net/"],
        ),
        (
            "placement",
            Placement,
            ["http://c/p", "http://c/p", "http://c/p"],
        ),
        (
            "image",
            Image,
            ["http://c:9292", "http://c:9292/v2", "http://c:9292/"],
        ),
    ]
};

#[test]
fn addresses_become_what_requests_are_appended_to() {
    for (kind, service, [given, expected, document]) in ADDRESSES {
        let json = format!("[{}]", one(kind, &[endpoint("public", "R", given)]));
        let services = services(&json);
        let catalog = Catalog::choose(&services, None, Interface::Public, Some("p1")).unwrap();
        let url = catalog.endpoint(service).unwrap();
        assert_eq!(url.as_str(), expected, "{given}");
        assert_eq!(version_document(service, url).as_str(), document, "{given}");
    }
}

#[test]
fn region_and_interface_are_kept_apart() {
    let compute = one(
        "compute",
        &[
            endpoint("internal", "East", "http://int-east/v2.1"),
            endpoint("public", "East", "http://pub-east/v2.1"),
            endpoint("public", "West", "http://pub-west/v2.1"),
        ],
    );
    let identity = one("identity", &[endpoint("public", "Global", "http://k/v3")]);
    let services = services(&format!("[{compute},{identity}]"));
    let west = Catalog::choose(&services, Some("West"), Interface::Public, None).unwrap();
    assert_eq!(
        west.endpoint(ServiceKind::Compute).unwrap().as_str(),
        "http://pub-west/v2.1"
    );
    assert_eq!(west.endpoint(ServiceKind::Volume), None);
    let internal = Catalog::choose(&services, Some("West"), Interface::Internal, None).unwrap();
    assert_eq!(internal.endpoint(ServiceKind::Compute), None);
    for region in [None, Some("North")] {
        let error = Catalog::choose(&services, region, Interface::Public, None).unwrap_err();
        assert!(error.ends_with("one of East, West"), "{error}");
    }
}

#[test]
fn the_preferred_of_two_names_wins_and_what_is_no_address_is_passed_over() {
    let json = format!(
        "[{},{},{}]",
        one("block-storage", &[endpoint("public", "R", "http://new/v3")]),
        one("volumev3", &[endpoint("public", "R", "http://old/v3")]),
        one(
            "image",
            &[
                endpoint("public", "R", "not an address"),
                endpoint("public", "R", "http://user:pw@image"),
            ]
        ),
    );
    let catalog = Catalog::choose(&services(&json), None, Interface::Public, None).unwrap();
    let shown = |service| catalog.endpoint(service).unwrap().as_str();
    assert_eq!(shown(ServiceKind::Volume), "http://old/v3");
    assert_eq!(shown(ServiceKind::Image), "http://image/v2");
}

proptest! {
    #[test]
    fn any_json_is_a_catalog_or_refused(
        json in any_json(&["type", "endpoints", "interface", "region", "url"]),
        url in "\\PC{0,40}",
    ) {
        if let Ok(services) = serde_json::from_str::<Vec<CatalogService>>(&json) {
            let _ = Catalog::choose(&services, None, Interface::Public, None);
        }
        for service in ServiceKind::ALL {
            for text in [url.clone(), format!("http://h/{url}")] {
                if let Some(base) = base(service, &text, Some("p")) {
                    prop_assert!(version_document(service, &base).has_host());
                }
            }
        }
    }
}
