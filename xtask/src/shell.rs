//! Running one command, visibly.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A command to be run in the root of the workspace; printed before it runs.
pub struct Shell {
    program: String,
    args: Vec<String>,
    env: Vec<(String, String)>,
}

impl Shell {
    pub fn program(program: &str) -> Self {
        Self { program: program.to_owned(), args: Vec::new(), env: Vec::new() }
    }

    pub fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        Self::program("cargo").args(args)
    }

    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.args.extend(args.into_iter().map(str::to_owned));
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it, to be talked to through its standard input and output.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(self) -> Result<Child, String> {
        eprintln!("\n$ {self}");
        command(&self.program)
            .args(&self.args)
            .envs(self.env)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {:?}: {error}", self.program))
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started or does not succeed.
    pub fn run(self) -> Result<(), String> {
        let line = self.to_string();
        eprintln!("\n$ {line}");
        let status = command(&self.program)
            .args(&self.args)
            .envs(self.env)
            .stdin(Stdio::null())
            .status()
            .map_err(|error| format!("cannot start {:?}: {error}", self.program))?;
        if status.success() { Ok(()) } else { Err(format!("{status} from: {line}")) }
    }

    /// Runs it to its end, silently, for what it prints.
    ///
    /// # Errors
    /// As [`Shell::run`]; also of text that is not UTF-8.
    pub fn text(self) -> Result<String, String> {
        let line = self.to_string();
        let output = command(&self.program)
            .args(&self.args)
            .envs(self.env)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| format!("cannot start {:?}: {error}", self.program))?;
        if !output.status.success() {
            return Err(format!("{} from: {line}", output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("{error} from: {line}"))
    }
}

impl std::fmt::Display for Shell {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let quoted = |word: &str| {
            if word.contains(|c: char| c.is_whitespace() || "\"$;&|'".contains(c)) {
                format!("'{}'", word.replace('\'', "'\\''"))
            } else {
                word.to_owned()
            }
        };
        for (name, value) in &self.env {
            write!(out, "{name}={} ", quoted(value))?;
        }
        write!(out, "{}", quoted(&self.program))?;
        self.args.iter().try_for_each(|word| write!(out, " {}", quoted(word)))
    }
}

/// Whether `program` exists and succeeds with `args`.
pub fn available(program: &str, args: &[&str]) -> bool {
    command(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The root of the workspace that cargo was called in. Asked for when it runs, not when it was compiled:
/// two checkouts that share a target folder share this program too.
pub fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = package.as_deref().and_then(Path::parent);
    root.unwrap_or(Path::new(".")).to_path_buf()
}

/// Where cargo builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo run` describes xtask to its child in variables; build scripts that watch them would run again.
fn command(program: &str) -> Command {
    let path = if program.contains('/') { root().join(program) } else { PathBuf::from(program) };
    let mut command = Command::new(path);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "CARGO"
        {
            command.env_remove(&name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_can_be_pasted() {
        let shell = Shell::program("bash").args(["-c", "echo 'a b'"]).env("X", "-D warnings");
        assert_eq!(shell.to_string(), r"X='-D warnings' bash -c 'echo '\''a b'\'''");
    }

    #[test]
    fn failure_and_absence_are_told_apart() {
        assert!(Shell::program("true").run().is_ok());
        assert!(Shell::program("false").run().unwrap_err().contains("from: false"));
        assert!(Shell::program("no-such-program").run().unwrap_err().contains("cannot start"));
        assert_eq!(Shell::program("echo").args(["few words"]).text(), Ok("few words\n".to_owned()));
        assert!(Shell::program("false").text().unwrap_err().contains("from: false"));
        assert!(!available("no-such-program", &[]) && available("true", &[]));
    }

    #[test]
    fn commands_run_in_the_root() {
        assert!(Shell::program("test").args(["-f", "Cargo.lock"]).run().is_ok());
    }
}
