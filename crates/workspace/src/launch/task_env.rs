//! Which variables a task or project may set in its agent's environment.

use std::collections::BTreeMap;

/// A variable that a task may not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the variable {name:?} may not be set for a task: {reason}")]
pub struct RefusedVariable {
    /// Its name, cut to what can be printed.
    pub name: String,
    /// Why not.
    pub reason: &'static str,
}

/// Whole families that load code or redirect git.
const REFUSED_PREFIXES: [(&str, &str); 5] = [
    ("GIT_", "it redirects git"),
    ("LD_", "it loads code into every program"),
    ("DYLD_", "it loads code into every program"),
    ("WINDLASS_", "Windlass sets these itself"),
    ("BASH_FUNC_", "it replaces commands"),
];

/// Single names that load code, or that Windlass decides.
const REFUSED_NAMES: [(&str, &str); 14] = [
    ("HOME", "every assignment has its own"),
    ("TMPDIR", "every assignment has its own"),
    ("BASH_ENV", "it runs a file in every shell"),
    ("ENV", "it runs a file in every shell"),
    ("SHELLOPTS", "it changes every shell"),
    ("PROMPT_COMMAND", "it runs a command in every shell"),
    ("IFS", "it changes every shell"),
    ("PYTHONSTARTUP", "it runs a file in every Python"),
    ("PERL5OPT", "it loads code into every Perl"),
    ("RUBYOPT", "it loads code into every Ruby"),
    ("NODE_OPTIONS", "it loads code into every Node program"),
    ("SSH_ASKPASS", "it runs a program"),
    ("GCONV_PATH", "it loads code into every program"),
    ("SUDO_ASKPASS", "it runs a program"),
];

/// Refuses an environment block with a variable that would load code, redirect git or pretend to be Windlass.
pub fn check_task_env(env: &BTreeMap<String, String>) -> Result<(), RefusedVariable> {
    for (name, value) in env {
        let refused = |reason| Err(RefusedVariable { name: name.chars().take(64).collect(), reason });
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && !name.is_empty() && name.len() <= 128;
        if !plain || name.as_bytes()[0].is_ascii_digit() {
            return refused("a name is letters, digits and underscores");
        }
        if value.contains('\0') {
            return refused("its value contains a zero byte");
        }
        let upper = name.to_ascii_uppercase();
        if let Some((_, reason)) = REFUSED_PREFIXES.iter().find(|(prefix, _)| upper.starts_with(prefix)) {
            return refused(reason);
        }
        if let Some((_, reason)) = REFUSED_NAMES.iter().find(|(refused, _)| upper == *refused) {
            return refused(reason);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str) -> Result<(), RefusedVariable> {
        check_task_env(&[(name.to_owned(), "x".to_owned())].into())
    }

    #[test]
    fn a_task_may_not_set_variables_that_load_code_or_redirect_git() {
        for name in ["GIT_DIR", "GIT_SSH_COMMAND", "LD_PRELOAD", "git_dir", "BASH_ENV", "WINDLASS_TOKEN", "HOME", "NODE_OPTIONS"] {
            assert!(one(name).is_err(), "{name}");
        }
        for name in ["", "A=B", "A B", "A\n", "1A", "é"] {
            assert!(one(name).is_err(), "{name:?}");
        }
        for name in ["RUST_LOG", "CI", "DATABASE_URL", "my_var", "DIGITAL"] {
            assert_eq!(one(name), Ok(()), "{name}");
        }
    }
}
