//! Every gate of the project as one command: `cargo xtask GATE...`, the same for people and for CI.

mod fuzz;
mod gates;
mod notices;
mod peers;
mod shell;

#[cfg(test)]
mod architecture;

use std::process::ExitCode;
use std::time::Instant;

use gates::Gate;

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    // The one command that takes arguments of its own, so no gate: it cannot be named together with others.
    if let Some((peers::COMMAND, args)) = names.split_first().map(|(name, args)| (&**name, args)) {
        return peers::main(args);
    }
    if names == [notices::COMMAND] {
        return match notices::write() {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => {
                eprintln!("error: {problem}");
                ExitCode::FAILURE
            }
        };
    }
    let gates = match chosen(&names) {
        Ok(gates) => gates,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let last = gates.len() - 1;
    for (at, gate) in gates.iter().enumerate() {
        let started = Instant::now();
        if let Err(problem) = gate.run() {
            eprintln!("error: gate {:?} failed: {problem}", gate.name());
            return ExitCode::FAILURE;
        }
        // Not after the last one: there the last lines are the test runner's own.
        if at < last {
            eprintln!("{}: {} s", gate.name(), started.elapsed().as_secs());
        }
    }
    ExitCode::SUCCESS
}

/// The gates named on the command line, groups spelled out, in the order given.
fn chosen(names: &[String]) -> Result<Vec<Gate>, String> {
    if names.is_empty() {
        return Err(usage("no gate named"));
    }
    let mut gates = Vec::new();
    for name in names {
        match name.as_str() {
            "check" => gates.extend(Gate::CHECK),
            "ci" => gates.extend(Gate::CI),
            name => match Gate::ALL.into_iter().find(|gate| gate.name() == name) {
                Some(gate) => gates.push(gate),
                None => return Err(usage(&format!("unknown gate {name:?}"))),
            },
        }
    }
    Ok(gates)
}

fn usage(problem: &str) -> String {
    let mut text = format!("error: {problem}\n\nusage: cargo xtask GATE...\n\n");
    for gate in Gate::ALL {
        text += &format!("  {:<12} {}\n", gate.name(), gate.purpose());
    }
    text += "\n  check        everything that runs nothing: fmt, licences, lints, documentation, golden numbers\n";
    text += "  ci           every gate, the cheapest first, the tests last\n";
    text += &format!("\nor: {}\n", peers::USAGE);
    text += &format!("or: {}   writes the licences of all packages anew\n", notices::COMMAND);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Result<Vec<&'static str>, String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        chosen(&names).map(|gates| gates.iter().map(Gate::name).collect())
    }

    #[test]
    fn gates_and_groups_are_found_by_name() {
        assert_eq!(names(&["fmt", "test"]), Ok(vec!["fmt", "test"]));
        let ci = names(&["ci"]).unwrap();
        assert!(ci.starts_with(&names(&["check"]).unwrap()), "the cheap gates come first: {ci:?}");
        assert_eq!(ci.last(), Some(&"test"), "the tests' summary must end the output");
    }

    #[test]
    fn an_unknown_gate_is_answered_with_the_list() {
        for answer in [names(&["tset"]).unwrap_err(), names(&[]).unwrap_err()] {
            assert!(Gate::ALL.iter().all(|gate| answer.contains(gate.name())), "{answer}");
            assert!(answer.contains(peers::COMMAND), "{answer}");
        }
    }
}
