//! The intake as a duty: of the nodes that may take task files, one does it at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use windlass_engine::Engine;
use windlass_types::{Clock, Ids, Role};

use crate::config::FilesConfig;
use crate::intake::Intake;

/// This node's part in the duty. Clones are the same.
#[derive(Clone, Default)]
pub struct IntakeDuty {
    current: Arc<Mutex<Option<Intake>>>,
}

impl IntakeDuty {
    /// Takes part from now on: an intake runs here for as long as this node holds the duty.
    pub fn start(engine: &Engine, config: FilesConfig, clock: Clock, ids: Ids) -> Self {
        let duty = Self::default();
        let (held, of) = (duty.clone(), engine.clone());
        engine.duty(Role::Intake, "intake", move |_generation| {
            let intake = Intake::start(of.clone(), config.clone(), clock.clone(), ids.clone());
            let holding = Holding(held.clone());
            *held.lock() = Some(intake);
            async move {
                let _holding = holding;
                std::future::pending::<()>().await;
            }
        });
        duty
    }

    fn lock(&self) -> MutexGuard<'_, Option<Intake>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The intake that runs here; `None` while another node has the duty.
    pub fn current(&self) -> Option<Intake> {
        self.lock().clone()
    }
}

/// The duty is held for as long as this lives.
struct Holding(IntakeDuty);

impl Drop for Holding {
    fn drop(&mut self) {
        if let Some(intake) = self.0.lock().take() {
            intake.end();
        }
    }
}
