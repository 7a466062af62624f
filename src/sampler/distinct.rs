//! Which of many keys are equal.

/// Keys without those that repeat an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Distinct {
    /// For each key the place of its equal among the distinct ones.
    pub(super) places: Vec<u32>,
    /// The position of each distinct key, the first of equals, ascending.
    firsts: Vec<u32>,
}

impl Distinct {
    /// Finds equal keys in a table with open addressing, which costs a fifth of sorting them.
    #[expect(clippy::cast_possible_truncation, reason = "there are far less than 2^32 keys")]
    pub(super) fn new(keys: &[u64]) -> Self {
        const EMPTY: u32 = u32::MAX;
        let n_slots = (2 * keys.len()).next_power_of_two();
        let shift = (u64::BITS - n_slots.trailing_zeros()) % u64::BITS;
        let mut slots = vec![EMPTY; n_slots];
        let mut distinct = Self { places: Vec::with_capacity(keys.len()), firsts: Vec::new() };
        for (&key, position) in keys.iter().zip(0..) {
            // Multiplicative hashing with the golden ratio as a fraction of 2^64; the highest bits are mixed best.
            let mut slot = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize % n_slots;
            while slots[slot] != EMPTY && keys[distinct.firsts[slots[slot] as usize] as usize] != key {
                slot = (slot + 1) % n_slots;
            }
            if slots[slot] == EMPTY {
                slots[slot] = distinct.firsts.len() as u32;
                distinct.firsts.push(position);
            }
            distinct.places.push(slots[slot]);
        }
        distinct
    }

    /// Finds equal rows of a table: of each column the numbers, which are below its bound, itself below 2^32. `None` if there
    /// is no column.
    pub(super) fn of_rows(columns: &[(&[u32], usize)]) -> Option<Self> {
        let (first, _) = columns.first()?;
        let mut keys = vec![0; first.len()];
        let mut n_keys = 1_u64;
        for (numbers, bound) in columns {
            let bound = *bound as u64;
            n_keys = n_keys.checked_mul(bound).unwrap_or_else(|| {
                // What the columns before tell apart is numbered anew.
                let before = Self::new(&keys);
                keys = before.places.iter().map(|&place| u64::from(place)).collect();
                before.len() as u64 * bound
            });
            for (key, number) in keys.iter_mut().zip(*numbers) {
                *key = *key * bound + u64::from(*number);
            }
        }
        Some(Self::new(&keys))
    }

    /// How many distinct keys there are.
    pub(super) fn len(&self) -> usize {
        self.firsts.len()
    }

    /// The first of equal items, which are in the order of the keys.
    pub(super) fn of<T: Copy>(&self, items: &[T]) -> Vec<T> {
        self.firsts.iter().map(|&first| items[first as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_share_a_place() {
        let distinct = Distinct::new(&[7, 0, 7, u64::MAX, 0]);
        assert_eq!(
            (distinct.places.as_slice(), distinct.firsts.as_slice()),
            ([0, 1, 0, 2, 1].as_slice(), [0, 1, 3].as_slice())
        );
        assert_eq!(distinct.of(&["a", "b", "c", "d", "e"]), ["a", "b", "d"]);
        assert_eq!(Distinct::new(&[]).places, [0; 0]);
        let many: Vec<u64> = (0..5000).map(|i| ((i * i) % 1009) << 40).collect();
        let distinct = Distinct::new(&many);
        let found = distinct.of(&many);
        assert!(distinct.places.iter().zip(&many).all(|(place, key)| found[*place as usize] == *key));
        // The squares modulo a prime, and 0.
        assert_eq!(found.len(), 505);
    }

    #[test]
    fn rows_are_equal_if_all_their_columns_are() {
        let columns: [(&[u32], usize); 2] = [(&[0, 1, 0, 1, 0], 2), (&[2, 0, 2, 1, 0], 3)];
        assert_eq!(Distinct::of_rows(&columns).expect("6 rows").places, [0, 1, 0, 2, 3]);
        let (a, b): (&[u32], &[u32]) = (&[7, 0, 7, 7], &[5, 5, 5, 6]);
        let wide = [(a, 1 << 30), (b, 1 << 30), (a, 1 << 30), (b, 1 << 30), (b, 1 << 30)];
        assert_eq!(Distinct::of_rows(&wide).expect("columns").places, [0, 1, 0, 2]);
        assert_eq!(Distinct::of_rows(&[]), None);
    }
}
