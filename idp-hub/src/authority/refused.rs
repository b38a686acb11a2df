//! What a peer is told when it does not get what it asked for.

use std::time::Duration;

use shared::pki::{AuthorityError as CaError, CsrError};
use shared::wire::Text;
use shared::wire::frame::{Refusal, Refuse};

use crate::store::{RegionNo, StoreError};

/// What only an operator changes is not worth asking about every second.
const OPERATOR_WAIT: Duration = Duration::from_secs(60);

/// A fault of this hub may be over soon.
const FAULT_WAIT: Duration = Duration::from_secs(10);

/// Why a join, recovery or renewal is refused. Its text is for the agent's operator.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// No such token, or not its secret: which of both, a stranger is not told.
    #[error(
        "the join token is not good at this hub: copy the whole line again, or have a new one \
         made with `idp-hub region invite`"
    )]
    Token,
    /// Its hour is over, or another was made for its region.
    #[error(
        "the join token has expired, or a newer one replaced it: have a new one made \
         with `idp-hub region invite`"
    )]
    TokenExpired,
    /// Another key used it.
    #[error(
        "the join token was used by another agent already: have a new one made with `idp-hub \
         region invite`, and if you did not use it, tell the hub's administrator"
    )]
    TokenUsed,
    /// The key belongs to a region already.
    #[error(
        "this agent's key belongs to region {name:?} already: it need not join again; to join \
         anew, have that region removed at the hub first"
    )]
    KeyRegistered {
        /// Which region.
        name: String,
    },
    /// The token's name was given away meanwhile.
    #[error(
        "another region took the name {name:?} meanwhile: have a new token made under another name"
    )]
    NameTaken {
        /// The name.
        name: String,
    },
    /// The certificate request is no good.
    #[error("the certificate request is no good: {0}")]
    Request(#[from] CsrError),
    /// The proof is not by the key, or of another connection.
    #[error(
        "the proof of the key does not belong to this connection: let no proxy end its TLS, and \
         try again"
    )]
    Proof,
    /// No such region, or not its key: which of both, a stranger is not told.
    #[error(
        "no region is registered here with this id and key: it was removed, or this hub was \
         restored from an older backup; to come back, run `sp-agent leave`, then `sp-agent join` \
         with a new invitation"
    )]
    Unregistered,
    /// The request is over another key than the session's.
    #[error("a renewal must be over the registered key: to change the key, join anew")]
    OtherKey,
    /// Too often.
    #[error("too many requests: try again in {} s", wait.as_secs().max(1))]
    TooMany {
        /// When there is room again.
        wait: Duration,
    },
    /// The CA failed.
    #[error("the hub cannot issue certificates now: its log says why")]
    Issue(#[source] CaError),
    /// The store failed.
    #[error("the hub cannot store anything now: its log says why")]
    Store(#[source] StoreError),
}

impl Refused {
    /// The number for the wire.
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Token
            | Self::TokenExpired
            | Self::TokenUsed
            | Self::KeyRegistered { .. }
            | Self::NameTaken { .. }
            | Self::Unregistered => Refusal::Removed,
            Self::Request(_) | Self::Proof | Self::OtherKey => Refusal::Protocol,
            Self::TooMany { .. } | Self::Issue(_) | Self::Store(_) => Refusal::Busy,
        }
    }

    /// Not before this again.
    pub const fn retry_after(&self) -> Duration {
        match self {
            Self::TooMany { wait } => *wait,
            Self::Issue(_) | Self::Store(_) => FAULT_WAIT,
            _ => OPERATOR_WAIT,
        }
    }

    /// The frame that says so.
    pub fn frame(&self) -> Refuse<'static> {
        let millis = self.retry_after().as_millis();
        Refuse {
            code: self.refusal().code(),
            reason: Text::cut_owned(self.to_string()),
            retry_after_ms: u32::try_from(millis).unwrap_or(u32::MAX),
        }
    }
}

