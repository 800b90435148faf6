//! windlass-harness
