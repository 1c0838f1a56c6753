//! `--device`: from a name to a device.

use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use burn::tensor::Device;
pub use gleaner_core::recipe::{devices, is_remote, on_cpu};
use gleaner_core::workers::{InTurn, Workers};

use super::threads::{Threads, resolved};

/// The device of a name, without autodiff: of several, such as `cuda:0,cuda:1`, the first; the CPU where all are of other processes.
///
/// # Errors
/// If the name is unknown, or this build has no support for it.
pub fn parse(name: &str) -> Result<Device> {
    if is_remote(name) {
        return Ok(Device::flex());
    }
    if devices(name).any(str::is_empty) {
        bail!("--device {name}: there is a comma with nothing beside it; take it out");
    }
    if devices(name).any(is_remote) {
        bail!("--device {name}: name devices of this machine or addresses of others, not both");
    }
    let all = devices(name).map(parse_one).collect::<Result<Vec<_>>>()?;
    if all.len() > 1 && devices(name).any(on_cpu) {
        bail!("--device {name}: the CPU is one device; write cpu, and --threads for its cores");
    }
    all.into_iter().next().context("--device names no device")
}

/// The device of a command that trains nothing: the one that is asked for, or else that of the run.
///
/// # Errors
/// As [`parse`], and if devices of other processes are asked for.
pub fn of_command(asked: Option<&str>, of_run: &str) -> Result<Device> {
    if let Some(asked) = asked.filter(|asked| is_remote(asked)) {
        bail!(
            "--device {asked}: only training uses devices of other machines; name one of this machine"
        );
    }
    parse(asked.unwrap_or(of_run))
}

/// The devices of this machine that the parts of a batch go to; none where they stay on the one that [`parse`] gives.
///
/// # Errors
/// As [`parse`].
pub fn of_parts(name: &str) -> Result<Vec<Device>> {
    match devices(name).count() {
        _ if is_remote(name) => Ok(Vec::new()),
        1 => Ok(Vec::new()),
        _ => devices(name).map(parse_one).collect(),
    }
}

/// The device of a name such as `cpu`, `wgpu` or `cuda:1`, without autodiff.
///
/// # Errors
/// If the name is unknown, or this build has no support for it.
pub fn parse_one(name: &str) -> Result<Device> {
    if name.contains("://") {
        bail!("--device {name}: servers of train and reproduce are named as ws://HOST:PORT");
    }
    let (kind, index) = match name.split_once(':') {
        Some((kind, index)) => match index.parse::<usize>() {
            Ok(index) => (kind, Some(index)),
            Err(_) => {
                bail!("--device {name}: `{index}` is not a device number; write for example cuda:0")
            }
        },
        None => (name, None),
    };
    match kind {
        "cpu" | "flex" if index.is_none() => Ok(Device::flex()),
        "cpu" | "flex" => bail!("--device {name}: the CPU has no number; write cpu"),
        "wgpu" => wgpu(index),
        "vulkan" => vulkan(index),
        "metal" => metal(index),
        "cuda" => cuda(index),
        _ => {
            bail!(
                "--device {name}: unknown device; choose one of cpu, wgpu, vulkan, metal, cuda, cuda:N, ws://HOST:PORT"
            )
        }
    }
}

