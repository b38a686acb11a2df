//! The only file that names bincode: bytes to values and back, bounded.
//!
//! bincode 2.0.1 is unmaintained (RUSTSEC-2025-0141) but sound where it is limited, as here: a
//! decode limit, no trailing bytes, caps in the types. `Hello` names the codec, so that another
//! (postcard is the likely one) can replace it without a flag day.

mod cursor;

use bincode::config::{Configuration, Limit, LittleEndian, Varint};
use bincode::error::DecodeError as BincodeError;
use serde::{Deserialize, Serialize};

pub(in crate::wire) use cursor::Cursor;

/// The number by which `Hello` names this codec: bincode 2, little-endian, variable-length
/// integers.
pub const CODEC: u8 = 1;

/// The most bytes that one value takes: a full batch (256 KiB of records) with room to spare, and
/// little enough that 10,000 agents sending their largest at once are a bounded 10 GiB on the
/// network and, by the ingest queue's bound, far less in memory.
pub const VALUE_BYTES_MAX: usize = 1 << 20;

const CONFIG: Configuration<LittleEndian, Varint, Limit<VALUE_BYTES_MAX>> =
    bincode::config::standard().with_limit::<VALUE_BYTES_MAX>();

/// Why bytes are not the value that they should be.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The value is longer than any may be.
    #[error("{len} bytes, where a value has at most {VALUE_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        len: usize,
    },
    /// The bytes do not follow the type.
    #[error("bytes do not decode as {type_name}: {source}")]
    Malformed {
        /// The type that was asked for.
        type_name: &'static str,
        /// What the codec says.
        source: Box<BincodeError>,
    },
    /// Bytes are left over: another version's struct, or garbage.
    #[error("{trailing} bytes are left over after {type_name}")]
    Trailing {
        /// The type that was asked for.
        type_name: &'static str,
        /// How many.
        trailing: usize,
    },
    /// It decodes, but says what cannot be.
    #[error("{what} is out of range")]
    OutOfRange {
        /// Which field.
        what: &'static str,
    },
}

/// A value that does not fit on the wire; only by our own mistake, as the types are capped.
#[derive(Debug, thiserror::Error)]
#[error("cannot encode {type_name}: {reason}")]
pub struct EncodeError {
    type_name: &'static str,
    reason: String,
}

/// Encodes `value` at the end of `bytes`.
///
/// # Errors
/// If the value takes more than [`VALUE_BYTES_MAX`]; `bytes` is then as it was.
pub fn encode_into<T: Serialize>(value: &T, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = bytes.len();
    let outcome = bincode::serde::encode_into_std_write(value, bytes, CONFIG);
    let reason = match outcome {
        Ok(len) if len <= VALUE_BYTES_MAX => return Ok(()),
        Ok(len) => format!("{len} bytes are more than {VALUE_BYTES_MAX}"),
        Err(error) => error.to_string(),
    };
    bytes.truncate(start);
    Err(EncodeError {
        type_name: short_name::<T>(),
        reason,
    })
}

/// Encodes `value`.
///
/// # Errors
/// As [`encode_into`].
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut bytes = Vec::with_capacity(64);
    encode_into(value, &mut bytes)?;
    Ok(bytes)
}

/// Decodes all of `bytes`, borrowing from them.
///
/// # Errors
/// If they are too many, do not follow the type, exceed a cap, or are more than the value takes.
pub fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    if bytes.len() > VALUE_BYTES_MAX {
        return Err(DecodeError::TooLong { len: bytes.len() });
    }
    match bincode::serde::borrow_decode_from_slice(bytes, CONFIG) {
        Ok((value, len)) if len == bytes.len() => Ok(value),
        Ok((_, len)) => Err(DecodeError::Trailing {
            type_name: short_name::<T>(),
            trailing: bytes.len() - len,
        }),
        Err(source) => Err(DecodeError::Malformed {
            type_name: short_name::<T>(),
            source: Box::new(source),
        }),
    }
}

/// `shared::wire::v1::ServerV1<'_>` is `ServerV1` to a reader of logs.
fn short_name<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split('<').next().unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Bytes, List, Text};

    #[test]
    fn what_is_encoded_decodes_and_nothing_may_follow() {
        let mut bytes = encode(&(7u32, Text::<8>::cut("seven"))).unwrap();
        let (number, text): (u32, Text<'_, 8>) = decode(&bytes).unwrap();
        assert_eq!((number, text.as_str()), (7, "seven"));
        bytes.push(0);
        let error = decode::<(u32, Text<'_, 8>)>(&bytes).unwrap_err();
        assert!(
            matches!(error, DecodeError::Trailing { trailing: 1, .. }),
            "{error}"
        );
    }

    #[test]
    fn an_announced_length_costs_its_sender_nothing_and_us_neither() {
        // A varint 253 and eight bytes announce 2⁶⁰ elements.
        let huge = [253, 0, 0, 0, 0, 0, 0, 0, 16, 1, 2, 3];
        assert!(decode::<Text<'_, 8>>(&huge).is_err());
        assert!(decode::<Bytes<'_, 8>>(&huge).is_err());
        assert!(decode::<List<u64, 8>>(&huge).is_err());
        assert!(decode::<List<u64, 1000>>(&[251, 255, 255, 1]).is_err());
    }

    #[test]
    fn a_cap_refuses_and_does_not_cut() {
        let bytes = encode(&"123456789").unwrap();
        let error = decode::<Text<'_, 8>>(&bytes).unwrap_err().to_string();
        assert!(
            error.contains("text of 9, where at most 8 are allowed"),
            "{error}"
        );
        let bytes = encode(&[1u8, 2, 3].as_slice()).unwrap();
        assert!(decode::<List<u8, 2>>(&bytes).is_err());
        assert_eq!(decode::<List<u8, 3>>(&bytes).unwrap().as_slice(), [1, 2, 3]);
    }

    #[test]
    fn too_much_is_refused_before_it_is_read() {
        let bytes = vec![0; VALUE_BYTES_MAX + 1];
        assert!(matches!(
            decode::<u8>(&bytes),
            Err(DecodeError::TooLong { .. })
        ));
        assert!(encode(&vec![0u64; VALUE_BYTES_MAX + 1]).is_err());
    }
}
