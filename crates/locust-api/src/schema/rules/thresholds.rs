//! Limits that can be compared with their metric.

use super::Rule;
use crate::latest::{LocustTestSpec, Metric, Threshold};

pub(super) const RULES: &[Rule] = &[
    Rule {
        place: "spec.thresholds",
        field: "",
        holds: "self.all(t, has(t.max) || has(t.min))",
        says: "a threshold without max and min limits nothing: set one of them",
        broken: without_a_limit,
    },
    Rule {
        place: "spec.thresholds",
        field: "",
        holds: "self.all(t, !(t.metric.startsWith('p') || t.metric in ['avg', 'max']) || ((!has(t.max) || t.max.matches('^[0-9]+([.][0-9]+)?m?s$')) && (!has(t.min) || t.min.matches('^[0-9]+([.][0-9]+)?m?s$'))))",
        says: "the limit of a response time needs its unit, ms or s: write 500ms or 0.5s",
        broken: a_time_without_unit,
    },
    Rule {
        place: "spec.thresholds",
        field: "",
        holds: "self.all(t, t.metric != 'failRatio' || ((!has(t.max) || t.max.matches('^(0|1|0[.][0-9]+|(100|[0-9]{1,2}([.][0-9]+)?)%)$')) && (!has(t.min) || t.min.matches('^(0|1|0[.][0-9]+|(100|[0-9]{1,2}([.][0-9]+)?)%)$'))))",
        says: "the limit of failRatio is a percentage or a part of 1: write 1% or 0.01",
        broken: no_ratio,
    },
    Rule {
        place: "spec.thresholds",
        field: "",
        holds: "self.all(t, t.metric != 'rps' || ((!has(t.max) || t.max.matches('^[0-9]+([.][0-9]+)?$')) && (!has(t.min) || t.min.matches('^[0-9]+([.][0-9]+)?$'))))",
        says: "the limit of rps is a number without unit: write 100",
        broken: no_rate,
    },
    Rule {
        place: "spec.thresholds",
        field: "",
        holds: "self.all(t, t.metric != 'requests' || ((!has(t.max) || t.max.matches('^[0-9]+$')) && (!has(t.min) || t.min.matches('^[0-9]+$'))))",
        says: "the limit of requests is a whole number: write 1000",
        broken: no_count,
    },
];

fn first(spec: &LocustTestSpec, is_broken: impl Fn(&Threshold) -> bool) -> Option<&str> {
    let mut thresholds = spec.thresholds.iter().flatten();
    thresholds
        .find(|threshold| is_broken(threshold))
        .map(|threshold| threshold.metric.as_str())
}

fn has_strange_limit(threshold: &Threshold) -> bool {
    let limits = [&threshold.max, &threshold.min];
    let mut limits = limits.into_iter().flatten();
    limits.any(|limit| threshold.metric.limit(limit).is_none())
}

fn without_a_limit(spec: &LocustTestSpec) -> Option<&str> {
    first(spec, |threshold| {
        threshold.max.is_none() && threshold.min.is_none()
    })
}

fn a_time_without_unit(spec: &LocustTestSpec) -> Option<&str> {
    first(spec, |threshold| {
        threshold.metric.is_time() && has_strange_limit(threshold)
    })
}

fn of(metric: Metric) -> impl Fn(&Threshold) -> bool {
    move |threshold| threshold.metric == metric && has_strange_limit(threshold)
}

fn no_ratio(spec: &LocustTestSpec) -> Option<&str> {
    first(spec, of(Metric::FailRatio))
}

fn no_rate(spec: &LocustTestSpec) -> Option<&str> {
    first(spec, of(Metric::Rps))
}

fn no_count(spec: &LocustTestSpec) -> Option<&str> {
    first(spec, of(Metric::Requests))
}
