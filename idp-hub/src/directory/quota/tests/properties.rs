//! What holds for any region.

use std::collections::BTreeMap;

use proptest::prelude::*;
use shared::model::{CloudId, Custody};

use super::{Region, id};
use crate::directory::quota::{InDirectory, Sum};

/// A project: whether and how it is known, who decides over it, and its limit of cores, if it was
/// told: `Some(None)` is unlimited.
type Any = (u8, u8, Option<Option<u64>>, u64);

fn any_project() -> impl Strategy<Value = Any> {
    let limit = prop::option::of(prop::option::of(0u64..1000));
    (0u8..5, 0u8..3, limit, 0u64..100)
}

fn custody(code: u8) -> Custody {
    match code {
        0 => Custody::Common,
        1 => Custody::Reserved,
        _ => Custody::Administrator,
    }
}

fn region(projects: &[Any]) -> Region {
    let mut region = Region::new();
    for (number, (known, code, limit, used)) in (0u128..).zip(projects) {
        let name = format!("p{number}");
        // Two in a row may say that they are the same.
        let object = match known {
            0 => None,
            1 => Some(number / 2),
            _ => Some(1000 + number),
        };
        // One in five has a quota and no project.
        if *known != 4 {
            region.project(&name, object, custody(*code));
        }
        match known {
            1 | 2 => {
                let it = InDirectory::Live { name: name.clone() };
                object
                    .into_iter()
                    .for_each(|object| region.census.know(id(object), it.clone()));
            }
            3 => {
                let it = InDirectory::Retired { name: name.clone() };
                object
                    .into_iter()
                    .for_each(|object| region.census.know(id(object), it.clone()));
            }
            _ => {}
        }
        if let Some(limit) = limit {
            region.quota(&name, &[("cores", *limit, *used)]);
        }
    }
    region
}

fn together(one: Sum, other: Sum) -> Sum {
    Sum {
        limited: one.limited + other.limited,
        projects: one.projects + other.projects,
        unlimited: one.unlimited + other.unlimited,
        unknown: one.unknown + other.unknown,
        used: one.used + other.used,
    }
}

proptest! {
    #[test]
    fn what_is_allocated_is_the_directorys_and_the_leftovers(
        projects in prop::collection::vec(any_project(), 0..24),
    ) {
        let region = region(&projects);
        let allocation = region.census.allocation(&BTreeMap::new());
        for it in &allocation.resources {
            prop_assert_eq!(together(it.directory, it.leftovers), it.allocated);
        }
        // And it is what the region tells, counted without any of that.
        let told: Vec<Option<u64>> = projects.iter().filter_map(|it| it.2).collect();
        let (limits, all): (u64, usize) = (told.iter().flatten().sum(), told.len());
        let here = projects.iter().filter(|it| it.0 != 4 || it.2.is_some()).count();
        if let Some(cores) = allocation.resources.first() {
            let allocated = cores.allocated;
            prop_assert_eq!(allocated.limited, limits);
            let unlimited = told.iter().filter(|it| it.is_none()).count();
            prop_assert_eq!(allocated.unlimited, unlimited as u64);
            prop_assert_eq!(allocated.unknown, (here - all) as u64);
            let used: u64 = projects.iter().filter(|it| it.2.is_some()).map(|it| it.3).sum();
            prop_assert_eq!(allocated.used, used);
            // Each leftover is in the leftovers' sum, and nobody else.
            let theirs = allocation.leftovers.iter();
            let shares: u64 = theirs.flat_map(|it| &it.shares).filter_map(|it| match it.allowed {
                crate::directory::quota::Allowed::Limited(limit) => Some(limit),
                _ => None,
            }).sum();
            prop_assert_eq!(cores.leftovers.limited, shares);
        }
        // Nobody is two.
        let mut left: Vec<&CloudId> = allocation.leftovers.iter().map(|it| &it.here).collect();
        left.dedup();
        prop_assert_eq!(left.len(), allocation.leftovers.len());
    }
}
