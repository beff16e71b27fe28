//! Fuzzing on stable: inputs are known ones, changed by `arbitrary`'s reading of pseudo-random bytes. How long, and what no input may do, is for
//! each test to say.

use arbitrary::Arbitrary;

/// xorshift64*: the same numbers for the same seed on every machine.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed; 0 counts as 1.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// So many bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next_u64().to_le_bytes()[7])
    }

    /// One of two.
    pub fn coin(&mut self) -> bool {
        self.next_u64() >> 63 == 1
    }
}

/// A change of an input. Places are counted from its start and again from there past its end.
#[derive(Debug, Arbitrary)]
pub enum Change {
    /// Puts a byte in.
    Put(u16, u8),
    /// Overwrites a byte.
    Set(u16, u8),
    /// Puts a word in.
    Word(u16, u8),
    /// Puts a copy of one place, of that length, in at another.
    Copy(u16, u16, u8),
    /// Takes out that many bytes.
    Cut(u16, u8),
    /// Ends the input.
    Truncate(u16),
}

impl Change {
    /// Makes the change. `words` are pieces that mean something to whoever reads the input, at least one.
    pub fn apply(&self, bytes: &mut Vec<u8>, words: &[&str]) {
        let place = |at: u16| usize::from(at) % (bytes.len() + 1);
        let span = |at: u16, length: u8| place(at)..(place(at) + usize::from(length)).min(bytes.len());
        match *self {
            Self::Put(at, byte) => bytes.insert(place(at), byte),
            Self::Set(at, byte) => {
                let at = place(at);
                if let Some(place) = bytes.get_mut(at) {
                    *place = byte;
                }
            }
            Self::Word(at, which) => {
                let (at, word) = (place(at), words[usize::from(which) % words.len()]);
                drop(bytes.splice(at..at, word.bytes()));
            }
            Self::Copy(from, to, length) => {
                let (piece, to) = (bytes[span(from, length)].to_vec(), place(to));
                drop(bytes.splice(to..to, piece));
            }
            Self::Cut(at, length) => drop(bytes.drain(span(at, length))),
            Self::Truncate(at) => bytes.truncate(place(at)),
        }
    }
}
