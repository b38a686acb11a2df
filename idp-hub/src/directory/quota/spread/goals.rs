//! What each region's share should be, were it told at once.

use std::collections::BTreeMap;

use shared::ids::RegionId;

use super::{Standing, sum};

/// This part of an even share is room that each region has, whatever the others need, so that
/// whoever uses nothing can begin: a quarter, as most room is for those who asked for some.
const FLOOR_PARTS: u64 = 4;

/// What came lately counts so many times: who grows is likely to grow on.
const GROWTH_WEIGHT: u64 = 4;

/// The share that each region should have. None for those that are away, or whose use is not known:
/// they keep what they have.
///
/// Each has what it uses. What is left is room: a floor for each, and the rest by use and growth.
/// Where nothing is left, each has what it uses, and that is more than the total or just that.
pub(super) fn goals(total: u64, regions: &BTreeMap<RegionId, Standing>) -> BTreeMap<RegionId, u64> {
    let (present, away): (Vec<_>, Vec<_>) = regions.iter().partition(|(_, it)| it.is_open());
    let away = sum(away.iter().map(|(_, it)| it.kept()));
    let needs = sum(present.iter().map(|(_, it)| it.need()));
    let room = total.saturating_sub(away).saturating_sub(needs);
    let even = |of: u64, among: usize| of.checked_div(among as u64).unwrap_or(0);
    let floor = even(room, present.len()).min(even(total, regions.len()) / FLOOR_PARTS);
    let beyond = room.saturating_sub(floor.saturating_mul(present.len() as u64));
    let weights: Vec<u64> = present.iter().map(|(_, it)| weight(it)).collect();
    let parts = apportion(beyond, &weights);
    let goal = |((id, it), part): ((&RegionId, &Standing), u64)| {
        (*id, it.need().saturating_add(floor).saturating_add(part))
    };
    present.into_iter().zip(parts).map(goal).collect()
}

/// Each counts a little, so that those that use nothing share alike.
fn weight(it: &Standing) -> u64 {
    let need = it.need();
    let growth = it.demand.growth(need).saturating_mul(GROWTH_WEIGHT);
    need.saturating_add(growth).saturating_add(1)
}

/// Splits `amount` by weight into whole parts that add up to it. What is left over by rounding goes
/// one by one to those that lost most by it, the first ones first (Hamilton's method).
fn apportion(amount: u64, weights: &[u64]) -> Vec<u64> {
    let all: u128 = weights.iter().map(|it| u128::from(*it)).sum();
    let mut parts = Vec::with_capacity(weights.len());
    let mut lost = Vec::with_capacity(weights.len());
    for (at, weight) in weights.iter().enumerate() {
        // Two numbers of 64 bits, so that it never overflows 128.
        let exact = u128::from(amount) * u128::from(*weight);
        let part = exact.checked_div(all).unwrap_or(0);
        lost.push((exact.checked_rem(all).unwrap_or(0), at));
        // At most `amount`.
        parts.push(part as u64);
    }
    let left = amount.saturating_sub(sum(parts.iter().copied()));
    lost.sort_by_key(|(lost, at)| (std::cmp::Reverse(*lost), *at));
    for (_, at) in lost.into_iter().take(left as usize) {
        if let Some(part) = parts.get_mut(at) {
            *part += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_rounding_leaves_goes_to_who_lost_most() {
        assert_eq!(apportion(10, &[1, 1, 1]), [4, 3, 3]);
        assert_eq!(apportion(10, &[5, 3, 2]), [5, 3, 2]);
        assert_eq!(apportion(1, &[1, 2, 1]), [0, 1, 0]);
        assert_eq!(apportion(5, &[]), [0_u64; 0]);
    }

    proptest! {
        #[test]
        fn parts_add_up(amount in any::<u64>(), weights in prop::collection::vec(1_u64.., 1..20)) {
            let parts = apportion(amount, &weights);
            prop_assert_eq!(parts.iter().map(|it| u128::from(*it)).sum::<u128>(), amount.into());
        }
    }
}
