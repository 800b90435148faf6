//! Where the suite's PostgreSQL comes from.

pub(crate) use windlass_testkit::postgres::TestDatabase;

/// A fresh database, or nothing where no PostgreSQL can run.
pub(crate) async fn fresh() -> Option<TestDatabase> {
    windlass_testkit::postgres::TestPostgres::database().await
}
