//! What a format has to prove beyond its shape.

mod checksum;
mod key;
mod login;
mod token;

pub(crate) use checksum::checksummed;
pub(crate) use key::key_body;
pub(crate) use login::{basic_pair, url_password};
pub(crate) use token::{aws_id, mixed, random, signed_token};
