//! What can go wrong with a forge, in the classes by which the engine decides.

use windlass_types::{FailureClass, Timestamp};

/// A failure: what was to be done, and why it was not. Neither holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {doing}: {problem}")]
pub struct ForgeError {
    /// What was to be done, to what.
    pub doing: String,
    /// Why it was not.
    pub problem: ForgeProblem,
}

/// Why a forge did not do what it was asked.
///
/// `words` are the forge's own, on one line, bounded, without control characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForgeProblem {
    /// The base address, the token or the machine's certificates cannot be used.
    #[error("{0}")]
    BadConfiguration(String),
    /// What was asked for cannot be asked of any forge.
    #[error("{0}")]
    Invalid(&'static str),
    /// The token is not accepted.
    #[error("the token is not accepted (401): {words}")]
    Unauthorized {
        /// The forge's words.
        words: String,
    },
    /// The token does not allow it.
    #[error("the token does not allow it (403): {words}")]
    Forbidden {
        /// The forge's words.
        words: String,
        /// The permission that the token needs.
        needs: String,
    },
    /// It is not there, or the token may not see it: a forge does not say which.
    #[error("not found (404): {words}")]
    NotFound {
        /// The forge's words.
        words: String,
        /// The permission that the token needs to see it.
        needs: String,
    },
    /// The forge sent us to another place, where the token must not go.
    #[error("it answered {status} and names another place, where the token is not sent")]
    Redirected {
        /// The HTTP status.
        status: u16,
    },
    /// The forge understood and refused.
    #[error("refused ({status}): {words}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The forge's words, with those about single fields.
        words: String,
    },
    /// Too much was asked in too short a time.
    #[error("the rate limit is reached; asked again from {until} on")]
    RateLimited {
        /// When it may be asked again: at most an hour from now.
        until: Timestamp,
    },
    /// No answer, or one that says that the forge has a fault of its own. Whether it was done is not known.
    #[error("{0}")]
    Unavailable(String),
    /// It answered, but not as a forge does. Whether it was done is not known.
    #[error("the answer is not understood: {0}")]
    BadAnswer(String),
    /// There is more than is read, so the question cannot be answered.
    #[error("there are more than {limit} {what}, and no more are read")]
    TooMuch {
        /// Of what.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
}

impl ForgeError {
    /// What the engine does about it.
    pub const fn class(&self) -> FailureClass {
        match self.problem {
            ForgeProblem::BadConfiguration(_)
            | ForgeProblem::Unauthorized { .. }
            | ForgeProblem::Forbidden { .. }
            | ForgeProblem::NotFound { .. }
            | ForgeProblem::Redirected { .. } => FailureClass::Configuration,
            ForgeProblem::Invalid(_) | ForgeProblem::Refused { .. } | ForgeProblem::TooMuch { .. } => FailureClass::Permanent,
            ForgeProblem::RateLimited { .. } => FailureClass::Parked,
            ForgeProblem::Unavailable(_) | ForgeProblem::BadAnswer(_) => FailureClass::Transient,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match &self.problem {
            ForgeProblem::Unauthorized { .. } => Some("give a token that is valid: this one may have expired or been revoked".to_owned()),
            ForgeProblem::Forbidden { needs, .. } => Some(format!(
                "give the token {needs} on this repository (a classic token: the scope repo); an organisation may also have to approve it"
            )),
            ForgeProblem::NotFound { needs, .. } => Some(format!(
                "check the repository's address; where it is private, the token needs access to it and {needs} (a classic token: the scope repo)"
            )),
            ForgeProblem::Redirected { .. } => {
                Some("check the forge's base address and the repository's: it may have been moved or renamed".to_owned())
            }
            ForgeProblem::BadAnswer(_) => {
                Some("check the forge's base address: https://api.github.com, or https://HOST/api/v3 of a GitHub Enterprise".to_owned())
            }
            ForgeProblem::Refused { .. } => Some(
                "change what the forge refuses (a rule of the repository, a protected branch, a pull request that stands in the way), then \
                 `windlass retry JOB`: the work is kept, and only its delivery is done again"
                    .to_owned(),
            ),
            ForgeProblem::Unavailable(_) => Some(
                "see whether this machine reaches the forge ([forge] base_url, a proxy), then `windlass retry JOB`: the work is kept, and only \
                 its delivery is done again"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// When it may be tried again, where the forge says so.
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self.problem {
            ForgeProblem::RateLimited { until } => Some(until),
            _ => None,
        }
    }

    /// Whether it may have been done all the same, by this call or by another's: then looking tells.
    pub(crate) const fn may_be_done(&self) -> bool {
        matches!(self.problem, ForgeProblem::Unavailable(_) | ForgeProblem::BadAnswer(_) | ForgeProblem::Refused { status: 409 | 422, .. })
    }

    /// Whether it was refused because it is there, by the forge's words: what is there is to be looked for, and these only say why it is not
    /// found.
    pub(crate) fn says_it_exists(&self) -> bool {
        matches!(&self.problem, ForgeProblem::Refused { words, .. } if words.contains("already exists"))
    }
}
