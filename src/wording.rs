//! Numbers with their nouns, for people.

/// As in `1 fit`, `2 fits`, `2 studies` and `2 classes`.
#[must_use]
pub fn count(n: usize, noun: &str) -> String {
    if n == 1 {
        return format!("1 {noun}");
    }
    match noun.strip_suffix('y') {
        Some(stem) => format!("{n} {stem}ies"),
        None if noun.ends_with('s') => format!("{n} {noun}es"),
        None => format!("{n} {noun}s"),
    }
}

/// Four decimals, for people; very small and very large numbers by powers of ten.
#[must_use]
pub fn number(value: f64) -> String {
    if value != 0.0 && !(1e-3..1e5).contains(&value.abs()) { format!("{value:.3e}") } else { format!("{value:.4}") }
}

/// A duration for people, given in seconds.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if seconds < 0.9995 {
        return format!("{:.0} ms", seconds * 1e3);
    }
    if seconds < 59.95 {
        return format!("{seconds:.1} s");
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are small and not negative")]
    let whole = seconds.round() as u64;
    if whole < 3600 {
        format!("{} min {:02} s", whole / 60, whole % 60)
    } else {
        format!("{} h {:02} min", whole / 3600, whole % 3600 / 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_no_things() {
        assert_eq!(count(1, "fit"), "1 fit");
        assert_eq!(count(0, "fit"), "0 fits");
        assert_eq!(count(2, "outer fold"), "2 outer folds");
        assert_eq!(count(2, "study"), "2 studies");
        assert_eq!(count(3, "class"), "3 classes");
    }
}
