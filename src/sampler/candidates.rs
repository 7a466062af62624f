//! What is compared before a trial: points drawn from the good side's density.

use super::axis::{Axis, Line};

/// Points along every axis of a mixture.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    /// `[axis][candidate]`: a coordinate on a continuous line, else an internal number.
    coordinates: Vec<Vec<f64>>,
    /// `[axis]`; none on a continuous line.
    cells: Vec<Option<Cells>>,
}

/// The options, or cells of a grid, that candidates lie in along one axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cells {
    /// For each candidate the place of its cell among the distinct ones.
    places: Vec<u32>,
    /// The internal number of each distinct cell, in the order of the candidates.
    distinct: Vec<f64>,
    /// The ends of each distinct cell in coordinates; none for options.
    ends: Vec<(f64, f64)>,
}

impl Candidates {
    /// Finds the cells of points, `[axis][candidate]`, along the axes.
    pub(super) fn new(axes: &[Axis<'_>], coordinates: Vec<Vec<f64>>) -> Self {
        let cells = |(axis, points): (&Axis<'_>, &Vec<f64>)| match axis {
            Axis::Options { .. } => Some(Cells::new(points, None)),
            Axis::Line(line) => line.step.map(|_| Cells::new(points, Some(line))),
        };
        let cells = axes.iter().zip(&coordinates).map(cells).collect();
        Self { coordinates, cells }
    }

    /// How many points there are.
    pub(super) fn len(&self) -> usize {
        self.coordinates.first().map_or(0, Vec::len)
    }

    /// The points along an axis: coordinates on a continuous line, else internal numbers.
    pub(super) fn along(&self, axis: usize) -> &[f64] {
        &self.coordinates[axis]
    }

    /// The cells along an axis; none on a continuous line.
    pub(super) fn cells(&self, axis: usize) -> Option<&Cells> {
        self.cells[axis].as_ref()
    }
}

impl Cells {
    /// Finds equal points by their bits in a table with open addressing, which costs a fifth of sorting them.
    #[expect(clippy::cast_possible_truncation, reason = "candidates are few")]
    fn new(points: &[f64], line: Option<&Line<'_>>) -> Self {
        const EMPTY: u32 = u32::MAX;
        let n_slots = (2 * points.len()).next_power_of_two();
        let shift = (u64::BITS - n_slots.trailing_zeros()) % u64::BITS;
        let mut slots = vec![EMPTY; n_slots];
        let mut cells = Self { places: Vec::with_capacity(points.len()), distinct: Vec::new(), ends: Vec::new() };
        for &x in points {
            // Multiplicative hashing with the golden ratio as a fraction of 2^64; the highest bits are mixed best.
            let mut slot = (x.to_bits().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize % n_slots;
            while slots[slot] != EMPTY && cells.distinct[slots[slot] as usize] != x {
                slot = (slot + 1) % n_slots;
            }
            if slots[slot] == EMPTY {
                slots[slot] = cells.distinct.len() as u32;
                cells.distinct.push(x);
                cells.ends.extend(line.and_then(|line| line.cell(x)));
            }
            cells.places.push(slots[slot]);
        }
        cells
    }

    /// The place of a candidate's cell among the distinct ones.
    pub(super) fn place(&self, candidate: usize) -> usize {
        self.places[candidate] as usize
    }

    /// For each candidate the place of its cell among the distinct ones.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }

    /// The internal numbers of the distinct cells.
    pub(super) fn distinct(&self) -> &[f64] {
        &self.distinct
    }

    /// The ends of a distinct cell in coordinates. Options have none.
    pub(super) fn ends(&self, place: usize) -> (f64, f64) {
        self.ends[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Distribution;

    #[test]
    fn candidates_of_one_cell_share_it() {
        let int = Distribution::int(1, 9).expect("ordered");
        let unit = Distribution::uniform(0.0, 1.0).expect("ordered");
        let axes = [Axis::new(&int), Axis::new(&unit), Axis::Options { count: 4 }];
        let candidates = Candidates::new(&axes, vec![vec![7.0, 2.0, 7.0, 3.0], vec![0.5; 4], vec![3.0, 3.0, 0.0, 0.0]]);
        assert_eq!(candidates.len(), 4);
        let cells = candidates.cells(0).expect("a grid has cells");
        assert_eq!((0..4).map(|candidate| cells.place(candidate)).collect::<Vec<_>>(), [0, 1, 0, 2]);
        assert_eq!(cells.distinct(), [7.0, 2.0, 3.0]);
        assert_eq!((cells.ends(0), cells.ends(1)), ((6.5, 7.5), (1.5, 2.5)));
        assert_eq!(candidates.cells(1), None);
        assert_eq!(candidates.cells(2).expect("options are cells").distinct(), [3.0, 0.0]);
    }
}
