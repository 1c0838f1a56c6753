// In a worker: tells the page when the GPU is lost. The framework keeps its device to itself, so this listens where it is handed out.

export function hearOfLoss() {
  if (!self.GPUAdapter) return;
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    const device = await requestDevice.apply(this, args);
    device.lost.then(({ message, reason }) => postMessage({ news: "lost", reason: message || reason }));
    return device;
  };
}
