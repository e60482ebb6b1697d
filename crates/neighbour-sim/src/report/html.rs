//! A report as one page that needs no other file.

use super::text::value;
use super::{Report, Run, chart};
use neighbour::Family;
use std::fmt::Write;

const STYLE: &str = "\
body{font:15px/1.45 sans-serif;max-width:1000px;margin:2em auto;padding:0 1em;color:#222}
table{border-collapse:collapse;margin:1em 0}td,th{padding:.2em .8em;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}.no{color:#b00;font-weight:bold}.yes{color:#070}.wait{color:#a60}
svg{max-width:100%;height:auto}details{margin:1em 0}";

impl Report {
    /// One HTML page with the promises, the charts and all numbers.
    pub fn to_html(&self) -> String {
        self.page(&[])
    }

    /// The same with some lines before the numbers.
    pub(crate) fn page(&self, lines: &[String]) -> String {
        let mut page = String::new();
        // Writing into a text cannot fail.
        let _ = self.write_html(lines, &mut page);
        page
    }

    fn write_html(&self, lines: &[String], out: &mut String) -> std::fmt::Result {
        let title = escaped(&self.plan);
        writeln!(
            out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>"
        )?;
        writeln!(out, "<style>{STYLE}</style></head><body><h1>{title}</h1>")?;
        writeln!(
            out,
            "<p>{}</p><p>{} s of simulated time, seed {}</p>",
            escaped(&self.about),
            self.duration_s,
            self.seed
        )?;
        lines.iter().try_for_each(|line| writeln!(out, "<p>{}</p>", escaped(line)))?;
        for run in &self.runs {
            write_run(out, run)?;
        }
        if let [first, .., last] = self.runs.as_slice() {
            let (a, b) = (first.profile.name(), last.profile.name());
            writeln!(out, "<h2>What differs</h2><table><tr><th></th><th>{a}</th><th>{b}</th></tr>")?;
            for (name, d) in &self.difference {
                let (name, a, b) = (escaped(name), value(d.first), value(d.last));
                writeln!(out, "<tr><td>{name}</td><td>{a}</td><td>{b}</td></tr>")?;
            }
            writeln!(out, "</table>")?;
        }
        writeln!(out, "</body></html>")
    }
}

fn write_run(out: &mut String, run: &Run) -> std::fmt::Result {
    writeln!(out, "<h2>Profile {}</h2>", run.profile)?;
    for broken in &run.broken {
        writeln!(out, "<p class=\"no\">broken: {}</p>", escaped(&broken.to_string()))?;
    }
    if !run.expectations.is_empty() {
        writeln!(
            out,
            "<table><tr><th>promised</th><th>was</th><th>at least</th><th>at most</th><th></th></tr>"
        )?;
        for v in &run.expectations {
            let (class, word) = match (v.met, v.pending) {
                (true, _) => ("yes", "met"),
                (false, true) => ("wait", "not yet"),
                (false, false) => ("no", "not met"),
            };
            let bound = |bound: Option<f64>| bound.map_or_else(String::new, value);
            let why = if v.why.is_empty() { String::new() } else { format!(": {}", v.why) };
            let name = escaped(&format!("{}{why}", v.metric));
            let (was, least, most) = (value(v.was), bound(v.at_least), bound(v.at_most));
            let row = format!("<td>{name}</td><td>{was}</td><td>{least}</td><td>{most}</td>");
            writeln!(out, "<tr>{row}<td class=\"{class}\">{word}</td></tr>")?;
        }
        writeln!(out, "</table>")?;
    }
    let tables = Family::BOTH.map(|family| [chart::states(run, family), chart::classes(run, family)]);
    let others = [chart::packets(run), chart::drops(run), chart::events(run), chart::latencies(run)];
    for svg in tables.into_iter().flatten().chain(others).flatten() {
        writeln!(out, "<figure>{svg}</figure>")?;
    }
    writeln!(out, "<details><summary>All numbers</summary><table>")?;
    for (name, number) in run.metrics.iter().filter(|(name, n)| !name.starts_with("drops.") || **n > 0.0) {
        writeln!(out, "<tr><td>{}</td><td>{}</td></tr>", escaped(name), value(*number))?;
    }
    writeln!(out, "</table></details>")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_a_plan_says_is_text_and_no_markup() {
        assert_eq!(super::escaped("<b> & \"c\""), "&lt;b&gt; &amp; &quot;c&quot;");
    }
}
