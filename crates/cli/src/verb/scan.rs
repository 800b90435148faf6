use std::ffi::OsString;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use windlass_secrets::{AllowList, Allowed, Finding, Scanner};
use windlass_types::count;
use windlass_workspace::git::{Commitish, Git, Identity, Repository, WorkspaceError};
use windlass_workspace::outgoing::Range;
use windlass_workspace::scan::{self, FindingAt, OnDisk, Report, scan_files, scan_range};
use windlass_workspace::workspaces::ContentLimits;

use crate::cli::{Context, read_text};
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// A person's own files and commits may be large; one file is held in memory whole.
const LIMITS: ContentLimits = ContentLimits { max_file_bytes: 512 * 1024 * 1024, max_total_bytes: u64::MAX, max_files: 5_000_000 };

/// Look for secrets in files, in what is staged or in commits
///
/// Without an argument: every file of this repository that is tracked or could be. A folder of a repository is scanned without what is
/// ignored, unless all of it is. No daemon is needed and nothing is changed. Exits with 6 when it finds a secret, and with 1 when it
/// could not read everything.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// A file, a folder, - for standard input, a commit, or commits as A..B, A...B or 0..B
    #[arg(value_name = "PATH|RANGE", conflicts_with = "staged")]
    what: Option<OsString>,
    /// What is staged: for a pre-commit hook
    #[arg(long)]
    staged: bool,
    /// Allow what this list allows, too
    #[arg(long, value_name = "FILE")]
    allow: Option<PathBuf>,
    /// The commit whose list and comments allow secrets [default: what a range starts from; HEAD for what is staged; of files themselves]
    #[arg(long, value_name = "REV")]
    base: Option<String>,
    /// Print JSON for programs
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print SARIF 2.1.0, for code hosts and editors
    #[arg(long)]
    sarif: bool,
}

/// What is to be scanned.
enum Target {
    Input,
    Files(Vec<OnDisk>),
    Commits(Range, Option<Commitish>),
}

pub(crate) async fn run(args: ScanArgs, context: &Context) -> Result<Exit> {
    let scanner = Scanner::new().map_err(|e| CliError::fault(e.to_string()))?;
    let mut allowed = Allowed::nothing();
    if let Some(file) = &args.allow {
        allowed = allowed.with_list(list(file)?);
    }
    let home = tempfile::Builder::new().prefix("windlass-scan-").tempdir().map_err(failed)?;
    let place = Place::open(home.path())?;
    let (repository, target) = match args.what.as_deref() {
        None if args.staged => {
            let repository = place.needed()?;
            let index = context.env.text("GIT_INDEX_FILE").map(std::path::absolute).transpose().map_err(failed)?;
            let head = repository.commit("HEAD").await.map_err(failed)?;
            (Some(repository), Target::Commits(Range::Staged { index }, head))
        }
        None => {
            let repository = place.needed()?;
            let top = repository.tree().map(Path::to_owned).ok_or_else(nowhere)?;
            let files = folder(&top, &top, Some(&repository)).await?;
            (Some(repository), Target::Files(files))
        }
        Some(what) if what == "-" => (place.repository(Path::new("."))?, Target::Input),
        Some(what) => named(what, &place).await?,
    };
    let base = match (&args.base, &repository) {
        (None, _) => None,
        (Some(_), Some(_)) if matches!(target, Target::Input) => return Err(CliError::usage("standard input has no base")),
        (Some(base), Some(repository)) => Some(repository.commit(base).await.map_err(failed)?.ok_or_else(|| no_such(base))?),
        (Some(_), None) => return Err(nowhere()),
    };
    let of_files = base.is_none() && !matches!(target, Target::Commits(..));
    if let Some(file) = repository.as_ref().and_then(Repository::tree).map(|top| top.join(scan::ALLOW_LIST))
        && of_files
        && file.exists()
    {
        allowed = allowed.with_list(list(&file)?);
    }
    let report = match (target, &repository) {
        (Target::Commits(range, start), Some(repository)) => {
            scan_range(repository, &range, base.or(start).as_ref(), &scanner, allowed, LIMITS).await
        }
        (Target::Files(files), _) => scan_files(files, repository.as_ref().zip(base.as_ref()), &scanner, allowed, LIMITS).await,
        (Target::Input | Target::Commits(..), _) => Ok(input(&scanner, allowed)?),
    };
    tell(&report.map_err(failed)?, args.json, args.sarif)
}

/// How repositories are opened. Plain files can be scanned without git.
struct Place(Option<Git>);

impl Place {
    fn open(home: &Path) -> Result<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        match Git::open(home, &path, Identity::default()) {
            Err(WorkspaceError::NoGit) => Ok(Self(None)),
            other => Ok(Self(Some(other.map_err(failed)?))),
        }
    }

    /// The repository that a folder is in.
    fn repository(&self, folder: &Path) -> Result<Option<Repository>> {
        let Some(git) = &self.0 else { return Ok(None) };
        Repository::around(git.clone(), folder).map_err(failed)
    }

    /// The repository that we are in.
    fn needed(&self) -> Result<Repository> {
        if self.0.is_none() {
            return Err(CliError::usage("git was not found").hint("install git, or name a file or a folder"));
        }
        self.repository(Path::new("."))?.ok_or_else(nowhere)
    }
}

