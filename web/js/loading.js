// Reports the download of the program. Trunk calls these while it fetches the module; app.js listens.
export default function loading() {
  const tell = (type, detail) => dispatchEvent(new CustomEvent(`gleaner:${type}`, { detail }));
  return {
    onProgress: ({ current, total }) => tell("progress", { current, total }),
    onFailure: (error) => tell("failure", { error }),
  };
}
