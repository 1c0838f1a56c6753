//! A perceptron made ready to be asked for its output and its gradient over the input, again and again with the same weights: what
//! chains in an energy do (E29).

use burn::tensor::Tensor;

use super::Mlp;
#[cfg(feature = "flex")]
use gleaner_kernels::perceptron::Perceptron;

/// The perceptron, without autodiff.
#[derive(Clone, Debug)]
pub struct InputGradient<'a> {
    net: &'a Mlp,
    #[cfg(feature = "flex")]
    packed: Option<Perceptron>,
}

impl<'a> InputGradient<'a> {
    /// Of a perceptron whose weights stay as they are.
    pub fn new(net: &'a Mlp) -> Self {
        Self {
            net,
            #[cfg(feature = "flex")]
            packed: packed(net),
        }
    }

    /// The output at `x`, and the gradient over `x` of `Σ output * weight(output)`, the weight held constant.
    ///
    /// # Shapes
    /// - `x`, gradient: `[batch, inputs]`
    /// - output and its weight: `[batch, outputs]`
    pub fn at(
        &self,
        x: Tensor<2>,
        weight: impl FnOnce(&Tensor<2>) -> Tensor<2>,
    ) -> (Tensor<2>, Tensor<2>) {
        #[cfg(feature = "flex")]
        if let Some(packed) = &self.packed {
            return on_cpu(packed, x, weight);
        }
        self.net.pull_back(x, weight)
    }
}

/// Where it is on the plain CPU, and its nonlinearity one that is done there.
#[cfg(feature = "flex")]
fn packed(net: &Mlp) -> Option<Perceptron> {
    let layers = net.hidden.iter().chain([&net.output]);
    let numbers = layers.map(|layer| {
        let weight = layer.weight.val().try_into_primitive::<burn::backend::Flex>().ok()?;
        let bias = layer.bias.as_ref()?.val().try_into_primitive::<burn::backend::Flex>().ok()?;
        Some([weight, bias])
    });
    Perceptron::new(numbers.collect::<Option<_>>()?, net.activation())
}

#[cfg(feature = "flex")]
fn on_cpu(
    net: &Perceptron,
    x: Tensor<2>,
    weight: impl FnOnce(&Tensor<2>) -> Tensor<2>,
) -> (Tensor<2>, Tensor<2>) {
    use burn::backend::Flex;
    use burn::backend::flex::FlexTensor;

    use crate::simd::{tensor, whole};

    let numbers = |tensor: Tensor<2>| -> FlexTensor {
        match tensor.try_into_primitive::<Flex>() {
            Ok(tensor) => whole(tensor),
            Err(error) => unreachable!("all is on the plain CPU: {error:?}"),
        }
    };
    let [rows, inputs] = x.dims();
    let mut passed = net.forward(numbers(x).storage());
    let output = std::mem::take(&mut passed.output);
    let output = Tensor::from_primitive::<Flex>(tensor(output, [rows, net.outputs()]));
    let gradient = net.back(&passed, numbers(weight(&output)).storage());
    (output, Tensor::from_primitive::<Flex>(tensor(gradient, [rows, inputs])))
}

#[cfg(test)]
#[cfg(feature = "flex")]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::nets::Activation;
    use crate::noise::Noise;

    #[test]
    fn packed_weights_give_the_output_and_gradient_of_plain_ones() {
        let (device, noise) = (Device::flex(), Noise::new(4));
        for activation in [Activation::LeakyRelu, Activation::Relu, Activation::Identity] {
            for hidden in [&[][..], &[7], &[20, 33]] {
                let mut weights = noise.split("weights");
                let net = Mlp::new(5, hidden, 3, activation, &mut weights, &device);
                let ready = InputGradient::new(&net);
                assert!(ready.packed.is_some(), "the test must test something");
                let x = noise.split("x").normal_tensor([19, 5], &device);
                let weight = |output: &Tensor<2>| output.clone() * 2.0;
                let packed: [Tensor<2>; 2] = ready.at(x.clone(), weight).into();
                let plain: [Tensor<2>; 2] = net.pull_back(x, weight).into();
                for (packed, plain) in packed.into_iter().zip(plain) {
                    let away = (packed - plain).abs().max().into_scalar::<f32>();
                    assert!(away < 1e-5, "{activation:?} {hidden:?}: {away}");
                }
            }
        }
    }
}
