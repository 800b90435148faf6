//! windlass-workspace
