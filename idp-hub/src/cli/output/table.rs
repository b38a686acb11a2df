//! Tables that break lines between words alone: an id, a key or an address that is broken can be
//! neither found nor copied.

use comfy_table::{Cell, ColumnConstraint, ContentArrangement, Table, Width, presets};

/// Blanks around a column's content.
const PADDING: u16 = 2;

/// What stdout's terminal says of its columns.
pub(super) fn terminal_width() -> Option<u16> {
    Table::new().width()
}

/// A table without rows.
pub(super) fn empty(colours: bool) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table
}

/// A table as text, in so many columns where its words allow that.
pub(super) fn fitted(mut table: Table, width: Option<u16>) -> String {
    if let Some(width) = width {
        let widths = widths(&least(&table), &table.column_max_content_widths(), width);
        for (column, width) in table.column_iter_mut().zip(widths) {
            let width = Width::Fixed(width.saturating_add(PADDING));
            column.set_constraint(ColumnConstraint::Absolute(width));
        }
    }
    table.trim_fmt()
}

/// Each column's longest word.
fn least(table: &Table) -> Vec<u16> {
    let mut words = Table::new();
    for row in table.header().into_iter().chain(table.row_iter()) {
        let apart = |it: &Cell| Cell::new(it.content().replace(' ', "\n"));
        words.add_row(row.cell_iter().map(apart).collect::<Vec<_>>());
    }
    words.column_max_content_widths()
}

/// Each column's width: its longest word, and as much of the rest as it wants, in equal parts.
fn widths(least: &[u16], most: &[u16], width: u16) -> Vec<u16> {
    let mut widths = least.to_vec();
    let blanks = widths.iter().map(|it| it.saturating_add(PADDING));
    let mut rest = width.saturating_sub(blanks.fold(0, u16::saturating_add));
    while rest > 0 {
        let wanting = widths
            .iter_mut()
            .zip(most)
            .filter(|(it, most)| **it < **most);
        let before = rest;
        for (it, _) in wanting.take(usize::from(rest)) {
            *it += 1;
            rest -= 1;
        }
        if rest == before {
            break;
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_goes_to_whom_it_lacks() {
        assert_eq!(widths(&[4, 10], &[4, 10], 80), [4, 10]);
        assert_eq!(widths(&[4, 10], &[20, 100], 40), [15, 21]);
        assert_eq!(widths(&[4, 10], &[6, 100], 40), [6, 30]);
        assert_eq!(
            widths(&[40, 50], &[60, 70], 80),
            [40, 50],
            "no word is broken"
        );
    }
}
