/** A row of `lspci -xxx`, `hexdump -C`, `od -tx1` or `xxd`: the offset, and one to sixteen bytes. */
const ROW =
  /^\s*([0-9a-f]{2,8}):?[ \t]+((?:[0-9a-f]{2}[ \t]+){0,15}[0-9a-f]{2})(?:[ \t]*$|[ \t]{2,}\S|[ \t]*\|)/i;
const XXD = /^\s*([0-9a-f]{8}):[ \t]((?:[0-9a-f]{4}[ \t]){1,8})/i;
/** The configuration space of PCI Express. */
const MOST_BYTES = 4096;

/**
 * The bytes that rows of hexadecimal numbers show, from offset 0 on without a gap.
 *
 * @returns `undefined` where fewer than 64 bytes are shown: the registers of the BARs end at 0x28.
 */
export function readHexRows(lines: readonly string[]): Uint8Array | undefined {
  const bytes = new Uint8Array(MOST_BYTES);
  let length = 0;
  for (const line of lines) {
    const match = XXD.exec(line) ?? ROW.exec(line);
    if (match === null) continue;
    const at = Number.parseInt(match[1]!, 16);
    const row = match[2]!.replaceAll(/\s+/g, '').match(/../g)!;
    // A row out of order belongs to something else.
    if (at !== length || at + row.length > MOST_BYTES) continue;
    for (const [index, digits] of row.entries()) bytes[at + index] = Number.parseInt(digits, 16);
    length = at + row.length;
  }
  return length < 64 ? undefined : bytes.slice(0, length);
}
