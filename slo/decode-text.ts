// The text of a file that somebody else's program wrote. Reads no file, so that a browser can do it too.

/**
 * UTF-8, or UTF-16 when a byte order mark says so, as shells and spreadsheets on Windows write it. The mark is dropped.
 * Throws a TypeError for bytes that are neither.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const encoding =
    first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : 'utf-8';
  return new TextDecoder(encoding, { fatal: true }).decode(bytes);
}
