//! Charts of a run as SVG, all on the same axis of time but that of latencies.

use super::Run;
use crate::world::Sample;
use crate::world::measure::{CLASSES, STATES};
use neighbour::Family;
use plotters::chart::MeshStyle;
use plotters::coord::ranged1d::{Ranged, ValueFormatter};
use plotters::coord::{CoordTranslate, Shift};
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::error::Error;

/// Width and height, in pixels.
const SIZE: (u32, u32) = (960, 320);
/// Lines beyond so many cannot be told apart.
const MOST_LINES: usize = 7;
/// Colours that those who see few of them can tell apart (Okabe and Ito).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 158, 115),
    RGBColor(86, 180, 233),
    RGBColor(240, 200, 40),
    RGBColor(204, 121, 167),
    RGBColor(213, 94, 0),
    RGBColor(70, 70, 70),
    RGBColor(0, 114, 178),
    RGBColor(150, 150, 150),
];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, C> = ChartContext<'a, SVGBackend<'a>, C>;

/// A line with its name.
type Line = (String, Vec<(f64, f64)>);

/// Draws into a text. An SVG in memory has nothing that could fail but its layout, and then it is left out.
fn draw(paint: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn Error>>) -> Option<String> {
    let mut svg = String::new();
    let painted = {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        area.fill(&WHITE).is_ok() && paint(&area).is_ok() && area.present().is_ok()
    };
    painted.then_some(svg)
}

/// A chart with room for what stands around it.
fn chart<'a, 'b>(area: &'a Area<'b>, caption: &str) -> ChartBuilder<'a, 'static, SVGBackend<'b>> {
    let mut chart = ChartBuilder::on(area);
    chart.caption(caption, ("sans-serif", 18)).margin(10).margin_right(90);
    chart.x_label_area_size(34).y_label_area_size(60);
    chart
}

/// The mesh behind the lines, with what the axes show; to be drawn.
fn mesh<'a, 'm, X, Y>(
    chart: &'m mut Chart<'a, Cartesian2d<X, Y>>,
    x: &str,
    y: &str,
) -> MeshStyle<'a, 'm, X, Y, SVGBackend<'a>>
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(x).y_desc(y).light_line_style(TRANSPARENT);
    mesh
}

/// A line with its name in the legend.
fn line<'a, C>(
    chart: &mut Chart<'a, C>,
    name: &str,
    points: impl IntoIterator<Item = (f64, f64)>,
    colour: RGBColor,
) -> Result<(), Box<dyn Error>>
where
    C: CoordTranslate<From = (f64, f64)>,
{
    let style = colour.stroke_width(2);
    chart
        .draw_series(LineSeries::new(points, style))?
        .label(name)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 12, y)], style));
    Ok(())
}

/// The names of all lines.
fn legend<C: CoordTranslate>(
    chart: &mut Chart<'_, C>,
    place: SeriesLabelPosition,
) -> Result<(), Box<dyn Error>> {
    let mut names = chart.configure_series_labels();
    names.position(place).background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    Ok(())
}

/// Entries by state over time, against the three thresholds; none of a family without entries to speak of.
pub(super) fn states(run: &Run, family: Family) -> Option<String> {
    heap(run, family, "by state", &STATES, |sample, n| sample.states[family as usize][n])
}

/// Entries that count, by class; none where newcomers are not admitted by class.
pub(super) fn classes(run: &Run, family: Family) -> Option<String> {
    heap(run, family, "by class", &CLASSES, |sample, n| sample.classes[family as usize][n])
}

