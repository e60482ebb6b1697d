//! What a lookup costs against the size of the table, as an SVG: ours, each peer and the bare memory.

use crate::contestant::OURS;
use crate::figure::{Row, Unit};
use plotters::prelude::*;
use std::collections::BTreeMap;

/// The chart's size, in pixels.
const SIZE: (u32, u32) = (960, 560);

/// Colours that those who see few of them can tell apart (Okabe and Ito), ours first.
const COLOURS: [RGBColor; 8] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 0, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 158, 115),
    RGBColor(240, 200, 40),
    RGBColor(0, 114, 178),
    RGBColor(204, 121, 167),
    RGBColor(150, 150, 150),
];

/// A line: nanoseconds by size.
type Line = Vec<(f64, f64)>;

/// Draws the rows of this name and these keys; `None` if there are not two sizes of it.
///
/// # Errors
/// What the drawing library says.
pub fn chart(rows: &[Row], what: &str, keys: &str) -> anyhow::Result<Option<String>> {
    let lines = lines(rows, what, keys);
    let points = || lines.iter().flat_map(|(_, line)| line.iter().copied());
    let sizes = points().map(|(size, _)| size);
    let (least, most) = sizes.fold((f64::MAX, f64::MIN), |(a, b), size| (a.min(size), b.max(size)));
    if least >= most {
        return Ok(None);
    }
    let (low, high) = points().fold((f64::MAX, f64::MIN), |(a, b), (_, ns)| (a.min(ns), b.max(ns)));
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(format!("One {what} ({keys}): nanoseconds against entries"), ("sans-serif", 22))
            .margin(16)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d((least..most * 3.0).log_scale(), (low * 0.8..high * 1.25).log_scale())?;
        chart
            .configure_mesh()
            .x_desc("entries")
            .y_desc("ns")
            .x_label_formatter(&|size| amount(*size))
            .y_label_formatter(&|ns| format!("{ns:.0}"))
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        for ((who, line), colour) in lines.iter().zip(COLOURS.into_iter().cycle()) {
            let width = if who == OURS { 3 } else { 1 };
            let style = colour.stroke_width(width);
            chart.draw_series(LineSeries::new(line.iter().copied(), style).point_size(width + 1))?;
            // The name at the line's end, where the eye is.
            let Some(&(size, ns)) = line.last() else { continue };
            let label =
                Text::new(who.clone(), (size * 1.08, ns), ("sans-serif", 13).into_font().color(&colour));
            chart.draw_series(std::iter::once(label))?;
        }
        area.present()?;
    }
    Ok(Some(svg))
}

/// Ours first, then as they stand in the rows.
fn lines(rows: &[Row], what: &str, keys: &str) -> Vec<(String, Line)> {
    let mut lines: BTreeMap<&str, (usize, Line)> = BTreeMap::new();
    let wanted = |row: &&Row| row.what == what && row.keys == keys && row.unit == Unit::Nanoseconds;
    for row in rows.iter().filter(wanted) {
        for (place, figure) in row.figures.iter().enumerate() {
            let (_, line) = lines.entry(&figure.who).or_insert((place, Line::new()));
            line.push((row.size as f64, figure.median()));
        }
    }
    let mut lines: Vec<(&str, (usize, Line))> = lines.into_iter().collect();
    lines.sort_by_key(|(who, (place, _))| (*who != OURS, *place));
    lines
        .into_iter()
        .map(|(who, (_, mut line))| {
            line.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            (who.to_owned(), line)
        })
        .collect()
}

fn amount(size: f64) -> String {
    match size {
        size if size >= 1e6 => format!("{:.0} M", size / 1e6),
        size if size >= 1e3 => format!("{:.0} k", size / 1e3),
        size => format!("{size:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(size: u64, keys: &str, ours: f64) -> Row {
        Row::new("hit", size, keys, Unit::Nanoseconds).with("papaya", "", vec![30.0]).with(
            OURS,
            "",
            vec![ours, ours, 99.0],
        )
    }

    #[test]
    fn each_contestant_is_a_line_with_its_name_ours_the_thickest() {
        let rows = [
            row(65_536, "IPv6 uniform", 30.0),
            row(256, "IPv6 uniform", 10.0),
            row(256, "IPv4 uniform", 9.0),
        ];
        let lines = lines(&rows, "hit", "IPv6 uniform");
        assert_eq!(lines[0], (OURS.to_owned(), vec![(256.0, 10.0), (65_536.0, 30.0)]), "medians, by size");
        let svg = chart(&rows, "hit", "IPv6 uniform").unwrap().expect("two sizes are a line");
        assert!(
            svg.starts_with("<svg") && svg.contains(">\npapaya\n") && svg.contains(&format!(">\n{OURS}\n")),
            "{svg}"
        );
        assert!(svg.contains("stroke-width=\"3\""));
    }

    #[test]
    fn one_size_is_no_line() {
        assert!(chart(&[row(256, "IPv6 uniform", 10.0)], "hit", "IPv6 uniform").unwrap().is_none());
        assert!(chart(&[], "hit", "IPv6 uniform").unwrap().is_none());
    }
}
