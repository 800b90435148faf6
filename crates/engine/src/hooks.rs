//! What agents tell by hooks: those that people start, and a few things of Windlass's own.

use windlass_harness::{Hook, hook_events, read_hook};
use windlass_secrets::Redactor;
use windlass_store::HookNews;
use windlass_types::Harness;

use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};
use crate::request::AgentIdentity;

/// Payloads above this size, in bytes, are read on a thread of their own.
const LONG: usize = 64 * 1024;

impl Engine {
    /// Takes the payload of an agent's hook, as the agent gave it. `from` is the agent inside a job that sent it; without, a person let
    /// it be sent. `secrets` are taken out of it, by name, beside those that are known or found.
    ///
    /// An event that means nothing here is taken and forgotten. What is not JSON, or names no session, is refused; and an agent that
    /// speaks of another session than its own.
    pub async fn hook(
        &self,
        harness: Harness,
        payload: Vec<u8>,
        from: Option<&AgentIdentity>,
        secrets: Vec<(String, String)>,
    ) -> Result<(), EngineError> {
        let invalid = |what: &str| EngineError::new(ErrorKind::Invalid, what.to_owned());
        if hook_events(harness).is_empty() {
            return Err(invalid(&format!("the harness {} has no hooks", harness.as_str())).hint("name claude, codex or gemini"));
        }
        let mut known = self.inner.config.secrets.clone();
        known.extend(secrets);
        let hook = if payload.len() > LONG {
            let read = tokio::task::spawn_blocking(move || read(harness, &payload, &known)).await;
            read.map_err(|e| EngineError::new(ErrorKind::Internal, format!("reading a hook's payload broke off: {e}")))??
        } else {
            read(harness, &payload, &known)?
        };
        let Some(agent_session_id) = hook.session_id else {
            return Err(invalid("the payload names no session").hint("send what the agent gives to its hook, as it is"));
        };
        let news = HookNews { harness, agent_session_id, cwd: hook.cwd, model: hook.model, notes: hook.notes };
        let Some(agent) = from else { return Ok(self.inner.store.hear_hook(news).await?) };
        // A command has no session of its own; what it starts tells for it.
        if agent.attempt.harness != Harness::Command {
            match agent.attempt.session_id.as_deref() {
                Some(own) if own != news.agent_session_id => {
                    return Err(EngineError::new(ErrorKind::Forbidden, "an agent's token tells of its own session only"));
                }
                Some(_) => {}
                // Its stream has not named it yet.
                None => return Ok(()),
            }
        }
        Ok(self.inner.store.hear_hook_of(agent.job.id, agent.attempt.token, agent.attempt.id, news).await?)
    }
}

/// Cleans a payload and reads it.
fn read(harness: Harness, payload: &[u8], secrets: &[(String, String)]) -> Result<Hook, EngineError> {
    let scanner = crate::attempt::scanner().map_err(EngineError::from)?;
    let not_json = || EngineError::new(ErrorKind::Invalid, "the payload is not JSON, or holds too much");
    let text = std::str::from_utf8(payload).map_err(|_| not_json())?;
    read_hook(harness, &Redactor::clean(&scanner, secrets, text)).ok_or_else(not_json)
}
