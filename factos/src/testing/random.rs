/// Random values for tests: the same for the same seed, and edge cases more often than by chance.
#[derive(Debug, Clone)]
pub struct Random(u64);

/// Texts that formats and tags are likely to get wrong.
const TEXTS: [&str; 12] = [
    "",
    " ",
    "a",
    "a:b",
    "\"\\/",
    "\n\t",
    "\u{0}",
    "\u{7f}",
    "e\u{301}",
    "\u{fffd}",
    "\u{2028}",
    "\u{10ffff}",
];

impl Random {
    /// The values of this seed.
    #[must_use]
    pub const fn with_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub const fn u64(&mut self) -> u64 {
        let bits = self.bits();
        match self.bits() % 8 {
            0 => bits % 3,
            1 => u64::MAX - bits % 3,
            2 => bits % 1000,
            _ => bits,
        }
    }

    /// Any number.
    pub const fn i64(&mut self) -> i64 {
        let bits = self.u64().cast_signed();
        if self.bool() { bits.wrapping_neg() } else { bits }
    }

    /// Any number that is not infinite.
    pub const fn f64(&mut self) -> f64 {
        let number = f64::from_bits(self.bits());
        if number.is_finite() { number } else { -0.0 }
    }

    /// A number below `end`; 0 if there is none.
    pub const fn below(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.bits() % end as u64) as usize }
    }

    /// `true` or `false`.
    pub const fn bool(&mut self) -> bool {
        self.bits() & 1 == 0
    }

    /// A text of words and of edge cases, or an empty one.
    pub fn text(&mut self) -> String {
        let parts = self.below(4);
        (0..parts).map(|_| if self.bool() { self.word() } else { self.oddity() }).collect()
    }

    /// Up to `most` values.
    pub fn list<T>(&mut self, most: usize, mut value: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let len = self.below(most + 1);
        (0..len).map(|_| value(self)).collect()
    }

    fn word(&mut self) -> String {
        let len = 1 + self.below(8);
        (0..len).map(|_| char::from(b'a' + (self.bits() % 26) as u8)).collect()
    }

    fn oddity(&mut self) -> String {
        TEXTS[self.below(TEXTS.len())].to_owned()
    }

    const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_values_again_and_edges_are_among_them() {
        let values = |seed| {
            let mut random = Random::with_seed(seed);
            (random.u64(), random.i64(), random.text(), random.list(3, Random::bool))
        };
        assert_eq!(values(7), values(7));
        assert_ne!(values(7), values(8));
        let mut random = Random::with_seed(1);
        let numbers: Vec<_> = (0..1000).map(|_| random.u64()).collect();
        assert!(numbers.contains(&0) && numbers.contains(&u64::MAX));
        assert!((0..1000).any(|_| random.text().contains('\0')));
        assert!((0..1000).all(|_| random.f64().is_finite() && random.below(3) < 3));
        assert_eq!(random.below(0), 0);
    }
}
