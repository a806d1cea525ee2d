import { hex, isPowerOfTwo, parseHex } from '../address/index.ts';
import { Decoder } from '../input/index.ts';
import {
  HOST_KERNELS,
  isKernelBefore,
  isKernelVersion,
  OLDEST_KERNEL,
  type HostKernel,
} from './host-kernel.ts';

/** What a kernel may be, as a message lists it. */
const KERNEL_WORDS = [...HOST_KERNELS, 'a version of Linux such as 6.12'];

/** The smallest page of a host, a guest or an IOMMU, in bytes. */
export const SMALLEST_PAGE = 0x1000n;

/** Reads what a scenario holds beside plain JSON: numbers of up to 64 bits, page sizes, kernels. */
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

  /** A version of Linux, or one of the names of kernels without a version. */
  kernel(value: unknown, path: string): HostKernel {
    const named = HOST_KERNELS.find((name) => name === value);
    if (named !== undefined) return named;
    if (typeof value !== 'string' || !isKernelVersion(value)) {
      const read = this.oneOf(value, path, KERNEL_WORDS);
      return HOST_KERNELS.find((name) => name === read) ?? HOST_KERNELS[0];
    }
    if (isKernelBefore(value, OLDEST_KERNEL)) {
      this.report(path, `expected Linux ${OLDEST_KERNEL} or later; older kernels are not modelled`);
    }
    return value;
  }
}
