//! Numbers for tests, and how close they have to be.

/// Numbers between -0.5 and 0.5 that look random.
pub(crate) fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..n).map(|_| next()).collect()
}

/// Holds sums against those in double precision. The sum of the sizes of what was added bounds the error of any order of additions.
pub(crate) fn close(found: &[f32], expected: &[f64], sizes: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (at, (&f, &e)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(f) - e).abs() <= 1e-6 * (sizes[at] + 1e-3), "{at}: {f} instead of {e}");
    }
}
