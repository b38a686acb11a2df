//! Why a part of a cloud can't be read.

use shared::model::UnixMillis;

/// How the readings of a kind fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// What was asked, and what the cloud answered.
    pub reason: String,
    /// Since when, by the wall clock.
    pub since: UnixMillis,
    /// How often it was tried in vain.
    pub tries: u32,
}
