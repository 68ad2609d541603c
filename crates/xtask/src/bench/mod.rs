//! `cargo xtask bench`: size and speed in figures, beside the limits that
//! they are held to. Nothing here is a test: a busy machine is not a defect.

mod builds;
mod clusters;
mod converge;
mod make_test;
mod operator;
mod polling;
mod process;
mod scale;
mod table;
mod webhooks;

#[cfg(test)]
mod tests;

use std::fs;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::workspace;
use table::Figure;

const PAGE: &str = "docs/figures.md";

/// Measure size and speed, and write docs/figures.md.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to measure; none means everything. The page is written only then.
    #[arg(value_enum)]
    parts: Vec<Part>,
}

/// What is measured together, because it needs the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// The compressed image.
    Image,
    /// How soon the test clusters are ready.
    Clusters,
    /// The operator on a control plane: start, memory, writes.
    Operator,
    /// The operator with a thousand running tests, and with ten thousand
    /// finished ones: memory, restart.
    Scale,
    /// The operator beside a bare client that makes the same writes.
    Converge,
    /// A thousand tests under load: what asking their masters costs.
    Polling,
    /// The conversion webhook: one object, and a long list.
    Webhooks,
    /// An edit of the core and its tests, in a copy of the workspace.
    InnerLoop,
    /// All tests, in a new clone and in the same again. Takes half an hour.
    MakeTest,
}

impl Part {
    fn measure(self) -> Result<Vec<Figure>> {
        match self {
            Self::Image => builds::image(),
            Self::InnerLoop => builds::inner_loop(),
            Self::MakeTest => make_test::make_test(),
            Self::Clusters => clusters::ready(),
            Self::Operator => operator::measure(),
            Self::Scale => scale::measure(),
            Self::Converge => converge::measure(),
            Self::Polling => polling::measure(),
            Self::Webhooks => webhooks::measure(),
        }
    }
}

/// `cargo xtask bench [PART]…`.
pub(crate) fn main(args: &Args) -> Result<()> {
    let everything = args.parts.is_empty();
    let parts = if everything {
        Part::value_variants()
    } else {
        &args.parts
    };
    let mut figures = Vec::new();
    for part in parts {
        figures.extend(part.measure()?);
    }
    print!("{}", table::markdown(&figures));
    if everything {
        let path = workspace::root().join(PAGE);
        fs::write(&path, table::page(&figures))
            .with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}
