//! Tests of the distributions.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn text(label: &str) -> Value {
    Value::Text(label.to_owned())
}

/// The whole message of a refusal.
fn refusal(result: Result<Distribution, DistributionError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn bounds_are_finite_ordered_and_not_too_far_apart() {
    assert_eq!(refusal(Distribution::uniform(0.0, f64::INFINITY)), "bounds must be finite, not 0.0 and inf");
    assert_eq!(refusal(Distribution::log_uniform(f64::NAN, 1.0)), "bounds must be finite, not NaN and 1.0");
    let reversed = Distribution::log_uniform(0.1, 0.001).unwrap_err();
    assert_eq!(reversed.to_string(), "lower bound 0.1 is above upper bound 0.001");
    assert_eq!(reversed.hint(), "swap the bounds, or write one number to keep the parameter fixed");
    assert_eq!(refusal(Distribution::int(5, 4)), "lower bound 5 is above upper bound 4");
    assert_eq!(
        refusal(Distribution::uniform(-1e308, 1e308)),
        "the range from -1e308 to 1e308 is too wide to compute with"
    );
    assert_eq!(
        refusal(Distribution::int(0, EXACT_INT + 1)),
        "integer bounds must be within 2^53 of 0, not 9007199254740993"
    );
}

#[test]
fn a_log_scale_starts_above_zero() {
    let zero = Distribution::log_uniform(0.0, 1.0).unwrap_err();
    assert_eq!(zero.to_string(), "log_uniform needs a lower bound above 0, not 0.0");
    assert_eq!(zero.hint(), "raise the lower bound above 0, or search on a linear scale");
    assert_eq!(refusal(Distribution::log_int(-2, 8)), "log_int needs a lower bound above 0, not -2");
}

#[test]
fn a_step_is_positive_and_fits_the_distribution() {
    let uniform = || Distribution::uniform(0.0, 1.0).unwrap();
    for (step, message) in [
        (0.0, "step must be above 0 and finite, not 0.0"),
        (-0.5, "step must be above 0 and finite, not -0.5"),
        (f64::NAN, "step must be above 0 and finite, not NaN"),
        (f64::INFINITY, "step must be above 0 and finite, not inf"),
        (1e-12, "step 1e-12 must be at least 1e-9 of the larger bound, 1.0"),
    ] {
        assert_eq!(refusal(uniform().with_step(step)), message);
    }
    assert_eq!(
        refusal(Distribution::int(1, 5).unwrap().with_step(0.5)),
        "step of an int must be a whole number, not 0.5"
    );
    for (distribution, message) in [
        (Distribution::log_uniform(0.1, 1.0), "log_uniform takes no step"),
        (Distribution::log_int(1, 5), "log_int takes no step"),
        (Distribution::choice(vec![text("a")]), "choice takes no step"),
        (Distribution::ordinal(vec![text("a")]), "ordinal takes no step"),
        (Distribution::normal(0.0, 1.0), "normal takes no step"),
    ] {
        assert_eq!(refusal(distribution.unwrap().with_step(1.0)), message);
    }
}

#[test]
fn options_are_distinct_and_not_empty() {
    assert_eq!(refusal(Distribution::choice(vec![])), "a choice needs at least one option");
    assert_eq!(refusal(Distribution::ordinal(vec![])), "an ordinal needs at least one option");
    assert_eq!(
        refusal(Distribution::choice(vec![Value::Int(3), text("a"), Value::Int(3)])),
        "option `3` is listed twice"
    );
    assert_eq!(refusal(Distribution::choice(vec![Value::Int(3), text("3")])), "option `3` is listed twice");
    assert_eq!(refusal(Distribution::ordinal(vec![Value::Float(f64::NAN)])), "option `NaN` is not a finite number");
}

#[test]
fn a_normal_has_a_positive_sigma_and_stays_in_range() {
    assert_eq!(refusal(Distribution::normal(f64::NAN, 1.0)), "mu and sigma must be finite, not NaN and 1.0");
    assert_eq!(refusal(Distribution::normal(0.0, 0.0)), "sigma must be above 0, not 0.0");
    assert_eq!(
        refusal(Distribution::log_normal(1000.0, 1.0)),
        "log_normal with mu 1000.0 and sigma 1.0 reaches numbers too large or too small to hold"
    );
    assert_eq!(
        refusal(Distribution::normal(0.0, 1e308)),
        "normal with mu 0.0 and sigma 1e308 reaches numbers too large or too small to hold"
    );
}

#[test]
fn a_step_lowers_the_upper_bound_to_the_grid() {
    let stepped = Distribution::uniform(0.0, 1.0).unwrap().with_step(0.3).unwrap();
    let expected = DistributionView::Uniform { low: 0.0, high: 0.9, step: Some(0.3), log: false };
    assert_eq!(stepped.kind(), &expected);
    let whole = Distribution::int(1, 8).unwrap().with_step(3.0).unwrap();
    assert_eq!(whole.kind(), &DistributionView::Int { low: 1, high: 7, step: 3, log: false });
    let only_one = Distribution::int(1, 8).unwrap().with_step(20.0).unwrap();
    assert_eq!(only_one.single(), Some(Value::Int(1)));
}

#[test]
fn one_value_is_known_without_a_sampler() {
    let single = |distribution: Result<Distribution, _>| distribution.unwrap().single();
    assert_eq!(single(Distribution::log_uniform(0.1, 0.1)), Some(Value::Float(0.1)));
    assert_eq!(single(Distribution::log_int(4, 4)), Some(Value::Int(4)));
    assert_eq!(single(Distribution::choice(vec![text("a")])), Some(text("a")));
    assert_eq!(single(Distribution::ordinal(vec![text("a")])), Some(text("a")));
    assert_eq!(single(Distribution::uniform(0.1, 0.2)), None);
    assert_eq!(single(Distribution::normal(0.0, 1.0)), None);
}

#[test]
fn the_internal_number_is_the_value_or_the_position() {
    let uniform = Distribution::uniform(0.0, 1.0).unwrap();
    assert_eq!(uniform.to_internal(&Value::Float(0.25)), Some(0.25));
    assert_eq!(uniform.to_internal(&Value::Int(1)), None);
    assert_eq!(uniform.to_internal(&Value::Float(1.25)), None);
    let stepped = Distribution::int(1, 9).unwrap().with_step(2.0).unwrap();
    assert_eq!(stepped.to_internal(&Value::Int(5)), Some(5.0));
    assert!(!stepped.contains(&Value::Int(4)) && !stepped.contains(&Value::Int(11)));
    assert_eq!(stepped.from_internal(4.2), Value::Int(5));
    assert_eq!(stepped.from_internal(-7.0), Value::Int(1));
    let grid = Distribution::uniform(0.0, 0.8).unwrap().with_step(0.05).unwrap();
    assert_eq!(grid.from_internal(0.16), Value::Float(0.15));
    assert!(!grid.contains(&Value::Float(0.16)));
    let choice = Distribution::choice(vec![text("a"), Value::Int(2)]).unwrap();
    assert_eq!(choice.to_internal(&Value::Int(2)), Some(1.0));
    assert_eq!(choice.to_internal(&text("2")), None);
    let log_normal = Distribution::log_normal(0.0, 1.0).unwrap();
    assert_eq!(log_normal.to_internal(&Value::Float(2.5)), Some(2.5));
    assert!(!log_normal.contains(&Value::Float(0.0)));
    assert!(!log_normal.contains(&Value::Float(f64::INFINITY)));
}

#[test]
fn a_distribution_is_shown_as_a_script_writes_it() {
    for (distribution, shown) in [
        (Distribution::log_uniform(1e-6, 0.01), "log_uniform(1e-6, 0.01)"),
        (Distribution::uniform(0.0, 1.0).unwrap().with_step(0.25), "uniform(0.0, 1.0).step(0.25)"),
        (Distribution::int(16, 512).unwrap().with_step(16.0), "int(16, 512).step(16)"),
        (Distribution::log_int(8, 256), "log_int(8, 256)"),
        (Distribution::choice(vec![text("adam"), Value::Int(2), Value::Bool(true)]), "choice([\"adam\", 2, true])"),
        (Distribution::ordinal(vec![Value::Float(0.5)]), "ordinal([0.5])"),
        (Distribution::log_normal(-3.0, 1.0), "log_normal(-3.0, 1.0)"),
    ] {
        assert_eq!(distribution.unwrap().to_string(), shown);
    }
}

#[test]
fn a_broken_distribution_cannot_be_read_from_json() {
    let read = |json: &str| serde_json::from_str::<Distribution>(json).map_err(|e| e.to_string());
    assert_eq!(
        read(r#"{"kind":"uniform","low":0.0,"high":1.0,"step":null,"log":true}"#),
        Err("log_uniform needs a lower bound above 0, not 0.0".to_owned())
    );
    assert_eq!(
        read(r#"{"kind":"int","low":1,"high":4,"step":0,"log":false}"#),
        Err("step must be above 0 and finite, not 0.0".to_owned())
    );
    assert_eq!(read(r#"{"kind":"choice","options":["a","a"]}"#), Err("option `a` is listed twice".to_owned()));
    assert_eq!(
        read(r#"{"kind":"normal","mu":0.0,"sigma":-1.0,"log":false}"#),
        Err("sigma must be above 0, not -1.0".to_owned())
    );
    assert!(read(r#"{"kind":"choice","options":["a"],"weights":[1]}"#).is_err());
}

fn distributions() -> impl Strategy<Value = Distribution> {
    let float = (-1e3..1e3_f64, 0.0..1e3_f64);
    let int = (1..1000_i64, 0..1000_i64);
    prop_oneof![
        float.clone().prop_map(|(low, width)| Distribution::uniform(low, low + width).unwrap()),
        (float.clone(), 0.001..10.0_f64).prop_map(|((low, width), step)| {
            Distribution::uniform(low, low + width).unwrap().with_step(step).unwrap()
        }),
        (-30.0..0.0_f64, 0.0..30.0_f64)
            .prop_map(|(low, high)| Distribution::log_uniform(low.exp(), high.exp()).unwrap()),
        (int.clone(), 1..50_i32).prop_map(|((low, width), step)| {
            let plain = Distribution::int(low - 500, low - 500 + width).unwrap();
            plain.with_step(f64::from(step)).unwrap()
        }),
        int.prop_map(|(low, width)| Distribution::log_int(low, low + width).unwrap()),
        (1..9_i64).prop_map(|n| Distribution::choice((0..n).map(Value::Int).collect()).unwrap()),
        (1..9_i64).prop_map(|n| Distribution::ordinal((0..n).map(Value::Int).collect()).unwrap()),
        (float, any::<bool>()).prop_map(|((mu, sigma), log)| {
            if log {
                Distribution::log_normal(mu / 10.0, sigma / 100.0 + 0.01).unwrap()
            } else {
                Distribution::normal(mu, sigma + 0.01).unwrap()
            }
        }),
    ]
}

proptest! {
    #[test]
    fn any_number_becomes_a_value_that_survives_the_round_trip(
        distribution in distributions(),
        internal in prop_oneof![-2e3..2e3_f64, 0.0..1.0_f64],
    ) {
        let value = distribution.from_internal(internal);
        prop_assert!(distribution.contains(&value), "{distribution}: {value}");
        let there = distribution.to_internal(&value).unwrap();
        prop_assert_eq!(distribution.from_internal(there), value);
    }

    #[test]
    fn distributions_survive_json(distribution in distributions()) {
        let json = serde_json::to_string(&distribution).unwrap();
        prop_assert_eq!(serde_json::from_str::<Distribution>(&json).unwrap(), distribution);
    }
}
