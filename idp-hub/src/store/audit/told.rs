//! How an entry names several things: the first of them, and how many more there are. Pure.

/// The most things that one entry names.
pub(super) const NAMED_MAX: usize = 20;

/// Bytes of what an entry says, so that it is cut in no name and no id.
const BYTES_MAX: usize = 1100;

/// Room for the count of the others.
const COUNT_MAX: usize = 32;

/// Adds things with their names and ids, of so many in all, as far as there is room.
pub(super) fn add_first(told: &mut String, total: usize, things: impl Iterator<Item = String>) {
    let mut count = 0;
    for thing in things.take(NAMED_MAX) {
        if told.len() + thing.len() + COUNT_MAX > BYTES_MAX {
            break;
        }
        if count > 0 {
            told.push_str(", ");
        }
        told.push_str(&thing);
        count += 1;
    }
    match total.saturating_sub(count) {
        0 => {}
        more if count == 0 => told.push_str(&more.to_string()),
        more => told.push_str(&format!(", and {more} more")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(before: &str, total: usize, thing: impl Fn(usize) -> String) -> String {
        let mut told = before.to_owned();
        add_first(&mut told, total, (0..total).map(thing));
        told
    }

    #[test]
    fn the_first_are_named_and_the_others_counted() {
        let named = |it: usize| format!("t{it}");
        assert_eq!(added("", 2, named), "t0, t1");
        let many = added("more: ", 1000, named);
        assert!(many.starts_with("more: t0, ") && many.ends_with("t18, t19, and 980 more"));
        let long = added("", 20, |_| "x".repeat(100));
        assert!(long.len() <= BYTES_MAX && long.ends_with("x, and 10 more"));
        let full = "x".repeat(BYTES_MAX);
        assert_eq!(added(&full, 5, named), format!("{full}5"));
    }
}
