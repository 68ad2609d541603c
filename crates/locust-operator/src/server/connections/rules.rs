//! Which of the open connections is worth least.

use std::time::Duration;

use tokio::time::Instant;

/// A client in good health sends a request in one go.
const SLOW: Duration = Duration::from_secs(1);
/// Whoever has been answered may ask again soon.
const IDLE: Duration = Duration::from_secs(10);
/// How long a client may take to its first request.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How long a connection is kept for another request. The API server gives up
/// its own after 90 s: it, and not this side, is to close them, since a
/// request may be on its way while this side closes.
const KEPT: Duration = Duration::from_secs(180);

/// What a connection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing, or not yet a whole head of a request.
    Waiting,
    /// It sends a request.
    Sending,
    /// It is answered.
    Answered,
}

/// An open connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connection {
    stage: Stage,
    since: Instant,
    /// Whether it has ever been answered.
    is_known: bool,
}

impl Connection {
    pub(super) const fn opened(now: Instant) -> Self {
        Self {
            stage: Stage::Waiting,
            since: now,
            is_known: false,
        }
    }

    pub(super) const fn is(&mut self, stage: Stage, now: Instant) {
        if matches!((self.stage, stage), (Stage::Answered, Stage::Waiting)) {
            self.is_known = true;
        }
        self.stage = stage;
        self.since = now;
    }

    /// How long something may be hoped of it. Requests have a deadline of
    /// their own.
    pub(super) fn hope(&self, now: Instant) -> Duration {
        let age = now.saturating_duration_since(self.since);
        match (self.stage, self.is_known) {
            (Stage::Waiting, false) => FIRST_REQUEST.saturating_sub(age),
            (Stage::Waiting, true) => KEPT.saturating_sub(age),
            (Stage::Sending | Stage::Answered, _) => FIRST_REQUEST,
        }
    }

    /// How little it is worth; `None`: it is to stay.
    fn rank(&self, now: Instant) -> Option<(u8, Duration)> {
        let age = now.saturating_duration_since(self.since);
        match (self.stage, self.is_known) {
            (Stage::Answered, _) => None,
            (Stage::Waiting | Stage::Sending, false) => Some((2, age)),
            (Stage::Sending, true) => (age > SLOW).then_some((1, age)),
            (Stage::Waiting, true) => (age > IDLE).then_some((0, age)),
        }
    }
}

/// The one that is worth least, if one may be closed at all.
pub(super) fn least<'a>(
    connections: impl Iterator<Item = (u64, &'a Connection)>,
    now: Instant,
) -> Option<u64> {
    connections
        .filter_map(|(number, connection)| Some((connection.rank(now)?, number)))
        .max_by_key(|(rank, number)| (*rank, std::cmp::Reverse(*number)))
        .map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(stage: Stage, is_known: bool, since: Instant) -> Connection {
        Connection {
            stage,
            since,
            is_known,
        }
    }

    #[test]
    fn strangers_go_first_then_the_slow_and_then_the_idle_and_nobody_who_is_answered() {
        let start = Instant::now();
        let now = start + Duration::from_secs(60);
        let ago = |seconds| now - Duration::from_secs(seconds);
        let mut open = vec![
            (1, connection(Stage::Answered, false, start)),
            (2, connection(Stage::Waiting, true, ago(5))),
            (3, connection(Stage::Waiting, true, ago(50))),
            (4, connection(Stage::Sending, true, ago(2))),
            (5, connection(Stage::Sending, false, ago(3))),
            (6, connection(Stage::Waiting, false, ago(4))),
        ];
        let mut gone = Vec::new();
        while let Some(number) = least(open.iter().map(|(number, it)| (*number, it)), now) {
            gone.push(number);
            open.retain(|(other, _)| *other != number);
        }
        assert_eq!(gone, [6, 5, 4, 3]);
    }

    #[test]
    fn strangers_are_given_ten_seconds_and_others_longer_than_the_api_server_keeps_them() {
        let now = Instant::now();
        let hope =
            |stage, is_known| connection(stage, is_known, now).hope(now + Duration::from_secs(11));
        assert_eq!(hope(Stage::Waiting, false), Duration::ZERO);
        assert!(hope(Stage::Waiting, true) > Duration::from_secs(90));
        assert!(hope(Stage::Sending, false) > Duration::ZERO);
        assert!(hope(Stage::Answered, false) > Duration::ZERO);
    }

    #[test]
    fn who_has_been_answered_is_known() {
        let now = Instant::now();
        let mut connection = Connection::opened(now);
        connection.is(Stage::Sending, now);
        assert!(!connection.is_known);
        connection.is(Stage::Answered, now);
        connection.is(Stage::Waiting, now);
        assert!(connection.is_known);
    }
}
