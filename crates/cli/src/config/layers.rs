//! Which of flag, environment, file and default a value comes from.

use std::path::PathBuf;

use super::env::Env;
use super::read::Read;
use crate::failure::Result;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of the command line.
    Flag,
    /// This environment variable.
    Env(&'static str),
    /// This line of the file (0: unknown).
    File(usize),
    /// Nobody set it.
    Default,
}

/// A setting as `windlass config` shows it.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) key: String,
    pub(crate) value: serde_json::Value,
    pub(crate) origin: Origin,
}

/// A value that can be read from the environment and shown.
pub(crate) trait Value: Sized {
    fn from_env(env: &Env, name: &'static str) -> Result<Option<Self>>;
    fn show(&self) -> serde_json::Value;
}

macro_rules! plain_value {
    ($($name:ty),*) => {$(
        impl Value for $name {
            fn from_env(env: &Env, name: &'static str) -> Result<Option<Self>> {
                env.parse(name)
            }
            fn show(&self) -> serde_json::Value {
                serde_json::json!(self)
            }
        }
    )*};
}
plain_value!(String, PathBuf, u16, u32, u64, i64, f64);

macro_rules! word_value {
    ($($name:ty),*) => {$(
        impl Value for $name {
            fn from_env(env: &Env, name: &'static str) -> Result<Option<Self>> {
                env.parse(name)
            }
            fn show(&self) -> serde_json::Value {
                self.as_str().into()
            }
        }
    )*};
}
word_value!(
    windlass_intake::FilesMode,
    super::raw::LogLevel,
    super::raw::LogFormat,
    super::raw::IsolationChoice,
    windlass_types::NetworkMode,
    windlass_types::SandboxMode
);

impl Value for bool {
    fn from_env(env: &Env, name: &'static str) -> Result<Option<Self>> {
        env.flag(name)
    }
    fn show(&self) -> serde_json::Value {
        (*self).into()
    }
}

impl Value for super::raw::Days {
    fn from_env(env: &Env, name: &'static str) -> Result<Option<Self>> {
        env.parse(name)
    }
    fn show(&self) -> serde_json::Value {
        if self.0 > 0.0 { serde_json::json!(self.0) } else { "never".into() }
    }
}

impl Value for Vec<String> {
    fn from_env(env: &Env, name: &'static str) -> Result<Option<Self>> {
        Ok(env.text(name).map(|t| t.split([',', ' ']).map(str::trim).filter(|p| !p.is_empty()).map(str::to_owned).collect()))
    }
    fn show(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

/// Picks values and remembers where each came from.
pub(crate) struct Layers<'a> {
    pub(crate) env: &'a Env,
    pub(crate) file: &'a Read,
    pub(crate) shown: Vec<Shown>,
}

impl Layers<'_> {
    /// The value that counts, if anybody set one.
    pub(crate) fn given<T: Value>(&mut self, key: &str, vars: &[&'static str], flag: Option<T>, file: Option<T>) -> Result<Option<T>> {
        let mut picked = flag.map(|v| (v, Origin::Flag));
        for var in vars {
            // A broken variable is told even where a flag outranks it.
            let set = T::from_env(self.env, var)?;
            picked = picked.or_else(|| set.map(|v| (v, Origin::Env(var))));
        }
        let picked = picked.or_else(|| file.map(|v| (v, Origin::File(self.file.line_of(key).unwrap_or(0)))));
        let (value, origin) = picked.map_or((None, Origin::Default), |(value, origin)| (Some(value), origin));
        let shown = value.as_ref().map_or(serde_json::Value::Null, Value::show);
        self.shown.push(Shown { key: key.to_owned(), value: shown, origin });
        Ok(value)
    }

    /// The value that counts.
    pub(crate) fn pick<T: Value>(&mut self, key: &str, vars: &[&'static str], flag: Option<T>, file: Option<T>, default: T) -> Result<T> {
        let value = self.given(key, vars, flag, file)?;
        Ok(value.unwrap_or_else(|| {
            if let Some(last) = self.shown.last_mut() {
                last.value = default.show();
            }
            default
        }))
    }
}
