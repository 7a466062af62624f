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
