//! What is compared before a trial: points drawn from the good side's density.

use super::axis::{Axis, Line};
use super::distinct::Distinct;

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
    /// Finds the cells of points, `[axis][candidate]`, along the axes. Where no axis is continuous, a point that repeats an
    /// earlier one is no candidate: it could not win.
    pub(super) fn new(axes: &[Axis<'_>], mut coordinates: Vec<Vec<f64>>) -> Self {
        let cells = |(axis, points): (&Axis<'_>, &Vec<f64>)| match axis {
            Axis::Options { .. } => Some(Cells::new(points, None)),
            Axis::Line(line) => line.step.map(|_| Cells::new(points, Some(line))),
        };
        let mut cells: Vec<Option<Cells>> = axes.iter().zip(&coordinates).map(cells).collect();
        let columns: Option<Vec<_>> = cells.iter().map(|cells| cells.as_ref().map(Cells::numbered)).collect();
        if let Some(points) = columns.and_then(|columns| Distinct::of_rows(&columns)) {
            for (coordinates, cells) in coordinates.iter_mut().zip(cells.iter_mut().flatten()) {
                *coordinates = points.of(coordinates);
                cells.places = points.of(&cells.places);
            }
        }
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
    /// The cells of points along one axis, which is a line if there is one.
    fn new(points: &[f64], line: Option<&Line<'_>>) -> Self {
        // The sum makes one zero of both.
        let keys: Vec<u64> = points.iter().map(|x| (x + 0.0).to_bits()).collect();
        let found = Distinct::new(&keys);
        let distinct = found.of(points);
        let ends = distinct.iter().filter_map(|&x| line?.cell(x)).collect();
        Self { places: found.places, distinct, ends }
    }

    /// The place of a candidate's cell among the distinct ones.
    pub(super) fn place(&self, candidate: usize) -> usize {
        self.places[candidate] as usize
    }

    /// The places, and how many distinct cells there are.
    fn numbered(&self) -> (&[u32], usize) {
        (&self.places, self.distinct.len())
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

    #[test]
    fn a_repeated_point_is_no_candidate_where_nothing_is_continuous() {
        let int = Distribution::int(1, 9).expect("ordered");
        let axes = [Axis::new(&int), Axis::Options { count: 4 }];
        let points = vec![vec![7.0, 2.0, 7.0, 7.0, 2.0], vec![3.0, 3.0, 3.0, 0.0, 3.0]];
        let candidates = Candidates::new(&axes, points);
        assert_eq!(
            (candidates.len(), candidates.along(0), candidates.along(1)),
            (3, &[7.0, 2.0, 7.0][..], &[3.0, 3.0, 0.0][..])
        );
        let places = |axis: usize| candidates.cells(axis).expect("cells").places().to_vec();
        assert_eq!((places(0), places(1)), (vec![0, 1, 0], vec![0, 0, 1]));
    }
}
