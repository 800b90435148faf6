//! The forge that this node speaks to, and which repository of it a project's is.

use windlass_delivery::{Forge, ForgeError, ForgeServer, forge_of};
use windlass_types::{Assignment, Failure, FailureClass, FailureKind, Project};
use windlass_workspace::git::RepoAddress;

/// Where an assignment's branch can be proposed.
pub(crate) enum Place {
    /// A repository of the forge.
    Forge(Forge),
    /// A plain remote; why it is one.
    Plain(String),
}

/// Whether an assignment's branch is to be proposed as a pull request.
pub(crate) fn is_wanted(assignment: &Assignment, project: &Project) -> bool {
    assignment.policy.propose || project.settings.propose
}

/// Where an assignment's branch can be proposed. A repository of a forge that cannot be reached for want of a setting is a failure that
/// names it.
pub(crate) fn place(server: Option<&ForgeServer>, assignment: &Assignment, project: &Project) -> Result<Place, Failure> {
    let named = assignment.policy.forge_repository.as_ref().or(project.settings.forge_repository.as_ref());
    let address = project.repo.as_deref().unwrap_or_default();
    let is_remote = matches!(RepoAddress::parse(address), Ok(RepoAddress::Remote(_)));
    let Some(server) = server else {
        return if named.is_some() || is_remote {
            Err(Failure::new(FailureKind::BadConfiguration, "a pull request is wanted, and no forge is known here")
                .hint(
                    "give the daemon a token for it ([forge] token_file, or GITHUB_TOKEN in its environment; for a GitHub Enterprise also [forge] \
                     base_url) and start it again",
                ))
        } else {
            Ok(Place::Plain("the repository is on no forge".to_owned()))
        };
    };
    match named {
        Some(name) => server.repository(name).map(Place::Forge).ok_or_else(|| {
            Failure::new(FailureKind::BadConfiguration, format!("{name:?} names no repository of a forge")).hint("name it OWNER/NAME")
        }),
        None => Ok(forge_of(address, server)
            .map_or_else(|| Place::Plain("the repository's address is none of the forge that is known here".to_owned()), Place::Forge)),
    }
}

/// What a forge's refusal or silence means for a job.
pub(crate) fn failure(e: &ForgeError) -> Failure {
    let kind = match e.class() {
        FailureClass::Parked => FailureKind::ForgeLimited,
        FailureClass::Configuration => FailureKind::BadConfiguration,
        FailureClass::Permanent => FailureKind::ForgeRefused,
        _ => FailureKind::ForgeUnavailable,
    };
    let mut failure = Failure::new(kind, e.to_string());
    failure.hint = e.hint();
    failure.retry_at = e.retry_at();
    failure
}
