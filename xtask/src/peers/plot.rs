//! The comparison as a picture: a group of bars for each metric, on a logarithmic scale.

use std::fmt::Write as _;

use super::compare::{Class, Figure, OURS};
use super::table::number;

const METRICS: [&str; 9] = [
    "enqueue_single",
    "enqueue_50_in_flight",
    "enqueue_batch1000",
    "drain_c1",
    "drain_c10",
    "drain_c50",
    "spawn_c10",
    "pickup_p50",
    "pickup_p99",
];
const BAR: f64 = 15.0;
const LEFT: f64 = 190.0;
const WIDTH: f64 = 520.0;

/// An SVG of all metrics that have a figure, one below the other; medians, with whiskers from the lowest to the highest.
pub(crate) fn svg(figures: &[Figure]) -> String {
    let mut body = String::new();
    let mut y = 40.0;
    for metric in METRICS {
        let group: Vec<&Figure> = figures.iter().filter(|f| f.metric == metric && f.median() > 0.0).collect();
        let Some(unit) = group.first().map(|f| f.unit.as_str()) else { continue };
        let values = || group.iter().flat_map(|f| f.values.iter().copied()).filter(|v| *v > 0.0);
        let (low, high) = (values().fold(f64::INFINITY, f64::min) / 2.0, values().fold(0.0, f64::max) * 1.2);
        let x = |value: f64| LEFT + WIDTH * (value.max(low) / low).ln() / (high / low).ln();
        let _ = write!(body, r#"<text x="8" y="{y:.0}" class="m">{metric}, {unit}</text>"#);
        y += 8.0;
        for figure in group {
            let class = if figure.peer == OURS {
                "o"
            } else if figure.class == Class::Power {
                "d"
            } else {
                "p"
            };
            let (end, middle) = (x(figure.median()), y + BAR / 2.0);
            let (from, to) = (figure.values.first().map_or(end, |v| x(*v)), figure.values.last().map_or(end, |v| x(*v)));
            let _ = write!(
                body,
                r#"<text x="{:.0}" y="{:.0}" text-anchor="end">{}</text><rect x="{LEFT}" y="{:.0}" width="{:.1}" height="{:.0}" class="{class}"/><path d="M{from:.1} {middle:.1}H{to:.1}" class="w"/><text x="{:.0}" y="{:.0}">{}</text>"#,
                LEFT - 6.0,
                y + 11.0,
                figure.name(),
                y + 1.0,
                end - LEFT,
                BAR - 3.0,
                to.max(end) + 5.0,
                y + 11.0,
                number(figure.median()),
            );
            y += BAR;
        }
        y += 26.0;
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="800" height="{y:.0}" font-family="sans-serif" font-size="11"><style>.m{{font-weight:bold}}.o{{fill:#b5402b}}.d{{fill:#4a6d8c}}.p{{fill:#b9c4ce}}.w{{stroke:#222;fill:none}}</style><rect width="800" height="{y:.0}" fill="#fff"/><text x="8" y="18">Medians on a logarithmic scale, whiskers from the lowest to the highest. Red: windlass. Blue: safe against power loss. Grey: not.</text>{body}</svg>
"##
    )
}
