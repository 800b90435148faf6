//! Typed ids: a prefix that says what it names and a UUID v7 that sorts by time.
//!
//! **Invariant:** an id is made only by [`Ids`](crate::Ids), from the clock and the random source
//! that tests can set; parsing accepts nothing else than what was printed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An id that is not of the form `<prefix>_<32 hex digits>`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what} id (expected {prefix}_ and 32 hex digits)")]
pub struct BadId {
    /// What was given, cut to a length that can be printed.
    pub text: String,
    /// The kind of id that was wanted.
    pub what: &'static str,
    /// The prefix of that kind.
    pub prefix: &'static str,
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Uuid);

        impl $name {
            /// The prefix every printed id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID; for [`Ids`](crate::Ids) and tests.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for outside tools that want one (a session id).
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The last eight hex digits: random, so short enough and distinct enough for a branch or folder name.
            pub fn short(self) -> String {
                let text = self.0.simple().to_string();
                text[24..].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .filter(|hex| hex.len() == 32 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')))
                    .and_then(|hex| Uuid::try_parse(hex).ok())
                    .map(Self)
                    .ok_or_else(|| BadId { text: text.chars().take(64).collect(), what: $what, prefix: $prefix })
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                <String as utoipa::PartialSchema>::schema()
            }
        }

        impl utoipa::ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                std::borrow::Cow::Borrowed(stringify!($name))
            }
        }
    )*};
}

typed_ids! {
    /// What somebody wants.
    AssignmentId = "asg", "assignment";
    /// One agent run wanted.
    JobId = "job", "job";
    /// One try at a job by one worker under one lease.
    AttemptId = "att", "attempt";
    /// A pm job's decision.
    VerdictId = "vrd", "verdict";
    /// A secret that stands for somebody.
    CredentialId = "crd", "credential";
    /// One `windlass` process.
    NodeId = "nod", "node";
    /// An agent's session, whoever started it.
    SessionId = "ses", "session";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_prints_its_prefix_and_parses_back() {
        let id = JobId::from_uuid(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_dead_beef));
        assert_eq!(id.to_string(), "job_0199000000007000800000 00deadbeef".replace(' ', ""));
        assert_eq!(id.to_string().parse::<JobId>(), Ok(id));
        assert_eq!(id.short(), "deadbeef");
    }

    #[test]
    fn an_id_of_another_kind_or_shape_is_refused() {
        for text in [
            "",
            "job_",
            "asg_01990000000070008000000000000000",
            "job_0199-0000",
            "job_../../etc/passwd",
            "job_ABCDEF00000070008000000000000000",
        ] {
            assert!(text.parse::<JobId>().is_err(), "{text}");
        }
    }
}