/// What an argument names: a path, or else commits. What could be both is neither.
async fn named(what: &std::ffi::OsStr, place: &Place) -> Result<(Option<Repository>, Target)> {
    let path = Path::new(what);
    let exists = path.symlink_metadata().is_ok();
    // A path and nothing else.
    let is_path = path.is_absolute() || path.starts_with(".") || path.starts_with("..");
    if !is_path && let (Some(repository), Some(text)) = (place.repository(Path::new("."))?, what.to_str()) {
        match repository.range(text).await.map_err(failed)? {
            Some(_) if exists => {
                return Err(CliError::usage(format!("{text} is a file and a revision too")).hint(format!("write ./{text} for the file")));
            }
            Some((range, base)) => return Ok((Some(repository), Target::Commits(range, base))),
            None => {}
        }
    }
    let at = path.canonicalize().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound if !is_path => no_such(&what.to_string_lossy()),
        _ => CliError::usage(format!("cannot read {}: {e}", path.display())),
    })?;
    let is_folder = at.is_dir();
    let within = if is_folder { Some(at.as_path()) } else { at.parent() };
    let repository = within.map_or(Ok(None), |folder| place.repository(folder))?;
    let files = match repository.as_ref().and_then(Repository::tree) {
        _ if is_folder => folder(&at, path, repository.as_ref()).await?,
        Some(top) => vec![OnDisk { path: at.strip_prefix(top).unwrap_or(&at).to_owned(), at }],
        None if at.is_file() => vec![OnDisk { path: path.to_owned(), at }],
        None => return Err(CliError::usage(format!("{} is neither a file nor a folder", path.display()))),
    };
    Ok((repository, Target::Files(files)))
}

/// The files of a folder: as its repository sees them, or all of them where that sees none. Paths are told from the repository's top, or
/// else as the folder was `given`.
async fn folder(at: &Path, given: &Path, repository: Option<&Repository>) -> Result<Vec<OnDisk>> {
    let within = repository.and_then(|repository| Some((repository, repository.tree()?)));
    if let Some((repository, top)) = within {
        let listed = repository.files(at.strip_prefix(top).unwrap_or(at)).await.map_err(failed)?;
        if !listed.is_empty() {
            let path = |bytes| PathBuf::from(OsString::from_vec(bytes));
            return Ok(listed.into_iter().map(path).map(|path| OnDisk { at: top.join(&path), path }).collect());
        }
    }
    let told = |file: &Path| match within {
        Some((_, top)) => file.strip_prefix(top).unwrap_or(file).to_owned(),
        None => given.join(file.strip_prefix(at).unwrap_or(file)),
    };
    let files = scan::walk(at, LIMITS).map_err(failed)?;
    Ok(files.into_iter().map(|file| OnDisk { path: told(&file), at: file }).collect())
}

fn input(scanner: &Scanner, allowed: Allowed) -> Result<Report> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(LIMITS.max_file_bytes + 1).read_to_end(&mut bytes).map_err(failed)?;
    if read as u64 > LIMITS.max_file_bytes {
        return Err(CliError::usage(format!("standard input is longer than {} bytes", LIMITS.max_file_bytes)));
    }
    Ok(Report::of_text("-", &bytes, scanner, allowed))
}

fn list(file: &Path) -> Result<AllowList> {
    AllowList::parse(&read_text(file)?).map_err(|e| CliError::usage(format!("{}: {e}", file.display())))
}

fn tell(report: &Report, json: bool, sarif: bool) -> Result<Exit> {
    if json {
        output::json(report)?;
    } else if sarif {
        output::data(&windlass_secrets::sarif(&report.findings.iter().map(|at| at.finding.clone()).collect::<Vec<Finding>>()))?;
    } else if !report.findings.is_empty() {
        output::data(&report.findings.iter().map(line).collect::<String>())?;
    }
    for why in &report.unread {
        output::warn(&format!("not scanned: {}", one_line(why)));
    }
    let commits = if report.commits > 0 { format!(" and {}", count(report.commits, "commit")) } else { String::new() };
    let scanned = format!("{}{commits}, {}", count(report.files, "file"), output::size(report.bytes));
    let found = report.findings.len() as u64 + report.left_out;
    output::say(&match found {
        0 if report.files + report.commits == 0 => "nothing was scanned: there is nothing".to_owned(),
        0 => format!("no secrets in {scanned}"),
        _ if report.left_out > 0 => format!("{} in {scanned}; {} are not shown", count(found, "secret"), report.left_out),
        _ => format!("{} in {scanned}", count(found, "secret")),
    });
    Ok(match () {
        () if found > 0 => Exit::Found,
        () if !report.unread.is_empty() => Exit::Fault,
        () => Exit::Done,
    })
}

fn line(at: &FindingAt) -> String {
    let Finding { path, line, column, rule, redacted, fingerprint, .. } = &at.finding;
    let (commit, act, list) = match &at.commit {
        Some(commit) => (format!(" in {}", output::show::short_commit(commit)), "revoke it: its commit keeps it", " in the base's list"),
        None => (String::new(), "take it out, and revoke it if it has been anywhere else", ""),
    };
    format!(
        "{}:{line}:{column} {rule} {}{commit} ({act}; a false alarm is allowed{list} as {fingerprint})\n",
        one_line(path),
        one_line(redacted)
    )
}

/// Text of a hostile repository on one line.
fn one_line(text: &str) -> String {
    output::clean(&text.replace('\n', "\\n"))
}

fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::fault(error.to_string())
}

fn nowhere() -> CliError {
    CliError::usage("this folder is in no git repository").hint("name a file or a folder, or - for standard input")
}

fn no_such(name: &str) -> CliError {
    CliError::usage(format!("there is no file, commit or range {name:?}")).hint("see `windlass scan --help`")
}
