//! The product behind convolutions and linear layers.
//!
//! The right factor is never laid out as a matrix: number `(k, column)` is `source[columns[column] + taps[k]]`, which is what a
//! kernel that slides over a picture reads. Panels of 16 columns are gathered into a buffer that stays in the first cache, and multiplied
//! tile by tile (Goto and van de Geijn 2008; gathering while packing as in Chellapilla et al. 2006, without the matrix).

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::scratch::Scratch;
use crate::shared::Shared;
use crate::simd::{WIDTH, by_lanes, by_rows, cut, numbers, tile};

/// Terms that are added in one chain: a panel of so many rows and the rows of a tile fit the first cache. Longer sums are sums of chains.
const DEPTH: usize = 256;

/// Tiles that stay in the second cache, each of as many taps as are added in a chain, while panels pass over them.
const STRIP: usize = 32;

/// Panels of a task, at most.
const TOGETHER: usize = 8;

/// From so many panels on there is enough for every thread without cutting the rows.
const MANY_PANELS: usize = 24;

/// `out[places[column] + row * row_step] = bias[row] + sum over k of a[row, k] * source[columns[column] + taps[k]]`.
pub(crate) struct Product<'a> {
    /// The left factor, `[rows, taps]`.
    pub(crate) a: &'a Tiles,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) source: &'a [f32],
    pub(crate) taps: &'a [usize],
    pub(crate) columns: &'a [usize],
    /// As many as columns; no two columns share a place.
    pub(crate) places: &'a [usize],
    pub(crate) row_step: usize,
}

/// A matrix cut into tiles of rows, each laid out tap by tap, so that a product reads it from front to back.
pub(crate) struct Tiles {
    rows: usize,
    depth: usize,
    numbers: Scratch,
}

impl Tiles {
    /// The matrix of `rows` rows and `outer * inner.len()` columns with the number `from[row * step + outer * outer_step + inner[..]]`.
    pub(crate) fn new(
        from: &[f32],
        rows: usize,
        step: usize,
        [outer, outer_step]: [usize; 2],
        inner: &[usize],
    ) -> Self {
        let depth = outer * inner.len();
        let mut numbers = Scratch::of(rows * depth);
        let mut parts = Vec::new();
        let mut rest = &mut *numbers;
        for rows in cut(rows) {
            let (part, after) = rest.split_at_mut(rows.len() * depth);
            parts.push((rows, part));
            rest = after;
        }
        let follow = inner.iter().enumerate().all(|(at, &inner)| inner == at);
        parts.into_par_iter().with_min_len(4).for_each(|(rows, part)| {
            by_rows!(rows.len(), |R| {
                let mut to = part.as_chunks_mut::<R>().0.chunks_exact_mut(inner.len().max(1));
                for (outer, to) in (0..outer).zip(&mut to) {
                    let first = outer * outer_step + rows.start * step;
                    if step == 1 && inner.len() == 1 {
                        to[0].copy_from_slice(&from[first + inner[0]..][..R]);
                        continue;
                    }
                    let of_row: [&[f32]; R] = std::array::from_fn(|r| &from[first + r * step..]);
                    if follow {
                        let of_row = of_row.map(|row| &row[..inner.len()]);
                        for (at, to) in to.iter_mut().enumerate() {
                            *to = std::array::from_fn(|r| of_row[r][at]);
                        }
                    } else {
                        for (to, &at) in to.iter_mut().zip(inner) {
                            *to = std::array::from_fn(|r| of_row[r][at]);
                        }
                    }
                }
            });
        });
        Self { rows, depth, numbers }
    }

    /// The tile of `R` rows from `first` on, from some tap on.
    #[inline(always)]
    fn of<const R: usize>(&self, first: usize, tap: usize) -> &[[f32; R]] {
        self.numbers[first * self.depth..][..R * self.depth].as_chunks().0.get(tap..).unwrap_or_default()
    }
}

/// How the columns of a panel follow one another in memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Of16,
    Of8,
    Of4,
    Of2,
    Of1,
}

