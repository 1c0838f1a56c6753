//! The two networks that models are made of: from vectors and a class to a Gaussian, and to an example.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::{Device, Tensor};

use super::common::Common;
use super::observation::{Likelihood, Observation};
use super::view::View;
use crate::dist::{
    Bernoulli, Column, Gaussian, IsotropicGaussian, Mixed, Multinomial, clamp_log_var, log_sum_exp,
};
use crate::error::{Error, Result};
use crate::nets::{
    Activation, ConditionalLinear, Convolution, Deconvolution, Fan, Inputs, Shrink, Training,
    Trunk, constant, dense, forward_hidden, glorot_linear, linear_stack,
};
use crate::noise::Noise;

/// A diagonal Gaussian whose mean and log-variance are functions of vectors and a class.
#[derive(Module, Debug)]
pub struct GaussianNet {
    convolutions: Option<Trunk>,
    input: ConditionalLinear,
    hidden: Vec<Linear>,
    mean: Linear,
    log_var: Linear,
    #[module(skip)]
    activation: Activation,
}

impl GaussianNet {
    /// A network `fan -> hidden[0] -> ... -> outputs`, twice `outputs` at its end. `hidden` has a layer.
    pub fn new(
        fan: Fan,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let input = ConditionalLinear::new(fan, hidden[0], noise, device);
        let (layers, width) = linear_stack(hidden[0], &hidden[1..], noise, device);
        Self {
            convolutions: None,
            input,
            hidden: layers,
            mean: glorot_linear(width, outputs, noise, device),
            log_var: glorot_linear(width, outputs, noise, device),
            activation,
        }
    }

    /// The same on what convolutions make of images; with them, `features` of the fan is of no account.
    pub fn convolutional(
        (config, image): (&Convolution, [usize; 3]),
        fan: Fan,
        hidden: &[usize],
        outputs: usize,
        activation: Activation,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let trunk = Trunk::new(config, image, Shrink::Stride, noise, device);
        let features = Trunk::features(config, image, Shrink::Stride);
        let fan = Fan { features, ..fan };
        let dense = Self::new(fan, hidden, outputs, activation, noise, device);
        Self { convolutions: Some(trunk), ..dense }
    }

    /// What the input layer takes of examples: they themselves, or what convolutions make of them. `[batch, features]`
    /// to `[batch, width]`.
    pub fn look(&self, x: Tensor<2>, training: Option<&Training>) -> Tensor<2> {
        match &self.convolutions {
            Some(trunk) => trunk.forward(x, training),
            None => x,
        }
    }

    /// Measures what evaluation normalises by on examples, `[batch, features]`.
    pub fn measure(&mut self, x: Tensor<2>) {
        if let Some(trunk) = &mut self.convolutions {
            trunk.measure(x);
        }
    }

    /// The distribution of each row: `[rows, outputs]`.
    pub fn forward(&self, inputs: Inputs) -> Gaussian {
        self.at(self.trunk(inputs))
    }

    /// The last hidden layer, `[rows, width]`.
    pub fn trunk(&self, inputs: Inputs) -> Tensor<2> {
        let h = self.input.forward(inputs, self.activation);
        forward_hidden(h, &self.hidden, self.activation)
    }

    /// The distribution that follows from the last hidden layer.
    pub fn at(&self, h: Tensor<2>) -> Gaussian {
        Gaussian {
            mean: dense(&self.mean, h.clone(), None),
            log_var: clamp_log_var(dense(&self.log_var, h, None)),
        }
    }

    /// Dimensions of the Gaussian.
    pub fn outputs(&self) -> usize {
        let [_, outputs] = self.mean.weight.dims();
        outputs
    }
}

/// The distribution of an example as a function of vectors and a class.
#[derive(Module, Debug)]
pub struct Emission {
    input: ConditionalLinear,
    hidden: Vec<Linear>,
    output: Head,
    log_var: Option<Head>,
    /// Of counts: see [`background`](super::background).
    background: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    /// Of the columns of a table: see [`Mixed`].
    spread: Option<Param<Tensor<1>>>,
    /// Of a Gaussian whose variance is not learnt.
    #[module(skip)]
    sigma: Option<f64>,
    #[module(skip)]
    columns: Vec<Column>,
}

/// From the last hidden layer to the values of an example.
#[derive(Module, Debug)]
enum Head {
    Dense(Linear),
    Convolutional(Deconvolution),
}

impl Head {
    fn forward(&self, h: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Dense(layer) => dense(layer, h, None),
            Self::Convolutional(layers) => layers.forward(h),
        }
    }
}

