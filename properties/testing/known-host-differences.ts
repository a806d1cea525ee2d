import { Errno } from '../../src/host/index.ts';
import type { Disagreement } from '../../src/linux/session/comparison.ts';

/** A difference between the model and real kernels that a fact describes. */
interface KnownDifference {
  readonly fact: string;
  /** `recorded` is the kernel's answer, `answer` the model's. */
  readonly covers: (difference: Disagreement) => boolean;
}

const END = 1n << 64n;

/** Whether the call's range of addresses of devices ends at or behind `limit`. */
const reaches = ({ session, index }: Disagreement, limit: bigint): boolean => {
  const { call } = session.steps[index]!;
  return 'iova' in call && call.iova + call.size >= limit;
};

/** The differences that the model is known to have: each goes when the model is mended. */
export const KNOWN_HOST_DIFFERENCES: readonly KnownDifference[] = [
  {
    // host fact D1
    fact: 'D1: a wrap past 2^64 is EOVERFLOW in Linux 7',
    covers: ({ recorded, answer }) => recorded.errno === Errno.EOVERFLOW && answer.errno === Errno.EINVAL,
  },
  {
    // host fact D2
    fact: 'D2: up to Linux 6.12 an unmap that ends at 2^64 finds nothing',
    covers: (difference) => reaches(difference, END) && difference.recorded.returned['unmapped'] === 0n,
  },
];

/** The fact that describes a difference, if there is one. */
export const knownDifference = (difference: Disagreement): string | undefined =>
  KNOWN_HOST_DIFFERENCES.find(({ covers }) => covers(difference))?.fact;
