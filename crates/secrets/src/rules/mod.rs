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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::engine::Engine;

    #[test]
    fn every_rule_has_a_name_of_its_own_and_says_what_it_finds() {
        let mut ids = HashSet::new();
        for rule in all() {
            assert!(ids.insert(rule.id), "{} is there twice", rule.id);
            assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
            assert!(!rule.about.is_empty());
        }
    }

    /// What a rule's pattern says can only be found if its keyword stands in it, its reach is enough and its border is right.
    #[test]
    fn what_a_pattern_describes_is_found() {
        let engine = Engine::new().unwrap();
        let mut runner = TestRunner::deterministic();
        for rule in formats() {
            // Borders cannot be drawn; a space stands in their place.
            let pattern = rule.pattern.replace(r"\A|", "").replace(r"(?:-----END|\z)", "-----END");
            let pattern = format!("(?-u:{pattern})");
            let strategy = proptest::string::bytes_regex(&pattern).unwrap_or_else(|e| panic!("{}: {e}", rule.id));
            let found = (0..60).any(|_| {
                let token = strategy.new_tree(&mut runner).unwrap().current();
                // Some stand near their keyword.
                let text = [rule.keywords[0].as_bytes(), b" ", token.as_slice(), b" "].concat();
                // Checksums and logins cannot be drawn either: that they were looked at is enough.
                let hits = engine.search(&text, false);
                hits.iter().any(|hit| hit.rule.id == rule.id)
            });
            assert!(found, "{} finds nothing of what it describes", rule.id);
        }
    }
}
