import { hex, isPowerOfTwo, parseHex } from '../address/index.ts';
import { Decoder } from '../input/index.ts';

/** The smallest page of a host, a guest or an IOMMU, in bytes. */
const SMALLEST_PAGE = 0x1000n;

/** Reads what a scenario holds beside plain JSON: numbers of up to 64 bits, and page sizes. */
export class ScenarioDecoder extends Decoder {
  /** A number from `least` to `most`, written as a hex string or a safe integer. */
  number(value: unknown, path: string, least: bigint, most: bigint): bigint {
    const parsed = parseHex(value);
    if (parsed !== undefined && parsed >= least && parsed <= most) return parsed;
    this.expected(path, `a hex string or safe integer from ${hex(least)} to ${hex(most)}`, value);
    return least;
  }

  /** A page size in bytes: a power of two from 4 KiB to `most`. */
  pageSize(value: unknown, path: string, most: bigint): bigint {
    const size = this.number(value, path, SMALLEST_PAGE, most);
    if (!isPowerOfTwo(size)) this.report(path, 'expected a power of two');
    return size;
  }
}
