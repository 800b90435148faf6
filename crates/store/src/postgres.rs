//! PostgreSQL: to come.
use crate::error::{Result, StoreError};
use crate::store::{Backend, OpenOptions};
pub(crate) fn open(_options: &OpenOptions) -> Result<Backend> {
    Err(StoreError::Unavailable("PostgreSQL is not there yet".to_owned()))
}
