//! Who works when.

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
