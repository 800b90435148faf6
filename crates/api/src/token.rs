//! The token of the data directory: made at first start, readable by its owner only.

use std::fmt;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, RenameFlags};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ApiError;

const CHARS_MIN: usize = 32;
const CHARS_MAX: usize = 512;

/// The secret that stands for the administrator.
#[derive(Clone)]
pub struct ApiToken {
    secret: String,
    digest: [u8; 32],
}

impl ApiToken {
    /// Takes a token that somebody chose: at least 32 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let text = text.trim();
        if text.len() < CHARS_MIN || text.len() > CHARS_MAX || !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(ApiError::BadToken);
        }
        Ok(Self { secret: text.to_owned(), digest: Sha256::digest(text.as_bytes()).into() })
    }

    /// A new random one of 256 bits.
    pub fn random() -> Result<Self, ApiError> {
        let mut bytes = [0u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| ApiError::NoRandomness)?;
        let mut text = String::with_capacity(64);
        for byte in bytes {
            use fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
        }
        Self::parse(&text)
    }

    /// The secret itself: for a client that sends it, and for the engine to redact.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Whether `given` is this token, in a time that does not tell how much of it is right.
    pub(crate) fn matches(&self, given: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(given.as_bytes()).into();
        self.digest.ct_eq(&digest).into()
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiToken(…)")
    }
}

/// Reads `<data_dir>/token`, or makes it (and the directory) at the first start.
///
/// A file that others may read is set to 0600 with a warning. A link, a folder or somebody else's file is refused.
pub fn load_or_create_token(data_dir: &Path) -> Result<ApiToken, ApiError> {
    let path = data_dir.join("token");
    let failed = |source| ApiError::TokenFile { path: path.clone(), source };
    match read(&path) {
        Ok(Some(text)) => return ApiToken::parse(&text).map_err(|_| ApiError::BadTokenFile { path }),
        Ok(None) => {}
        Err(e) => return Err(failed(e)),
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(failed)?;
    let token = ApiToken::random()?;
    if create(data_dir, &path, &token).map_err(failed)? {
        return Ok(token);
    }
    // Another process made it first: its token counts.
    let text = read(&path).map_err(failed)?.unwrap_or_default();
    ApiToken::parse(&text).map_err(|_| ApiError::BadTokenFile { path })
}

/// Puts a token that somebody chose in the place of `<data_dir>/token`, where this machine's clients find it.
pub fn keep_token(data_dir: &Path, token: &ApiToken) -> Result<(), ApiError> {
    let path = data_dir.join("token");
    let keep = || {
        if read(&path)?.is_some_and(|text| token.matches(text.trim())) {
            return Ok(());
        }
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data_dir)?;
        let aside = write_aside(data_dir, token)?;
        std::fs::rename(&aside.0, &path)?;
        std::fs::File::open(data_dir)?.sync_all()
    };
    keep().map_err(|source| ApiError::TokenFile { path: path.clone(), source })
}

fn read(path: &Path) -> std::io::Result<Option<String>> {
    let nofollow = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let mut file = match std::fs::OpenOptions::new().read(true).custom_flags(nofollow).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let meta = file.metadata()?;
    if !meta.is_file() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it is not a plain file of this user"));
    }
    if meta.mode() & 0o177 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        tracing::warn!(path = %path.display(), mode = format!("{:o}", meta.mode() & 0o777), "Others could read the token file: set to 0600");
    }
    let mut text = String::new();
    Read::by_ref(&mut file).take(CHARS_MAX as u64 + 16).read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Writes the token aside and moves it into place whole; `false` when there is one already.
fn create(data_dir: &Path, path: &Path, token: &ApiToken) -> std::io::Result<bool> {
    let aside = write_aside(data_dir, token)?;
    let cwd = rustix::fs::CWD;
    match rustix::fs::renameat_with(cwd, &aside.0, cwd, path, RenameFlags::NOREPLACE) {
        Ok(()) => {}
        Err(rustix::io::Errno::EXIST) => return Ok(false),
        // A file system that cannot promise "no replace": a hard link can.
        Err(_) => match std::fs::hard_link(&aside.0, path) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
            Err(e) => return Err(e),
        },
    }
    std::fs::File::open(data_dir)?.sync_all()?;
    Ok(true)
}

fn write_aside(data_dir: &Path, token: &ApiToken) -> std::io::Result<Aside> {
    // A start that was cut off may have had this process's number.
    let mut salt = [0u8; 8];
    getrandom::fill(&mut salt).map_err(std::io::Error::other)?;
    let aside = Aside(data_dir.join(format!(".token.{:x}", u64::from_ne_bytes(salt))));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside.0)?;
    writeln!(file, "{}", token.secret)?;
    file.sync_all()?;
    Ok(aside)
}

/// A file that is gone when its turn is over, if it is still there.
struct Aside(PathBuf);

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
