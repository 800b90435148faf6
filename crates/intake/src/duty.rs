//! The intake as a duty: of the nodes that may take task files, one does it at a time, and of all daemons only who has the claim on the root.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windlass_engine::Engine;
use windlass_types::{Clock, Ids, Role, Task};

use crate::claim::{Claim, Unclaimed};
use crate::config::FilesConfig;
use crate::intake::Intake;
use crate::report::letter_names;

/// How often a claim that somebody else has is tried for, and one's own looked at.
const CLAIM_EVERY: Duration = Duration::from_secs(2);

/// Who takes the task files, as this node knows it.
#[derive(Clone)]
pub enum IntakeState {
    /// Another node, or nobody yet.
    Elsewhere,
    /// This node has not the role.
    NoRole,
    /// Not this node, although it has the duty, and why.
    Waiting(String),
    /// This node.
    Here(Intake),
}

/// This node's part in the duty. Clones are the same.
#[derive(Clone)]
pub struct IntakeDuty {
    state: Arc<Mutex<IntakeState>>,
    /// Where dead letters are.
    letters: Arc<Path>,
}

impl IntakeDuty {
    fn new(state: IntakeState, config: &FilesConfig) -> Self {
        let letters = config.dlq_dir.clone().unwrap_or_else(|| config.root.join("dlq"));
        Self { state: Arc::new(Mutex::new(state)), letters: letters.into() }
    }

    /// For a node that knows of a shared directory and takes no part.
    pub fn without_role(config: &FilesConfig) -> Self {
        Self::new(IntakeState::NoRole, config)
    }

    /// Where the dead letter of a task is that an outside executor could not do. Looks at the disk.
    pub fn letter_of(&self, task: &Task) -> PathBuf {
        let folder = self.letters.join(&task.worker);
        let [plain, marked] = letter_names(task).map(|name| folder.join(name));
        if marked.exists() { marked } else { plain }
    }

    /// Takes part from now on: an intake runs here for as long as this node holds the duty and the claim on the root.
    pub fn start(engine: &Engine, config: FilesConfig, clock: Clock, ids: Ids) -> Self {
        let duty = Self::new(IntakeState::Elsewhere, &config);
        let (held, of) = (duty.clone(), engine.clone());
        engine.duty(Role::Intake, "intake", move |_generation| {
            let (engine, config, clock, ids) = (of.clone(), config.clone(), clock.clone(), ids.clone());
            let holding = Holding(held.clone());
            async move {
                loop {
                    let claim = Arc::new(holding.0.claim(&config.root).await);
                    let intake = Intake::start(engine.clone(), config.clone(), clock.clone(), ids.clone(), Arc::clone(&claim));
                    *holding.0.lock() = IntakeState::Here(intake);
                    lost(claim, &config.root).await;
                    tracing::error!("the lock file of {} is gone or another's: the claim on it is taken anew", config.root.display());
                    holding.end();
                }
            }
        });
        duty
    }

    fn lock(&self) -> MutexGuard<'_, IntakeState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this node has the claim on the root, and says meanwhile why it has not.
    async fn claim(&self, root: &Path) -> Claim {
        let mut told = None;
        loop {
            let (path, first) = (root.to_owned(), told.is_none());
            let why = match tokio::task::spawn_blocking(move || take(&path, first)).await {
                Ok(Ok(claim)) => return claim,
                Ok(Err(Unclaimed::Held)) => format!("another daemon takes the files of {}", root.display()),
                Ok(Err(Unclaimed::Failed(e))) => format!("the lock {}/.windlass.lock cannot be taken: {e}", root.display()),
                Err(e) => format!("the lock of {} cannot be taken: {e}", root.display()),
            };
            if told.as_ref() != Some(&why) {
                tracing::error!("no task files are taken here: {why}; it is tried again every {} s", CLAIM_EVERY.as_secs());
                *self.lock() = IntakeState::Waiting(why.clone());
                told = Some(why);
            }
            tokio::time::sleep(CLAIM_EVERY).await;
        }
    }

    /// Who takes the files.
    pub fn state(&self) -> IntakeState {
        self.lock().clone()
    }

    /// The intake that runs here, if one does.
    pub fn current(&self) -> Option<Intake> {
        match self.state() {
            IntakeState::Here(intake) => Some(intake),
            IntakeState::Elsewhere | IntakeState::NoRole | IntakeState::Waiting(_) => None,
        }
    }
}

/// Takes the claim. The root is made at the first try only: one that goes away later may be a volume that comes back.
fn take(root: &Path, first: bool) -> Result<Claim, Unclaimed> {
    if first && std::fs::metadata(root).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        std::fs::create_dir_all(root).map_err(Unclaimed::Failed)?;
    }
    Claim::take(root)
}

/// Waits until the claim is over.
async fn lost(claim: Arc<Claim>, root: &Path) {
    loop {
        tokio::time::sleep(CLAIM_EVERY).await;
        let (claim, root) = (Arc::clone(&claim), root.to_owned());
        if matches!(tokio::task::spawn_blocking(move || claim.is_valid(&root)).await, Ok(false)) {
            return;
        }
    }
}

/// The duty is held for as long as this lives.
struct Holding(IntakeDuty);

impl Holding {
    fn end(&self) {
        let before = std::mem::replace(&mut *self.0.lock(), IntakeState::Elsewhere);
        if let IntakeState::Here(intake) = before {
            intake.end();
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.end();
    }
}
