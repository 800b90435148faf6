//! Where the suite's PostgreSQL comes from.

/// A fresh database, or nothing where no PostgreSQL can run.
pub(crate) async fn url() -> Option<String> {
    None
}
