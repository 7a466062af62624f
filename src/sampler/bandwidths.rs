//! How wide the kernels of an axis are.

/// The bandwidth of every observation, and which observations have the same kernel.
#[derive(Clone, Debug)]
pub(super) struct Bandwidths {
    /// Standard deviation of each observation's kernel.
    pub(super) sigmas: Vec<f64>,
    /// For each observation the place of its kernel among `distinct`.
    pub(super) places: Vec<usize>,
    /// Mean and standard deviation of the kernels that differ, in no promised order.
    pub(super) distinct: Vec<(f64, f64)>,
}

/// Standard deviation of each kernel: the larger distance to its neighbours, at most the range, and at least the
/// range divided by the number of kernels plus one (by 100 from there on). The ends of the range are neighbours
/// only of a lone observation, so that the outermost kernels do not get wide just for being outermost.
///
/// Of equal observations, which grids have many of, one is next to the left neighbour, one to the right, and the
/// others are narrow. Which one is which is decided differently on every axis. If it were always the oldest or the
/// newest, its product kernel would be wide on all axes at once; on the test objective `intstep6` that lowers the
/// chance of a run of 100 trials to beat one of Optuna's from 0.47 to 0.39.
pub(super) fn bandwidths(means: &[f64], (low, high): (f64, f64), axis: usize) -> Bandwidths {
    let range = high - low;
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let narrowest = range / ((means.len() + 2) as f64).min(100.0);
    let clip = |sigma: f64| sigma.clamp(narrowest, range);
    let mut found = Bandwidths { sigmas: vec![0.0; means.len()], places: vec![0; means.len()], distinct: Vec::new() };
    if let [mu] = means {
        found.set(&[0], *mu, clip((mu - low).max(high - mu)));
        return found;
    }
    let mut sorted: Vec<(u64, u32)> = means.iter().map(|&mu| sortable(mu)).zip(0..).collect();
    sorted.sort_unstable_by_key(|&(key, _)| key);
    let mut order: Vec<usize> = sorted.iter().map(|&(_, index)| index as usize).collect();
    let mut start = 0;
    while start < order.len() {
        let key = sorted[start].0;
        let end = start + sorted[start..].iter().take_while(|(other, _)| *other == key).count();
        let mu = means[order[start]];
        let left = if start == 0 { 0.0 } else { mu - means[order[start - 1]] };
        let right = order.get(end).map_or(0.0, |&right| means[right] - mu);
        let equal = &mut order[start..end];
        match equal {
            [] => {}
            [only] => found.set(&[*only], mu, clip(left.max(right))),
            [..] => {
                equal.select_nth_unstable_by_key(0, |&index| mix(axis, index));
                let last = equal.len() - 1;
                equal[1..].select_nth_unstable_by_key(last - 1, |&index| mix(axis, index));
                found.set(&equal[..1], mu, clip(left));
                found.set(&equal[1..last], mu, narrowest);
                found.set(&equal[last..], mu, clip(right));
            }
        }
        start = end;
    }
    found
}

impl Bandwidths {
    /// Gives some observations one kernel. It is distinct unless it is the one that was set last: equal observations
    /// are set one after the other.
    fn set(&mut self, indices: &[usize], mu: f64, sigma: f64) {
        if indices.is_empty() {
            return;
        }
        if self.distinct.last() != Some(&(mu, sigma)) {
            self.distinct.push((mu, sigma));
        }
        for &index in indices {
            self.sigmas[index] = sigma;
            self.places[index] = self.distinct.len() - 1;
        }
    }
}

/// A number's bits, changed so that they are ordered as [`f64::total_cmp`] orders the numbers: integers are sorted
/// in half the time.
fn sortable(x: f64) -> u64 {
    let bits = x.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// A key without pattern for the place of an observation on an axis: the mixing function of SplitMix64 (Steele et
/// al. 2014, OOPSLA), a bijection, so different places have different keys.
fn mix(axis: usize, index: usize) -> u64 {
    let mut z = ((axis as u64) << 40 | index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sigmas(means: &[f64], span: (f64, f64), axis: usize) -> Vec<f64> {
        let found = bandwidths(means, span, axis);
        for ((&mu, &sigma), &place) in means.iter().zip(&found.sigmas).zip(&found.places) {
            assert_eq!(found.distinct[place], (mu, sigma));
        }
        found.sigmas
    }

    fn close(got: &[f64], expected: &[f64]) {
        assert_eq!(got.len(), expected.len());
        for (a, b) in got.iter().zip(expected) {
            assert!((a - b).abs() < 1e-12, "{got:?}, not {expected:?}");
        }
    }

    #[test]
    fn a_bandwidth_is_the_larger_gap_to_a_neighbour() {
        close(&sigmas(&[0.2, 0.9, 0.5], (0.0, 1.0), 0), &[0.3, 0.4, 0.4]);
        close(&sigmas(&[-0.2, -0.9, 0.5], (-1.0, 1.0), 0), &[0.7, 0.7, 0.7]);
    }

    #[test]
    fn a_lone_observation_reaches_to_the_farther_end() {
        close(&sigmas(&[0.3], (0.0, 1.0), 0), &[0.7]);
        close(&sigmas(&[0.3], (-3.0, 1.0), 0), &[3.3]);
        assert!(sigmas(&[], (0.0, 1.0), 0).is_empty());
    }

    #[test]
    fn bandwidths_are_clipped_by_the_number_of_kernels_and_the_range() {
        // three equal observations: no gap, so the range over n + 2
        close(&sigmas(&[0.5, 0.5, 0.5], (0.0, 2.0), 0), &[0.4, 0.4, 0.4]);
        assert_eq!(bandwidths(&[0.5; 200], (0.0, 2.0), 0).distinct, [(0.5, 0.02)]);
        // an unbounded parameter may lie far outside the span
        close(&sigmas(&[10.0], (-3.0, 3.0), 0), &[6.0]);
    }

    #[test]
    fn of_equal_observations_one_sees_each_neighbour_and_the_axis_decides_which() {
        let wide = |axis| {
            let sigmas = sigmas(&[0.5, 0.1, 0.5, 0.5, 1.0], (0.0, 1.0), axis);
            close(&[sigmas[1], sigmas[4]], &[0.4, 0.5]);
            let mut equal = [sigmas[0], sigmas[2], sigmas[3]];
            let widest = equal.iter().position(|sigma| *sigma == 0.5);
            equal.sort_unstable_by(f64::total_cmp);
            close(&equal, &[1.0 / 7.0, 0.4, 0.5]);
            widest.expect("one is next to 1.0")
        };
        let seen: std::collections::BTreeSet<usize> = (0..20).map(wide).collect();
        assert_eq!(seen.len(), 3);
    }
}
