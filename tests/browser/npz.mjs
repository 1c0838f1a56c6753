// Reads the arrays of an .npz: what the page offers for download, and what the command line writes.

import { inflateRawSync } from "node:zlib";

const TYPES = { "<f4": Float32Array, "<f8": Float64Array, "<i4": Int32Array, "<i8": BigInt64Array, "|u1": Uint8Array };

function members(bytes) {
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  if (end < 0) throw new Error("no ZIP archive");
  let at = bytes.readUInt32LE(end + 16);
  const found = {};
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [method, packed] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((offset) => bytes.readUInt16LE(at + offset));
    const local = bytes.readUInt32LE(at + 42);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const data = bytes.subarray(start, start + packed);
    found[bytes.toString("utf8", at + 46, at + 46 + name)] = method === 8 ? inflateRawSync(data) : data;
    at += 46 + name + extra + comment;
  }
  return found;
}

// Characters of four bytes, of which those that are left over are 0.
function texts(buffer, rows) {
  const codes = [...new Uint32Array(buffer)];
  const width = codes.length / rows;
  const row = (_, at) => String.fromCodePoint(...codes.slice(at * width, (at + 1) * width).filter((code) => code > 0));
  return Array.from({ length: rows }, row);
}

function array(bytes) {
  const wide = bytes[6] > 1;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const start = (wide ? 12 : 10) + length;
  const header = bytes.toString("latin1", wide ? 12 : 10, start);
  const [, name] = /'descr': '([^']+)'/.exec(header);
  const type = TYPES[name];
  if (!type && !name.startsWith("<U")) throw new Error(`an array of ${name}`);
  const shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(",").filter((part) => part.trim()).map(Number);
  const own = new Uint8Array(bytes.subarray(start)).buffer;
  return { shape, values: type ? Array.from(new type(own), Number) : texts(own, shape[0]) };
}

// { name: { shape, values } }
export function readNpz(bytes) {
  const arrays = Object.entries(members(bytes)).map(([name, data]) => [name.replace(/\.npy$/, ""), array(data)]);
  return Object.fromEntries(arrays);
}
