// Writes arrays as an .npz: what a visitor brings.

function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return ~sum >>> 0;
}

// { name: { type, shape, bytes } }; without a type, the numbers are of 32 bits.
export function writeNpz(arrays) {
  const parts = [];
  const places = [];
  let at = 0;
  for (const [name, { type = "<i4", shape, bytes }] of Object.entries(arrays)) {
    const header = `{'descr': '${type}', 'fortran_order': False, 'shape': (${shape.map((size) => `${size},`).join("")}), }`.padEnd(117) + "\n";
    const data = Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([118, 0]), Buffer.from(header, "latin1"), bytes]);
    const file = Buffer.from(`${name}.npy`);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(file.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), common, file, data]);
    const end = Buffer.alloc(14);
    end.writeUInt32LE(at, 10);
    places.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00", "latin1"), common, end, file]));
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(places);
  const last = Buffer.alloc(18);
  last.writeUInt16LE(places.length, 4);
  last.writeUInt16LE(places.length, 6);
  last.writeUInt32LE(directory.length, 8);
  last.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, directory, Buffer.from("PK\x05\x06", "latin1"), last]);
}
