//! Frames of a call: what a hub asks of one agent, on a stream of its own, and its answer.
//!
//! ```text
//! hub ── Check ──▶ agent ── Checked, Unable ──▶ hub     is this his password?
//! hub ── Give ───▶ agent ── Given, Unable ────▶ hub     sign in at your cloud with this
//! ```
//!
//! One request, one answer, and the stream is over. A hub gives up when it likes; an agent answers
//! a call of a later release with [`Unable`].

use serde::{Deserialize, Serialize};

use super::credential::{Give, Given};
use super::write;
use crate::model::{CloudId, SEALED_BYTES_MAX};
use crate::wire::codec::{self, DecodeError, EncodeError};
use crate::wire::v1::{CloudIdV1, Message};
use crate::wire::{Bytes, Text};

/// Asks whether a password is the one of a user of the agent's cloud.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check<'a> {
    #[serde(borrow)]
    user: CloudIdV1<'a>,
    sealed: Bytes<'a, SEALED_BYTES_MAX>,
}

/// What the cloud says of a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Checked {
    /// It is his.
    Right,
    /// It is not, or the cloud does not let him in: clouds tell no difference.
    Wrong,
    /// It was his, and counts no more.
    Expired,
    /// It is his, and alone it does not let him in.
    NeedsMore,
}

/// The agent can't answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unable<'a> {
    /// Why, and what to do.
    #[serde(borrow)]
    pub reason: Message<'a>,
}

/// What a hub asks.
#[derive(Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// Of a password.
    Check(Check<'a>),
    /// To take a credential.
    Give(Give<'a>),
}

/// What an agent answers.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// To a [`Check`].
    Checked(Checked),
    /// To anything.
    Unable(Unable<'a>),
    /// To a [`Give`].
    Given(Given<'a>),
}

impl<'a> Check<'a> {
    /// Asks of a user, as his cloud calls him; `None` if what is sealed is longer than anything
    /// that can be.
    pub fn new(user: &'a CloudId, sealed: &'a [u8]) -> Option<Self> {
        let sealed = Bytes::new(sealed)?;
        let user = user.into();
        Some(Self { user, sealed })
    }

    /// Who is asked about.
    pub fn user(self) -> CloudId {
        self.user.into()
    }

    /// The password, sealed.
    pub const fn sealed(&self) -> &'a [u8] {
        self.sealed.as_slice()
    }
}

impl<'a> Unable<'a> {
    /// Says why.
    pub fn new(reason: &'a str) -> Self {
        let reason = Text::cut(reason);
        Self { reason }
    }
}

impl<'a> Call<'a> {
    /// Appends the frame to `bytes`.
    ///
    /// # Errors
    /// None that the types allow.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Check(it) => write(1, it, bytes),
            Self::Give(it) => write(2, it, bytes),
        }
    }

    /// Reads a frame's payload; `None` is a call of a later release.
    ///
    /// # Errors
    /// If a known kind does not decode.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        match kind {
            1 => codec::decode(payload).map(Self::Check).map(Some),
            2 => codec::decode(payload).map(Self::Give).map(Some),
            _ => Ok(None),
        }
    }
}

impl<'a> Answer<'a> {
    /// Appends the frame to `bytes`.
    ///
    /// # Errors
    /// None that the types allow.
    pub fn encode(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self {
            Self::Checked(it) => write(1, it, bytes),
            Self::Unable(it) => write(2, it, bytes),
            Self::Given(it) => write(3, it, bytes),
        }
    }

    /// Reads a frame's payload; `None` is an answer of a later release.
    ///
    /// # Errors
    /// If a known kind does not decode.
    pub fn decode(kind: u16, payload: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        match kind {
            1 => codec::decode(payload).map(Self::Checked).map(Some),
            2 => codec::decode(payload).map(Self::Unable).map(Some),
            3 => codec::decode(payload).map(Self::Given).map(Some),
            _ => Ok(None),
        }
    }
}
