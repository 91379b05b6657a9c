//! The native host's limit for strangers: in memory, for each network address, by the arithmetic of the pace that
//! credentials have.

use crate::{database::Pending, host::Strangers};
use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
};

/// Addresses that are remembered at once. More share one pace until some of these have been idle for a minute.
const MOST: usize = 65_536;

/// So many requests a minute for each address, all of them at once if none came for a minute.
pub struct PacedStrangers {
    per_minute: u64,
    /// For each address, the time at which all its requests so far would have come at that pace; times are counted in
    /// the minute's parts, of which a request takes 60.
    paced: Mutex<HashMap<String, u64>>,
}

impl PacedStrangers {
    /// Takes the figure.
    pub fn new(per_minute: NonZeroU32) -> Self {
        Self { per_minute: per_minute.get().into(), paced: Mutex::default() }
    }

    fn admit_now(&self, address: String, seconds: u64) -> Result<(), u64> {
        let now = seconds * self.per_minute;
        // Nothing in here can leave the map half-changed.
        let mut paced = self.paced.lock().unwrap_or_else(PoisonError::into_inner);
        if paced.len() >= MOST && !paced.contains_key(&address) {
            paced.retain(|_, time| *time > now);
        }
        let full = paced.len() >= MOST && !paced.contains_key(&address);
        let time = paced.entry(if full { String::new() } else { address }).or_default();
        let next = (*time).max(now) + 60;
        let latest = now + 60 * self.per_minute;
        if next > latest {
            return Err((next - latest).div_ceil(self.per_minute));
        }
        *time = next;
        Ok(())
    }
}

impl Strangers for PacedStrangers {
    fn admit(&self, address: String, now: u64) -> Pending<'_, Result<(), u64>> {
        Box::pin(std::future::ready(self.admit_now(address, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admitted(strangers: &PacedStrangers, address: &str, now: u64) -> usize {
        (0..200).filter(|_| strangers.admit_now(address.into(), now).is_ok()).count()
    }

    #[test]
    fn an_address_has_its_minutes_worth_at_once_and_then_its_pace() {
        for figure in [1, 7, 60, 90] {
            let strangers = PacedStrangers::new(NonZeroU32::new(figure).unwrap());
            let count = |now| admitted(&strangers, "a", now);
            assert_eq!(count(1_000), figure as usize);
            let wait = strangers.admit_now("a".into(), 1_000).unwrap_err();
            assert_eq!(wait, 60_u64.div_ceil(figure.into()));
            assert_eq!(count(1_000 + wait - 1), 0, "before it was told to come back");
            assert!(count(1_000 + wait) >= 1);
            assert_eq!(admitted(&strangers, "b", 1_000), figure as usize, "another address has its own");
            assert_eq!(count(2_000), figure as usize, "a minute without requests gives all of it back");
        }
    }

    #[test]
    fn memory_is_bounded_and_what_is_over_it_is_still_limited() {
        let strangers = PacedStrangers::new(NonZeroU32::new(60).unwrap());
        let admitted = (0..MOST + 1_000).filter(|number| strangers.admit_now(number.to_string(), 5).is_ok());
        assert_eq!(admitted.count(), MOST + 60);
        assert!(strangers.paced.lock().unwrap().len() <= MOST + 1);
        strangers.admit_now("late".into(), 100).unwrap();
        assert_eq!(strangers.paced.lock().unwrap().len(), 1, "idle ones are forgotten");
    }
}
