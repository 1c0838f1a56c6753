//! The energy of a latent energy-based model in two dimensions, and particles that move in it.

use burn::tensor::{Tensor, TensorData};
use gleaner_core::data::one_hot;
use gleaner_core::error::{Error, Result};
use gleaner_core::infer;
use gleaner_core::models::{Generative as _, LangevinConfig, LatentEbm, Model, Target};
use gleaner_core::nets::Classes;
use gleaner_core::sampler::LogDensity as _;
use gleaner_core::workers::InTurn;

use crate::look::Grid;
use crate::training::{Particles, Training};

/// How particles move.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moves {
    /// Particles of each class.
    pub per_class: usize,
    /// Steps that they take now.
    pub steps: usize,
    /// `s` of E22.
    pub step_size: f64,
    /// `T` of E22.
    pub temperature: f64,
    /// Whether they start again at N(0, I).
    pub restart: bool,
}

/// Where particles are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places {
    /// `[particles, latent]`.
    pub z: Vec<f32>,
    /// What the model shows there, in the units of the data, `[particles, features]`.
    pub x: Vec<f32>,
    /// The class that each is drawn for.
    pub y: Vec<usize>,
}

impl Training {
    fn with_energy(&self) -> Result<LatentEbm> {
        match self.now() {
            Model::LatentEbm(model) => Ok(model),
            _ => Err(Error::Settings("only a latent-ebm has an energy of z; train one".to_owned())),
        }
    }

    /// `-log p(z)` but for a constant at the places of a grid, nats (E21).
    ///
    /// # Errors
    /// If the model has no energy, or not two latent dimensions.
    pub async fn energy(&self, grid: Grid) -> Result<Vec<f32>> {
        let model = self.with_energy()?;
        let latent = model.latent();
        if latent != 2 {
            return Err(Error::Settings(format!(
                "an energy of {latent} dimensions cannot be drawn; set model.latent to 2"
            )));
        }
        let rows = grid.cells * grid.cells;
        let z = Tensor::from_data(TensorData::new(grid.centres(), [rows, 2]), &self.device);
        let at = model.prior.density(Target::Marginal).evaluate(z, 0..rows);
        infer::read(at.log_density.neg()).await
    }

    /// Moves the particles by some steps in the energy of their class as it is now (E22).
    ///
    /// # Errors
    /// If the model has no energy, the particles diverged, or the device fails.
    pub async fn walk(&mut self, moves: Moves) -> Result<Places> {
        let model = self.with_energy()?;
        let settings = LangevinConfig {
            steps: moves.steps,
            step_size: moves.step_size,
            temperature: moves.temperature,
            ..model.langevin
        };
        settings.check()?;
        let classes = self.outline.problem.classes();
        let each = |class| std::iter::repeat_n(class, moves.per_class);
        let y: Vec<usize> = (0..classes).flat_map(each).collect();
        let noise = self.outline.noise.split("particles");
        let stay = |particles: &Particles| particles.z.dims()[0] == y.len() && !moves.restart;
        let before = self.particles.take().filter(stay);
        let numbers: Vec<usize> = (0..y.len()).collect();
        let Particles { z, moved } = before.unwrap_or_else(|| Particles {
            z: model.starts(&numbers, &noise, &self.device),
            moved: 0,
        });
        let one_hot = one_hot(y.iter().map(|&class| class as i64), classes, &self.device);
        let density = model.prior.density(Target::Given(one_hot));
        let noise = noise.split("moves").at(moved);
        let z = settings.chains().run(&density, z, &noise, &InTurn);
        let at = infer::read(z.clone()).await?;
        settings.check_ends(&at, model.latent())?;
        self.particles = Some(Particles { z: z.clone(), moved: moved + 1 });
        let x = self.shown(&Model::LatentEbm(model), z, &Classes::Every, &noise).await?;
        Ok(Places { z: at, x, y })
    }
}
