//! How often two equal procedures are called different: the data are drawn anew, and cross-validated for real.

#![expect(clippy::unwrap_used, clippy::cast_precision_loss, reason = "tests, with small counts")]

use super::{CorrectedT, mean, standard_deviation, upper_tail};
use crate::seed::{Seed, Stream};

const N_ROWS: usize = 100;
const N_FOLDS: usize = 10;
const N_SIMULATIONS: usize = 2000;

/// Two features that are equally good, each by itself.
struct Row {
    features: [f64; 2],
    class: bool,
}

fn rows(stream: &mut Stream) -> Vec<Row> {
    let row = |index: usize, stream: &mut Stream| {
        let class = index.is_multiple_of(2);
        let centre = if class { 0.5 } else { -0.5 };
        Row { features: [centre + stream.normal(), centre + stream.normal()], class }
    };
    let mut rows: Vec<Row> = (0..N_ROWS).map(|index| row(index, stream)).collect();
    stream.shuffle(&mut rows);
    rows
}

/// The accuracy on a fold of the nearest neighbour in one feature among the rows of the other folds.
fn accuracy(rows: &[Row], fold: usize, feature: usize) -> f64 {
    let is_test = |index: usize| index % N_FOLDS == fold;
    let right = |test: &Row| {
        let distance = |row: &Row| (row.features[feature] - test.features[feature]).abs();
        let train = rows.iter().enumerate().filter(|(index, _)| !is_test(*index)).map(|(_, row)| row);
        train.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap().class == test.class
    };
    let test: Vec<&Row> = rows.iter().enumerate().filter(|(index, _)| is_test(*index)).map(|(_, row)| row).collect();
    test.iter().filter(|row| right(row)).count() as f64 / test.len() as f64
}

/// Nearest neighbours in one feature and in another that is as good, on 100 rows in 10 folds: what is called different at the
/// 5 % level is wrong.
#[test]
fn the_corrected_t_errs_in_at_most_six_of_a_hundred_and_the_naive_one_more_often() {
    let (mut corrected, mut naive) = (0, 0);
    for simulation in 0..N_SIMULATIONS {
        let mut stream = Seed::root(1).child_at("simulation", simulation).stream();
        let rows = rows(&mut stream);
        let differences: Vec<f64> =
            (0..N_FOLDS).map(|fold| accuracy(&rows, fold, 0) - accuracy(&rows, fold, 1)).collect();
        let test = CorrectedT::new(&differences, 1.0 / (N_FOLDS - 1) as f64).unwrap();
        corrected += usize::from(test.p_value() < 0.05);
        let t = mean(&differences) / standard_deviation(&differences).unwrap() * (N_FOLDS as f64).sqrt();
        naive += usize::from(2.0 * upper_tail(t.abs(), N_FOLDS - 1) < 0.05);
    }
    let share = |n: usize| n as f64 / N_SIMULATIONS as f64;
    println!("type-I error at 5 %: corrected {}, naive {}", share(corrected), share(naive));
    assert!(share(corrected) <= 0.06, "{corrected} of {N_SIMULATIONS}");
    assert!(share(naive) > 0.06, "{naive} of {N_SIMULATIONS}");
}
