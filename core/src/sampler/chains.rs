//! Many chains for many steps, a block of them at a time.

use std::ops::Range;

use burn::tensor::{Device, Tensor};

use super::density::LogDensity;
use super::langevin::{ChainState, Langevin, StepInfo};
use crate::noise::{Noise, Streams};
use crate::simd::on_cpu;
use crate::workers::{Workers, map};

/// Chains of a block on the CPU: few enough that a block's layers stay in the second-level cache through all of its steps.
const BLOCK: usize = 128;

/// So many steps of a sampler.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chains {
    /// What a step is.
    pub sampler: Langevin,
    /// How many.
    pub steps: usize,
}

impl Chains {
    /// Where the chains that start at `z [chains, dimensions]` end. What a chain draws follows from its number, so the result
    /// depends neither on the blocks nor on who works on them.
    pub fn run(
        &self,
        density: &(impl LogDensity + ?Sized),
        z: Tensor<2>,
        noise: &Noise,
        workers: &dyn Workers,
    ) -> Tensor<2> {
        self.run_shifted(density, z, 0, noise, workers)
    }

    /// The same where the noise of the first chain is that of number `first`: some of a batch's chains, worked on by themselves.
    pub fn run_shifted(
        &self,
        density: &(impl LogDensity + ?Sized),
        z: Tensor<2>,
        first: usize,
        noise: &Noise,
        workers: &dyn Workers,
    ) -> Tensor<2> {
        let numbers: Vec<usize> = (first..first + z.dims()[0]).collect();
        self.run_numbered(density, z, &numbers, noise, workers)
    }

    /// The same where the noise of chain `i` is that of number `numbers[i]`.
    #[expect(clippy::needless_pass_by_value, reason = "tensors are handles, given by value")]
    pub fn run_numbered(
        &self,
        density: &(impl LogDensity + ?Sized),
        z: Tensor<2>,
        numbers: &[usize],
        noise: &Noise,
        workers: &dyn Workers,
    ) -> Tensor<2> {
        let ends = map(workers, blocks(numbers.len(), &z.device()), |block| {
            let start = z.clone().slice_dim(0, block.clone());
            let mut streams = noise.streams_of(&numbers[block.clone()]);
            if self.sampler.adjusted {
                return self.run_block(density, start, block, &mut streams, |_, _| {}).z;
            }
            (0..self.steps)
                .fold(start, |z, _| self.sampler.glide(density, z, block.clone(), &mut streams))
        });
        Tensor::cat(ends, 0)
    }

    /// All the steps of the chains of one block; `watch` sees each.
    pub fn run_block(
        &self,
        density: &(impl LogDensity + ?Sized),
        z: Tensor<2>,
        chains: Range<usize>,
        streams: &mut Streams,
        mut watch: impl FnMut(&ChainState, &StepInfo),
    ) -> ChainState {
        let mut state = self.sampler.init(density, z, chains.clone());
        for _ in 0..self.steps {
            let (next, info) = self.sampler.step(density, state, chains.clone(), streams);
            watch(&next, &info);
            state = next;
        }
        state
    }
}

/// The numbers of all the chains in the blocks of `all` chains that hold one of `wanted`, in increasing order as these. Run by
/// themselves, they are in the same blocks, so each has the bits that it has among all. On a GPU there are no blocks, and they are
/// the wanted ones.
pub fn whole_blocks(wanted: &[usize], all: usize, device: &Device) -> Vec<usize> {
    if !on_cpu(device) {
        return wanted.to_vec();
    }
    let block = |number: &usize| number / BLOCK;
    let of_block = |block: &[usize]| {
        let start = block[0] / BLOCK * BLOCK;
        start..(start + BLOCK).min(all)
    };
    wanted.chunk_by(|a, b| block(a) == block(b)).flat_map(of_block).collect()
}

/// Rows in blocks: small ones on the CPU, for its caches and threads; one on a GPU, for fewer and larger operations.
pub(super) fn blocks(rows: usize, device: &Device) -> Vec<Range<usize>> {
    let size = if on_cpu(device) { BLOCK } else { rows.max(1) };
    (0..rows).step_by(size).map(|start| start..(start + size).min(rows)).collect()
}
