//! Connecting to servers in other processes, and being one.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Error, Result, anyhow};
use burn::backend::ir::{BackendIr, ScalarIr, TensorIr};
use burn::backend::{
    Backend, BackendTensor, DispatchDevice, DispatchKindConversion, DispatchTensor, Flex, Remote,
};
use burn::remote::{ConnectError, CustomOpClient, RemoteHost};
use burn::server::{
    AuthorizationRequest, CustomOpIr, PeerAuthorizer, RemoteServer, TokenAuthorizer,
    WebSocketTransport,
};
use burn::tensor::{DType, Device, Shape, Tensor};
use gleaner_core::train::away::{Answer, Desk, Server, greet};
use gleaner_core::workers::Workers;

use crate::system::panics::caught;

/// The one operation that servers have beside the framework's: an errand.
const ERRAND: &str = "gleaner-errand";

/// Bytes of a request that travel in one number of the operation.
const BYTES: usize = 8;

/// A server in another process.
#[derive(Debug)]
struct Lent {
    device: Device,
    workers: usize,
}

/// The server at an address. A second call has it at once.
///
/// # Errors
/// If nobody answers there, or not as a server of this version that takes the token.
pub fn connect(address: &str) -> Result<Arc<dyn Server>> {
    static CONNECTED: Mutex<BTreeMap<String, Arc<Lent>>> = Mutex::new(BTreeMap::new());
    super::host_and_port(address)?;
    let mut connected = CONNECTED.lock().ok().context("a thread failed while it connected")?;
    if let Some(server) = connected.get(address) {
        return Ok(server.clone());
    }
    let token = super::token_shown().with_context(|| format!("--device {address}"))?;
    eprintln!("connecting to {address}");
    let host = RemoteHost::websocket(address).with_credential(token);
    let device = Device::remote_options(&host).init().map_err(|e| in_words(address, &e))?;
    let mut server = Lent { device, workers: 1 };
    let greeted = caught(|| greet(&server));
    server.workers = greeted
        .map_err(|panic| {
            anyhow!("a server of another program ({panic}); build both from the same source")
        })
        .and_then(|greeted| Ok(greeted?))
        .with_context(|| format!("--device {address}"))?;
    let server = Arc::new(server);
    connected.insert(address.to_owned(), server.clone());
    Ok(server)
}

fn in_words(address: &str, error: &ConnectError) -> Error {
    let said = match error {
        ConnectError::Unauthorized => {
            "the server has another token; give --token-file the one that it was started with"
                .to_owned()
        }
        ConnectError::Unreachable { .. } => {
            let error = error.to_string();
            format!("{}; start one there with: gleaner serve-device", error.trim_end_matches('?'))
        }
        ConnectError::IncompatibleProtocol { .. } => {
            format!("{error}; build both from the same source")
        }
        ConnectError::Handshake { .. } => {
            format!(
                "no server of this version answers there ({error}); build both from the same source"
            )
        }
        error => error.to_string(),
    };
    anyhow!("--device {address}: {said}")
}

impl Server for Lent {
    fn workers(&self) -> usize {
        self.workers
    }

    fn ask(&self, request: &str, numbers: Vec<Tensor<1>>, length: usize) -> Answer {
        let DispatchDevice::Remote(device) = self.device.as_dispatch() else {
            unreachable!("a server is reached by a remote device");
        };
        let client = CustomOpClient::new(device);
        let inputs = numbers.into_iter().map(|tensor| described(tensor.to_device(&self.device)));
        let output =
            TensorIr::uninit(client.create_empty_handle(), Shape::new([length]), DType::F32);
        let inputs: Vec<_> = inputs.collect();
        let request = CustomOpIr::with_scalars(ERRAND, &inputs, &[output], scalars(request));
        let answer = client.register(request).remove(0);
        // Until something is read, the framework keeps what it has to send: the other servers would be asked only after this one is done.
        if let Err(error) = self.device.flush() {
            panic!("{error}");
        }
        Box::new(|| tensor::<Remote>(answer).to_device(&Device::flex()))
    }
}

/// A tensor on a server, as an operation names it.
fn described(tensor: Tensor<1>) -> TensorIr {
    primitive::<Remote>(tensor).into_ir()
}

/// A request as the numbers of an operation: how many bytes, and the bytes.
fn scalars(request: &str) -> Vec<ScalarIr> {
    let number = |bytes: &[u8]| {
        let mut whole = [0; BYTES];
        whole[..bytes.len()].copy_from_slice(bytes);
        ScalarIr::UInt(u64::from_le_bytes(whole))
    };
    let length = ScalarIr::UInt(request.len() as u64);
    std::iter::once(length).chain(request.as_bytes().chunks(BYTES).map(number)).collect()
}

