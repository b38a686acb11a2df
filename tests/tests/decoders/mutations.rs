//! Well-formed bytes, damaged.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Bytes that mean something to a codec of variable-length numbers, or to DER: the ends of ranges,
/// and the marks before 2, 4, 8 and 16 bytes.
const TELLING: [u8; 12] = [0, 1, 0x30, 0x7f, 0x80, 0x84, 250, 251, 252, 253, 254, 255];

/// Damage at once at most: more hardly ever gets past the first check.
const DAMAGES_MAX: usize = 4;

/// An endless row of damaged seeds, always the same.
pub(crate) struct Mutations {
    seeds: Vec<Vec<u8>>,
    rng: ChaCha8Rng,
}

impl Mutations {
    pub(crate) fn new(seeds: Vec<Vec<u8>>) -> Self {
        Self {
            seeds,
            rng: ChaCha8Rng::seed_from_u64(2),
        }
    }

    /// The next one.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        let mut bytes = self.seed();
        for _ in 0..self.rng.random_range(1..=DAMAGES_MAX) {
            self.damage(&mut bytes);
        }
        bytes
    }

    fn seed(&mut self) -> Vec<u8> {
        let place = self.rng.random_range(0..self.seeds.len());
        self.seeds[place].clone()
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = self.rng.random_range(0..bytes.len());
        let telling = TELLING[self.rng.random_range(0..TELLING.len())];
        match self.rng.random_range(0..8) {
            0 => bytes[at] ^= 1 << self.rng.random_range(0..8),
            1 => bytes[at] = self.rng.random(),
            2 => bytes[at] = telling,
            3 => bytes.insert(at, telling),
            4 => drop(bytes.remove(at)),
            5 => bytes.truncate(at),
            6 => {
                let end = self.rng.random_range(at..=bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.extend(part);
            }
            _ => {
                let other = self.seed();
                let from = self.rng.random_range(0..=other.len());
                bytes.splice(at.., other[from..].iter().copied());
            }
        }
    }
}
