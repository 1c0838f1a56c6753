//! Chains that are watched: they go on by as many steps as somebody wants to see next.

use burn::tensor::Tensor;

use super::chains::{Chains, blocks};
use super::density::LogDensity;
use super::langevin::ChainState;
use crate::noise::{Noise, Streams};

/// Chains on their way. Taken to the last step they are where [`Chains::run`] ends, however often they were stopped.
#[derive(Clone, Debug)]
pub struct Walk {
    chains: Chains,
    taken: usize,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug)]
struct Block {
    first: usize,
    streams: Streams,
    state: ChainState,
}

impl Walk {
    /// Chains at `z [chains, dimensions]`. Chain `i` draws what `noise` has for number `numbers[i]`.
    pub fn start(
        chains: Chains,
        density: &(impl LogDensity + ?Sized),
        z: &Tensor<2>,
        numbers: &[usize],
        noise: &Noise,
    ) -> Self {
        let block = |rows: std::ops::Range<usize>| Block {
            first: rows.start,
            streams: noise.streams_of(&numbers[rows.clone()]),
            state: chains.sampler.init(density, z.clone().slice_dim(0, rows.clone()), rows),
        };
        let blocks = blocks(numbers.len(), &z.device()).into_iter().map(block).collect();
        Self { chains, taken: 0, blocks }
    }

    /// Takes `steps` more, or as many as are left.
    pub fn advance(&mut self, density: &(impl LogDensity + ?Sized), steps: usize) {
        let steps = steps.min(self.left());
        for block in &mut self.blocks {
            let rows = block.state.z.dims()[0];
            let chains = block.first..block.first + rows;
            for _ in 0..steps {
                let state = block.state.clone();
                let sampler = &self.chains.sampler;
                block.state = sampler.step(density, state, chains.clone(), &mut block.streams).0;
            }
        }
        self.taken += steps;
    }

    /// Steps taken so far.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Steps still to take.
    pub fn left(&self) -> usize {
        self.chains.steps - self.taken
    }

    /// Where the chains are, `[chains, dimensions]`.
    pub fn z(&self) -> Tensor<2> {
        Tensor::cat(self.blocks.iter().map(|block| block.state.z.clone()).collect(), 0)
    }

    /// The log-density and the Euclidean norm of its gradient where the chains are, means over all of them, `[2]`.
    pub fn means(&self) -> Tensor<1> {
        let at = || self.blocks.iter().map(|block| block.state.at.clone());
        let log_density = Tensor::cat(at().map(|at| at.log_density).collect(), 0);
        let gradient = Tensor::cat(at().map(|at| at.gradient).collect(), 0);
        let norm = gradient.square().sum_dim(1).sqrt().squeeze_dim::<1>(1);
        Tensor::cat(vec![log_density.mean(), norm.mean()], 0)
    }
}
