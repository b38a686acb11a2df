use proptest::prelude::*;

use super::*;

fn link(marker: &str) -> Option<String> {
    Some(format!("http://elsewhere:1/v2.1/x?limit=2&marker={marker}"))
}

fn ids(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn markers_are_followed_to_the_end() {
    let mut trail = Trail::default();
    assert_eq!(trail.marker(), Some(None));
    trail.advance(ids(&["b", "a"]), link("b")).unwrap();
    assert_eq!(trail.marker(), Some(Some("b")));
    trail
        .advance(ids(&["d", "c"]), Some(String::new()))
        .unwrap();
    assert_eq!(
        trail.marker(),
        Some(Some("d")),
        "the last id stands in for a bare link"
    );
    trail.advance(ids(&["e"]), None).unwrap();
    assert_eq!(trail.marker(), None);
}

#[test]
fn an_empty_page_is_the_end_whatever_its_link_says() {
    let mut trail = Trail::default();
    trail.advance(ids(&["a"]), link("a")).unwrap();
    trail.advance(Vec::new(), link("a")).unwrap();
    assert_eq!(trail.marker(), None);
}

#[test]
fn beyond_links_only_an_empty_page_is_the_end() {
    let mut trail = Trail {
        beyond_links: true,
        ..Trail::default()
    };
    trail.advance(ids(&["b", "a"]), None).unwrap();
    assert_eq!(trail.marker(), Some(Some("b")));
    trail.advance(ids(&["d"]), link("c")).unwrap();
    assert_eq!(trail.marker(), Some(Some("d")), "what was read counts");
    trail.advance(Vec::new(), None).unwrap();
    assert_eq!(trail.marker(), None);
}

#[test]
fn a_marker_that_comes_again_is_an_error() {
    let mut trail = Trail::default();
    trail.advance(ids(&["a"]), link("a")).unwrap();
    trail.advance(ids(&["b"]), link("b")).unwrap();
    let error = trail.advance(ids(&["a"]), link("a")).unwrap_err();
    assert!(error.contains("leads back"), "{error}");
}

#[test]
fn a_list_without_an_end_is_an_error() {
    let mut trail = Trail::default();
    let failed = (0..=PAGES_MAX).find_map(|page| {
        let id = page.to_string();
        trail.advance(vec![id.clone()], link(&id)).err()
    });
    assert!(failed.unwrap().contains("more than"));
}

#[test]
fn when_the_markers_record_is_gone_the_one_before_serves() {
    let mut trail = Trail::default();
    assert!(!trail.step_back(), "nothing stands before the beginning");
    trail.advance(ids(&["c", "b", "a"]), link("c")).unwrap();
    assert!(trail.step_back());
    assert_eq!(trail.marker(), Some(Some("b")));
    assert!(trail.step_back());
    assert_eq!(trail.marker(), Some(Some("a")));
    assert!(!trail.step_back());
}

#[test]
fn markers_are_found_in_relative_links_and_unescaped() {
    assert_eq!(marker_of("/v2/images?marker=a%2Fb"), Some("a/b".to_owned()));
    assert_eq!(marker_of("?marker="), None);
    assert_eq!(marker_of("/v2/images"), None);
}

proptest! {
    #[test]
    fn no_link_gets_the_reader_into_trouble(
        pages in prop::collection::vec(
            (prop::collection::vec("[a-c]", 0..4), prop::option::of("\\PC{0,30}")),
            0..20,
        ),
        beyond_links: bool,
    ) {
        let mut trail = Trail { beyond_links, ..Trail::default() };
        for (ids, link) in pages {
            let followed = trail.followed.len();
            if trail.advance(ids, link).is_err() {
                break;
            }
            let goes_on = trail.marker().is_some();
            prop_assert_eq!(goes_on, trail.followed.len() > followed);
        }
    }
}
