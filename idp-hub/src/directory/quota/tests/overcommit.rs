//! Regions that have given away all that they have, or more, or of which not all is known.

use super::*;

#[test]
fn a_shift_in_a_region_that_is_overcommitted_is_nobodys_trouble() {
    let mut region = region();
    region.quota("far", &[("cores", Some(500), 0)]);
    let shift = |to| [edit(3, &[("cores", 490)]), edit(1, &[("cores", to)])];
    region.check(Check::Whole, &shift(30)).unwrap();
    let more = region.check(Check::Whole, &shift(31));
    assert!(
        matches!(more, Err(QuotaRefusal::OverCapacity { .. })),
        "{more:?}"
    );
}

#[test]
fn what_is_forced_is_forced_by_its_own_word() {
    let region = region();
    let (below, over) = ([edit(1, &[("cores", 7)])], [edit(1, &[("cores", 61)])]);
    let forced = |below_use, over_capacity| {
        Check::Forced(Force {
            below_use,
            over_capacity,
        })
    };
    let told = region.check(forced(true, false), &below).unwrap();
    assert!(told[0].limits.resources[0].force);
    assert_eq!(told[0].after, "cores=7 (forced)");
    let told = region.check(forced(false, true), &over).unwrap();
    assert!(!told[0].limits.resources[0].force, "it is below nothing");
    assert!(region.check(forced(true, false), &over).is_err());
    assert!(region.check(forced(false, true), &below).is_err());
}

#[test]
fn a_limit_that_somebody_gave_to_who_was_to_have_none_counts() {
    let mut region = region();
    region.set(edit(1, &[("cores", -1)]));
    region.quota_of(
        ServiceKind::Compute,
        "web",
        &[("cores", Some(25), 8)],
        NOW + 1,
    );
    let raised = region.check(Check::Whole, &[edit(1, &[("cores", 2000)])]);
    assert!(
        matches!(raised, Err(QuotaRefusal::OverCapacity { .. })),
        "{raised:?}"
    );
    region
        .check(Check::Whole, &[edit(1, &[("cores", 60)])])
        .unwrap();
}

#[test]
fn nothing_is_raised_by_what_is_not_known_of_others() {
    let mut region = region();
    region.project("later", None, Custody::Common);
    let refused = region.check(Check::Whole, &[edit(1, &[("cores", 21)])]);
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("one project whose quota was not read"),
        "{refused}"
    );
    region
        .check(Check::Whole, &[edit(1, &[("cores", 19)])])
        .unwrap();
}
