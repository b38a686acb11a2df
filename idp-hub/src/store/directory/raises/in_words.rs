//! What waits, for people: also what this release can't read.

use shared::ids::ObjectId;

use super::{once, raise_of};
use crate::store::Reading;
use crate::store::error::{Doing, StoreError};
use crate::store::regions::RegionNo;

/// A raise that waits, for people.
pub(in crate::store) struct RaiseInWords {
    /// Its region's name.
    pub(in crate::store) region: String,
    pub(in crate::store) project: ObjectId,
    /// The project's name.
    pub(in crate::store) name: String,
    /// The cloud's name of what is limited.
    pub(in crate::store) resource: String,
    pub(in crate::store) limit: u64,
    /// The region, the limit, and for what it waits.
    pub(in crate::store) words: String,
}

impl Reading<'_> {
    /// Every raise that waits, in words, also one of another release.
    ///
    /// # Errors
    /// If the database fails.
    pub(in crate::store) fn raises_in_words(&self) -> Result<Vec<RaiseInWords>, StoreError> {
        let sql = "SELECT region, project, service, resource, most, givers, author, source
                   FROM quota_raises";
        let doing = "list limits that wait";
        let mut statement = self.prepared(sql)?;
        let mut rows = statement.query(()).doing(doing)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().doing(doing)? {
            let no = RegionNo(row.get(0).doing(doing)?);
            let project = ObjectId::from_bytes(row.get(1).doing(doing)?);
            let (resource, limit) = (row.get(3).doing(doing)?, row.get(4).doing(doing)?);
            // None of it is worth more than the others.
            let region = self.region_numbered(no).ok().flatten();
            let region = region.map_or_else(|| format!("number {}", no.0), |it| it.facts.name);
            let raise = raise_of(row).ok().flatten();
            let waits = raise.and_then(|it| self.waits(it.raise).ok());
            let (name, words) = match waits {
                Some(it) => {
                    let words = once(&region, &it);
                    (it.name, words)
                }
                None => {
                    let name = self.project_name(project).ok();
                    let words = format!(
                        "in region {region:?}: {resource}={limit} once others have less, which \
                         can't be read"
                    );
                    (name.unwrap_or_else(|| project.to_string()), words)
                }
            };
            all.push(RaiseInWords {
                region,
                project,
                name,
                resource,
                limit,
                words,
            });
        }
        Ok(all)
    }
}
