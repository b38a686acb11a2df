//! Serial numbers of the certificates that a federation's CA issues.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use super::random::{RandomError, random_bytes};

/// A certificate's serial number: 126 random bits in 16 bytes.
///
/// The first byte is never zero and its top bit never set, so that the DER integer is just these
/// bytes, positive (RFC 5280 §4.1.2.2), and the text form has always 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 16]);

/// Bytes or a text that are no serial number of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a serial number of this federation: they have 32 hexadecimal digits, first 4 to 7")]
pub struct SerialError;

impl Serial {
    /// Makes a serial number of bits that the caller drew; two of them are set to fixed values.
    pub const fn from_random(mut bits: [u8; 16]) -> Self {
        bits[0] = (bits[0] & 0x3f) | 0x40;
        Self(bits)
    }

    /// Draws a serial number from the system's random source.
    pub fn generate() -> Result<Self, RandomError> {
        random_bytes().map(Self::from_random)
    }

    /// Takes a serial number as it stands in a certificate, on the wire or in a store.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, SerialError> {
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| SerialError)?;
        let serial = Self::from_random(bytes);
        if serial.0 == bytes {
            Ok(serial)
        } else {
            Err(SerialError)
        }
    }

    /// The serial number as it goes into a certificate, onto the wire and into a store.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    fn from_str(text: &str) -> Result<Self, SerialError> {
        if text.len() != 32 {
            return Err(SerialError);
        }
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| SerialError)?;
        Self::from_slice(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_is_positive_and_never_shortened() {
        for bits in [[0; 16], [0xff; 16]] {
            let serial = Serial::from_random(bits);
            assert!((0x40..0x80).contains(&serial.to_bytes()[0]), "{serial}");
            assert_eq!(serial.to_string().parse(), Ok(serial));
        }
    }

    #[test]
    fn foreign_serials_are_refused() {
        assert_eq!(Serial::from_slice(&[0x40; 15]), Err(SerialError));
        assert_eq!(Serial::from_slice(&[0x80; 16]), Err(SerialError));
        assert_eq!("40".parse::<Serial>(), Err(SerialError));
        assert_eq!("zz".repeat(16).parse::<Serial>(), Err(SerialError));
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(Serial::generate().unwrap(), Serial::generate().unwrap());
    }
}
