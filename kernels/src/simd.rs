//! The tile that a product is made of.

use pulp::Simd;

/// Columns of a tile.
pub(crate) const WIDTH: usize = 16;
/// Rows of a tile, at most: with 8 lanes, 6 x 16 sums, a row of 16 and a number use 15 of 16 registers.
pub(crate) const HEIGHT: usize = 6;

/// `sums[r][c] = sum over k of a[k][r] * b[k][c]`, each a chain of multiply-adds from `k = 0` on; `V` vectors make 16 numbers.
#[inline(always)]
pub(crate) fn tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    a: &[[f32; R]],
    b: &[[f32; WIDTH]],
) -> [[S::f32s; V]; R] {
    let mut sums = [[simd.splat_f32s(0.0); V]; R];
    for (a, b) in a.iter().zip(b) {
        let b = vectors::<S, V>(b);
        for (a, sums) in a.iter().zip(&mut sums) {
            let a = simd.splat_f32s(*a);
            for (b, sum) in b.iter().zip(sums) {
                *sum = simd.mul_add_e_f32s(a, *b, *sum);
            }
        }
    }
    sums
}

/// 16 numbers as vectors.
#[inline(always)]
pub(crate) fn vectors<S: Simd, const V: usize>(numbers: &[f32; WIDTH]) -> [S::f32s; V] {
    let (vectors, _) = S::as_simd_f32s(numbers);
    std::array::from_fn(|v| vectors[v])
}

/// Vectors as 16 numbers.
#[inline(always)]
pub(crate) fn numbers<S: Simd, const V: usize>(vectors: &[S::f32s; V]) -> [f32; WIDTH] {
    let mut numbers = [0.0; WIDTH];
    S::as_mut_simd_f32s(&mut numbers).0.copy_from_slice(vectors);
    numbers
}

/// Evaluates `$body` with the vectors that 16 numbers make as the constant `$v`.
macro_rules! by_lanes {
    ($simd:ty, |$v:ident| $body:expr) => {
        match <$simd>::F32_LANES {
            16 => {
                const $v: usize = 1;
                $body
            }
            8 => {
                const $v: usize = 2;
                $body
            }
            4 => {
                const $v: usize = 4;
                $body
            }
            2 => {
                const $v: usize = 8;
                $body
            }
            _ => {
                const $v: usize = 16;
                $body
            }
        }
    };
}
pub(crate) use by_lanes;

/// Evaluates `$body` with the number of rows as the constant `$r`.
macro_rules! by_rows {
    ($rows:expr, |$r:ident| $body:expr) => {
        match $rows {
            1 => {
                const $r: usize = 1;
                $body
            }
            2 => {
                const $r: usize = 2;
                $body
            }
            3 => {
                const $r: usize = 3;
                $body
            }
            4 => {
                const $r: usize = 4;
                $body
            }
            5 => {
                const $r: usize = 5;
                $body
            }
            _ => {
                const $r: usize = 6;
                $body
            }
        }
    };
}
pub(crate) use by_rows;

/// `n` rows cut into as few tiles as possible, of sizes that differ by one at most: a tile of one row would be as slow as one of four.
pub(crate) fn cut(n: usize) -> impl Iterator<Item = std::ops::Range<usize>> + Clone {
    let tiles = n.div_ceil(HEIGHT);
    (0..tiles).map(move |tile| tile * n / tiles..(tile + 1) * n / tiles)
}

/// Sums of what `terms` makes of pairs of numbers, in a fixed order: 16 chains side by side, then the chains.
#[inline(always)]
pub(crate) fn sums_of<const N: usize>(a: &[f32], b: &[f32], terms: impl Fn(f32, f32) -> [f32; N]) -> [f64; N] {
    let mut sums = [[0.0_f32; WIDTH]; N];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<WIDTH>(), b.as_chunks::<WIDTH>());
    for (a, b) in a.iter().zip(b) {
        for lane in 0..WIDTH {
            let terms = terms(a[lane], b[lane]);
            for n in 0..N {
                sums[n][lane] += terms[n];
            }
        }
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        let terms = terms(*a, *b);
        for n in 0..N {
            sums[n][lane] += terms[n];
        }
    }
    sums.map(|chains| f64::from(chains.iter().sum::<f32>()))
}

/// Copies a row. Those of usual widths are copied where they stand; a call would take longer than the copy.
#[inline(always)]
pub(crate) fn copy_row(to: &mut [f32], from: &[f32]) {
    macro_rules! by_width {
        ($($width:literal)*) => {
            match from.len() {
                $($width => to[..$width].copy_from_slice(&from[..$width]),)*
                n => to[..n].copy_from_slice(from),
            }
        };
    }
    by_width!(1 2 4 7 8 14 16 28 32)
}
