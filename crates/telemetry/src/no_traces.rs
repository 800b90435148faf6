//! In place of traces where the program is built without them.

use windlass_types::{Assignment, Attempt, Job};

use crate::{EndedStage, Settlement};

/// Never there.
#[derive(Debug)]
pub enum Traces {}

impl Traces {
    /// Says that it cannot be had.
    pub fn start(_endpoint: &str) -> Result<Self, String> {
        Err("this windlass was built without the feature `otlp`".to_owned())
    }

    /// Never called.
    pub fn stage_ended(&self, _: &Job, _: &Attempt, _: &EndedStage) {
        match *self {}
    }

    /// Never called.
    pub fn settled(&self, _: &Settlement<'_>, _: &Attempt, _: &Assignment) {
        match *self {}
    }

    /// Never called.
    pub fn stop(&self) {
        match *self {}
    }
}
