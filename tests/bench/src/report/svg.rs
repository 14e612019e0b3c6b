//! The ratios as bars on a logarithmic scale, with a line at 1 and a mark at each goal.

use std::fmt::Write as _;

use super::markdown::number;
use super::{Goal, Row};

/// A plot of all lines that have a ratio.
pub(super) fn ratios(rows: &[Row]) -> String {
    let bars: Vec<(&Row, f64)> = rows.iter().filter_map(|row| Some((row, row.ratio()?))).collect();
    let rows_shown = u32::try_from(bars.len()).unwrap_or(u32::MAX);
    let height = TOP + ROW * f64::from(rows_shown) + BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"16\" y=\"28\" font-size=\"17\">essaim beside postfix + dovecot: how many times better (log scale)</text>\n"
    );
    for tick in TICKS {
        let at = x(tick);
        let (colour, width) = if tick > 0.99 && tick < 1.01 { ("#333", 1.5) } else { ("#ddd", 1.0) };
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{tick}</text>",
            height - BOTTOM,
            height - BOTTOM + 18.0
        );
    }
    let mut y = TOP;
    for (row, ratio) in bars {
        bar(&mut svg, row, ratio, y);
        y += ROW;
    }
    svg.push_str("</svg>\n");
    svg
}

fn bar(svg: &mut String, row: &Row, ratio: f64, y: f64) {
    let (from, to) = (x(1.0).min(x(ratio)), x(1.0).max(x(ratio)));
    let colour = if row.missed() { "#c0504d" } else { "#4f8f4f" };
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
        LEFT - 10.0,
        y + ROW * 0.68,
        escaped(&row.line.name),
        y + ROW * 0.2,
        (to - from).max(1.0),
        ROW * 0.6,
        to + 6.0,
        y + ROW * 0.68,
        number(ratio)
    );
    if let Goal::Times(times) = row.line.goal {
        let at = x(times);
        let _ = writeln!(
            svg,
            "<line x1=\"{at:.1}\" y1=\"{:.1}\" x2=\"{at:.1}\" y2=\"{:.1}\" stroke=\"#1f4e9c\" stroke-width=\"2\"/>",
            y + ROW * 0.1,
            y + ROW * 0.9
        );
    }
}

fn x(ratio: f64) -> f64 {
    let (low, high) = (TICKS[0].log10(), TICKS[TICKS.len() - 1].log10());
    let share = (ratio.log10() - low) / (high - low);
    LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const WIDTH: f64 = 900.0;
const LEFT: f64 = 330.0;
const RIGHT: f64 = 60.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 30.0;
const ROW: f64 = 24.0;
const TICKS: [f64; 7] = [0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