impl Runs {
    #[inline(always)]
    fn of(columns: &[usize; WIDTH]) -> Self {
        // Bit `at` says that column `at` does not follow the one before.
        let breaks = (1..WIDTH).fold(0_u32, |breaks, at| breaks | u32::from(columns[at] != columns[at - 1] + 1) << at);
        // Where runs of 8, 4 and 2 may begin.
        if breaks == 0 {
            Self::Of16
        } else if breaks & !0x0100 == 0 {
            Self::Of8
        } else if breaks & !0x1110 == 0 {
            Self::Of4
        } else if breaks & !0x5554 == 0 {
            Self::Of2
        } else {
            Self::Of1
        }
    }
}

/// The 16 columns of a panel; the last column again where there are fewer.
struct Panel {
    columns: [usize; WIDTH],
    places: [usize; WIDTH],
    n: usize,
    runs: Runs,
    is_in_a_row: bool,
}

impl Product<'_> {
    /// Writes the product to its places; `out` is not read.
    pub(crate) fn write(&self, out: Shared<'_>) {
        assert_eq!(self.a.depth, self.taps.len(), "the left factor has its shape");
        assert_eq!(self.places.len(), self.columns.len(), "every column has its place");
        let (Some(last_column), Some(last_tap)) = (self.columns.iter().max(), self.taps.iter().max()) else {
            assert!(self.columns.is_empty(), "a sum has a term");
            return;
        };
        // Panels read without asking.
        assert!(last_column + last_tap < self.source.len(), "every tap of every column lies in the source");
        let arch = Arch::new();
        let n_panels = self.columns.len().div_ceil(WIDTH);
        if n_panels >= MANY_PANELS {
            let of_a_task = (n_panels / MANY_PANELS).min(TOGETHER);
            (0..n_panels.div_ceil(of_a_task)).into_par_iter().for_each(|task| {
                let panels = task * of_a_task..n_panels.min((task + 1) * of_a_task);
                arch.dispatch(Streamed { product: self, out, panels });
            });
            return;
        }
        let depth = self.taps.len();
        let mut packed = Scratch::of(n_panels * depth * WIDTH);
        packed.par_chunks_mut(depth * WIDTH).enumerate().for_each(|(panel, packed)| {
            arch.dispatch(|| self.panel(panel).pack(self.source, self.taps, packed.as_chunks_mut().0));
        });
        let tiles: Vec<Range<usize>> = cut(self.a.rows).collect();
        let of_a_task = tiles.len().div_ceil((2 * MANY_PANELS).div_ceil(n_panels)).max(1);
        let parts: Vec<&[Range<usize>]> = tiles.chunks(of_a_task).collect();
        (0..n_panels * parts.len()).into_par_iter().for_each(|task| {
            let (part, panel) = (parts[task / n_panels], task % n_panels);
            let packed = packed[panel * depth * WIDTH..][..depth * WIDTH].as_chunks().0;
            arch.dispatch(Packed { product: self, out, panel, tiles: part, packed });
        });
    }

    #[inline(always)]
    fn panel(&self, index: usize) -> Panel {
        let first = index * WIDTH;
        let n = WIDTH.min(self.columns.len() - first);
        let pick = |of: &[usize]| {
            let of = &of[first..first + n];
            of.first_chunk().copied().unwrap_or_else(|| std::array::from_fn(|at| of[at.min(n - 1)]))
        };
        let (columns, places) = (pick(self.columns), pick(self.places));
        let is_in_a_row = n == WIDTH && Runs::of(&places) == Runs::Of16;
        Panel { columns, places, n, runs: Runs::of(&columns), is_in_a_row }
    }

    /// Multiplies rows with taps from `first` on and adds them to what is there, or to the bias at first.
    #[inline(always)]
    fn rows_of_panel<S: Simd>(
        &self,
        simd: S,
        out: Shared<'_>,
        panel: &Panel,
        rows: Range<usize>,
        first: usize,
        packed: &[[f32; WIDTH]],
    ) {
        let start = rows.start;
        by_lanes!(S, |V| by_rows!(rows.len(), |R| {
            let sums = tile::<S, R, V>(simd, self.a.of::<R>(start, first), packed);
            for (row, sums) in rows.zip(&sums) {
                self.store::<S, V>(simd, out, panel, row, first == 0, sums);
            }
        }));
    }

    #[inline(always)]
    fn store<S: Simd, const V: usize>(
        &self,
        simd: S,
        out: Shared<'_>,
        panel: &Panel,
        row: usize,
        is_first: bool,
        sums: &[S::f32s; V],
    ) {
        let from = row * self.row_step;
        let bias = self.bias.map_or(0.0, |bias| bias[row]);
        if panel.is_in_a_row {
            let start = panel.places[0] + from;
            #[expect(unsafe_code, reason = "tasks differ in rows or columns, which no two places share")]
            let to = unsafe { out.part(start..start + WIDTH) };
            let bias = simd.splat_f32s(bias);
            for (to, sum) in S::as_mut_simd_f32s(to).0.iter_mut().zip(sums) {
                *to = simd.add_f32s(if is_first { bias } else { *to }, *sum);
            }
        } else {
            let sums = numbers::<S, V>(sums);
            for (&place, sum) in panel.places[..panel.n].iter().zip(sums) {
                #[expect(unsafe_code, reason = "tasks differ in rows or columns, which no two places share")]
                let to = unsafe { out.part(place + from..place + from + 1) };
                to[0] = if is_first { bias + sum } else { to[0] + sum };
            }
        }
    }
}

