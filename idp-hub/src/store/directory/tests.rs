//! The directory on a real database: all of a merge or nothing, in an order that a region can
//! follow, and in memory as it is on the disk.

mod audit;
mod clock;
mod drift;
mod former;
mod limits;
mod local_administrators;
mod passwords;
mod powers;
mod purge;
mod raises;
mod site;
mod spread;
mod taken_over;
mod twin;

use shared::audit::Wanted;
use shared::ids::ObjectId;
use shared::model::{Becomes, CloudId, End, Object, ObjectKind, Record};

use self::site::{Row, Site, by_ann, confirmation, create, department, organization};
use super::*;
use crate::directory::{Edit, MergeRefusal, Patch};
use crate::store::StoreError;

#[tokio::test]
async fn a_merge_is_there_after_a_crash_and_again_it_is_nothing() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.tell(north, 1, &organization("n")).await;
    site.merge(home).await;
    let merged = site.merge(north).await;
    assert!(merged.written > 0);
    site.is_sound().await;
    let (before, rows) = (site.store.read(|it| it.directory()).await, site.rows());
    let before = before.unwrap();
    let mut names: Vec<&str> = (before.live().departments.values())
        .map(|it| &*it.name)
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["federation", "ops", "ops_n-ops"],
        "the later one gives way"
    );

    let site = site.reopened().await;
    let after = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(after.live(), before.live());
    let ann = before.live().users.keys().next().unwrap();
    let stamp = after.stamp(*ann).unwrap();
    assert_eq!((&*stamp.author, stamp.epoch), ("ann", 3));
    for no in [north, home] {
        assert_eq!(site.merge(no).await.written, 0);
    }
    assert_eq!(site.rows(), rows, "no number was given again");
    let kept = site.store.read(move |it| it.region_organization(home));
    assert!(kept.await.unwrap().unwrap().is_home);
    let kept = site.store.read(move |it| it.region_organization(north));
    let kept = kept.await.unwrap().unwrap();
    assert!(!kept.is_home && kept.author.as_deref() == Some("ann"));
    assert_eq!(kept.plan, Some(merged.shown.digest));
}

#[tokio::test]
async fn a_region_hears_of_its_own_before_the_object_that_it_is() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.tell(north, 1, &organization("n")).await;
    site.merge(home).await;
    site.merge(north).await;
    let rows = site.rows();
    let seq_of_object = |wanted: ObjectId| {
        let wanted = CloudId::Hyphenated(wanted.to_bytes());
        let mut objects = rows.iter().filter(|(_, region, ..)| *region == EVERYWHERE);
        let found = objects.find(|(.., it)| it.as_ref().unwrap().key().id == wanted);
        found.unwrap().0
    };
    for (seq, _, _, record) in &rows {
        let Some(Record::Binding(binding)) = record else {
            continue;
        };
        match &binding.becomes {
            Becomes::Object(id) => assert!(*seq < seq_of_object(*id), "{binding:?}"),
            Becomes::Withheld(_) => panic!("{binding:?}"),
        }
    }
}

#[tokio::test]
async fn only_the_plan_that_was_seen_is_done() {
    let site = Site::new().await;
    let home = site.region(1).await;
    let refused = site.plan(home).await.unwrap_err();
    assert!(matches!(
        refused,
        StoreError::Merge(MergeRefusal::NotRead { .. })
    ));
    site.tell(home, 1, &organization("h")).await;
    let seen = site.plan(home).await.unwrap();
    let mut more = organization("h");
    more.push(department("h-lab", "lab"));
    site.tell(home, 2, &more).await;
    let refused = site.confirm(home, &seen).await.unwrap_err();
    let StoreError::Merge(MergeRefusal::Changed { now, .. }) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*now, site.plan(home).await.unwrap().digest());
    assert!(site.rows().is_empty());
    site.merge(home).await;
    site.is_sound().await;
}

#[tokio::test]
async fn a_plan_that_was_overtaken_is_made_again_and_not_for_ever() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &organization("h")).await;
    let plan = site.plan(home).await.unwrap();
    // What moves while the plan is made is none of it: the second time it holds.
    let (store, name) = (site.store.clone(), site.name(home).await);
    let planned = store.planned(&name, confirmation(&plan)).await.unwrap();
    site.edit(create(5, "lab")).await.unwrap();
    let confirmed = confirmation(&plan);
    let overtaken = store.change(move |it| it.merge(planned, &confirmed));
    assert!(overtaken.await.unwrap().is_none());
    assert_eq!(site.rows().len(), 1, "nothing but the edit");
    // What a region tells in the same transaction overtakes it, too.
    let plan = site.plan(home).await.unwrap();
    let planned = store.planned(&name, confirmation(&plan)).await.unwrap();
    site.tell(home, 2, &organization("h")).await;
    let confirmed = confirmation(&plan);
    let overtaken = store.change(move |it| it.merge(planned, &confirmed));
    assert!(overtaken.await.unwrap().is_none());
    assert!(site.confirm(home, &plan).await.unwrap().written > 0);
    site.is_sound().await;
    let told = store.read(|it| it.audit_entries(None, 10, &Wanted::default()));
    let told = told.await.unwrap().items;
    let [merge] = &told[..] else {
        panic!("one merge was done, and one is told: {told:?}");
    };
    let merge = &merge.entry.as_ref().unwrap().act;
    assert_eq!((&merge.by, merge.action.as_str()), (&by_ann(), "merge"));
    assert!(
        merge.after.contains(&plan.digest().to_string()),
        "{merge:?}"
    );
}

