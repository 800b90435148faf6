//! One word for each value of a closed set, the same in SQL, JSON, configuration and on the command line.

/// A word that names no value of a closed set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no {what} (one of: {known})")]
pub struct UnknownWord {
    /// What was given, cut to a length that can be printed.
    pub word: String,
    /// The set's name.
    pub what: &'static str,
    /// The words it has, joined.
    pub known: String,
}

/// Gives an enum with `ALL` and `as_str` its `Display` and `FromStr`.
#[macro_export]
macro_rules! text_enum {
    ($name:ident, $what:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::UnknownWord;
            fn from_str(word: &str) -> Result<Self, $crate::UnknownWord> {
                Self::ALL.into_iter().find(|v| v.as_str() == word).ok_or_else(|| $crate::UnknownWord {
                    word: word.chars().take(64).collect(),
                    what: $what,
                    known: Self::ALL.map(Self::as_str).join(", "),
                })
            }
        }
    };
}