impl Panel {
    /// Gathers the panel's numbers of some taps, which lie in the source.
    #[inline(always)]
    fn pack(&self, source: &[f32], taps: &[usize], packed: &mut [[f32; WIDTH]]) {
        match self.runs {
            Runs::Of16 => self.pack_runs::<16>(source, taps, packed),
            Runs::Of8 => self.pack_runs::<8>(source, taps, packed),
            Runs::Of4 => self.pack_runs::<4>(source, taps, packed),
            Runs::Of2 => self.pack_runs::<2>(source, taps, packed),
            Runs::Of1 => self.pack_runs::<1>(source, taps, packed),
        }
    }

    #[inline(always)]
    fn pack_runs<const N: usize>(&self, source: &[f32], taps: &[usize], packed: &mut [[f32; WIDTH]]) {
        for (to, &tap) in packed.iter_mut().zip(taps) {
            for (to, &column) in to.as_chunks_mut::<N>().0.iter_mut().zip(self.columns.iter().step_by(N)) {
                let from = column + tap;
                debug_assert!(from + N <= source.len());
                #[expect(
                    unsafe_code,
                    reason = "`write` holds the largest column and tap against the source, and the columns of a run follow one another"
                )]
                to.copy_from_slice(unsafe { source.get_unchecked(from..from + N) });
            }
        }
    }
}

/// Some panels through all taps and rows, gathered as it goes.
struct Streamed<'a> {
    product: &'a Product<'a>,
    out: Shared<'a>,
    panels: Range<usize>,
}

impl WithSimd for Streamed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { product, out, panels } = self;
        let depth = product.taps.len();
        let panels: Vec<Panel> = panels.map(|panel| product.panel(panel)).collect();
        let mut buffer = vec![[0.0; WIDTH]; panels.len() * depth.min(DEPTH)];
        let tiles: Vec<Range<usize>> = cut(product.a.rows).collect();
        for (block, taps) in product.taps.chunks(DEPTH).enumerate() {
            for (panel, packed) in panels.iter().zip(buffer.chunks_exact_mut(taps.len())) {
                panel.pack(product.source, taps, packed);
            }
            // Few taps leave room for more panels in the first cache, and for more tiles in the second.
            let close = (DEPTH / taps.len()).max(1);
            for tiles in tiles.chunks(STRIP * close) {
                for (panels, packed) in panels.chunks(close).zip(buffer.chunks(close * taps.len())) {
                    for rows in tiles {
                        for (panel, packed) in panels.iter().zip(packed.chunks_exact(taps.len())) {
                            product.rows_of_panel(simd, out, panel, rows.clone(), block * DEPTH, packed);
                        }
                    }
                }
            }
        }
    }
}

/// Some rows of one panel that was gathered before.
struct Packed<'a> {
    product: &'a Product<'a>,
    out: Shared<'a>,
    panel: usize,
    tiles: &'a [Range<usize>],
    packed: &'a [[f32; WIDTH]],
}

impl WithSimd for Packed<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { product, out, panel, tiles, packed } = self;
        let panel = product.panel(panel);
        for (block, packed) in packed.chunks(DEPTH).enumerate() {
            for rows in tiles {
                product.rows_of_panel(simd, out, &panel, rows.clone(), block * DEPTH, packed);
            }
        }
    }
}
