//! Lines over time, as SVG.

use std::fmt::Write as _;

use super::html::Html;
use super::words::{clock, short};

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;

/// One chart.
pub(super) struct Chart {
    /// Its title, with the unit.
    pub(super) title: &'static str,
    /// What its parts are called by, on this page.
    pub(super) id: &'static str,
    /// Its scale has no finer steps.
    pub(super) least_step: f64,
    /// Its lines, at most two.
    pub(super) lines: Vec<Line>,
}

/// One line of a chart.
pub(super) struct Line {
    /// What it shows.
    pub(super) name: &'static str,
    /// Its colour and dashes, a class of the style sheet.
    pub(super) class: &'static str,
    /// Seconds, and the number then, if there is one.
    pub(super) values: Vec<(f64, Option<f64>)>,
}

impl Chart {
    /// The chart with its title and legend. Says in words what can be seen.
    pub(super) fn figure(&self) -> Html {
        let mut html = Html::default();
        html.wrap("<figure>\n<figcaption><h3>", self.title, "</h3>");
        if self.lines.len() > 1 {
            html.raw("<ul class=\"legend\">");
            for line in &self.lines {
                html.wrap("<li class=\"", line.class, "\">");
                html.raw(
                    "<svg viewBox=\"0 0 24 8\" aria-hidden=\"true\"><path d=\"M1 4H23\"/></svg>",
                );
                html.text(line.name).raw("</li>");
            }
            html.raw("</ul>");
        }
        html.wrap(
            "</figcaption>\n<svg class=\"chart\" viewBox=\"0 0 ",
            WIDTH,
            " ",
        );
        html.text(HEIGHT).raw("\" role=\"img\" aria-labelledby=\"");
        html.text(self.id).raw("-title ");
        html.text(self.id).raw("-text\">\n<title id=\"");
        html.text(self.id)
            .raw("-title\">")
            .text(self.title)
            .raw("</title>\n");
        html.wrap("<desc id=\"", self.id, "-text\">");
        html.text(self.in_words()).raw("</desc>\n");
        self.grid(&mut html);
        for line in &self.lines {
            html.wrap("<path class=\"line ", line.class, "\" d=\"");
            html.text(self.path(line)).raw("\"/>\n");
        }
        html.raw("</svg>\n</figure>\n");
        html
    }

    fn grid(&self, html: &mut Html) {
        let bottom = HEIGHT - BOTTOM;
        let step = step(self.highest() / 5.0).max(self.least_step);
        for index in 0_u32..=10 {
            let value = f64::from(index) * step;
            let y = self.y(value);
            if y < TOP - 0.5 {
                break;
            }
            html.wrap("<path class=\"grid\" d=\"M", LEFT, " ");
            html.text(coordinate(y)).wrap("H", WIDTH - RIGHT, "\"/>");
            html.wrap("<text class=\"left\" x=\"", LEFT - 6.0, "\" y=\"");
            html.text(coordinate(y + 4.0)).raw("\">");
            html.text(short(value)).raw("</text>\n");
        }
        let span = self.span();
        let every = time_step(span / 5.0);
        for index in 0_u32..=12 {
            let second = f64::from(index) * every;
            if second > span {
                break;
            }
            html.wrap(
                "<text class=\"below\" x=\"",
                coordinate(self.x(second)),
                "\" y=\"",
            );
            html.text(bottom + 18.0)
                .raw("\">")
                .text(clock(second))
                .raw("</text>\n");
        }
    }

    fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        let mut is_drawing = false;
        for (index, (second, value)) in line.values.iter().enumerate() {
            let Some(value) = value else {
                is_drawing = false;
                continue;
            };
            let command = if is_drawing { 'L' } else { 'M' };
            let (x, y) = (coordinate(self.x(*second)), coordinate(self.y(*value)));
            let _never_fails = write!(path, "{command}{x} {y}");
            let has_next = line
                .values
                .get(index + 1)
                .is_some_and(|next| next.1.is_some());
            if !is_drawing && !has_next {
                // A dot, by the round ends of lines.
                path.push_str("h0");
            }
            is_drawing = true;
        }
        path
    }

    fn in_words(&self) -> String {
        let words = |line: &Line| {
            let values = || line.values.iter().filter_map(|(_, value)| *value);
            let (Some(first), Some(last)) = (values().next(), values().next_back()) else {
                return format!("{}: no value", line.name);
            };
            let lowest = values().fold(f64::INFINITY, f64::min);
            let highest = values().fold(0.0, f64::max);
            let [first, last, lowest, highest] = [first, last, lowest, highest].map(short);
            format!(
                "{}: {first} at first, {last} at last, between {lowest} and {highest}",
                line.name
            )
        };
        let lines: Vec<String> = self.lines.iter().map(words).collect();
        format!("Over {}. {}.", clock(self.span()), lines.join(". "))
    }

    fn highest(&self) -> f64 {
        let values = self.lines.iter().flat_map(|line| &line.values);
        let highest = values.filter_map(|(_, value)| *value).fold(0.0, f64::max);
        if highest > 0.0 { highest } else { 1.0 }
    }

    fn span(&self) -> f64 {
        let ends = self.lines.iter().filter_map(|line| line.values.last());
        let span = ends.map(|(second, _)| *second).fold(0.0, f64::max);
        if span > 0.0 { span } else { 1.0 }
    }

    fn x(&self, second: f64) -> f64 {
        LEFT + second / self.span() * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        let room = HEIGHT - TOP - BOTTOM;
        HEIGHT - BOTTOM - value / (self.highest() * 1.05) * room
    }
}

/// The least round number that is not less.
fn step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    let fits = steps.into_iter().find(|step| *step >= least * 0.999);
    fits.unwrap_or(least)
}

/// The same of seconds, as clocks show them.
fn time_step(least: f64) -> f64 {
    const STEPS: [f64; 18] = [
        1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
        7_200.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0,
    ];
    let fits = STEPS.into_iter().find(|step| *step >= least);
    fits.unwrap_or_else(|| step(least / 86_400.0) * 86_400.0)
}

fn coordinate(number: f64) -> String {
    format!("{number:.1}")
}
