//! Who works when.

use std::thread::sleep;
use std::time::Duration;

use super::options::Options;
use super::report::Times;
use super::server::Server;

/// Between turns. PyTorch's OpenMP threads go on spinning after a step, for less than 20 ms as measured.
/// Forbidding that (`OMP_WAIT_POLICY=PASSIVE`) makes its steps 10 to 30 % slower, so they get time to fall
/// asleep instead.
const REST: Duration = Duration::from_millis(50);

/// Lets each take `warm_up` steps that nobody times, then each in turn its steps. Only one works at a time.
///
/// # Errors
/// When a program fails.
pub fn measure(
    servers: &mut [Server],
    options: &Options,
    warm_up: usize,
) -> Result<Vec<Times>, String> {
    for server in &mut *servers {
        server.take(warm_up)?;
    }
    let mut times: Vec<Times> = servers
        .iter()
        .map(|server| Times {
            name: server.name().to_owned(),
            rounds: Vec::new(),
            peak_bytes: None,
        })
        .collect();
    for round in 0..options.rounds {
        eprint!("\rround {} of {}", round + 1, options.rounds);
        for turn in order(round, servers.len()) {
            sleep(REST);
            times[turn].rounds.push(servers[turn].take(options.steps)?);
        }
    }
    eprintln!();
    for (times, server) in times.iter_mut().zip(servers) {
        times.peak_bytes = server.peak_bytes();
    }
    Ok(times)
}

/// The order in which `count` programs take their turns in round `round`: forwards, then backwards. So what
/// drifts during the measurement, such as the clock rate or a neighbour's load, does not favour a place.
pub fn order(round: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_second_round_goes_backwards() {
        assert_eq!([order(0, 4), order(1, 4)], [vec![0, 1, 2, 3], vec![3, 2, 1, 0]]);
        assert_eq!(order(2, 4), order(0, 4));
    }

    #[test]
    fn two_rounds_give_everyone_the_same_average_place() {
        let places = |who: usize| -> usize {
            (0..2).map(|round| order(round, 5).iter().position(|&turn| turn == who).unwrap()).sum()
        };
        assert!((0..5).all(|who| places(who) == 4));
    }
}
