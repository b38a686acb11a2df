//! What a plan is confirmed by.

use std::fmt::{self, Write};
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Links, Plan};

/// A plan's digest: SHA-256 over all that it says, cut to 128 bits. Whoever confirms one means this
/// plan, and a region that meanwhile tells something else can't make another one that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlanDigest([u8; 16]);

/// A text that is no digest of a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a plan's digest: give the 32 hexadecimal digits that the plan was shown with")]
pub struct ParsePlanDigestError;

impl PlanDigest {
    /// Takes steps in their order, as another order is another plan.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut hash = Context::new(&SHA256);
        let mut text = String::new();
        let mut take = |part: &dyn fmt::Debug| {
            text.clear();
            // Writing to a text can't fail.
            let _ = write!(text, "{part:?};");
            hash.update(text.as_bytes());
        };
        take(&(plan.region, &plan.foreign));
        plan.steps.iter().for_each(|step| take(step));
        plan.links.taken().for_each(|link| take(&link));
        let withheld = plan.links.withheld.iter();
        withheld.for_each(|link| take(&("withheld", link)));
        let Links {
            superseded,
            outside,
            unfit,
            ..
        } = plan.links;
        take(&(superseded, outside, unfit));
        plan.default_projects.iter().for_each(|it| take(it));
        plan.taken_over.iter().for_each(|it| take(it));
        if plan.exposed.count > 0 {
            take(&plan.exposed);
        }
        let whole = hash.finish();
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(whole.as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }

    /// As it goes into a store.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// As it stood in a store.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for PlanDigest {
    type Err = ParsePlanDigestError;

    fn from_str(text: &str) -> Result<Self, ParsePlanDigestError> {
        let is_hex = text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit());
        let bits = u128::from_str_radix(text, 16).ok().filter(|_| is_hex);
        bits.map(|it| Self(it.to_be_bytes()))
            .ok_or(ParsePlanDigestError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_writes_and_nothing_else() {
        let digest = PlanDigest::from_bytes([7; 16]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        for wrong in ["", "07", &"+7".repeat(16), &"0".repeat(33), "plan"] {
            assert_eq!(wrong.parse::<PlanDigest>(), Err(ParsePlanDigestError));
        }
    }
}