/// The request in the numbers of an operation. What is none is no request that a desk knows either.
fn request(scalars: &[ScalarIr]) -> String {
    let number = |scalar: &ScalarIr| match scalar {
        ScalarIr::UInt(number) => *number,
        _ => 0,
    };
    let mut numbers = scalars.iter().map(number);
    let length = numbers.next().unwrap_or(0);
    let mut bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
    bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    String::from_utf8_lossy(&bytes).into_owned()
}

fn tensor<B: Backend>(primitive: B::FloatTensorPrimitive) -> Tensor<1>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    Tensor::from_dispatch(DispatchTensor::from_backend(BackendTensor::Float(primitive)))
}

fn primitive<B: Backend>(tensor: Tensor<1>) -> B::FloatTensorPrimitive
where
    DispatchTensor: DispatchKindConversion<B>,
{
    match DispatchTensor::try_into_backend(tensor.into_dispatch()) {
        Ok(BackendTensor::Float(primitive)) => primitive,
        _ => unreachable!("a tensor is of the back end of its device"),
    }
}

/// Lends a device to whoever shows the token, until the process is told to end. `workers` work on parts side by side.
///
/// # Errors
/// If it cannot be served.
pub fn serve(
    device: &Device,
    workers: Arc<dyn Workers>,
    token: &str,
    listener: TcpListener,
) -> Result<()> {
    let authorizer = Told(TokenAuthorizer::new(token).context("the token")?);
    let desk = Desk::new(device.clone(), workers);
    let server = RemoteServer::new([device.clone()]).with_authorizer(authorizer);
    let server = match device.as_dispatch() {
        DispatchDevice::Flex(_) => with_errands::<Flex>(server, desk),
        #[cfg(any(feature = "wgpu", feature = "vulkan", feature = "metal", feature = "cuda"))]
        DispatchDevice::Cube(_) => with_errands::<burn::backend::Cube>(server, desk),
        _ => server,
    };
    // Of our own: the framework's would log to the terminal in a form of its own.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the system refuses the threads of a server")?;
    let served = runtime
        .block_on(async { server.serve_async(WebSocketTransport::from_listener(listener)).await });
    served.map_err(|error| anyhow!("the device cannot be served: {error}"))
}

/// A server that does errands, too.
fn with_errands<B: BackendIr>(server: RemoteServer, desk: Desk) -> RemoteServer
where
    DispatchTensor: DispatchKindConversion<B>,
{
    server.with_custom_op::<B, _>(ERRAND, move |handles, operation, _| {
        let numbers = operation.inputs.iter();
        let numbers = numbers.map(|input| tensor::<B>(handles.get_float_tensor::<B>(input)));
        let output = &operation.outputs[0];
        let length = output.shape.num_elements();
        let answer = desk.answer(&request(&operation.scalars), numbers.collect(), length);
        handles.register_float_tensor::<B>(&output.id, primitive::<B>(answer));
    })
}

/// Says who came, and whether the door was opened.
struct Told(TokenAuthorizer);

impl PeerAuthorizer for Told {
    fn authorize(&self, request: AuthorizationRequest<'_>) -> Result<(), String> {
        let client = request.client;
        let answer = self.0.authorize(request);
        match &answer {
            Ok(()) => eprintln!("{client}: at work"),
            Err(_) => eprintln!("{client}: refused, it has another token"),
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_travels_as_numbers() {
        for text in ["", "a", "12345678", "an errand for the neighbours, ümläuts and all"] {
            assert_eq!(request(&scalars(text)), text);
        }
        assert_eq!(request(&[]), "");
    }

    #[test]
    fn what_keeps_a_device_away_is_said_with_what_to_do() {
        let reason = || "nothing answered".to_owned();
        for (error, remedy) in [
            (ConnectError::Unauthorized, "--token-file"),
            (ConnectError::Unreachable { reason: reason() }, "gleaner serve-device"),
            (
                ConnectError::IncompatibleProtocol { client_version: 3, server_version: 4 },
                "build both from the same source",
            ),
            (ConnectError::Handshake { reason: reason() }, "build both from the same source"),
            (ConnectError::NoSuchDevice { device_count: 0 }, "0 device"),
        ] {
            let said = in_words("ws://gpu1:7878", &error).to_string();
            assert!(said.starts_with("--device ws://gpu1:7878: "), "{said}");
            assert!(said.contains(remedy) && !said.contains('\n'), "{said}");
        }
    }
}
