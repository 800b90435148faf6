use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use windlass_types::{Harness, JobType, Project, ProjectSettings, SandboxMode, is_valid_name, name_from};

use crate::cli::{Context, Json, read_text};
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::Page;

/// Let a repository join: write its settings file and register it
///
/// Writes `.windlass/project.toml` if there is none, and registers the repository as a project with the daemon, or in
/// the configuration file when no daemon runs. Run again, it changes what is named and keeps the rest.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The repository
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// The project's name [default: the folder's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The check to run on every change
    #[arg(long, value_name = "CMD")]
    verify: Option<String>,
    /// The repository on the forge, where its address does not tell it
    #[arg(long, value_name = "OWNER/NAME")]
    forge: Option<String>,
    /// Propose every branch as a pull request; `--propose=false` ends that
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    propose: Option<bool>,
    /// Whether its programs run in a sandbox: auto, require or off. Never written into the repository
    #[arg(long, value_name = "MODE")]
    sandbox: Option<SandboxMode>,
    /// Take over namespace, timeoutMs and harnessDefaults from a config.json
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    json: Json,
}

/// The earlier workflow engine's `config.json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EarlierConfig {
    namespace: Option<String>,
    timeout_ms: Option<u64>,
    harness_defaults: BTreeMap<String, String>,
    convex_url: Option<String>,
}

pub(crate) async fn run(args: InitArgs, context: &Context) -> Result<Exit> {
    if let Some(name) = args.forge.as_deref().filter(|name| !windlass_types::is_forge_repository(name)) {
        return Err(CliError::usage(format!("{name:?} names no repository of a forge")).hint("name it OWNER/NAME"));
    }
    let earlier = args.from.as_deref().map(read_earlier).transpose()?.unwrap_or_default();
    let repo = repository_root(&args.repo)?;
    let folder = repo.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = args.name.or_else(|| earlier.namespace.clone()).unwrap_or_else(|| name_from(&folder));
    if !is_valid_name(&name) {
        return Err(CliError::usage(format!("{name:?} cannot be a project's name"))
            .hint("a name is a letter or digit and then letters, digits, dots, dashes and underscores: give one with --name"));
    }
    let named = Named {
        verify: args.verify,
        propose: args.propose,
        forge: args.forge,
        sandbox: args.sandbox,
        timeout_secs: earlier.timeout_ms.map(|ms| ms.div_ceil(1000).max(1)),
        harness_defaults: harnesses(&earlier.harness_defaults)?,
    };
    if earlier.convex_url.is_some() {
        output::say("note: convexUrl is not needed any more: Windlass keeps its own store");
    }
    let repo_text = repo.to_str().ok_or_else(|| CliError::usage(format!("the path {} is not valid UTF-8", repo.display())))?.to_owned();
    let client = context.running_client().await?;
    let known = match &client {
        Some(client) => known_to_daemon(client, &name).await?,
        None => None,
    };
    if known.as_ref().is_some_and(|known| known.repo.as_deref().is_some_and(|known| known != repo_text)) {
        return Err(CliError::usage(format!("the daemon has a project {name} already, of another repository"))
            .hint("give another name with --name"));
    }
    let settings = named.onto(known.map(|known| known.settings).unwrap_or_default());
    let (file, written) = write_project_file(&repo, &settings)?;

    let has_daemon = client.is_some();
    let registered = match client {
        Some(client) => {
            let body = json!({ "repo": repo_text, "settings": settings });
            let _: Value = client.send_json(reqwest::Method::PUT, &format!("/api/v1/projects/{name}"), &body).await?;
            format!("with the daemon at {}", client.url())
        }
        None => add_to_config(context, &name, &repo_text, &named)?,
    };
    if args.json.json {
        output::json(
            &json!({ "id": name, "name": name, "repo": repo_text, "file": file, "file_written": written, "registered": registered, "settings": settings }),
        )?;
        return Ok(Exit::Done);
    }
    output::data(&format!("project {name} is {repo_text}, registered {registered}"))?;
    output::data(&if written { format!("wrote {}", file.display()) } else { format!("left {} as it is", file.display()) })?;
    let mut steps = vec!["commit .windlass/project.toml, so that everybody's work is run the same way".to_owned()];
    if !has_daemon {
        steps.push("windlass up              starts the daemon, in a terminal of its own".to_owned());
    }
    steps.push(format!("windlass trust {name}    lets the commands in that file run (each change asks again)"));
    steps.push(format!("windlass run \"…\" --project {name}"));
    let steps: Vec<String> = steps.iter().enumerate().map(|(index, step)| format!("  {}. {step}", index + 1)).collect();
    output::say(&format!("next:\n{}", steps.join("\n")));
    Ok(Exit::Done)
}

