//! The update of Adam, all of a parameter in one trip through memory: on the CPU in place where nobody else holds a tensor, on GPUs
//! in [`adam_gpu`](crate::adam_gpu).

#[cfg(feature = "flex")]
use burn::backend::{Flex, flex::FlexTensor};
#[cfg(feature = "flex")]
use burn::tensor::Tensor;

#[cfg(feature = "flex")]
use crate::simd::{vectorised, whole};

/// Numbers of an update, the same for all of a parameter.
#[derive(Clone, Copy, Debug)]
pub struct Constants {
    /// What the change is multiplied by.
    pub rate: f64,
    /// What keeps the change finite where the second moment is zero.
    pub epsilon: f64,
    /// What is kept of the first and of the second moment.
    pub keep: [f64; 2],
    /// Share of a parameter that is added to its gradient.
    pub decay: f64,
}

/// New value, first and second moment, `[values]` each, of a parameter whose gradient is `gradient * factor`, weight decay apart.
#[cfg(feature = "flex")]
pub fn updated(tensors: [Tensor<1>; 4], factor: Tensor<1>, constants: Constants) -> [Tensor<1>; 3] {
    let [mut value, mut first, mut second, gradient] = tensors.map(primitive);
    let factor = primitive(factor).storage::<f32>()[0];
    let Constants { rate, epsilon, keep, decay } = constants;
    let [rate, epsilon, decay] = [rate, epsilon, decay].map(|v| v as f32);
    let [take_1, take_2] = keep.map(|v| (1.0 - v) as f32);
    let [keep_1, keep_2] = keep.map(|v| v as f32);
    let (value_of, first_of) = (value.storage_mut::<f32>(), first.storage_mut::<f32>());
    let (second_of, gradient_of) = (second.storage_mut::<f32>(), gradient.storage::<f32>());
    vectorised(|| {
        let moments = first_of.iter_mut().zip(second_of);
        for ((value, (first, second)), gradient) in
            value_of.iter_mut().zip(moments).zip(gradient_of)
        {
            let gradient = gradient * factor + decay * *value;
            *first = keep_1 * *first + take_1 * gradient;
            *second = keep_2 * *second + take_2 * (gradient * gradient);
            *value -= *first / (second.sqrt() + epsilon) * rate;
        }
    });
    [value, first, second].map(Tensor::from_primitive::<Flex>)
}

#[cfg(feature = "flex")]
fn primitive(tensor: Tensor<1>) -> FlexTensor {
    match tensor.try_into_primitive::<Flex>() {
        Ok(tensor) => whole(tensor),
        Err(error) => unreachable!("all tensors of an update are on one device: {error:?}"),
    }
}
