//! Points in an order in which neighbours are near, and boxes around them: what is too far from a box is too far from
//! all points in it.
//!
//! Sixteen points that follow each other are a node of the lowest level, sixteen such nodes one of the next, and so on. Corners are
//! kept as points are, so that a query meets sixteen boxes at once. A distance to a box is rounded as one to a point is, in the same
//! order, and so is never above that to a point in the box, to the last bit.

use std::ops::Range;

use super::lanes::{LANES, Lane, below, gaps};
use crate::simd::vectorised;

/// Points that are merged into one.
pub(super) const MERGED: usize = 4;

/// The nodes of a level, sixteen to a block; missing ones of the last block are copies of the first.
#[derive(Clone, Debug)]
pub(super) struct Level {
    dims: usize,
    nodes: usize,
    /// Least and largest coordinates, `dims` lanes to a block.
    lows: Vec<Lane<f32>>,
    highs: Vec<Lane<f32>>,
}

impl Level {
    /// Boxes around the boxes between `lows` and `highs`, sixteen each.
    fn around(lows: &[Lane<f32>], highs: &[Lane<f32>], dims: usize, count: usize) -> Self {
        let nodes = count.div_ceil(LANES);
        let outer = |inner: &[Lane<f32>], of: fn(f32, f32) -> f32| {
            let mut outer = vec![Lane([0.0; LANES]); nodes.div_ceil(LANES) * dims];
            for node in 0..nodes.next_multiple_of(LANES) {
                let inside = if node < nodes { node } else { 0 };
                let used = (count - inside * LANES).min(LANES);
                for dim in 0..dims {
                    let lanes = &inner[inside * dims + dim][..used];
                    let corner = lanes.iter().copied().reduce(of).unwrap_or(0.0);
                    outer[node / LANES * dims + dim][node % LANES] = corner;
                }
            }
            outer
        };
        Self { dims, nodes, lows: outer(lows, f32::min), highs: outer(highs, f32::max) }
    }

    pub(super) fn blocks(&self) -> usize {
        self.nodes.div_ceil(LANES)
    }

    /// The boxes of a block: least and largest coordinates.
    #[inline(always)]
    pub(super) fn boxes(&self, block: usize) -> [&[Lane<f32>]; 2] {
        [&self.lows, &self.highs].map(|all| &all[block * self.dims..][..self.dims])
    }

    /// The box of a node.
    pub(super) fn corners(&self, node: usize) -> [Vec<f32>; 2] {
        self.boxes(node / LANES).map(|lanes| lanes.iter().map(|lane| lane[node % LANES]).collect())
    }
}

/// An order of points `[points, dims]`, row-major, in which groups of 4, of 16, of 256, of 4096 and so on are small.
pub(super) fn arrange(rows: &[f32], dims: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..(rows.len() / dims) as u32).collect();
    split(rows, dims, &mut order);
    order
}

/// Halves along the dimension of the largest variance, at a multiple of the largest group that fits into half.
fn split(rows: &[f32], dims: usize, order: &mut [u32]) {
    let count = order.len();
    if count <= MERGED {
        return;
    }
    let mut unit = if count <= LANES { MERGED } else { LANES };
    while unit * LANES <= count / 2 {
        unit *= LANES;
    }
    let middle = ((count / 2).div_ceil(unit) * unit).min((count - 1) / unit * unit);
    let widest = widest(rows, dims, order);
    let value = |point: u32| rows[point as usize * dims + widest];
    order.select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    let (left, right) = order.split_at_mut(middle);
    split(rows, dims, left);
    split(rows, dims, right);
}

/// The dimension in which some points vary most.
fn widest(rows: &[f32], dims: usize, points: &[u32]) -> usize {
    let (mut sums, mut squares) = (vec![0.0_f64; dims], vec![0.0_f64; dims]);
    let first = &rows[points[0] as usize * dims..][..dims];
    for &point in points {
        let row = &rows[point as usize * dims..][..dims];
        let sums = sums.iter_mut().zip(&mut squares);
        for ((sum, square), (value, origin)) in sums.zip(row.iter().zip(first)) {
            let value = f64::from(value - origin);
            *sum += value;
            *square += value * value;
        }
    }
    let variance = |dim: usize| squares[dim] - sums[dim] * sums[dim] / points.len() as f64;
    (0..dims).max_by(|&a, &b| variance(a).total_cmp(&variance(b))).unwrap_or(0)
}

/// Boxes around the points of `lanes`, the smallest first; none where there are few points.
pub(super) fn levels(lanes: &[Lane<f32>], dims: usize, count: usize) -> Vec<Level> {
    let mut levels: Vec<Level> = Vec::new();
    let mut left = count;
    while left > LANES {
        let level = match levels.last() {
            Some(Level { lows, highs, .. }) => Level::around(lows, highs, dims, left),
            None => Level::around(lanes, lanes, dims, left),
        };
        left = level.nodes;
        levels.push(level);
    }
    levels
}