/// What is asked for; the rest stays as it is.
struct Named {
    verify: Option<String>,
    propose: Option<bool>,
    forge: Option<String>,
    sandbox: Option<SandboxMode>,
    timeout_secs: Option<u64>,
    harness_defaults: BTreeMap<String, Harness>,
}

impl Named {
    fn onto(&self, settings: ProjectSettings) -> ProjectSettings {
        ProjectSettings {
            verify: self.verify.clone().or(settings.verify),
            propose: self.propose.unwrap_or(settings.propose),
            forge_repository: self.forge.clone().or(settings.forge_repository),
            sandbox: self.sandbox.or(settings.sandbox),
            timeout_secs: self.timeout_secs.or(settings.timeout_secs),
            harness_defaults: if self.harness_defaults.is_empty() { settings.harness_defaults } else { self.harness_defaults.clone() },
            ..settings
        }
    }

    /// The same as lines of the project's table in a configuration file.
    fn lines(&self, key: &str) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                let _ = writeln!(text, "{name} = {value}");
            }
        };
        line("verify", self.verify.as_deref().map(quoted));
        line("forge_repository", self.forge.as_deref().map(quoted));
        line("propose", self.propose.map(|propose| propose.to_string()));
        line("task_timeout", self.timeout_secs.map(|secs| secs.to_string()));
        line("sandbox", self.sandbox.map(|mode| quoted(mode.as_str())));
        if !self.harness_defaults.is_empty() {
            text.push_str(&harness_table(&format!("[project.{key}.harness_defaults]"), &self.harness_defaults));
        }
        text
    }
}

/// The project of that name, if the daemon has one.
async fn known_to_daemon(client: &Client, name: &str) -> Result<Option<Project>> {
    let all: Page<Project> = client.get("/api/v1/projects", &[]).await?;
    Ok(all.items.into_iter().find(|project| project.name == name))
}

fn read_earlier(path: &Path) -> Result<EarlierConfig> {
    let text = read_text(path)?;
    serde_json::from_str(&text).map_err(|e| {
        CliError::usage(format!("{}:{}: {e}", path.display(), e.line()))
            .hint("it is read as the earlier engine's config.json: namespace, timeoutMs, harnessDefaults")
    })
}

/// The agents it names, where Windlass has them.
fn harnesses(named: &BTreeMap<String, String>) -> Result<BTreeMap<String, Harness>> {
    let mut known = BTreeMap::new();
    for (job_type, harness) in named {
        if job_type != "default" && job_type.parse::<JobType>().is_err() {
            output::warn(&format!("harnessDefaults.{job_type} is no job type and is left out"));
            continue;
        }
        let harness: Harness = harness.parse().map_err(|e| CliError::usage(format!("harnessDefaults.{job_type}: {e}")))?;
        known.insert(job_type.clone(), harness);
    }
    Ok(known)
}

/// The repository that holds `dir`.
fn repository_root(dir: &Path) -> Result<PathBuf> {
    let dir = std::fs::canonicalize(dir).map_err(|e| CliError::usage(format!("the repository {} cannot be used: {e}", dir.display())))?;
    let root = dir.ancestors().find(|d| d.join(".git").exists());
    root.map(Path::to_path_buf).ok_or_else(|| {
        CliError::usage(format!("{} is not in a git repository", dir.display()))
            .hint("run `git init` there first, or give another with --repo")
    })
}

