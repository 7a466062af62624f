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
    /// The internal number of each distinct cell, in ascending order.
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
    #[expect(clippy::cast_possible_truncation, reason = "candidates are few")]
    fn new(points: &[f64], line: Option<&Line<'_>>) -> Self {
        let mut order: Vec<u32> = (0..points.len() as u32).collect();
        order.sort_unstable_by(|&a, &b| points[a as usize].total_cmp(&points[b as usize]));
        let mut cells = Self { places: vec![0; points.len()], distinct: Vec::new(), ends: Vec::new() };
        for candidate in order {
            let x = points[candidate as usize];
            if cells.distinct.last() != Some(&x) {
                cells.distinct.push(x);
                cells.ends.extend(line.and_then(|line| line.cell(x)));
            }
            cells.places[candidate as usize] = (cells.distinct.len() - 1) as u32;
        }
        cells
    }

    /// The place of a candidate's cell among the distinct ones.
    pub(super) fn place(&self, candidate: usize) -> usize {
        self.places[candidate] as usize
    }

    /// The internal numbers of the distinct cells, in ascending order.
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
        assert_eq!((0..4).map(|candidate| cells.place(candidate)).collect::<Vec<_>>(), [2, 0, 2, 1]);
        assert_eq!(cells.distinct(), [2.0, 3.0, 7.0]);
        assert_eq!((cells.ends(0), cells.ends(2)), ((1.5, 2.5), (6.5, 7.5)));
        assert_eq!(candidates.cells(1), None);
        assert_eq!(candidates.cells(2).expect("options are cells").distinct(), [0.0, 3.0]);
    }
}
