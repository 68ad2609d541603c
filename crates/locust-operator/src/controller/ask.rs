//! Asks a master whether its load has been started. Its answer comes from
//! whatever runs in a user's pod: nothing in it is believed but the numbers.

use locust_core::by_hand::{Load, Master};
use tokio::sync::Semaphore;

use crate::local::api::Api;

/// How many masters are asked at a time. A master that does not answer holds up
/// its own test for some seconds, and must not hold up all the others.
const AT_A_TIME: usize = 4;

/// Asks masters.
pub(super) struct Asker {
    places: Semaphore,
}

impl Default for Asker {
    fn default() -> Self {
        Self {
            places: Semaphore::new(AT_A_TIME),
        }
    }
}

impl Asker {
    /// What the master says; nothing if it does not answer, or if too many are
    /// being asked: it is asked again soon.
    pub(super) async fn ask(&self, master: &Master) -> Load {
        let Ok(_place) = self.places.try_acquire() else {
            return Load::Unknown;
        };
        let api = Api::statistics(master.address, &master.base_path);
        match api.sample().await {
            Ok(sample) => Load::of(&sample),
            Err(error) => {
                tracing::debug!(%error, "the master does not say whether there is load");
                Load::Unknown
            }
        }
    }
}
