import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { runOnModel } from '../src/model/index.ts';
import type { Trace } from '../src/trace/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { scenarios } from './index.ts';

/** Whether the host maps some of the blocks that the guest plugs at once, and refuses others. */
const isCut = ({ steps }: Trace): boolean =>
  steps.some(({ operation, events }) => {
    const answers = events.flatMap((event) => (event.type === 'dma-map' ? [event.errno] : []));
    return operation.op === 'plug-blocks' && answers.includes(0) && answers.some((errno) => errno !== 0);
  });

it('an IOMMU ends among the blocks that a guest plugs, in one of 2,000 scenarios and more', () => {
  const drawn = fc.sample(scenarios(), { seed: 2018, numRuns: 8_000 });
  const withBlocks = drawn.filter(({ operations }) => operations.some(({ op }) => op === 'plug-blocks'));
  expect(withBlocks.filter((scenario) => isCut(runOnModel(scenario, NEWEST))).length).toBeGreaterThanOrEqual(
    4,
  );
});