/// The names this build accepts and what stands behind them.
pub fn available() -> Vec<(&'static str, String)> {
    let mut devices = vec![("cpu", format!("flex, {} threads", resolved(0)))];
    for (name, built) in [
        ("wgpu", cfg!(feature = "wgpu")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("metal", cfg!(feature = "metal")),
        ("cuda", cfg!(feature = "cuda")),
    ] {
        if built {
            devices.push((name, "built in; the program looks for a GPU when you use it".into()));
        }
    }
    devices
}

/// A GPU behind one graphics interface: fails with a message, where the lazy constructors would panic.
#[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal"))]
fn graphics(
    name: &str,
    api: Option<burn::tensor::wgpu::WgpuBackend>,
    index: Option<usize>,
) -> Result<Device> {
    use burn::tensor::DeviceKind;

    let kind = index.map_or(DeviceKind::DefaultDevice, DeviceKind::DiscreteGpu);
    keep_kernels();
    let mut options = Device::wgpu_options().device_kind(kind);
    if let Some(api) = api {
        options = options.graphics_api(api);
    }
    options.init().map_err(|e| anyhow::anyhow!("there is no {name} device: {e}; try --device cpu"))
}

/// One of NVIDIA's GPUs: fails with a message, where the first use of one that is not there would panic.
#[cfg(feature = "cuda")]
fn nvidia(index: usize) -> Result<Device> {
    use burn::tensor::DeviceType;

    match Device::enumerate(DeviceType::Cuda).len() {
        0 => bail!(
            "there is no cuda device: no NVIDIA driver that has a GPU was found; try --device cpu"
        ),
        count => ensure!(
            index < count,
            "there is no device cuda:{index}: this machine has {count}, counted from cuda:0"
        ),
    }
    Ok(Device::cuda(index))
}

macro_rules! gpu {
    ($name:ident, $feature:literal, $build:literal, |$index:ident| $device:expr) => {
        #[cfg(feature = $feature)]
        fn $name($index: Option<usize>) -> Result<Device> {
            $device
        }

        #[cfg(not(feature = $feature))]
        fn $name(_index: Option<usize>) -> Result<Device> {
            bail!(concat!("this build has no ", $feature, " support; rebuild with: ", $build))
        }
    };
}

gpu!(wgpu, "wgpu", "cargo build --release --features wgpu", |index| graphics("wgpu", None, index));
gpu!(vulkan, "vulkan", "cargo build --release --features vulkan", |index| {
    graphics("vulkan", Some(burn::tensor::wgpu::WgpuBackend::Vulkan), index)
});
gpu!(metal, "metal", "cargo build --release --features metal", |index| graphics(
    "metal",
    Some(burn::tensor::wgpu::WgpuBackend::Metal),
    index
));
gpu!(cuda, "cuda", "scripts/cuda.sh build --release", |index| {
    keep_kernels();
    nvidia(index.unwrap_or(0))
});

/// Has compiled kernels and what was found out about their speed kept in the user's cache folder, for the next run. Where a
/// `cubecl.toml` names another place, it is kept there.
#[cfg(all(
    feature = "persistence",
    any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda")
))]
fn keep_kernels() {
    use burn_cubecl::cubecl::config::cache::CacheConfig;
    use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig as _};

    let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
    config.compilation.cache = true;
    // The default depends on whether some folder above this one holds a program in Rust.
    if matches!(config.environment.path, CacheConfig::Target) {
        config.environment.path = CacheConfig::Global;
    }
    // Once: what is set before the first device stays.
    CubeClRuntimeConfig::try_set(config);
}

#[cfg(all(
    not(feature = "persistence"),
    any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda")
))]
fn keep_kernels() {}

/// What any machine may be asked for, whatever it has: with thousands, waiting for each other is all they do.
const THREADS_ANYWHERE: usize = 64;

/// Refuses a number of threads that only fills memory.
///
/// # Errors
/// If there are far fewer cores.
pub fn check_threads(threads: usize) -> Result<()> {
    let most = resolved(0).max(THREADS_ANYWHERE);
    ensure!(
        threads <= most,
        "--threads {threads}: this machine has {} cores; give at most {most}, or 0 for all",
        resolved(0)
    );
    Ok(())
}

/// Limits the CPU back end to a number of threads; 0 leaves it all. Once limited, it stays so.
///
/// # Errors
/// If there are far fewer cores, or it is at work with another number already.
pub fn set_threads(threads: usize) -> Result<()> {
    check_threads(threads)?;
    static LIMITED: Mutex<usize> = Mutex::new(0);
    let mut limited = LIMITED.lock().map_err(|_| anyhow!("a thread failed while it was set up"))?;
    if threads > 0 && *limited != threads {
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build_global()
            .map_err(|e| anyhow!("--threads {threads}: {e}"))?;
        *limited = threads;
    }
    Ok(())
}

/// Who works on the tensors of a `--device`: threads on the CPU. A GPU is told what to do by one thread alone: each thread has a queue
/// of its own there, and queues that share tensors wait for each other.
pub fn workers(device: &str, threads: &Arc<Threads>) -> Arc<dyn Workers> {
    match on_cpu(device) {
        true => threads.clone(),
        false => Arc::new(InTurn),
    }
}
