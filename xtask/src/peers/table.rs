//! The comparison for people, and for programs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::compare::{Class, Figure, Row};

/// Three significant digits, thousands apart.
pub(crate) fn number(value: f64) -> String {
    if value >= 100.0 {
        let digits = format!("{value:.0}");
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        text
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else if value >= 0.1 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    }
}

fn spread(figure: &Figure) -> String {
    let (low, high) = (figure.values.first().copied().unwrap_or(f64::NAN), figure.values.last().copied().unwrap_or(f64::NAN));
    format!("{} ({}-{}, n={})", number(figure.median()), number(low), number(high), figure.values.len())
}

/// The targets, then everybody's medians.
pub(crate) fn markdown(figures: &[Figure], rows: &[Row]) -> String {
    let mut text = String::from("| what | windlass | best peer of class D | ratio | target | |\n|---|---|---|---|---|---|\n");
    for row in rows {
        let (sign, met) = (if row.rises { "≥" } else { "≤" }, if row.is_met() { "met" } else { "**not met**" });
        let _ = writeln!(
            text,
            "| {} | {} {} | {} {} | {:.2}× | {sign} {}× | {met} |",
            row.what,
            number(row.ours.median()),
            row.ours.unit,
            number(row.best.median()),
            row.best.name(),
            row.ratio(),
            row.target,
        );
    }
    let metrics: BTreeSet<&str> = figures.iter().map(|f| f.metric.as_str()).collect();
    for metric in metrics {
        let unit = figures.iter().find(|f| f.metric == metric).map_or("", |f| f.unit.as_str());
        let _ = write!(text, "\n**{metric}**, {unit}: median (lowest-highest)\n\n| engine | class | |\n|---|---|---|\n");
        for figure in figures.iter().filter(|f| f.metric == metric) {
            let _ = writeln!(text, "| {} | {} | {} |", figure.name(), figure.class.as_str(), spread(figure));
        }
    }
    let _ = writeln!(
        text,
        "\nClass {}: safe against power loss at the acknowledgement. Class {}: against the death of the process.",
        Class::Power.as_str(),
        Class::Process.as_str()
    );
    text
}

pub(crate) fn json(figures: &[Figure], rows: &[Row]) -> Value {
    let figure = |f: &Figure| json!({"peer": f.peer, "config": f.config, "class": f.class.as_str(), "metric": f.metric, "unit": f.unit, "median": f.median(), "values": f.values});
    let row = |r: &Row| {
        json!({"what": r.what, "metric": r.metric, "ours": r.ours.median(), "best": r.best.median(), "best_peer": r.best.name(),
               "ratio": r.ratio(), "target": r.target, "more_is_better": r.rises, "met": r.is_met()})
    };
    json!({"targets": rows.iter().map(row).collect::<Vec<_>>(), "figures": figures.iter().map(figure).collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_mean_something() {
        let shown: Vec<String> = [1_234_567.8, 100.4, 12.34, 1.239, 0.0123].map(number).into();
        assert_eq!(shown, ["1,234,568", "100", "12.3", "1.24", "0.0123"]);
    }
}
