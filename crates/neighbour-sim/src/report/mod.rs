//! What a run showed: numbers, promises and whether they are met, moments for the charts.

mod chart;
mod html;
mod text;

use crate::Profile;
use crate::invariants::Broken;
use crate::metric::Metrics;
use crate::plan::check::{Expect, Plan};
use crate::plan::file;
use crate::world::{Sample, World};
use neighbour::Family;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// A promise, and what came of it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Verdict {
    /// The number's name.
    pub metric: String,
    /// It may not be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// It may not be less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
    /// What it was; infinite if it never came to that.
    #[serde(serialize_with = "number")]
    pub was: f64,
    /// Was it as promised?
    pub met: bool,
    /// The plan does not promise it yet.
    pub pending: bool,
    /// What it means.
    pub why: String,
}

/// A plan run under a profile.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Run {
    /// The profile.
    pub profile: Profile,
    /// Are all promises met, and all invariants kept?
    pub met: bool,
    /// The promises.
    pub expectations: Vec<Verdict>,
    /// Invariants that were broken; the first ones.
    pub broken: Vec<Broken>,
    /// Why it was not judged whether every live neighbour was reachable again after the storm, if it was not.
    pub recovery_unjudged: Option<&'static str>,
    /// All numbers by name; `null` for what never came to be.
    #[serde(serialize_with = "numbers")]
    pub metrics: Metrics,
    /// Why flows' packets were lost, by the group they were for.
    pub lost_why: BTreeMap<String, BTreeMap<&'static str, u64>>,
    /// gc_thresh1 to 3 of both tables, ARP first.
    pub thresholds: [[u32; 3]; 2],
    /// Milliseconds from being sought to being reached, sorted, by group; `null` for never.
    #[serde(serialize_with = "resolutions")]
    pub resolutions: BTreeMap<String, Vec<f64>>,
    /// What there was at each moment.
    pub samples: Vec<Sample>,
}

/// Runs of one plan.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Report {
    /// The plan's title.
    pub plan: String,
    /// What it shows.
    pub about: String,
    /// Whence all chance came.
    pub seed: u64,
    /// Of the plan, in seconds.
    pub duration_s: f64,
    /// One for each profile.
    pub runs: Vec<Run>,
    /// Numbers that differ between the first and the last run.
    pub difference: BTreeMap<String, Difference>,
}

/// A number of two runs.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Difference {
    /// In the first run.
    #[serde(serialize_with = "number")]
    pub first: f64,
    /// In the last run.
    #[serde(serialize_with = "number")]
    pub last: f64,
}

impl Run {
    pub(crate) fn new(plan: &Plan, profile: Profile, metrics: Metrics, world: World<'_>) -> Self {
        let thresholds = Family::BOTH.map(|family| {
            let t = world.engine().thresholds(family);
            [t.thresh1, t.thresh2, t.thresh3]
        });
        let recovery_unjudged = world.recovery_unjudged();
        let groups = || plan.groups.iter().enumerate();
        let resolutions = groups().map(|(n, g)| (g.name.clone(), world.seen(n).resolutions)).collect();
        let (measure, broken) = world.into_parts();
        let names = plan.groups.iter().map(|g| g.name.clone()).chain(["engine".into()]);
        let lost_why =
            names.zip(measure.groups.iter().map(|g| g.why.clone())).filter(|(_, why)| !why.is_empty());
        let lost_why = lost_why.collect();
        let mine = |e: &&Expect| match e.profile {
            file::Profile::Both => true,
            file::Profile::Linux => profile == Profile::Linux,
            file::Profile::Guarded => profile == Profile::Guarded,
        };
        let expectations: Vec<_> = plan.expects.iter().filter(mine).map(|e| verdict(e, &metrics)).collect();
        let met = broken.is_empty() && expectations.iter().all(|v| v.met || v.pending);
        Self {
            profile,
            met,
            expectations,
            broken,
            recovery_unjudged,
            metrics,
            lost_why,
            thresholds,
            resolutions,
            samples: measure.samples,
        }
    }
}

impl Run {
    /// Of a capture: nothing is promised, no flow is known.
    pub(crate) fn of_replay(
        profile: Profile,
        metrics: Metrics,
        thresholds: [[u32; 3]; 2],
        samples: Vec<Sample>,
        broken: Vec<Broken>,
    ) -> Self {
        let met = broken.is_empty();
        let (lost_why, resolutions) = (BTreeMap::new(), BTreeMap::new());
        let recovery_unjudged = Some("it is a capture");
        Self {
            profile,
            met,
            expectations: Vec::new(),
            broken,
            recovery_unjudged,
            metrics,
            lost_why,
            thresholds,
            resolutions,
            samples,
        }
    }
}

fn verdict(expect: &Expect, metrics: &Metrics) -> Verdict {
    let was = metrics.get(&expect.metric).copied().unwrap_or(f64::NAN);
    let met =
        expect.at_most.is_none_or(|most| was <= most) && expect.at_least.is_none_or(|least| was >= least);
    Verdict {
        metric: expect.metric.clone(),
        at_most: expect.at_most,
        at_least: expect.at_least,
        was,
        met,
        pending: expect.pending,
        why: expect.why.clone(),
    }
}

impl Report {
    /// Puts runs of a plan together.
    pub fn new(plan: &Plan, runs: Vec<Run>) -> Self {
        let difference = match runs.as_slice() {
            [first, .., last] => differences(first, last),
            _ => BTreeMap::new(),
        };
        Self {
            plan: plan.title.clone(),
            about: plan.about.clone(),
            seed: plan.seed,
            duration_s: plan.duration as f64 / 1e6,
            runs,
            difference,
        }
    }

    pub(crate) fn of_replay(title: String, about: String, seed: u64, duration_s: f64, run: Run) -> Self {
        Self { plan: title, about, seed, duration_s, runs: vec![run], difference: BTreeMap::new() }
    }

    /// Are all promises of all runs met?
    pub fn met(&self) -> bool {
        self.runs.iter().all(|run| run.met)
    }

    /// One JSON object; the same run gives the same bytes.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

fn differences(first: &Run, last: &Run) -> BTreeMap<String, Difference> {
    let pairs = first.metrics.iter().filter_map(|(name, a)| Some((name, *a, *last.metrics.get(name)?)));
    let unlike = pairs.filter(|(_, a, b)| a != b);
    unlike.map(|(name, first, last)| (name.clone(), Difference { first, last })).collect()
}

/// JSON knows no infinity.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn number<S: Serializer>(value: &f64, s: S) -> Result<S::Ok, S::Error> {
    finite(*value).serialize(s)
}

fn numbers<S: Serializer>(values: &Metrics, s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(values.iter().map(|(name, value)| (name, finite(*value))))
}

fn resolutions<S: Serializer>(values: &BTreeMap<String, Vec<f64>>, s: S) -> Result<S::Ok, S::Error> {
    let list = |values: &Vec<f64>| values.iter().copied().map(finite).collect::<Vec<_>>();
    s.collect_map(values.iter().map(|(name, values)| (name, list(values))))
}