/// Why an agent with a verified certificate is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum NotAdmitted {
    /// A certificate of another federation.
    #[error(
        "the certificate is of another federation; to join this one, run `sp-agent leave`, then \
         `sp-agent join` with an invitation"
    )]
    Federation,
    /// A hub's certificate.
    #[error("only a region's agent may open a link here")]
    NotRegion,
    /// It was removed.
    #[error(
        "the region was removed from the federation; to come back, run `sp-agent leave`, then \
         `sp-agent join` with a new invitation"
    )]
    Removed,
    /// There never was such a region here, though the CA gave it a certificate.
    #[error(
        "this hub does not know the region; it may have been restored from an older backup: ask \
         for a new invitation, then run `sp-agent leave` and `sp-agent join`; nothing in the \
         cloud is touched"
    )]
    Unknown,
    /// Not the registered key.
    #[error(
        "the region has another key; if the agent was installed anew, remove the region at the \
         hub, run `sp-agent leave`, then `sp-agent join` with a new invitation"
    )]
    OtherKey {
        /// Which region it would be.
        no: RegionNo,
    },
    /// The certificate does not count at this hub's time.
    #[error("the certificate does not count now; compare the clocks, then renew or recover")]
    OutsideValidity,
    /// The store failed.
    #[error("the hub's store fails; try again")]
    Store(#[from] StoreError),
}

impl NotAdmitted {
    /// The number for the wire.
    pub const fn refusal(&self) -> Refusal {
        match self {
            Self::Federation => Refusal::Federation,
            Self::Unknown => Refusal::Unknown,
            Self::Removed | Self::OtherKey { .. } => Refusal::Removed,
            // The next handshake tells the agent that its certificate has expired.
            Self::NotRegion | Self::OutsideValidity => Refusal::Protocol,
            Self::Store(_) => Refusal::Busy,
        }
    }

    /// The text for the wire, as [`Input::End`](shared::link::hub::Input::End) takes it.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Federation => {
                "the certificate is of another federation; to join this one, run `sp-agent \
                 leave`, then `sp-agent join` with an invitation"
            }
            Self::NotRegion => "only a region's agent may open a link here",
            Self::Removed => {
                "the region was removed from the federation; to come back, run `sp-agent leave`, \
                 then `sp-agent join` with a new invitation"
            }
            Self::Unknown => {
                "this hub does not know the region; it may have been restored from an older \
                 backup: ask for a new invitation, then run `sp-agent leave` and `sp-agent join`; \
                 nothing in the cloud is touched"
            }
            Self::OtherKey { .. } => {
                "the region has another key; if the agent was installed anew, remove the region at \
                 the hub, run `sp-agent leave`, then `sp-agent join` with a new invitation"
            }
            Self::OutsideValidity => {
                "the certificate does not count now; compare the clocks, then renew or recover"
            }
            Self::Store(_) => "the hub's store fails; try again",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_onto_the_wire_is_what_is_logged() {
        let all = [
            NotAdmitted::Federation,
            NotAdmitted::NotRegion,
            NotAdmitted::Removed,
            NotAdmitted::Unknown,
            NotAdmitted::OtherKey { no: RegionNo(1) },
            NotAdmitted::OutsideValidity,
            NotAdmitted::Store(StoreError::Closed),
        ];
        for refused in all {
            assert_eq!(refused.reason(), refused.to_string());
        }
    }

    #[test]
    fn a_refusal_says_all_within_the_frames_cap() {
        let name = "名".repeat(64);
        let refused = Refused::KeyRegistered { name: name.clone() };
        let frame = refused.frame();
        assert_eq!(frame.reason.as_str(), refused.to_string());
        assert!(frame.reason.as_str().contains(&name));
        assert_eq!(frame.retry_after_ms, 60_000);
        let wait = Duration::from_millis(1500);
        assert_eq!(Refused::TooMany { wait }.frame().retry_after_ms, 1500);
    }
}
