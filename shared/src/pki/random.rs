//! The system's random source, for keys' neighbours: serial numbers, token ids and secrets.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's random source failed; nothing secret can be made until it works again")]
pub struct RandomError;

/// Fresh random bytes, fit for secrets.
pub(super) fn random_bytes<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| RandomError)?;
    Ok(bytes)
}
