//! Tables that are put together while the application is compiled.

/// How many entries the parts hold in all.
#[must_use]
pub const fn count<T>(parts: &[&[T]]) -> usize {
    let (mut count, mut i) = (0, 0);
    while i < parts.len() {
        count += parts[i].len();
        i += 1;
    }
    count
}

/// The entries of all parts, in order; `N` is their [`count`], and `empty` any entry.
#[must_use]
pub const fn concat<const N: usize, T: Copy>(parts: &[&[T]], empty: T) -> [T; N] {
    let mut entries = [empty; N];
    let (mut n, mut i) = (0, 0);
    while i < parts.len() {
        let mut j = 0;
        while j < parts[i].len() {
            entries[n] = parts[i][j];
            n += 1;
            j += 1;
        }
        i += 1;
    }
    entries
}