/// How far the points of each node reach at most, as squared distances.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// By level and block.
    squares: Vec<Vec<Lane<f32>>>,
}

impl Limits {
    /// All reach equally far.
    pub(super) fn new(levels: &[Level], limit: f32) -> Self {
        let of_level = |level: &Level| {
            let mut squares = vec![Lane([limit; LANES]); level.blocks()];
            if let Some(last) = squares.last_mut() {
                last[(level.nodes - 1) % LANES + 1..].fill(0.0);
            }
            squares
        };
        Self { squares: levels.iter().map(of_level).collect() }
    }

    /// A lowest node's points now reach so far, none farther than before.
    pub(super) fn lower(&mut self, node: usize, limit: f32) {
        let (mut node, mut limit) = (node, limit);
        for level in &mut self.squares {
            let block = &mut level[node / LANES];
            if block[node % LANES] == limit {
                return;
            }
            block[node % LANES] = limit;
            limit = block.iter().copied().fold(0.0, f32::max);
            node /= LANES;
        }
    }
}

/// Blocks of points that may be within reach of a query.
pub(super) type Visit = (u32, Range<usize>);

/// Finds what may be within reach of some queries.
#[derive(Debug)]
pub(super) struct Search<'a> {
    levels: &'a [Level],
    blocks: usize,
    queries: &'a [Vec<f32>],
    limits: &'a Limits,
}

impl<'a> Search<'a> {
    /// Of points in so many blocks, below the boxes of `levels`.
    pub(super) fn new(
        (levels, blocks): (&'a [Level], usize),
        queries: &'a [Vec<f32>],
        limits: &'a Limits,
    ) -> Self {
        Self { levels, blocks, queries, limits }
    }

    /// Calls `visit` with what it finds, neighbours together, so that a block once fetched serves several queries.
    pub(super) fn near(&self, visit: &mut dyn FnMut(&[Visit])) {
        let all: Vec<u32> = (0..self.queries.len() as u32).collect();
        match self.levels.len().checked_sub(1) {
            Some(top) => {
                for block in 0..self.levels[top].blocks() {
                    self.descend(&all, top, block, visit);
                }
            }
            None => {
                let everything = |&query: &u32| (query, 0..self.blocks);
                visit(&all.iter().map(everything).collect::<Vec<_>>());
            }
        }
    }

    fn descend(&self, active: &[u32], level: usize, block: usize, visit: &mut dyn FnMut(&[Visit])) {
        let reached = self.reached(active, level, block);
        if level == 0 {
            let mut visits: Vec<Visit> = Vec::with_capacity(active.len() * 2);
            for (&query, &bits) in active.iter().zip(&reached) {
                let of_block =
                    |run: Range<usize>| block * LANES + run.start..block * LANES + run.end;
                visits.extend(runs_of(bits).map(|run| (query, of_block(run))));
            }
            if !visits.is_empty() {
                visit(&visits);
            }
            return;
        }
        let children = block * LANES..self.levels[level - 1].blocks().min((block + 1) * LANES);
        let mut below = Vec::with_capacity(active.len());
        for (lane, child) in children.enumerate() {
            let pairs = active.iter().zip(&reached);
            below.clear();
            below.extend(pairs.filter(|&(_, bits)| bits >> lane & 1 == 1).map(|(&query, _)| query));
            if !below.is_empty() {
                self.descend(&below, level - 1, child, visit);
            }
        }
    }

    /// Which of the sixteen boxes of a block each query may reach, as bits.
    fn reached(&self, active: &[u32], level: usize, block: usize) -> Vec<u16> {
        let [lows, highs] = self.levels[level].boxes(block);
        let limits = self.limits.squares[level][block];
        let mut reached = vec![0; active.len()];
        vectorised(
            #[inline(always)]
            || {
                for (&query, bits) in active.iter().zip(&mut reached) {
                    let gaps = gaps(&self.queries[query as usize], lows, highs);
                    *bits = below(&gaps, &limits);
                }
            },
        );
        reached
    }
}

/// Where bits are set, from the lowest on.
fn runs_of(bits: u16) -> impl Iterator<Item = Range<usize>> {
    let mut left = u32::from(bits);
    std::iter::from_fn(move || {
        let start = left.trailing_zeros() as usize;
        if left == 0 {
            return None;
        }
        let length = (left >> start).trailing_ones() as usize;
        left &= !(((1 << length) - 1) << start);
        Some(start..start + length)
    })
}
