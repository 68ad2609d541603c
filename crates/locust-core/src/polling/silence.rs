//! Why a master does not say how its run goes.

use locust_api::condition::Reason;

/// Why a master does not say how its run goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It does not answer; with the connection's words.
    Unreachable(String),
    /// Its pod is reached, and nobody listens there: Locust has yet to start, or
    /// has ended; with the connection's words.
    NotListening(String),
    /// It wants a login.
    AuthRequired,
    /// It answers something else; with what that was.
    NotStatistics(String),
    /// It answers, and its workers are those of another run: the address is no
    /// longer this run's.
    Foreign,
}

/// The last questions, none of which had an answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    /// How many they are.
    pub(super) in_a_row: u32,
    /// How many of them, up to the last, for the same reason.
    pub(super) alike: u32,
    reason: Option<Reason>,
}

impl Failures {
    pub(super) fn add(&mut self, silence: &Silence) {
        let reason = Some(silence.reason());
        let before = if self.reason == reason { self.alike } else { 0 };
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.alike = before.saturating_add(1);
        self.reason = reason;
    }
}

impl Silence {
    /// How often in a row it has to happen before it is told: a master that
    /// starts or ends does not answer for a moment.
    pub(super) const fn patience(&self) -> u32 {
        match self {
            Self::AuthRequired => 1,
            Self::NotStatistics(_) => 2,
            Self::Unreachable(_) | Self::NotListening(_) | Self::Foreign => 3,
        }
    }

    /// The reason of the condition.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::AuthRequired => Reason::AuthRequired,
            Self::NotStatistics(_) => Reason::NotJSON,
            Self::Unreachable(_) | Self::NotListening(_) | Self::Foreign => Reason::Unreachable,
        }
    }

    /// The message of the condition.
    pub fn message(&self) -> String {
        const ALSO: &str = "the run is followed by its Jobs and pods";
        match self {
            Self::Unreachable(why) | Self::NotListening(why) => {
                format!("Locust does not answer: {why}; {ALSO}")
            }
            Self::AuthRequired => format!("Locust wants a login (--web-login); {ALSO}"),
            Self::NotStatistics(what) => {
                format!("Locust's API gives no statistics: {what}; {ALSO}")
            }
            Self::Foreign => {
                format!("the master's address answers for another run; {ALSO}")
            }
        }
    }
}
