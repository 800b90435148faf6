//! A place where a secret stands, while it is still being looked at.

use std::ops::Range;

use crate::rule::{Confidence, Rule};

/// What a rule found. It holds the secret, so it can be printed in no way.
pub(crate) struct Hit {
    pub(crate) rule: &'static Rule,
    /// Where what gives the secret away begins: its name, its keyword or itself.
    pub(crate) context: usize,
    /// Where the secret stands.
    pub(crate) span: Range<usize>,
    pub(crate) secret: Vec<u8>,
    pub(crate) confidence: Confidence,
    /// Whether only its name told it, so that a format at the same place knows better.
    pub(crate) by_name: bool,
    /// A format that is none after all (a wrong checksum, a placeholder): its name does not make it one again.
    pub(crate) refuted: bool,
}

/// One hit a place: refuted ones are gone with all they refute; of hits that overlap the surest and then the longest stays.
pub(crate) fn resolve(mut hits: Vec<Hit>) -> Vec<Hit> {
    let mut refuted: Vec<Range<usize>> = hits.iter().filter(|h| h.refuted).map(|h| h.span.clone()).collect();
    refuted.sort_by_key(|r| r.start);
    // Ranges that may hold one another: what counts is the furthest end so far.
    let mut furthest = 0;
    let ends: Vec<usize> = refuted
        .iter()
        .map(|r| {
            furthest = furthest.max(r.end);
            furthest
        })
        .collect();
    let is_refuted = |span: &Range<usize>| {
        let before = refuted.partition_point(|r| r.start < span.end);
        before > 0 && ends[before - 1] > span.start
    };
    hits.retain(|h| !(h.refuted || h.by_name && is_refuted(&h.span)));
    hits.sort_by_key(|h| h.span.start);
    let mut kept: Vec<Hit> = Vec::with_capacity(hits.len());
    for hit in hits {
        match kept.last_mut() {
            Some(last) if last.span.end > hit.span.start => {
                let rank = |h: &Hit| (!h.by_name, h.confidence, h.span.len());
                if rank(&hit) > rank(last) {
                    *last = hit;
                }
            }
            _ => kept.push(hit),
        }
    }
    kept
}
