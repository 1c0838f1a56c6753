//! Where to compute: the visitor's GPU, or the CPU.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;

/// What a page asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// WebGPU, or an error.
    WebGpu,
    /// The CPU, always there.
    Cpu,
    /// WebGPU where the browser has it, else the CPU.
    Auto,
}

impl FromStr for Request {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "webgpu" => Ok(Self::WebGpu),
            "cpu" => Ok(Self::Cpu),
            "auto" => Ok(Self::Auto),
            _ => Err(format!("unknown backend \"{name}\": use \"webgpu\", \"cpu\" or \"auto\"")),
        }
    }
}

/// Where a session computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The browser's GPU interface.
    WebGpu,
    /// Pure Rust with 128-bit SIMD.
    Cpu,
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WebGpu => "webgpu",
            Self::Cpu => "cpu",
        })
    }
}

/// A device ready for tensors.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The device.
    pub device: Device,
    /// Which of the two it is.
    pub backend: Backend,
    /// Why the GPU was not taken, where [`Request::Auto`] fell back to the CPU.
    pub fallback_reason: Option<String>,
}

impl Opened {
    fn cpu(fallback_reason: Option<String>) -> Self {
        Self { device: Device::flex(), backend: Backend::Cpu, fallback_reason }
    }
}

/// Opens the requested device.
///
/// # Errors
/// [`Request::WebGpu`] where the page has no usable GPU, with the reason.
pub async fn open(request: Request) -> Result<Opened, String> {
    if request == Request::Cpu {
        return Ok(Opened::cpu(None));
    }
    match gpu::device().await {
        Ok(device) => Ok(Opened { device, backend: Backend::WebGpu, fallback_reason: None }),
        Err(reason) if request == Request::Auto => Ok(Opened::cpu(Some(reason))),
        Err(reason) => Err(format!("WebGPU is not available: {reason}; compute on the CPU")),
    }
}

#[cfg(all(feature = "webgpu", target_arch = "wasm32"))]
mod gpu {
    //! The page's one GPU device. The runtime behind it can be initialised once only, so everybody who
    //! asks, even while the first is still waiting for the adapter, awaits the same promise.

    use std::cell::RefCell;

    use burn::tensor::Device;
    use js_sys::{Promise, Reflect};
    use wasm_bindgen::JsValue;
    use wasm_bindgen_futures::{JsFuture, future_to_promise};

    thread_local! {
        static DEVICE: RefCell<Option<Device>> = const { RefCell::new(None) };
        static OPENING: RefCell<Option<Promise>> = const { RefCell::new(None) };
    }

    /// The device, acquired at the first call.
    pub async fn device() -> Result<Device, String> {
        // Without the interface at all, the runtime's own message would speak of adapters.
        let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap_or_default();
        if !Reflect::get(&navigator, &"gpu".into()).is_ok_and(|gpu| gpu.is_object()) {
            return Err("this browser has no WebGPU, or this address has no https".into());
        }
        let opening = OPENING.with(|slot| slot.borrow_mut().get_or_insert_with(start).clone());
        JsFuture::from(opening).await.map_err(|reason| {
            OPENING.with(|slot| slot.borrow_mut().take());
            reason.as_string().unwrap_or_else(|| "the browser did not say why".into())
        })?;
        DEVICE
            .with(|slot| slot.borrow().clone())
            .ok_or_else(|| "the GPU was lost while it was opened".into())
    }

    fn start() -> Promise {
        future_to_promise(async {
            let device = Device::wgpu_options()
                .init_async()
                .await
                .map_err(|error| JsValue::from(error.to_string()))?;
            DEVICE.with(|slot| slot.borrow_mut().replace(device));
            Ok(JsValue::UNDEFINED)
        })
    }
}

#[cfg(not(all(feature = "webgpu", target_arch = "wasm32")))]
mod gpu {
    use burn::tensor::Device;

    #[expect(clippy::unused_async, reason = "the build with WebGPU awaits the adapter here")]
    pub async fn device() -> Result<Device, String> {
        Err("this build has no WebGPU".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_backend_is_named() {
        let error = "gpu".parse::<Request>().expect_err("no such backend");
        assert!(error.contains("\"gpu\""), "{error}");
    }
}
