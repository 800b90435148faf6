//! Where ids and random numbers come from: the machine's source, or a test's seed.

use std::sync::{Arc, Mutex};

use uuid::Uuid;

use crate::{AssignmentId, AttemptId, Clock, CredentialId, JobId, NodeId, SessionId, VerdictId};

/// Makes ids and random numbers. Clones share one source.
#[derive(Debug, Clone)]
pub struct Ids {
    clock: Clock,
    seeded: Option<Arc<Mutex<u64>>>,
    /// The millisecond of the last id, and its number in it: what is made later sorts later, also within a millisecond.
    last: Arc<Mutex<(u64, u16)>>,
}

impl Ids {
    /// Ids from the machine's random source.
    pub fn random(clock: Clock) -> Self {
        Self { clock, seeded: None, last: Arc::default() }
    }

    /// Ids that repeat with the same seed and clock.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self { clock, seeded: Some(Arc::new(Mutex::new(seed))), last: Arc::default() }
    }

    /// 64 random bits.
    pub fn bits(&self) -> u64 {
        if let Some(state) = &self.seeded {
            // SplitMix64: enough for tests, and not meant for secrets.
            let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            return z ^ (z >> 31);
        }
        let mut bytes = [0u8; 8];
        // The kernel's source fails only before it is initialised at boot; then time has to do.
        if getrandom::fill(&mut bytes).is_err() {
            return self.clock.now().0.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
        u64::from_le_bytes(bytes)
    }

    /// A number from 0 up to but not including 1, for jitter.
    pub fn fraction(&self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A new UUID v7.
    pub fn uuid(&self) -> Uuid {
        let now = self.clock.now().0.max(0).unsigned_abs();
        let (ms, number) = {
            let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *last = match *last {
                // A clock that was set back makes no earlier ids.
                (ms, number) if now <= ms && number < 0x0fff => (ms, number + 1),
                (ms, _) if now <= ms => (ms + 1, 0),
                _ => (now, 0),
            };
            *last
        };
        let mut random = [0u8; 10];
        random[..8].copy_from_slice(&self.bits().to_le_bytes());
        random[8..].copy_from_slice(&self.bits().to_le_bytes()[..2]);
        // The twelve bits beside the version.
        random[..2].copy_from_slice(&number.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid()
    }

    /// A new secret of 256 bits, as 64 hex digits.
    pub fn secret(&self) -> String {
        use std::fmt::Write as _;
        (0..4).fold(String::with_capacity(64), |mut text, _| {
            let _ = write!(text, "{:016x}", self.bits());
            text
        })
    }

    /// A new assignment id.
    pub fn assignment(&self) -> AssignmentId {
        AssignmentId::from_uuid(self.uuid())
    }

    /// A new credential id.
    pub fn credential(&self) -> CredentialId {
        CredentialId::from_uuid(self.uuid())
    }

    /// A new job id.
    pub fn job(&self) -> JobId {
        JobId::from_uuid(self.uuid())
    }

    /// A new attempt id.
    pub fn attempt(&self) -> AttemptId {
        AttemptId::from_uuid(self.uuid())
    }

    /// A new verdict id.
    pub fn verdict(&self) -> VerdictId {
        VerdictId::from_uuid(self.uuid())
    }

    /// A new node id.
    pub fn node(&self) -> NodeId {
        NodeId::from_uuid(self.uuid())
    }

    /// A new session id.
    pub fn session(&self) -> SessionId {
        SessionId::from_uuid(self.uuid())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn ids_of_one_millisecond_sort_in_the_order_they_were_made() {
        let ids = Ids::random(Clock::manual(Timestamp(1_700_000_000_000)));
        let made: Vec<_> = (0..10_000).map(|_| ids.job()).collect();
        assert!(made.is_sorted());
    }

    #[test]
    fn the_same_seed_gives_the_same_ids_and_later_ids_sort_later() {
        let clock = Clock::manual(Timestamp(1_700_000_000_000));
        let first = Ids::seeded(clock.clone(), 7).job();
        assert_eq!(Ids::seeded(clock.clone(), 7).job(), first);
        clock.advance_ms(1);
        assert!(Ids::seeded(clock, 8).job() > first);
    }
}