fn write_project_file(repo: &Path, settings: &ProjectSettings) -> Result<(PathBuf, bool)> {
    let dir = repo.join(".windlass");
    let file = dir.join("project.toml");
    let failed = |path: &Path, e: std::io::Error| CliError::usage(format!("cannot write {}: {e}", path.display()));
    match std::fs::symlink_metadata(&dir) {
        // A link in a repository may lead anywhere.
        Ok(meta) if !meta.is_dir() => return Err(CliError::usage(format!("{} is not a directory", dir.display())).hint("move it away")),
        Ok(_) => {}
        Err(_) => std::fs::create_dir(&dir).map_err(|e| failed(&dir, e))?,
    }
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).open(&file);
    match opened {
        Ok(mut out) => {
            out.write_all(project_file(settings).as_bytes()).map_err(|e| failed(&file, e))?;
            Ok((file, true))
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok((file, false)),
        Err(e) => Err(failed(&file, e)),
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn project_file(settings: &ProjectSettings) -> String {
    let mut text = String::from(
        "# How Windlass works on this repository. Read from the base commit.\n\
         # Commands and templates count only after `windlass trust`, and each change asks again.\n\n\
         # The check that every change has to pass.\n",
    );
    match &settings.verify {
        Some(verify) => {
            let _ = writeln!(text, "verify = {}", quoted(verify));
        }
        None => text.push_str("# verify = \"make test\"\n"),
    }
    text.push_str("\n# Run once in each new workspace, before the first agent.\n# setup = \"npm ci\"\n\n# How often an agent may be sent back with the check's output.\n# max_iterations = 3\n\n# How long one run of an agent may take, in seconds.\n");
    match settings.timeout_secs {
        Some(secs) => {
            let _ = writeln!(text, "timeout_secs = {secs}");
        }
        None => text.push_str("# timeout_secs = 600\n"),
    }
    text.push_str("\n# The agent for each type of job: plan, implement, review, uat, document, pm, chat.\n");
    if settings.harness_defaults.is_empty() {
        text.push_str("# [harness_defaults]\n# default = \"claude\"\n# review = \"codex\"\n");
    } else {
        text.push_str(&harness_table("[harness_defaults]", &settings.harness_defaults));
    }
    text.push_str("\n# Limits of each assignment.\n# [budget]\n# runs = 20\n# tokens = 2000000\n");
    text
}

fn harness_table(header: &str, harnesses: &BTreeMap<String, Harness>) -> String {
    let mut text = format!("{header}\n");
    for (job_type, harness) in harnesses {
        let _ = writeln!(text, "{job_type} = \"{harness}\"");
    }
    text
}

/// What is said of task files in a configuration file that says nothing of them.
const FILES: &str = r#"
# A shared directory in which every task is a file. Naming its root switches it on; the rest is as it is without being named.
# [files]
# root = "/shared"
# mode = "worker"                          # or "hybrid": another program executes
# project = "scratch"                      # of tasks that name none
# task_dir = "/shared/tasks"
# trigger_dir = "/shared/triggers"
# result_dir = "/shared/results"
# heartbeat_dir = "/shared/heartbeats"
# dlq_dir = "/shared/dlq"
# pipe_dir = "/shared/pipes"
"#;

/// Adds the project to the configuration file, where a daemon finds it at its next start.
fn add_to_config(context: &Context, name: &str, repo: &str, named: &Named) -> Result<String> {
    let loaded = context.settings(&crate::config::Flags { config_may_be_missing: true, ..context.flags() })?;
    let path = &loaded.config_path;
    let failed = |e: std::io::Error| CliError::usage(format!("cannot write {}: {e}", path.display()));
    let key = if name.contains('.') { quoted(name) } else { name.to_owned() };
    if let Some(known) = loaded.projects.iter().find(|p| p.name == name) {
        if known.repo.as_deref() == Some(repo) {
            if named.onto(known.settings.clone()) == known.settings {
                return Ok(format!("in {} already", path.display()));
            }
            // A person's own file: what stands in it is not rewritten.
            return Err(CliError::usage(format!("{} has the project {name} with other settings", path.display()))
                .hint(format!("set there, under [project.{key}]:\n{}", named.lines(&key).trim_end())));
        }
        return Err(CliError::usage(format!("{} has a project {name} already, of another repository", path.display()))
            .hint("give another name with --name"));
    }
    if let Some(dir) = path.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    }
    let told = std::fs::read_to_string(path).is_ok_and(|text| text.contains("[files]"));
    let mut text = if told { String::new() } else { FILES.to_owned() };
    let _ = writeln!(text, "\n[project.{key}]\nrepo = {}", quoted(repo));
    text.push_str(&named.lines(&key));
    let mut file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    Ok(format!("in {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_that_is_written_reads_back_as_the_settings_it_was_made_of() {
        let settings = ProjectSettings {
            verify: Some("make \"test\"\\n".to_owned()),
            timeout_secs: Some(60),
            harness_defaults: [("default".to_owned(), Harness::Codex)].into(),
            ..ProjectSettings::default()
        };
        assert_eq!(toml::from_str::<ProjectSettings>(&project_file(&settings)).ok(), Some(settings));
        assert_eq!(toml::from_str::<ProjectSettings>(&project_file(&ProjectSettings::default())).ok(), Some(ProjectSettings::default()));
    }

    #[test]
    fn the_earlier_config_is_read_by_its_own_names() {
        let text = r#"{"convexUrl":"https://x","namespace":"shop","timeoutMs":600000,"harnessDefaults":{"default":"claude","pm":"codex"}}"#;
        let earlier: EarlierConfig = serde_json::from_str(text).unwrap_or_default();
        assert_eq!((earlier.namespace.as_deref(), earlier.timeout_ms), (Some("shop"), Some(600_000)));
        assert_eq!(harnesses(&earlier.harness_defaults).ok().map(|h| h.len()), Some(2));
    }
}
