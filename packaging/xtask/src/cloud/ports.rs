//! Which ports a new cloud gets: pure, given which are taken.

use super::service::Service;

/// Where the first cloud begins unless told otherwise.
pub(crate) const FIRST: u16 = 15000;
/// Below the range that Linux hands out to outgoing connections (from 32768).
const LAST: u16 = 24900;
/// Far enough apart to tell clouds by their ports at a glance.
const STEP: u16 = 100;

/// A cloud that exists, running or not.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The cloud's name.
    pub(crate) cloud: String,
    /// Where its ports begin.
    pub(crate) base: u16,
}

/// Chooses where a cloud's ports begin.
///
/// `is_free` tells whether a port can be listened on now. Without a wish, the first of 15000,
/// 15100, … 24900 is taken that is free throughout.
pub(crate) fn choose(
    wish: Option<u16>,
    taken: &[Taken],
    is_free: impl Fn(u16) -> bool,
) -> Result<u16, PortError> {
    let fits = |base: u16| check(base, taken, &is_free);
    match wish {
        Some(base) => fits(base).map(|()| base),
        None => (FIRST..=LAST)
            .step_by(usize::from(STEP))
            .find(|base| fits(*base).is_ok())
            .ok_or(PortError::NoneFree),
    }
}

fn check(base: u16, taken: &[Taken], is_free: impl Fn(u16) -> bool) -> Result<(), PortError> {
    let span = Service::ALL.len() as u16;
    if base < 1024 || base > u16::MAX - span {
        return Err(PortError::OutOfRange { base });
    }
    if let Some(other) = taken.iter().find(|other| other.base.abs_diff(base) < span) {
        return Err(PortError::Cloud {
            base,
            cloud: other.cloud.clone(),
            theirs: other.base,
        });
    }
    match Service::ALL
        .iter()
        .map(|service| service.port(base))
        .find(|port| !is_free(*port))
    {
        Some(port) => Err(PortError::InUse { port }),
        None => Ok(()),
    }
}

/// Why a cloud can't have the ports.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PortError {
    /// Not a port that a cloud may begin at.
    #[error("ports cannot begin at {base}; give --port a number from 1024 to 65529")]
    OutOfRange {
        /// The wish.
        base: u16,
    },
    /// Another cloud's.
    #[error(
        "ports from {base} belong to cloud {cloud} (from {theirs}); leave --port out to get \
         free ones, or run `cargo xtask cloud down --name {cloud}`"
    )]
    Cloud {
        /// The wish.
        base: u16,
        /// Who has them.
        cloud: String,
        /// Where that cloud's begin.
        theirs: u16,
    },
    /// Some other program's.
    #[error("port {port} is in use by another program; leave --port out to get free ones")]
    InUse {
        /// The port.
        port: u16,
    },
    /// The whole range is in use.
    #[error("no free ports from {FIRST} to {LAST}; end clouds with `cargo xtask cloud down --all`")]
    NoneFree,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(base: u16) -> Vec<Taken> {
        vec![Taken {
            cloud: "a".into(),
            base,
        }]
    }

    #[test]
    fn the_first_cloud_begins_at_15000_and_the_next_100_further() {
        assert_eq!(choose(None, &[], |_| true), Ok(15000));
        assert_eq!(choose(None, &taken(15000), |_| true), Ok(15100));
        assert_eq!(choose(None, &[], |port| port != 15003), Ok(15100));
    }

    #[test]
    fn a_wish_is_granted_or_refused_but_never_moved() {
        assert_eq!(choose(Some(17000), &taken(15000), |_| true), Ok(17000));
        let error = choose(Some(15004), &taken(15000), |_| true).unwrap_err();
        assert_eq!(
            error,
            PortError::Cloud {
                base: 15004,
                cloud: "a".into(),
                theirs: 15000
            }
        );
        assert_eq!(
            choose(Some(17000), &[], |port| port != 17005),
            Err(PortError::InUse { port: 17005 })
        );
        assert_eq!(
            choose(Some(80), &[], |_| true),
            Err(PortError::OutOfRange { base: 80 })
        );
        assert_eq!(
            choose(Some(65535), &[], |_| true),
            Err(PortError::OutOfRange { base: 65535 })
        );
    }

    #[test]
    fn a_full_machine_is_an_error() {
        assert_eq!(choose(None, &[], |_| false), Err(PortError::NoneFree));
    }
}
