//! The rules, a file a family, each written from its vendor's own description of the format.

mod cloud;
mod forge;
mod header;
mod key;
mod model;
mod named;
mod packages;
mod payment;
mod service;
mod talk;

use crate::rule::Rule;

pub(crate) use named::{GENERIC, named};

/// Every rule that looks for a format.
pub(crate) fn formats() -> impl Iterator<Item = &'static Rule> {
    [key::RULES, forge::RULES, cloud::RULES, model::RULES, talk::RULES, payment::RULES, packages::RULES, service::RULES, header::RULES]
        .into_iter()
        .flatten()
}

/// Every rule there is, those for values that only their names give away included.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    formats().chain(named::rules())
}
