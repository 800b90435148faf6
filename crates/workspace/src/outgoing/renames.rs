//! Which files have only got another name.

use std::collections::HashMap;

use super::Range;
use crate::git::{Commitish, Repository, WorkspaceError};

impl Repository {
    /// Files that a commit of a range (or what is staged) has at another path than the base: the old path by the new one. Each old path is
    /// gone and stands for one new path only, so that a copy is never among them.
    pub(crate) async fn renames(
        &self,
        base: &Commitish,
        range: &Range,
        commit: Option<&str>,
    ) -> Result<HashMap<Vec<u8>, Vec<u8>>, WorkspaceError> {
        let diff = match (range, commit) {
            (Range::Staged { index }, _) => {
                let diff = self.call("diff-index").arg("--cached");
                index.iter().fold(diff, |diff, index| diff.env("GIT_INDEX_FILE", index))
            }
            (_, Some(_)) => self.call("diff-tree"),
            (_, None) => return Ok(HashMap::new()),
        };
        // Beyond the limit only files that did not change at all are recognised.
        let diff = diff.args(["-r", "-z", "--name-status", "--find-renames=50%", "-l400", "--diff-filter=R"]);
        let diff = diff.args(["--no-ext-diff", "--no-textconv"]).arg(base.as_str()).args(commit).arg("--");
        let listed = diff.ok().await?.stdout;
        let mut fields = listed.split(|byte| *byte == 0);
        let mut renames = HashMap::new();
        while let (Some(_status), Some(old), Some(new)) = (fields.next(), fields.next(), fields.next()) {
            renames.insert(new.to_vec(), old.to_vec());
        }
        Ok(renames)
    }
}
