import { RANGE } from '../../host/abi/index.ts';
import type { AgentAnswer } from '../agent/agent-client.ts';
import { command, MAP, PROT } from '../agent/commands.ts';

/** Where the agent has memory for the ranges of IOMMU_IOAS_IOVA_RANGES, apart from the areas of sessions. */
export const RANGES_AREA = 0x1f00_0000_0000n;
/** In bytes: a page of the largest size. */
const AREA_BYTES = 0x1_0000n;
/** The most ranges that barproof reads: more than any host has. */
const MOST_RANGES = 64;

/** The command that maps the memory for ranges. */
export const mapRangesArea = (): string =>
  command.mmap({
    ...{ address: RANGES_AREA, length: AREA_BYTES, protection: PROT.READ | PROT.WRITE },
    ...{ flags: MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED, descriptor: -1, offset: 0n },
  });

/** The command that reads the ranges. */
export const readRangesArea = (): string => command.peek(RANGES_AREA, MOST_RANGES * RANGE.bytes);

/** The first `count` ranges of the answer to `readRangesArea`, both ends included. */
export function rangesIn(answer: AgentAnswer | undefined, count: number): [bigint, bigint][] {
  if (answer?.kind !== 'returned') return [];
  return Array.from({ length: Math.min(count, MOST_RANGES) }, (_, index) => {
    const { first, second } = RANGE.decode(answer.data, index * RANGE.bytes);
    return [first, second];
  });
}
