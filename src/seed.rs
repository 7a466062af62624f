//! The seed tree: every random stream of a run is derived from one root seed by hashing labels.
//!
//! A stream depends on the path of labels alone, so it does not matter who draws first, how many workers
//! there are or whether a run was interrupted; no generator state is ever stored. Hashing is BLAKE3 in
//! key-derivation mode, the generator is ChaCha with 12 rounds; both are named in [`VERSION`].

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Names the derivation and the generator. It changes when either would give other numbers.
pub const VERSION: &str = "blake3-chacha12-1";

/// A node of the seed tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The root of a tree, from the seed a user writes.
    #[must_use]
    pub fn root(seed: u64) -> Self {
        Self(blake3::derive_key("xrun root seed 1", &seed.to_le_bytes()))
    }

    /// The child of this node under `label`; different labels give independent streams.
    #[must_use]
    pub fn child(&self, label: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(label.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }

    /// The child under a label and a position, such as `("epoch", 3)`.
    #[must_use]
    pub fn child_at(&self, label: &str, index: usize) -> Self {
        self.child(&format!("{label} {index}"))
    }

    /// The stream of random numbers at this node.
    #[must_use]
    pub fn stream(&self) -> Stream {
        Stream(ChaCha12Rng::from_seed(self.0))
    }

    /// A 64-bit seed for a generator that is not ours.
    #[must_use]
    pub fn as_u64(&self) -> u64 {
        u64::from_le_bytes([self.0[0], self.0[1], self.0[2], self.0[3], self.0[4], self.0[5], self.0[6], self.0[7]])
    }
}

/// A stream of random numbers with the few draws xrun needs, fixed for ever (library distributions may
/// change their algorithm between versions).
#[derive(Clone, Debug)]
pub struct Stream(ChaCha12Rng);

impl Stream {
    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-53.
    pub fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
        let bits = (self.0.next_u64() >> 11) as f64;
        bits * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Uniform in `[low, high)`; `low` when both are equal.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n`, without bias (Lemire 2019, arXiv 1805.10941).
    ///
    /// # Panics
    /// If `n` is 0: there is nothing to draw from.
    pub fn below(&mut self, n: usize) -> usize {
        assert!(n > 0, "cannot draw from an empty range");
        let n = n as u64;
        let threshold = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.0.next_u64()) * u128::from(n);
            #[expect(clippy::cast_possible_truncation, reason = "the low and the high half are wanted")]
            let (low, high) = (product as u64, (product >> 64) as usize);
            if low >= threshold {
                return high;
            }
        }
    }

    /// A standard normal draw (Box-Muller, the cosine branch).
    pub fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// Shuffles in place (Fisher-Yates, from the end).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_decide_the_stream_and_nothing_else() {
        let root = Seed::root(1729);
        let once: Vec<u64> = (0..4).map(|_| 0).scan(root.child("init").stream(), |s, _| Some(s.bits())).collect();
        let _elsewhere = root.child("shuffle").stream().bits();
        let again: Vec<u64> = (0..4).map(|_| 0).scan(root.child("init").stream(), |s, _| Some(s.bits())).collect();
        assert_eq!(once, again);
        assert_ne!(root.child("init"), root.child("shuffle"));
        assert_ne!(root.child("a").child("b"), root.child("b").child("a"));
        assert_ne!(Seed::root(1).child("a"), Seed::root(2).child("a"));
    }

    #[test]
    fn streams_are_fixed_for_ever() {
        let mut stream = Seed::root(42).child("golden").stream();
        assert_eq!(stream.bits(), GOLDEN_BITS);
        assert_eq!(stream.below(1000), GOLDEN_BELOW);
    }
    const GOLDEN_BITS: u64 = 16_785_670_302_946_283_807;
    const GOLDEN_BELOW: usize = 940;

    #[test]
    fn draws_stay_in_their_range_and_cover_it() {
        let mut stream = Seed::root(7).stream();
        let mut seen = [0_usize; 5];
        let (mut sum, mut square) = (0.0, 0.0);
        for _ in 0..10_000 {
            seen[stream.below(5)] += 1;
            assert!((2.0..3.0).contains(&stream.uniform(2.0, 3.0)));
            let z = stream.normal();
            sum += z;
            square += z * z;
        }
        assert!(seen.iter().all(|&n| (1800..2200).contains(&n)), "{seen:?}");
        assert!((sum / 1e4).abs() < 0.04 && (square / 1e4 - 1.0).abs() < 0.06);
    }
}
