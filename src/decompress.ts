/**
 * Undoes the compression of an answer. Nobody here requests one, but some proxies compress all the same. What this Node
 * cannot undo is an error, and so is a body that is larger than allowed once it is reversed.
 */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

type Decompress = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

/** By the names of RFC 9110, 8.4.1, and RFC 8878. Zstandard came with Node 22.15. */
const DECOMPRESS: Readonly<Record<string, Decompress | undefined>> = {
  gzip: promisify(zlib.gunzip),
  'x-gzip': promisify(zlib.gunzip),
  deflate: promisify(zlib.inflate),
  br: promisify(zlib.brotliDecompress),
  zstd: 'zstdDecompress' in zlib ? promisify(zlib.zstdDecompress as typeof zlib.gunzip) : undefined,
};

/**
 * @param encoding the header `Content-Encoding`; null when there is none
 * @returns the body as it was before
 */
export async function decompress(
  bytes: Uint8Array,
  { encoding, bytesMax }: { readonly encoding: string | null; readonly bytesMax: number },
): Promise<Uint8Array> {
  const names = (encoding ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  let body = bytes;
  // They are listed in the order in which they were applied.
  for (const name of names.reverse()) {
    if (name === '' || name === 'identity') continue;
    const undo = DECOMPRESS[name];
    if (undo === undefined) {
      throw new Error(
        `the body is compressed (${name.slice(0, 20)}), which nobody asked for and this Node cannot undo`,
      );
    }
    try {
      body = await undo(body, { maxOutputLength: bytesMax });
    } catch (cause) {
      throw new Error(`the body is said to be compressed (${name}), which nobody asked for, and cannot be read`, {
        cause,
      });
    }
  }
  return body;
}
