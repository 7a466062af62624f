//! The fingerprint of a data set: a hash of what it holds, not of where or when it lies.

/// A hash under construction. Every field is preceded by its length, so that moving a byte from one field to
/// the next changes the hash.
#[derive(Debug)]
pub(super) struct Fingerprint(blake3::Hasher);

impl Fingerprint {
    /// Starts a fingerprint. The context separates versions of what is hashed.
    pub(super) fn new() -> Self {
        Self(blake3::Hasher::new_derive_key("xrun data fingerprint 1"))
    }

    /// Starts the digest of one row.
    pub(super) fn of_row() -> Self {
        Self(blake3::Hasher::new_derive_key("xrun row digest 1"))
    }

    /// Starts the digest of the features of one row, whatever its name and class are.
    pub(super) fn of_features() -> Self {
        Self(blake3::Hasher::new_derive_key("xrun row features 1"))
    }

    /// Adds bytes.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.0.update(bytes);
    }

    /// Adds texts, in order.
    pub(super) fn texts(&mut self, texts: &[String]) {
        self.number(texts.len());
        for text in texts {
            self.bytes(text.as_bytes());
        }
    }

    /// Adds whole numbers, in order.
    pub(super) fn numbers(&mut self, numbers: &[usize]) {
        self.number(numbers.len());
        for &number in numbers {
            self.number(number);
        }
    }

    /// Adds one whole number.
    pub(super) fn number(&mut self, number: usize) {
        self.0.update(&(number as u64).to_le_bytes());
    }

    /// The hash.
    pub(super) fn digest(&self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }

    /// The hash as 64 hexadecimal digits.
    pub(super) fn finish(&self) -> String {
        self.0.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_their_borders() {
        let of = |fields: &[&[u8]]| {
            let mut fingerprint = Fingerprint::new();
            fields.iter().for_each(|field| fingerprint.bytes(field));
            fingerprint.finish()
        };
        assert_eq!(of(&[b"ab", b"c"]), of(&[b"ab", b"c"]));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_eq!(of(&[]).len(), 64);
    }
}
