//! Cinder's resources of volume types, of which a region tells only those that are limited or used.

use super::*;

fn volumes(region: &mut Region, project: &str, of: &[(&str, Option<u64>, u64)], changed: u64) {
    region.quota_of(ServiceKind::Volume, project, of, changed);
}

#[test]
fn what_is_not_told_of_a_type_has_no_limit() {
    let mut region = region();
    let plain = ("gigabytes", Some(100), 0);
    volumes(
        &mut region,
        "web",
        &[plain, ("gigabytes_ssd", Some(50), 5)],
        NOW - 1,
    );
    volumes(&mut region, "data", &[plain], NOW - 1);
    let all = region.census.allocation(&std::collections::BTreeMap::new());
    let ssd = all.resources.iter().find(|it| it.name == "gigabytes_ssd");
    let sum = ssd.unwrap().allocated;
    assert_eq!((sum.limited, sum.unlimited, sum.unknown), (50, 1, 1));
    // Without a limit again, it is told no more.
    region.set(edit(1, &[("gigabytes_ssd", -1)]));
    volumes(&mut region, "web", &[plain], NOW + 1);
    let lines = region.census.lines();
    let web = lines.iter().find(|it| it.name == "web").unwrap();
    let ssd = web.resources.iter().find(|it| it.name == "gigabytes_ssd");
    let ssd = ssd.unwrap();
    assert_eq!(
        (ssd.differs, ssd.told.as_ref().unwrap().limit),
        (None, None)
    );
    let again = [edit(1, &[("gigabytes_ssd", -1)])];
    assert_eq!(region.check(Check::Whole, &again).unwrap(), []);
}

#[test]
fn the_first_limit_of_a_type_can_be_set_and_none_below_what_is_used() {
    let mut region = region();
    volumes(&mut region, "web", &[("gigabytes", Some(100), 60)], NOW - 1);
    for word in ["gigabytes_ssd", "volume:snapshots_ssd"] {
        region
            .check(Check::Whole, &[edit(1, &[(word, 5)])])
            .unwrap();
    }
    for word in ["gigabytes_", "gigabits_ssd", "compute:gigabytes_ssd"] {
        let refused = region.check(FORCED, &[edit(1, &[(word, 5)])]);
        assert!(
            matches!(refused, Err(QuotaRefusal::NoResource { .. })),
            "{word}"
        );
    }
    // Cinder takes no limit below what is used, whatever is said.
    let below = region.check(FORCED, &[edit(1, &[("gigabytes", 59)])]);
    let below = below.unwrap_err().to_string();
    assert!(below.contains("Cinder takes no less"), "{below}");
}
