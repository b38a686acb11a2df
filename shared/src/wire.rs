//! What goes over the link and into the stores: frozen structs, each with its version in its name.
//!
//! A struct here never changes once it is released: a new field is a new struct (`ServerV2`) with
//! a new kind number, and the golden bytes in `shared/tests/golden` hold the old ones still.
//! Caps stand in the types ([`Text`], [`Bytes`], [`List`]), so that nothing decodes beyond them,
//! and no type refers to itself, so that nothing decodes deeper than its definition.
//! The model has no serialization: [`record`] and [`frame`] convert.

pub mod bounded;
pub mod codec;
pub mod digest;
pub mod frame;
mod ids;
pub mod record;
mod v1;

pub use bounded::{Bytes, List, Text};
pub use codec::{DecodeError, EncodeError};
pub use digest::Digest;
