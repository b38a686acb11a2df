//! What must hold once nothing fails any more.

use std::collections::BTreeMap;

use shared::ids::ObjectId;
use shared::model::{Becomes, End, Link, Object, ObjectKind, Organization};

use super::super::super::compare::{differences, enabled, translated};
use super::super::cloud::{links, objects};
use super::*;

type Known = BTreeMap<(ObjectKind, ObjectId), CloudId>;

impl World {
    /// The cloud's things that are the directory's, by its ids; no two are one.
    pub(super) fn known(&self) -> Known {
        let marked = self.bench.cloud.markers.iter();
        let mut known = BTreeMap::new();
        for ((kind, here), marker) in marked {
            let before = known.insert((*kind, marker.object), here.clone());
            assert_eq!(before, None, "made twice: {kind:?} {}", marker.object);
        }
        // What ended before it was applied was never marked.
        for ((kind, here), becomes) in &self.replica.bindings {
            if let Becomes::Object(id) = becomes
                && self.bench.cloud.all.has(*kind, here)
            {
                let before = known.insert((*kind, *id), here.clone());
                assert!(
                    before.is_none_or(|it| it == *here),
                    "made twice: {kind:?} {id}"
                );
            }
        }
        known
    }

    pub(super) fn check(&self) {
        let (cloud, known) = (&self.bench.cloud, self.known());
        let progress = self.bench.progress();
        assert!(
            progress.failed.is_empty() && progress.waiting == 0,
            "{progress:?}"
        );
        for (kind, id, object) in objects(&self.replica.directory) {
            let here = known.get(&(kind, id));
            let here = here.unwrap_or_else(|| panic!("{kind:?} {object:?} is missing"));
            let found = cloud.all.object(kind, here).unwrap();
            let place = |kind, id: &ObjectId| known.get(&(kind, *id)).cloned();
            let wanted = translated(&object, place).unwrap();
            let what = differences(&wanted, &found, |_| true);
            let is_retired = |it: &CloudId| !cloud.all.projects[it].enabled;
            let what = what.into_iter().filter(|it| match (it, &found) {
                // The project was retired, and is the directory's no more.
                (Difference::DefaultProject, Object::User(it)) => {
                    !it.default_project.as_ref().is_some_and(is_retired)
                }
                // It may look as it did before what was forgotten: then it is the region's doing.
                (Difference::Enabled | Difference::Disabled, _) => !self.forgot,
                (Difference::Renamed { .. }, _) => !self.is_kept(kind, here),
                _ => true,
            });
            assert_eq!(what.count(), 0, "{wanted:?} {found:?} {progress:?}");
        }
        for (id, (kind, how)) in &self.replica.ended {
            let Some(here) = known.get(&(*kind, *id)) else {
                continue;
            };
            let found = cloud.all.object(*kind, here).unwrap();
            match how {
                End::Retired => assert_ne!(enabled(&found), Some(true)),
                End::Deleted => assert!(self.is_kept(*kind, here), "{kind:?} {here} is there"),
            }
        }
        self.check_links(&cloud.all, &known);
        for (kind, id, object) in &self.own {
            assert_eq!(
                cloud.all.object(*kind, id).as_ref(),
                Some(object),
                "the region's own"
            );
        }
        let mine = objects(&cloud.all).len() - self.own.len();
        assert_eq!(mine, known.len(), "nothing else was made");
    }

    /// Whether one of the region's own has to do with it.
    pub(super) fn is_kept(&self, kind: ObjectKind, here: &CloudId) -> bool {
        let mut own = self.own_links.iter();
        own.any(|it| it.ends().any(|it| it == (kind, here)))
    }

    /// Whether a link that the directory does not have may stay: it gives nobody anything.
    fn is_idle(&self, link: &Link<CloudId>, known: &Known) -> bool {
        let ended = self.replica.ended.iter();
        let ended = ended.filter_map(|(id, (kind, how))| {
            let here = known.get(&(*kind, *id))?;
            Some(((*kind, here), *how))
        });
        let ended: BTreeMap<_, End> = ended.collect();
        let mut its = link.ends();
        let how = |(kind, here)| ended.get(&(kind, here)).copied();
        match link {
            // Whoever has the role that ended is the region's own.
            Link::Implication(it) => ended.contains_key(&(ObjectKind::Role, &it.prior)),
            Link::Membership(_) | Link::Assignment(_) => its.any(|it| {
                let is_off = !matches!(it.0, ObjectKind::Group | ObjectKind::Role);
                is_off && how(it) == Some(End::Retired)
            }),
        }
    }

    fn check_links(&self, found: &Organization<CloudId>, known: &Known) {
        let place = |kind, id: &ObjectId| known.get(&(kind, *id)).cloned();
        let wanted = links(&self.replica.directory);
        let wanted: Vec<_> = wanted
            .iter()
            .map(|it| it.translated(place).unwrap())
            .collect();
        let found = links(found);
        for link in &wanted {
            assert!(found.contains(link), "{link:?} is missing");
        }
        for link in &self.own_links {
            let all = &self.bench.cloud.all;
            let is_over = link.ends().any(|(kind, here)| !all.has(kind, here));
            assert!(is_over || found.contains(link), "the region's own {link:?}");
        }
        if self.forgot {
            return;
        }
        for link in found {
            let is_right = wanted.contains(&link) || self.own_links.contains(&link);
            assert!(
                is_right || self.is_idle(&link, known),
                "{link:?} should be gone"
            );
        }
    }
}