#[tokio::test]
async fn a_plan_that_was_shown_is_the_one_that_is_done() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &organization("h")).await;
    let seen = site.plan(home).await.unwrap();
    let name = site.name(home).await;
    let shown = site.store.shown_plan(&name).await.unwrap();
    let again = site.store.shown_plan(&name).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&shown, &again));
    let merged = site.confirm(home, &seen).await.unwrap();
    assert!(std::sync::Arc::ptr_eq(&shown, &merged.shown));
    let later = site.store.shown_plan(&name).await.unwrap();
    assert!(later.before.is_some() && later.digest != shown.digest);
}

#[tokio::test]
async fn a_change_that_fails_later_leaves_nothing_in_memory() {
    let site = Site::new().await;
    site.edit(create(1, "ops")).await.unwrap();
    let undone = site.store.change(|it| {
        it.edit(create(2, "lab"), "ann")?;
        Err::<(), _>(StoreError::Refused("no".to_owned()))
    });
    assert!(undone.await.is_err());
    site.is_sound().await;
    assert!(
        site.edit(create(3, "OPS")).await.is_err(),
        "it is still taken"
    );
    site.edit(create(4, "lab")).await.unwrap();
    site.is_sound().await;
    assert_eq!(site.rows().len(), 2);
}

#[tokio::test]
async fn what_ends_is_told_before_it_is_gone_and_kept_as_it_was() {
    let site = Site::new().await;
    let home = site.region(1).await;
    site.tell(home, 1, &organization("h")).await;
    site.merge(home).await;
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    let (ops, ann) = (
        *directory.live().departments.keys().next().unwrap(),
        *directory.live().users.keys().next().unwrap(),
    );
    let (kind, id) = (ObjectKind::Department, ops);
    site.edit(Edit::End { kind, id }).await.unwrap();
    site.is_sound().await;
    let told: Vec<Row> = site.rows().into_iter().rev().take(4).rev().collect();
    for pair in told.chunks(2) {
        let [(_, 0, 73, Some(Record::Lapse(lapse))), (_, 0, buried, None)] = pair else {
            panic!("{told:?}");
        };
        let kind = match *buried {
            64 => ObjectKind::Department,
            _ => ObjectKind::User,
        };
        assert_eq!((lapse.kind, lapse.how), (kind, End::Retired));
        assert!(
            ["ops", "ann"].contains(&&*lapse.name),
            "as it was called last"
        );
    }
    let site = site.reopened().await;
    let directory = site.store.read(|it| it.directory()).await.unwrap();
    assert_eq!(directory.ended(ann).unwrap().object.name(), "ann");
    assert!(directory.live().users.is_empty());
    // The region has them still, and they don't come back: its agent knows what they were.
    let merged = site.merge(home).await;
    assert_eq!(merged.shown.plan.adopted().count(), 0);
    let bound = |row: &Row| match &row.3 {
        Some(Record::Binding(it)) => Some(it.becomes.object()).filter(|it| [ops, ann].contains(it)),
        _ => None,
    };
    assert_eq!(site.rows().iter().filter_map(bound).count(), 2);
    site.is_sound().await;
}

#[tokio::test]
async fn a_removed_region_leaves_the_directory_and_no_number_comes_again() {
    let site = Site::new().await;
    let (home, north) = (site.region(1).await, site.region(2).await);
    site.tell(home, 1, &organization("h")).await;
    site.merge(home).await;
    let before = site.rows().last().unwrap().0;
    let removed = site.store.change(move |it| it.remove_region(home));
    removed.await.unwrap();
    // What was decided about its things is kept, for its cloud may come again.
    let is_decided = |it: &Row| matches!(it.3, Some(Record::Binding(_)));
    let of_all = |it: &Row| it.1 == EVERYWHERE;
    assert!(site.rows().iter().all(|it| of_all(it) || is_decided(it)));
    site.tell(north, 1, &organization("n")).await;
    site.merge(north).await;
    assert!(site.rows().iter().any(|(seq, ..)| *seq == before + 1));
    let kept = site.store.read(move |it| it.region_organization(north));
    assert!(!kept.await.unwrap().unwrap().is_home, "nobody else's is");
    site.is_sound().await;
}

#[tokio::test]
async fn the_directory_is_listed_page_by_page() {
    let site = Site::new().await;
    for number in 1..=5_u8 {
        let made = create(u128::from(number) << 96, &format!("d{number}"));
        site.edit(made).await.unwrap();
    }
    let kind = ObjectKind::Department;
    let (mut seen, mut after) = (Vec::new(), Vec::new());
    loop {
        let listed = site.store.read(move |it| it.objects(kind, None, &after, 2));
        let page = listed.await.unwrap();
        seen.extend(page.items.iter().map(|it| it.what.1.name().to_owned()));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    assert_eq!(seen, ["d1", "d2", "d3", "d4", "d5"]);
    let named = site
        .store
        .read(move |it| it.objects(kind, Some("d4"), &[], 2));
    let named = named.await.unwrap();
    let [it] = &named.items[..] else {
        panic!("{named:?}");
    };
    let id = it.what.0;
    let patch = Patch {
        enabled: Some(false),
        ..Patch::default()
    };
    site.edit(Edit::Update { kind, id, patch }).await.unwrap();
    let found = site.store.read(move |it| it.object(kind, id));
    let Some(Object::Department(it)) = found.await.unwrap() else {
        panic!("a department");
    };
    assert!(!it.enabled);
}
