//! The contents of a repository, all through one `git cat-file --batch`.

use super::error::WorkspaceError;
use super::names::Commitish;
use super::repository::Repository;
use super::stream::Stream;

/// Reads objects, one after another.
pub(crate) struct Objects {
    /// None after an answer that was not read to its end.
    git: Option<Stream>,
}

struct Object {
    kind: Vec<u8>,
    bytes: Vec<u8>,
}

impl Objects {
    pub(crate) fn open(repository: &Repository) -> Result<Self, WorkspaceError> {
        let call = repository.call("cat-file").args(["--batch", "-z"]);
        Ok(Self { git: Some(call.dialogue()?) })
    }

    /// A commit or blob by its hash; `what` names it in errors.
    pub(crate) async fn read(&mut self, kind: &str, hash: &str, what: &str, max_bytes: u64) -> Result<Vec<u8>, WorkspaceError> {
        match self.look_up(hash.as_bytes(), hash.len(), what, max_bytes).await? {
            Some(object) if object.kind == kind.as_bytes() => Ok(object.bytes),
            _ => Err(WorkspaceError::Git { verb: "cat-file".to_owned(), message: format!("the {kind} {hash} ({what}) is not there") }),
        }
    }

    /// The file at a path of a commit; `None` when there is none. A link's content is its target: it is never followed.
    pub(crate) async fn at(&mut self, commit: &Commitish, path: &[u8], max_bytes: u64) -> Result<Option<Vec<u8>>, WorkspaceError> {
        // git would read such a path as relative to a folder; a name ends at a zero.
        if path.contains(&0) || path.split(|byte| *byte == b'/').any(|part| matches!(part, b"" | b"." | b"..")) {
            return Ok(None);
        }
        let name = [commit.as_str().as_bytes(), b":", path].concat();
        let what = String::from_utf8_lossy(path).into_owned();
        let found = self.look_up(&name, commit.as_str().len(), &what, max_bytes).await?;
        Ok(found.filter(|object| object.kind == b"blob").map(|object| object.bytes))
    }

    async fn look_up(&mut self, name: &[u8], hash_len: usize, what: &str, max_bytes: u64) -> Result<Option<Object>, WorkspaceError> {
        let gone = || WorkspaceError::Git { verb: "cat-file".to_owned(), message: "it was given up".to_owned() };
        // Taken, and put back only when the answer was read to its end.
        let mut git = self.git.take().ok_or_else(gone)?;
        git.ask(&[name, b"\0"].concat()).await?;
        let mut head = git.exactly(hash_len as u64 + 1).await?;
        if head.last() == Some(&b':') {
            // It repeats a name that it does not know, in which a line may end.
            let rest = git.exactly((name.len() - head.len() + b" missing\n".len()) as u64).await?;
            head.extend(rest);
            if head != [name, b" missing\n"].concat() {
                return Err(git.odd("its answer cannot be understood"));
            }
            self.git = Some(git);
            return Ok(None);
        }
        let line = git.field(b'\n').await?.unwrap_or_default();
        let mut words = line.split(|byte| *byte == b' ');
        let kind = words.next().unwrap_or_default().to_vec();
        let Some(size) = words.next() else {
            // `missing`, or `submodule`.
            self.git = Some(git);
            return Ok(None);
        };
        let size = std::str::from_utf8(size).ok().and_then(|size| size.parse::<u64>().ok());
        let size = size.ok_or_else(|| git.odd("its answer cannot be understood"))?;
        if size > max_bytes {
            return Err(WorkspaceError::TooLarge { what: what.to_owned(), limit_bytes: max_bytes });
        }
        let mut bytes = git.exactly(size + 1).await?;
        bytes.pop();
        self.git = Some(git);
        Ok(Some(Object { kind, bytes }))
    }
}
