//! ChaCha with eight rounds (Bernstein 2008) for WebAssembly, four blocks at a time in vectors. The crate that draws everywhere else has
//! no vectors there and takes three times as long. The streams are the same, which the test holds on other machines.

use std::convert::Infallible;

use rand::TryRng;
use rand::rand_core::block::{BlockRng, Generator};

/// Blocks of 16 words that are made together.
const TOGETHER: usize = 4;

/// The same word of every block.
type Lanes = [u32; TOGETHER];

/// A stream of random words.
#[derive(Clone, Debug)]
pub struct Stream(BlockRng<Blocks>);

/// The stream of this number under a key.
pub fn stream(key: &[u8; 32], number: u64) -> Stream {
    let (words, _) = key.as_chunks::<4>();
    let key = std::array::from_fn(|word| u32::from_le_bytes(words[word]));
    Stream(BlockRng::new(Blocks { key, number, next: 0 }))
}

impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64_from_u32())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

#[derive(Clone, Debug)]
struct Blocks {
    key: [u32; 8],
    number: u64,
    /// The block that comes next.
    next: u64,
}

impl Blocks {
    fn start(&self) -> [Lanes; 16] {
        let mut state = [[0; TOGETHER]; 16];
        let constants = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];
        for (word, value) in state.iter_mut().zip(constants.into_iter().chain(self.key)) {
            *word = [value; TOGETHER];
        }
        let counters: [u64; TOGETHER] =
            std::array::from_fn(|block| self.next.wrapping_add(block as u64));
        state[12] = counters.map(|counter| counter as u32);
        state[13] = counters.map(|counter| (counter >> 32) as u32);
        state[14] = [self.number as u32; TOGETHER];
        state[15] = [(self.number >> 32) as u32; TOGETHER];
        state
    }
}

impl Generator for Blocks {
    type Output = [u32; 16 * TOGETHER];

    fn generate(&mut self, out: &mut Self::Output) {
        let start = self.start();
        let mut state = start;
        for _ in 0..4 {
            for column in 0..4 {
                quarter_round(&mut state, [column, column + 4, column + 8, column + 12]);
            }
            for first in 0..4 {
                let diagonal = |row: usize| 4 * row + (first + row) % 4;
                quarter_round(&mut state, [first, diagonal(1), diagonal(2), diagonal(3)]);
            }
        }
        for (word, (end, start)) in state.into_iter().zip(start).enumerate() {
            for (block, value) in add(end, start).into_iter().enumerate() {
                out[16 * block + word] = value;
            }
        }
        self.next = self.next.wrapping_add(TOGETHER as u64);
    }
}

#[inline(always)]
fn quarter_round(state: &mut [Lanes; 16], [a, b, c, d]: [usize; 4]) {
    for (left, right) in [(16, 12), (8, 7)] {
        state[a] = add(state[a], state[b]);
        state[d] = turned(state[d], state[a], left);
        state[c] = add(state[c], state[d]);
        state[b] = turned(state[b], state[c], right);
    }
}

#[inline(always)]
fn add(a: Lanes, b: Lanes) -> Lanes {
    std::array::from_fn(|lane| a[lane].wrapping_add(b[lane]))
}

#[inline(always)]
fn turned(a: Lanes, b: Lanes, by: u32) -> Lanes {
    std::array::from_fn(|lane| (a[lane] ^ b[lane]).rotate_left(by))
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_streams_are_those_of_the_crate() {
        let mut root = ChaCha8Rng::seed_from_u64(5);
        for number in [0, 1, 1 << 40, u64::MAX] {
            let mut key = [0; 32];
            root.fill_bytes(&mut key);
            let mut theirs = ChaCha8Rng::from_seed(key);
            theirs.set_stream(number);
            let mut ours = stream(&key, number);
            // Words of all sizes, in an order that leaves halves at the ends of blocks.
            for turn in 0..400 {
                match turn % 3 {
                    0 => assert_eq!(ours.next_u32(), theirs.next_u32(), "{number} {turn}"),
                    1 => assert_eq!(ours.next_u64(), theirs.next_u64(), "{number} {turn}"),
                    _ => {
                        let [mut a, mut b] = [[0; 7]; 2];
                        ours.fill_bytes(&mut a);
                        theirs.fill_bytes(&mut b);
                        assert_eq!(a, b, "{number} {turn}");
                    }
                }
            }
        }
    }
}