impl Emission {
    /// A network `fan -> hidden[0] -> ... -> features`, whose layers are not those of `common`. `hidden` has a layer.
    pub fn new(
        fan: Fan,
        hidden: &[usize],
        common: &Common,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let features = common.features();
        let head = |width: usize, noise: &mut Noise| {
            Head::Dense(glorot_linear(width, features, noise, device))
        };
        let zeros = |is: bool| is.then(|| constant(0.0, features, device));
        Self {
            background: zeros(common.likelihood == Likelihood::Multinomial),
            spread: zeros(common.likelihood == Likelihood::Mixed),
            columns: common.columns.clone(),
            ..Self::with_heads(fan, hidden, common, noise, device, head)
        }
    }

    /// The same to images, by transposed convolutions.
    pub fn convolutional(
        (config, image): (&Convolution, [usize; 3]),
        fan: Fan,
        hidden: &[usize],
        common: &Common,
        noise: &mut Noise,
        device: &Device,
    ) -> Self {
        let head = |width: usize, noise: &mut Noise| {
            Head::Convolutional(Deconvolution::new(width, config, image, noise, device))
        };
        Self::with_heads(fan, hidden, common, noise, device, head)
    }

    fn with_heads(
        fan: Fan,
        hidden: &[usize],
        common: &Common,
        noise: &mut Noise,
        device: &Device,
        head: impl Fn(usize, &mut Noise) -> Head,
    ) -> Self {
        let input = ConditionalLinear::new(fan, hidden[0], noise, device);
        let (layers, width) = linear_stack(hidden[0], &hidden[1..], noise, device);
        let output = head(width, noise);
        let log_var = (common.likelihood == Likelihood::Gaussian).then(|| head(width, noise));
        let sigma = match common.likelihood {
            Likelihood::IsotropicGaussian { sigma } => Some(sigma),
            _ => None,
        };
        Self {
            input,
            hidden: layers,
            output,
            log_var,
            background: None,
            activation: common.activation,
            spread: None,
            sigma,
            columns: Vec::new(),
        }
    }

    /// The distribution of each row: `[rows, features]`.
    pub fn forward(&self, inputs: Inputs) -> Observation {
        let h = self.input.forward(inputs, self.activation);
        let h = forward_hidden(h, &self.hidden, self.activation);
        let output = self.output.forward(h.clone());
        if let Some(sigma) = self.sigma {
            let mean = output;
            return Observation::IsotropicGaussian(IsotropicGaussian { mean, sigma });
        }
        if let Some(spread) = &self.spread {
            let columns = self.columns.clone();
            return Observation::Mixed(Mixed { columns, output, spread: spread.val() });
        }
        match (&self.log_var, &self.background) {
            (Some(head), _) => Observation::Gaussian(Gaussian {
                mean: output,
                log_var: clamp_log_var(head.forward(h)),
            }),
            (None, Some(background)) => {
                // Counted, not learnt: no gradient reaches it.
                let background = background.val().detach().unsqueeze::<2>();
                let length = log_sum_exp(background.clone(), 1).exp();
                Observation::Multinomial(Multinomial { logits: output + background, length })
            }
            (None, None) => Observation::Bernoulli(Bernoulli { logits: output }),
        }
    }
}

/// Sizes of an encoder and the decoder that mirrors it.
pub(super) struct Pair<'a> {
    /// Hidden layers are the encoder's; the decoder's are the reverse.
    pub common: &'a Common,
    /// Classes that both see; 0 if they do not.
    pub classes: usize,
    pub latent: usize,
    pub convolution: Option<&'a Convolution>,
}

impl Pair<'_> {
    /// `q(z|x,y)` and `p(x|y,z)`, with weights from `noise`.
    pub fn init(&self, noise: &Noise, device: &Device) -> Result<(GaussianNet, Emission)> {
        let Self { common, classes, latent, convolution } = *self;
        let Common { activation, likelihood, ref shape, ref hidden, .. } = *common;
        let view = View::new(common);
        let fan = |features| Fan { features, beside: 0, classes };
        let (down, up) = (fan(view.width(common.features())), fan(latent));
        let upwards = common.hidden_reversed();
        let (mut of_z, mut of_x) = (noise.split("encoder"), noise.split("decoder"));
        Ok(match convolution {
            None => (
                GaussianNet::new(down, hidden, latent, activation, &mut of_z, device),
                Emission::new(up, &upwards, common, &mut of_x, device),
            ),
            Some(_) if !view.is_of_images() => {
                let rule = "convolutions are for images: leave model.convolution out";
                return Err(Error::config("model.likelihood", format!("{likelihood:?}"), rule));
            }
            Some(convolution) => {
                let on = (convolution, convolution.image(shape)?);
                let of_z = &mut of_z;
                (
                    GaussianNet::convolutional(on, down, hidden, latent, activation, of_z, device),
                    Emission::convolutional(on, up, &upwards, common, &mut of_x, device),
                )
            }
        })
    }
}