/// What there is of each kind over time, one upon the other, against the three thresholds.
fn heap(
    run: &Run,
    family: Family,
    by: &str,
    kinds: &'static [&'static str],
    of: impl Fn(&Sample, usize) -> u32,
) -> Option<String> {
    let f = family as usize;
    let up_to = |s: &Sample, top: usize| (0..=top).map(|n| of(s, n)).sum::<u32>();
    let all = |s: &Sample| up_to(s, kinds.len() - 1);
    let most = run.samples.iter().map(all).max().filter(|most| *most > 8)?;
    let end = run.samples.last()?.at_s.max(0.001);
    let thresholds = run.thresholds[f];
    // Thresholds far above all entries would press those to the ground.
    let high = thresholds.into_iter().filter(|t| *t <= most.saturating_mul(3)).max().unwrap_or(0).max(most);
    draw(|area| {
        let mut chart = chart(area, &format!("{}: entries {by}", family.table_name()))
            .build_cartesian_2d(0.0..end, 0.0..f64::from(high) * 1.08)?;
        mesh(&mut chart, "seconds", "entries").draw()?;
        for (top, kind) in kinds.iter().enumerate().rev() {
            if run.samples.iter().all(|s| of(s, top) == 0) {
                continue;
            }
            let colour = COLOURS[top];
            let line = run.samples.iter().map(|s| (s.at_s, f64::from(up_to(s, top))));
            chart
                .draw_series(AreaSeries::new(line, 0.0, colour.mix(0.85)))?
                .label(*kind)
                .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
        }
        let live = run.samples.iter().map(|s| (s.at_s, f64::from(s.live[f])));
        line(&mut chart, "of live hosts", live, BLACK)?;
        for (n, threshold) in thresholds.into_iter().enumerate().filter(|(_, t)| *t <= high) {
            let y = f64::from(threshold);
            let style = RGBColor(200, 0, 0).stroke_width(1);
            chart.draw_series(std::iter::once(PathElement::new([(0.0, y), (end, y)], style)))?;
            let place = chart.backend_coord(&(end, y));
            let style = ("sans-serif", 12).into_font().color(&RGBColor(200, 0, 0));
            area.draw(&Text::new(format!("gc_thresh{}", n + 1), (place.0 + 4, place.1 - 6), style))?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

/// What was counted in each moment, by name, as rates in a second.
fn rates(run: &Run, of: impl Fn(&Sample) -> &BTreeMap<&'static str, u64>) -> Vec<Line> {
    let mut totals: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, n) in run.samples.iter().flat_map(&of) {
        *totals.entry(name).or_default() += n;
    }
    let mut names: Vec<&str> = totals.keys().copied().collect();
    names.sort_by_key(|name| std::cmp::Reverse(totals[name]));
    names.truncate(MOST_LINES);
    let rate = |name: &str, pair: &[Sample]| {
        let [before, now] = pair else { return (0.0, 0.0) };
        let n = of(now).get(name).copied().unwrap_or(0) as f64;
        (now.at_s, n / (now.at_s - before.at_s).max(1e-6))
    };
    names
        .iter()
        .map(|name| ((*name).to_owned(), run.samples.windows(2).map(|p| rate(name, p)).collect()))
        .collect()
}

/// Drops in a second, by reason.
pub(super) fn drops(run: &Run) -> Option<String> {
    lines(run, "Drops in a second, by reason", rates(run, |s| &s.drops))
}

/// Events in a second, by kind.
pub(super) fn events(run: &Run) -> Option<String> {
    lines(run, "Events in a second, by kind", rates(run, |s| &s.events))
}

/// Packets of flows in a second: sent and delivered.
pub(super) fn packets(run: &Run) -> Option<String> {
    let line = |name: &str, of: fn(&Sample) -> u64| {
        let rate = |p: &[Sample]| match p {
            [before, now] => (now.at_s, of(now) as f64 / (now.at_s - before.at_s).max(1e-6)),
            _ => (0.0, 0.0),
        };
        (name.to_owned(), run.samples.windows(2).map(rate).collect::<Vec<_>>())
    };
    let both = vec![line("delivered", |s| s.delivered), line("sent", |s| s.sent)];
    let any = both.iter().any(|(_, line)| line.iter().any(|(_, n)| *n > 0.0));
    if any { lines(run, "Packets of flows in a second", both) } else { None }
}

fn lines(run: &Run, caption: &str, lines: Vec<Line>) -> Option<String> {
    let end = run.samples.last()?.at_s.max(0.001);
    let most = lines.iter().flat_map(|(_, line)| line).map(|(_, n)| *n).fold(0.0, f64::max);
    if most <= 0.0 {
        return None;
    }
    draw(|area| {
        let mut chart =
            chart(area, caption).build_cartesian_2d(0.0..end, (0.5..most.max(1.0) * 1.5).log_scale())?;
        mesh(&mut chart, "seconds", "in a second").y_label_formatter(&|n| amount(*n)).draw()?;
        for ((name, points), colour) in lines.into_iter().zip(COLOURS.into_iter().cycle()) {
            // A logarithm knows no nothing: the floor is.
            let points = points.into_iter().map(|(at, n)| (at, n.max(0.5)));
            line(&mut chart, &name, points, colour)?;
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

/// Which share of a group's members was reached within a time; those who never were keep the line from the top.
pub(super) fn latencies(run: &Run) -> Option<String> {
    let some: Vec<(&String, &Vec<f64>)> =
        run.resolutions.iter().filter(|(_, times)| times.len() > 1).collect();
    let times = || some.iter().flat_map(|(_, times)| times.iter().copied()).filter(|ms| ms.is_finite());
    let (least, most) = (times().fold(f64::MAX, f64::min), times().fold(0.0, f64::max));
    if most <= 0.0 {
        return None;
    }
    let (low, high) = ((least / 2.0).max(0.001), (most * 2.0).max(0.01));
    draw(|area| {
        let mut chart = chart(area, "Hosts reached within a time of being sought")
            .build_cartesian_2d((low..high).log_scale(), 0.0..1.0)?;
        mesh(&mut chart, "milliseconds", "share").x_label_formatter(&|ms| format!("{ms}")).draw()?;
        for ((group, times), colour) in some.iter().zip(COLOURS.into_iter().cycle()) {
            let all = times.len() as f64;
            let mut points = vec![(low, 0.0)];
            for (n, ms) in times.iter().enumerate().filter(|(_, ms)| ms.is_finite()) {
                points.push((ms.max(low), n as f64 / all));
                points.push((ms.max(low), (n + 1) as f64 / all));
            }
            points.push((high, points.last().map_or(0.0, |(_, share)| *share)));
            line(&mut chart, group, points, colour)?;
        }
        legend(&mut chart, SeriesLabelPosition::LowerRight)
    })
}

fn amount(n: f64) -> String {
    match n {
        n if n >= 1e6 => format!("{:.0} M", n / 1e6),
        n if n >= 1e3 => format!("{:.0} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}
