//! From a request to a call: what all agents share.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use windlass_types::{Failure, FailureKind, Harness};

use crate::login::LoginFile;
use crate::private_dir::PrivateDir;
use crate::{Invocation, RunRequest, Settings, Stdin, claude, codex, command, gemini, simulated};

/// Makes an agent's run ready: finds its program, writes its settings below the home, links the login in.
///
/// Fails with `NotInstalled`, `NotLoggedIn` or `BadConfiguration` and what to do about it, or with `DiskFull` when the
/// home cannot be written.
pub fn prepare(request: &RunRequest, settings: &Settings) -> Result<Invocation, Failure> {
    match request.harness {
        Harness::Claude => claude::flags::invocation(request, settings),
        Harness::Codex => codex::flags::invocation(request, settings),
        Harness::Gemini => gemini::flags::invocation(request, settings),
        Harness::Command => command::flags::invocation(request, settings),
        Harness::Simulated => simulated::invocation(request, settings),
    }
}

/// A call in the making.
pub(crate) struct Call<'a> {
    request: &'a RunRequest,
    pub(crate) home: PrivateDir,
    pub(crate) args: Vec<String>,
    pub(crate) env: BTreeMap<String, String>,
    reads: Vec<PathBuf>,
    renews: Vec<PathBuf>,
}

impl<'a> Call<'a> {
    /// Begins with the request's environment, a private `HOME`, and the variables of this harness alone.
    pub(crate) fn new(request: &'a RunRequest, settings: &Settings) -> Result<Self, Failure> {
        let home = on_disk(request, PrivateDir::open(&request.home))?;
        let mut env = request.env.clone();
        for (name, value) in request.user.env_of(request.harness) {
            env.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
        env.insert("HOME".to_owned(), request.home.display().to_string());
        // A folder of its own for what agents leave lying about; and codex makes no sandbox where its home is below TMPDIR.
        if !env.contains_key("TMPDIR") {
            on_disk(request, home.dir(".windlass").and_then(|d| d.dir("tmp")))?;
            env.insert("TMPDIR".to_owned(), request.home.join(".windlass").join("tmp").display().to_string());
        }
        env.entry("PATH".to_owned()).or_insert_with(|| settings.search_path.clone());
        Ok(Self { request, home, args: Vec::new(), env, reads: Vec::new(), renews: Vec::new() })
    }

    pub(crate) fn arg(&mut self, arg: impl Into<String>) {
        self.args.push(arg.into());
    }

    pub(crate) fn args<S: Into<String>>(&mut self, args: impl IntoIterator<Item = S>) {
        self.args.extend(args.into_iter().map(Into::into));
    }

    /// The words that stand behind the program in a person's own settings; files that they name are the program's, too.
    pub(crate) fn words(&mut self, words: Vec<String>) {
        let named = words.iter().map(PathBuf::from).filter(|word| word.is_absolute() && word.is_file());
        self.reads.extend(named.flat_map(with_package));
        self.args(words);
    }

    /// The login that the agent uses. One that it renews it also writes: many providers end the old one with that.
    pub(crate) fn login(&mut self, file: &LoginFile) {
        if file.renewable { &mut self.renews } else { &mut self.reads }.push(file.path.clone());
    }

    /// A file outside the home that the agent reads.
    pub(crate) fn reads(&mut self, file: PathBuf) {
        self.reads.push(file);
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.env.insert(name.to_owned(), value.into());
    }

    /// Names what failed when the home could not be written.
    pub(crate) fn on_disk<T>(&self, result: io::Result<T>) -> Result<T, Failure> {
        on_disk(self.request, result)
    }

    pub(crate) fn end(mut self, program: PathBuf, stdin: Stdin) -> Invocation {
        self.reads.extend(with_package(program.clone()));
        let hosts = crate::hosts::of(self.request.harness, &self.env);
        let Self { request, args, env, reads, renews, .. } = self;
        Invocation { program, args, env, cwd: request.cwd.clone(), stdin, reads, renews, hosts }
    }
}

/// A program, and the folder of packages that it is part of: what node runs reads what lies beside it.
fn with_package(program: PathBuf) -> Vec<PathBuf> {
    let real = program.canonicalize().unwrap_or_else(|_| program.clone());
    let packages = real.ancestors().filter(|folder| folder.file_name().is_some_and(|name| name == "node_modules")).last();
    let packages = packages.map(std::path::Path::to_owned);
    std::iter::once(program).chain(packages).collect()
}

fn on_disk<T>(request: &RunRequest, result: io::Result<T>) -> Result<T, Failure> {
    result.map_err(|e| {
        Failure::new(FailureKind::DiskFull, format!("the home {} of the assignment could not be written: {e}", request.home.display()))
            .hint("make room on the disk, or make the folder writable")
    })
}
