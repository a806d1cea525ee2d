import { describe, expect, it } from 'vitest';
import { scenarios } from '../../generators/index.ts';
import { decodeScenario, type Scenario } from '../scenario/index.ts';
import { offset } from '../address/index.ts';
import type { MemoryRegion } from '../memory/index.ts';
import { findRevision } from '../vfio/index.ts';
import { stopAfter } from './stop-after.ts';
import { definePatch, type PatchDefinition } from './patch.ts';
import { FaultyRun, runPatched } from './patched-run.ts';
import { shrinkFault } from './shrink-fault.ts';

const base = findRevision('seed-v2')!;
const scenario = decodeScenario({
  version: 1,
  machine: { type: 'generic', ram: '0x10000000', hostPageSize: '0x10000', guestPageSize: '0x10000' },
  revision: 'seed-v2',
  host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: ['0x10000'] } },
  devices: [{ id: 'dev0', name: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] }],
  operations: [
    { op: 'set-bar', device: 'dev0', bar: 0, address: '0x10000000' },
    { op: 'enable-memory', device: 'dev0' },
    { op: 'reset' },
  ],
});

const faultOf = (definition: PatchDefinition, seconds?: number, on: Scenario = scenario): FaultyRun => {
  const patched = runPatched(definePatch(definition), base, seconds);
  try {
    patched.guard(() => patched.run(on));
  } catch (error) {
    return error as FaultyRun;
  }
  throw new Error('the patch has no fault');
};

describe('runPatched', () => {
  it.each([1n << 64n, 1n << 80n, -1n])('names host.regionInfo where it returns a size of %s', (size) => {
    const fault = faultOf({ name: 'wild', host: { regionInfo: (info) => ({ ...info, size }) } });
    expect(fault.message).toMatch(
      /^host\.regionInfo returns an object with size, .*; expected \{ size, flags/,
    );
  });

  it('runs scenarios on the patched revision', () => {
    const { revision, run } = runPatched(definePatch({ name: 'same', listener: {} }), base);
    expect(run(scenario)).toMatchObject({ revision: revision.id, outcome: 'ok' });
  });

  it('names a rule that throws, and the scenario', () => {
    const fault = faultOf({
      name: 'thrower',
      listener: {
        skip: ({ region }) => {
          if (region.isRamDevice) throw new TypeError('no');
          return undefined;
        },
      },
    });
    expect(fault).toBeInstanceOf(FaultyRun);
    expect(fault.message).toBe('listener.skip throws TypeError: no');
    expect(fault.scenario).toBe(scenario);
  });

  it('names a rule that never returns', () => {
    const fault = faultOf(
      {
        name: 'loop',
        memslots: {
          span: () => {
            for (;;);
          },
        },
      },
      0.2,
    );
    expect(fault.message).toBe('memslots.span does not return within 0.2 s');
  });

  it('names a rule that exhausts the stack', () => {
    const skip = (): undefined => skip();
    expect(faultOf({ name: 'deep', listener: { skip } }).message).toMatch(/listener\.skip throws RangeError/);
  });

  it('refuses a patch that never finishes being applied', () => {
    const endless = definePatch({
      name: 'endless',
      listener: () => {
        for (;;);
      },
    });
    expect(() => runPatched(endless, base, 0.2)).toThrow('applying it does not finish within 0.2 s');
  });

  it('blames a busy computer, not the patch, if a slow run is fast when it is repeated', () => {
    let calls = 0;
    const span = (): undefined => {
      if (calls++ === 0) for (const end = performance.now() + 400; performance.now() < end;);
    };
    const { run, guard } = runPatched(definePatch({ name: 'slow', memslots: { span } }), base, 0.2);
    expect(() => guard(() => run(scenario))).toThrow(/this computer is too busy/);
  });

  it('blames the patch if the answers of its rules make the model throw', () => {
    const [device] = scenario.devices;
    const msix = { vectors: 1, tableBar: 0, tableOffset: offset(0n), pbaBar: 0, pbaOffset: offset(0x8000n) };
    const withMsix = { ...scenario, devices: [{ ...device!, msix }] };
    const noRegion = { size: 0x1_0000n, subregions: [] } as unknown as MemoryRegion;
    const fault = faultOf({ name: 'odd', device: { msixParent: () => noRegion } }, 5, withMsix);
    expect(fault.message).toMatch(
      /^device\.msixParent is the rule that was asked last when the patch makes the model fail: TypeError: /,
    );
  });
});

describe('shrinkFault', () => {
  const definition: PatchDefinition = {
    name: 'thrower',
    listener: {
      skip: ({ region }) => {
        if (region.isRamDevice) throw new TypeError('no');
        return undefined;
      },
    },
  };

  it('shrinks the scenario as long as the same rule is at fault', () => {
    const patched = runPatched(definePatch(definition), base);
    const smallest = shrinkFault(faultOf(definition), patched, scenarios());
    expect(smallest.fault.rule).toBe('listener.skip');
    expect(smallest.scenario.operations).toHaveLength(2);
  });

  it('does not shrink a case that was stopped because it took too long', () => {
    const looping: PatchDefinition = {
      name: 'loop',
      memslots: {
        span: () => {
          for (;;);
        },
      },
    };
    const fault = faultOf(looping, 0.2);
    expect(shrinkFault(fault, runPatched(definePatch(looping), base, 0.2), scenarios())).toBe(fault);
  });
});

describe('stopAfter', () => {
  it('returns the result of a function, and passes on its exception', () => {
    expect(stopAfter(() => 7, 1)).toBe(7);
    expect(() =>
      stopAfter(() => {
        throw new RangeError('own');
      }, 1),
    ).toThrow(RangeError);
  });
});
