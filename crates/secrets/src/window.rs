//! A text in windows: none is longer than so much, and each hit belongs to the window it begins in.

use crate::engine::Engine;
use crate::hit::{Hit, resolve};

/// How a text is cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    /// What a window decides.
    pub(crate) window: usize,
    /// What it sees behind that.
    pub(crate) tail: usize,
    /// What it sees before.
    pub(crate) context: usize,
}

impl Cut {
    pub(crate) const FILES: Self = Self { window: 1 << 20, tail: 64 << 10, context: 1024 };
}

/// Gives the hits of a text in order.
pub(crate) fn each_hit(engine: &Engine, text: &[u8], code: bool, cut: Cut, mut found: impl FnMut(Hit)) {
    let mut start = 0;
    let mut taken = 0;
    while start < text.len() {
        let end = text.len().min(start + cut.window + cut.tail);
        let edge = if end == text.len() { end } else { start + cut.window };
        for hit in hits_in(engine, text, code, start.saturating_sub(cut.context), start.max(taken)..edge, end) {
            taken = hit.span.end;
            found(hit);
        }
        start = edge;
    }
}

/// The hits that begin in `owned`, of a window from `from` to `end`. They do not overlap.
pub(crate) fn hits_in(engine: &Engine, text: &[u8], code: bool, from: usize, owned: std::ops::Range<usize>, end: usize) -> Vec<Hit> {
    let mut hits = engine.search(&text[from..end], code);
    for hit in &mut hits {
        hit.context += from;
        hit.span = hit.span.start + from..hit.span.end + from;
    }
    hits = resolve(hits);
    hits.retain(|hit| owned.contains(&hit.span.start));
    hits
}
