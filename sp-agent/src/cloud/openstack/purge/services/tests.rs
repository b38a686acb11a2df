//! What may hold something and is not asked keeps everything.

use shared::model::ServiceKind::{Compute, Image, Network, Volume};

use super::*;

/// Services of these types, each with an endpoint in a region.
fn listed(all: &[(&str, &str)]) -> Listed {
    let mut listed = Listed::default();
    for (at, (kind, region)) in all.iter().enumerate() {
        listed.services.push(Service {
            id: at.to_string(),
            kind: (*kind).to_owned(),
        });
        listed.endpoints.push(Endpoint {
            service_id: at.to_string(),
            region_id: Some((*region).to_owned()).filter(|it| !it.is_empty()),
            region: None,
        });
    }
    listed
}

const USUAL: [(&str, &str); 5] = [
    ("identity", "Central"),
    ("compute", "One"),
    ("block-storage", "One"),
    ("network", "One"),
    ("image", "One"),
];

fn with(more: &[(&str, &str)]) -> Listed {
    listed(&[&USUAL[..], more].concat())
}

fn refused(listed: &Listed, region: Option<&str>) -> String {
    to_ask(listed, region, &[]).unwrap_err()
}

#[test]
fn a_cloud_of_one_region_is_asked_in_all_that_it_has() {
    let all = BTreeSet::from([Compute, Volume, Network, Image]);
    for region in [Some("One"), None] {
        assert_eq!(to_ask(&with(&[]), region, &[]), Ok(all.clone()));
    }
    let harmless = with(&[
        ("placement", "One"),
        ("metering", "One"),
        ("volumev2", "One"),
    ]);
    assert_eq!(to_ask(&harmless, Some("One"), &[]), Ok(all));
    let bare = listed(&[("identity", "One"), ("image", "One")]);
    assert_eq!(to_ask(&bare, None, &[]), Ok(BTreeSet::from([Image])));
}

#[test]
fn a_keystone_of_several_regions_keeps_it() {
    for kind in ["placement", "volumev3", "share"] {
        for other in ["Two", ""] {
            for region in [Some("One"), None] {
                let told = refused(&with(&[(kind, other)]), region);
                assert!(told.contains("in the regions"), "{told}");
            }
        }
    }
    let told = refused(&with(&[]), Some("Two"));
    assert!(told.contains("the regions One"), "{told}");
    let shared = with(&[("object-store", "Two")]);
    let unchecked = ["object-store".to_owned()];
    assert!(to_ask(&shared, Some("One"), &unchecked).is_ok());
}

#[test]
fn what_is_not_looked_into_is_named_unless_the_operator_lets_it_go() {
    let more = with(&[("object-store", "One"), ("orchestration", "One")]);
    let told = refused(&more, None);
    assert!(told.contains("object-store, orchestration"), "{told}");
    let one = ["object-store".to_owned()];
    let told = to_ask(&more, None, &one).unwrap_err();
    assert!(told.contains("types orchestration,"), "{told}");
    let both = ["object-store".to_owned(), "orchestration".to_owned()];
    assert!(to_ask(&more, None, &both).is_ok());
    // Another name of something that is not there is something else.
    let old = listed(&[("identity", "One"), ("volumev2", "One")]);
    assert!(refused(&old, None).contains("volumev2"));
}

#[test]
fn lists_that_can_not_be_whole_keep_it() {
    assert!(refused(&Listed::default(), None).contains("not whole"));
    let twice = with(&[("compute", "One")]);
    assert!(refused(&twice, None).contains("two services of the type compute"));
    let mut unknown = with(&[]);
    unknown.endpoints[1].service_id = "lost".to_owned();
    assert!(refused(&unknown, None).contains("the service lost"));
}
