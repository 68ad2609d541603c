//! What is a token, and how long a verdict about one is believed.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// How long whoever may is let in without asking again.
const ALLOWED: Duration = Duration::from_secs(60);
/// How long whoever may not is kept out: a right may just have been given.
const REFUSED: Duration = Duration::from_secs(10);
/// How many verdicts are remembered.
const MOST: usize = 256;

/// What the API server says of whoever has a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// They may.
    Allowed,
    /// It is nobody's.
    Unauthenticated,
    /// This user may not.
    Forbidden(String),
}

impl Verdict {
    const fn life(&self) -> Duration {
        match self {
            Self::Allowed => ALLOWED,
            Self::Unauthenticated | Self::Forbidden(_) => REFUSED,
        }
    }
}

/// Verdicts by token, and until when they are believed.
#[derive(Default)]
pub(super) struct Remembered(BTreeMap<String, (Instant, Verdict)>);

impl Remembered {
    pub(super) fn of(&self, token: &str, now: Instant) -> Option<Verdict> {
        let (until, verdict) = self.0.get(token)?;
        (now < *until).then(|| verdict.clone())
    }

    pub(super) fn note(&mut self, token: &str, verdict: Verdict, now: Instant) {
        self.0.retain(|_, (until, _)| now < *until);
        if self.0.len() >= MOST {
            let soonest = self.0.iter().min_by_key(|(_, (until, _))| *until);
            if let Some(token) = soonest.map(|(token, _)| token.clone()) {
                self.0.remove(&token);
            }
        }
        let until = now + verdict.life();
        self.0.insert(token.to_owned(), (until, verdict));
    }
}

/// The token of a header `Authorization`.
pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_that_of_a_bearer() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer(" bearer  abc "), Some("abc"));
        for none in ["", "abc", "Basic abc", "Bearer", "Bearer  ", "Bearerabc"] {
            assert_eq!(bearer(none), None, "{none}");
        }
    }

    #[test]
    fn verdicts_are_believed_for_a_while_and_refusals_for_less() {
        let now = Instant::now();
        let mut remembered = Remembered::default();
        remembered.note("good", Verdict::Allowed, now);
        remembered.note("bad", Verdict::Unauthenticated, now);
        let after = |token, seconds| remembered.of(token, now + Duration::from_secs(seconds));
        assert_eq!(after("good", 59), Some(Verdict::Allowed));
        assert_eq!(after("good", 60), None);
        assert_eq!(after("bad", 9), Some(Verdict::Unauthenticated));
        assert_eq!(after("bad", 10), None);
        assert_eq!(after("other", 0), None);
    }

    #[test]
    fn tokens_that_somebody_makes_up_do_not_fill_the_memory() {
        let now = Instant::now();
        let mut remembered = Remembered::default();
        remembered.note("good", Verdict::Allowed, now);
        for made_up in 0..2 * MOST {
            remembered.note(&made_up.to_string(), Verdict::Unauthenticated, now);
        }
        assert_eq!(remembered.0.len(), MOST);
        assert_eq!(remembered.of("good", now), Some(Verdict::Allowed));
        let later = now + REFUSED;
        remembered.note("one more", Verdict::Allowed, later);
        assert_eq!(remembered.0.len(), 2);
    }
}
