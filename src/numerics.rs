//! The version of everything in the program that decides the bits of a result.
//!
//! It is a part of every fit's key, so a result is never taken for one that this program would compute differently.
//! `tests/golden.rs` trains small networks and fails when their bits change while the version stays the same.

/// An integer, and the versions of the crates that compute, from `Cargo.lock`.
///
/// The integer is raised by whoever changes the bits of a training in this repository. The same lock file gives the
/// same version whatever features are compiled in, so that builds for other devices share what was trained on the CPU.
pub const VERSION: &str = concat!("4 ", env!("XRUN_NUMERICS_CRATES"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_names_an_integer_and_the_crates_that_compute() {
        let (integer, crates) = VERSION.split_once(' ').expect("two parts");
        assert!(integer.parse::<u32>().is_ok_and(|integer| integer >= 1), "{VERSION}");
        let names: Vec<&str> = crates.split(' ').filter_map(|named| named.rsplit_once('-')).map(|(n, _)| n).collect();
        assert_eq!(names, ["burn", "burn-flex", "cubecl", "gemm", "libm", "macerator", "pulp", "xrun-kernels"]);
        assert!(crates.contains("burn-0.22.1 "), "Cargo.toml pins burn to 0.22.1, the lock file says {crates}");
    }
}
