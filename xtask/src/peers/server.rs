//! A program that takes steps when it is asked to and tells how long each took.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout};

use super::json::{self, Value};
use crate::shell::Shell;

/// Such a program, set up and waiting. It speaks one line of JSON at a time: `{"ready": true, ...}` once it is
/// set up, then for each line with a number that it reads, `{"milliseconds": [...], ...}` with as many times.
pub struct Server {
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    ready: BTreeMap<String, Value>,
    /// As it was last told.
    peak: Option<f64>,
}

impl Server {
    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it does not get there.
    pub fn start(name: &str, shell: Shell) -> Result<Self, String> {
        let mut child = shell.start()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            unreachable!("`Shell::start` connects both");
        };
        let output = BufReader::new(output);
        let mut server = Self {
            name: name.to_owned(),
            child,
            input,
            output,
            ready: BTreeMap::new(),
            peak: None,
        };
        server.ready = server.line("ready")?;
        Ok(server)
    }

    /// What the table calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The objective at the fixture.
    ///
    /// # Errors
    /// When it reported none.
    pub fn objective(&self) -> Result<f64, String> {
        self.number("objective")
            .ok_or_else(|| format!("{} reported no objective at the fixture", self.name))
    }

    /// A number it gave when it became ready.
    pub fn number(&self, field: &str) -> Option<f64> {
        number(self.ready.get(field))
    }

    /// The most bytes of memory that it has had until its last turn, if it says so.
    pub fn peak_bytes(&self) -> Option<f64> {
        self.peak
    }

    /// A text it gave when it became ready, such as its version.
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.ready.get(field) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// Milliseconds of each of `steps` steps, taken now.
    ///
    /// # Errors
    /// When it answers anything else.
    pub fn take(&mut self, steps: usize) -> Result<Vec<f64>, String> {
        writeln!(self.input, "{steps}")
            .and_then(|()| self.input.flush())
            .map_err(|error| format!("{} does not listen: {error}", self.name))?;
        let mut answer = self.line("milliseconds")?;
        self.peak = number(answer.get("peak_bytes"));
        match answer.remove("milliseconds") {
            Some(Value::Numbers(times)) if times.len() == steps => Ok(times),
            other => Err(format!("{} answered {other:?} to {steps} steps", self.name)),
        }
    }

    /// The next line, which must be an object with `field`.
    fn line(&mut self, field: &str) -> Result<BTreeMap<String, Value>, String> {
        let mut line = String::new();
        self.output
            .read_line(&mut line)
            .map_err(|error| format!("cannot read from {}: {error}", self.name))?;
        if line.is_empty() {
            return Err(format!("{} ended before it was asked to: see above", self.name));
        }
        json::object(&line)
            .filter(|fields| fields.contains_key(field))
            .ok_or_else(|| format!("{} wrote {line:?} where {field:?} was due", self.name))
    }
}

fn number(value: Option<&Value>) -> Option<f64> {
    match value {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is lost with it, and it may be gone already: neither call's failure matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bash(script: &str) -> Result<Server, String> {
        Server::start("fake", Shell::program("bash").args(["-c", script]))
    }

    const READY: &str = r#"echo '{"ready":true,"objective":12.5,"torch":"2"}'; "#;

    #[test]
    fn steps_are_asked_for_and_answered() {
        let script = format!(
            r#"{READY} while read n; do t=$(yes 1.5 | head -n $n | paste -sd,); echo "{{\"milliseconds\":[$t]}}"; done"#
        );
        let mut server = bash(&script).unwrap();
        assert_eq!((server.name(), server.text("torch")), ("fake", Some("2")));
        assert_eq!(server.objective(), Ok(12.5));
        assert_eq!(server.take(3), Ok(vec![1.5; 3]));
        assert_eq!(server.take(1), Ok(vec![1.5]));
        assert_eq!((server.peak_bytes(), server.number("torch")), (None, None));
    }

    #[test]
    fn memory_is_that_of_the_last_answer() {
        let script = format!(
            r#"{READY} for b in 10 20; do read n; echo "{{\"milliseconds\":[1],\"peak_bytes\":$b}}"; done"#
        );
        let mut server = bash(&script).unwrap();
        for bytes in [10.0, 20.0] {
            server.take(1).unwrap();
            assert_eq!(server.peak_bytes(), Some(bytes));
        }
    }

    #[test]
    fn a_program_that_ends_or_babbles_is_named() {
        let problem = |script: &str| bash(script).err().unwrap();
        assert!(problem("exit 1").contains("fake ended"));
        assert!(problem("echo hello").contains("hello"));
        let mut server = bash(&format!("{READY} read n; echo '{{\"milliseconds\":[1]}}'")).unwrap();
        assert!(server.take(2).unwrap_err().contains("2 steps"));
        let server = bash(r#"echo '{"ready":true,"objective":null}'; read n"#).unwrap();
        assert!(server.objective().unwrap_err().contains("no objective"));
    }
}
