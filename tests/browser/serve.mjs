// A server on a free port of this machine: `gleaner serve`, with the policy under which its page must work, or a plain static one
// with the folder under some path.
//
//   GLEANER_PROGRAM  the program; without it, the plain server stands in

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { createInterface } from "node:readline";

const TYPES = {
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".wasm": "application/wasm",
};

export const serve = (folder, under = "/") =>
  process.env.GLEANER_PROGRAM && under === "/" ? serveOurs(folder) : servePlainly(folder, under);

async function serveOurs(folder) {
  const args = ["serve", folder, "--port=0", "--no-open", "--json"];
  const program = spawn(process.env.GLEANER_PROGRAM, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface(program.stdout), "line");
  return {
    address: JSON.parse(line).url,
    close: async () => {
      program.kill("SIGTERM");
      await once(program, "exit");
    },
  };
}

async function servePlainly(folder, under) {
  const root = path.resolve(folder);
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const name = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const file = path.join(root, path.normalize(decodeURIComponent(name.slice(under.length - 1))));
    try {
      if (!name.startsWith(under)) throw new Error("elsewhere");
      const body = await readFile(file);
      const type = TYPES[path.extname(file)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type, "content-length": body.length });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${server.address().port}${under}`,
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  };
}
