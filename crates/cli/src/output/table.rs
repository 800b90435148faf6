//! Tables for people: as wide as the terminal, plain and tab-separated when piped.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};

use super::{clean, data, width};
use crate::failure::Result;

/// Columns that may be wrapped where the terminal is narrow.
const WRAPPED: &[&str] = &["why", "note", "north star", "waits for", "repository", "verify", "value", "from", "what for"];

/// Prints rows under a header; nothing but a sentence when there are none.
pub(crate) fn print(header: &[&str], rows: Vec<Vec<String>>, none: &str) -> Result<()> {
    if rows.is_empty() {
        super::say(none);
        return Ok(());
    }
    data(&render(header, rows, width()))
}

/// The table as text: for a terminal of this width, or tab-separated for a program.
fn render(header: &[&str], rows: Vec<Vec<String>>, width: Option<u16>) -> String {
    let rows = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell).replace('\n', " ")).collect::<Vec<_>>());
    let Some(width) = width else {
        return std::iter::once(header.join("\t")).chain(rows.map(|row| row.join("\t"))).collect::<Vec<_>>().join("\n");
    };
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.max(40));
    table.set_header(header.iter().map(|h| h.to_uppercase()).collect::<Vec<_>>());
    for row in rows {
        table.add_row(row);
    }
    for (column, name) in table.column_iter_mut().zip(header) {
        column.set_padding((0, 2));
        // Ids, words and times stay whole; sentences and paths give way.
        if !WRAPPED.contains(name) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

/// Prints names and values below each other; those without a value are left out.
pub(crate) fn facts(facts: &[(&str, Option<String>)]) -> Result<()> {
    let facts: Vec<_> = facts.iter().filter_map(|(name, value)| value.as_ref().map(|v| (name, clean(v)))).collect();
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        let value = value.trim_end().replace('\n', &format!("\n{:1$}", "", widest + 2));
        data(&format!("{name:widest$}  {value}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        vec![vec!["asg_1".to_owned(), "a goal\nof two lines that goes on for quite a while".to_owned()]]
    }

    #[test]
    fn piped_rows_are_separated_by_tabs() {
        assert_eq!(
            render(&["id", "north star"], rows(), None),
            "id\tnorth star\nasg_1\ta goal of two lines that goes on for quite a while"
        );
    }

    #[test]
    fn a_table_is_no_wider_than_its_terminal() {
        let text = render(&["id", "north star"], rows(), Some(40));
        assert!(text.lines().all(|line| line.chars().count() <= 40), "{text}");
        assert!(text.starts_with("ID"), "{text}");
    }
}
