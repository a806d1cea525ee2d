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
  throw new Error('the patch does nothing wrong');
};

describe('a patched run', () => {
  it('is that of the patched revision', () => {
    const { revision, run } = runPatched(definePatch({ name: 'same', listener: {} }), base);
    expect(run(scenario)).toMatchObject({ revision: revision.id, outcome: 'ok' });
  });

  it('names the rule that throws, and the scenario', () => {
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

  it('names the rule that does not come back', () => {
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
    expect(fault.message).toBe('memslots.span does not come back: it takes more than 0.2 s');
  });

  it('is not brought down by a rule that calls itself without end', () => {
    const skip = (): undefined => skip();
    expect(faultOf({ name: 'deep', listener: { skip } }).message).toMatch(/listener\.skip throws RangeError/);
  });

  it('is not begun where the patch does not come to the end of being applied', () => {
    const endless = definePatch({
      name: 'endless',
      listener: () => {
        for (;;);
      },
    });
    expect(() => runPatched(endless, base, 0.2)).toThrow(
      'does not come to an end: applying it takes more than 0.2 s',
    );
  });

  it('blames a busy computer for what is slow only once', () => {
    let asked = 0;
    const span = (): undefined => {
      if (asked++ === 0) for (const end = performance.now() + 400; performance.now() < end;);
    };
    const { run, guard } = runPatched(definePatch({ name: 'slow', memslots: { span } }), base, 0.2);
    expect(() => guard(() => run(scenario))).toThrow(/this computer is too busy/);
  });

  it('blames the patch where its answers make the model fail', () => {
    const [device] = scenario.devices;
    const msix = { vectors: 1, tableBar: 0, tableOffset: offset(0n), pbaBar: 0, pbaOffset: offset(0x8000n) };
    const withMsix = { ...scenario, devices: [{ ...device!, msix }] };
    const noRegion = { size: 0x1_0000n, subregions: [] } as unknown as MemoryRegion;
    const fault = faultOf({ name: 'odd', device: { msixParent: () => noRegion } }, 5, withMsix);
    expect(fault.message).toMatch(/^the patch makes the model fail: TypeError: /);
  });
});

describe('the case of a fault', () => {
  const definition: PatchDefinition = {
    name: 'thrower',
    listener: {
      skip: ({ region }) => {
        if (region.isRamDevice) throw new TypeError('no');
        return undefined;
      },
    },
  };

  it('is made smaller', () => {
    const patched = runPatched(definePatch(definition), base);
    const smallest = shrinkFault(faultOf(definition), patched, scenarios());
    expect(smallest.fault.rule).toBe('listener.skip');
    expect(smallest.scenario.operations).toHaveLength(2);
  });

  it('is left as it is where every run of it takes too long', () => {
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

describe('a deadline', () => {
  it('gives back what is done in time, and passes on what is thrown', () => {
    expect(stopAfter(() => 7, 1)).toBe(7);
    expect(() =>
      stopAfter(() => {
        throw new RangeError('own');
      }, 1),
    ).toThrow(RangeError);
  });
});
