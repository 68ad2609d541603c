//! Tests whose load a person starts, in the web UI of the master
//! (`master.autostart: false`). Only the master knows whether that has
//! happened.

use crate::polling::{Heard, web};
use crate::resolve::Resolved;

/// What the master says of the load that a person starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Load {
    /// It has not answered.
    #[default]
    Unknown,
    /// Nobody has started it yet.
    Waiting,
    /// It was started, and may have ended since.
    Started,
}

impl Load {
    /// Reads off what a master has said.
    pub fn of(heard: Option<&Heard>) -> Self {
        match heard {
            Some(heard) if heard.phase.has_begun() => Self::Started,
            Some(heard) if heard.numbers.is_some() && heard.silence.is_none() => Self::Waiting,
            Some(_) | None => Self::Unknown,
        }
    }
}

/// The web UI of a master that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebUi {
    port: u16,
    base_path: String,
    host: String,
}

impl WebUi {
    /// Its address in the cluster.
    pub fn url(&self) -> String {
        let Self {
            port,
            base_path,
            host,
        } = self;
        let slash = if base_path.is_empty() { "" } else { "/" };
        format!("http://{host}:{port}{slash}{base_path}")
    }
}

/// The web UI in which a person starts the load; `None` if it starts by itself,
/// be it because the arguments or the environment say so.
pub fn web_ui(resolved: &Resolved) -> Option<WebUi> {
    let web = web(resolved);
    (!web.starts_itself).then(|| WebUi {
        port: web.port,
        base_path: web.base_path,
        host: format!("{}.{}", resolved.master.name, resolved.namespace),
    })
}
