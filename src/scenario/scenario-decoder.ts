import { hex, parseHex } from '../address/index.ts';
import { Decoder } from '../input/index.ts';

/** Reads what a scenario holds beside plain JSON: numbers of up to 64 bits. */
export class ScenarioDecoder extends Decoder {
  /** A number of up to 64 bits, as a hex string or a safe integer, from `least` to `most`. */
  number(value: unknown, path: string, least: bigint, most: bigint): bigint {
    const parsed = parseHex(value);
    if (parsed !== undefined && parsed >= least && parsed <= most) return parsed;
    this.expected(path, `a hex string or safe integer from ${hex(least)} to ${hex(most)}`, value);
    return least;
  }
}
