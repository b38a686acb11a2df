//! What a region was told, as far as that may be in force there.

/// No limit, in the place of one.
pub const UNLIMITED: u64 = u64::MAX;

/// The most shares that are on their way to a region at a time. Whoever has not confirmed one of so
/// many is told no more, as the next one would be as late; twice as many where none is to come, as
/// the last one is below what is used, which may be refused for ever, or was confirmed already.
pub const TELLINGS_MAX: usize = 8;

/// The limits that may be in force in a region, in the order in which they came to be so: the last
/// one that its record showed, and those that it was told since.
///
/// A record that shows one of them tells which ones are past: it was read while that one was in
/// force, and later records are read later. So no two are the same, but where there was no other
/// one to tell; a record is taken for one of the first time then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tellings(Vec<u64>);

impl Tellings {
    /// As it was stored. What is more than [`TELLINGS_MAX`] and one stays, as it counts.
    pub const fn stored(limits: Vec<u64>) -> Self {
        Self(limits)
    }

    /// As it is to be stored.
    pub fn limits(&self) -> &[u64] {
        &self.0
    }

    /// What was told last.
    pub fn newest(&self) -> Option<u64> {
        self.0.last().copied()
    }

    /// The highest that may be in force; 0 where nothing was told.
    pub fn ceiling(&self) -> u64 {
        self.0.iter().copied().max().unwrap_or(0)
    }

    /// Whether only the newest one may be in force.
    pub fn is_settled(&self) -> bool {
        self.0.len() <= 1
    }

    /// Notes that a share is told now, where the region's record shows `found`.
    pub fn tell(&mut self, share: u64, found: Option<u64>) {
        if let Some(found) = found
            && found != share
            && !self.0.contains(&found)
        {
            self.0.insert(0, found);
        }
        if self.newest() != Some(share) {
            self.0.push(share);
        }
    }

    /// Forgets what is past, as the region's record shows `found`.
    pub fn confirm(&mut self, found: u64) {
        if let Some(at) = self.0.iter().position(|it| *it == found) {
            self.0.drain(..at);
        }
    }

    /// The share nearest to `wanted`, from `least` up to `most`, that is none of these, and not
    /// what the record shows. Where nothing was told, any.
    pub(super) fn distinct(
        &self,
        wanted: u64,
        (least, most): (u64, u64),
        found: Option<u64>,
    ) -> Option<u64> {
        if least > most {
            return None;
        }
        let is_free = |share: &u64| match self.0.is_empty() {
            // Nothing else was told: what is in force may be told as the first share.
            true => true,
            false => !self.0.contains(share) && found != Some(*share),
        };
        // One of so many is free, or none is.
        let tries = self.0.len() as u64 + 2;
        let wanted = wanted.clamp(least, most);
        let up = (wanted..=most).take(tries as usize);
        let down = (least..wanted).rev().take(tries as usize);
        up.chain(down).find(is_free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_counts_until_something_later_is_found() {
        let mut told = Tellings::default();
        told.tell(30, Some(50));
        assert_eq!((told.newest(), told.ceiling()), (Some(30), 50));
        told.confirm(50);
        assert_eq!(told.ceiling(), 50, "an old record says nothing new");
        told.tell(40, Some(50));
        told.confirm(30);
        assert_eq!((told.limits(), told.ceiling()), (&[30, 40][..], 40));
        told.confirm(40);
        assert!(told.is_settled());
        told.confirm(99);
        assert_eq!(told.limits(), [40], "somebody there set it by hand");
    }

    #[test]
    fn the_first_share_may_be_what_is_in_force() {
        let told = Tellings::default();
        assert_eq!(told.distinct(20, (5, 20), Some(20)), Some(20));
        let mut told = told;
        told.tell(20, Some(20));
        assert_eq!(told.limits(), [20]);
    }

    #[test]
    fn a_share_that_may_be_in_force_still_is_not_told_again() {
        let mut told = Tellings::default();
        told.tell(30, Some(50));
        told.tell(40, Some(50));
        assert_eq!(told.distinct(30, (10, 50), Some(50)), Some(31));
        assert_eq!(told.distinct(50, (10, 50), Some(50)), Some(49));
        assert_eq!(told.distinct(30, (30, 30), Some(50)), None);
        // A first share told to a region that did not know the project, whose record shows now
        // what its cloud gives to everybody.
        let told = Tellings::stored(vec![10]);
        assert_eq!(told.distinct(20, (0, 20), Some(20)), Some(19));
    }
}
