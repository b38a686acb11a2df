//! Which name was meant.

/// The candidate that `word` most likely is a misspelling of, if any is close enough: a third of
/// the letters may be wrong, so that short names are not taken for each other.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let allowed = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, drop, change or swap with their neighbour (optimal string alignment), without
/// regard to case, and to `-` or `_`.
fn distance(a: &str, b: &str) -> usize {
    let fold = |text: &str| -> Vec<char> {
        // A name longer than this is no misspelling, and the work is the product of the lengths.
        let letters = text.chars().take(64);
        letters
            .map(|c| {
                if c == '-' {
                    '_'
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect()
    };
    let (a, b) = (fold(a), fold(b));
    let mut two_ago: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    let get = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX);
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = get(&last, j) + usize::from(from != to);
            let dropped = get(&last, j + 1) + 1;
            let inserted = get(&row, j) + 1;
            let swapped = match (i.checked_sub(1), j.checked_sub(1)) {
                (Some(i), Some(j)) if a.get(i) == Some(to) && b.get(j) == Some(from) => {
                    get(&two_ago, j) + 1
                }
                _ => usize::MAX,
            };
            row.push(changed.min(dropped).min(inserted).min(swapped));
        }
        two_ago = std::mem::replace(&mut last, row);
    }
    get(&last, b.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meant_name_is_found() {
        let names = ["listen", "address", "names", "key"];
        let meant = |word| nearest(word, names.into_iter());
        assert_eq!(meant("adress"), Some("address"));
        assert_eq!(meant("Listen"), Some("listen"));
        assert_eq!(meant("lsiten"), Some("listen"));
        assert_eq!(meant("name"), Some("names"));
        assert_eq!(meant("kye"), Some("key"));
        assert_eq!(meant("port"), None);
        assert_eq!(meant(""), None);
        assert_eq!(meant(&"a".repeat(10_000)), None);
        assert_eq!(distance("data-dir", "data_dir"), 0);
    }
}
