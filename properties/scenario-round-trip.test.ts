import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scenarios, simplifyScenario } from '../generators/index.ts';
import {
  decodeScenario,
  encodeScenario,
  toJsonLine,
  toJsonText,
  type ApertureSpec,
  type DeviceSpec,
  type Scenario,
} from '../src/scenario/index.ts';
import { parseJson } from '../src/input/index.ts';
import { REVISIONS } from '../src/vfio/index.ts';

const read = (text: string): Scenario => decodeScenario(parseJson(text));
const line = (scenario: Scenario): string => toJsonLine(encodeScenario(scenario));
const text = (scenario: Scenario): string => toJsonText(encodeScenario(scenario));

/** Scenarios of the campaign: every revision with the kinds of container that it has. */
const generated: fc.Arbitrary<Scenario> = fc
  .constantFrom(...REVISIONS)
  .chain(({ id, iommus }) => scenarios({ revision: id, iommuTypes: iommus }))
  .map((scenario) => ({ ...scenario, devices: scenario.devices.map(withoutSource) }));

/** The device without the source of a real device, which is not part of a scenario. */
function withoutSource(device: DeviceSpec): DeviceSpec {
  const { source: _, ...rest } = device as DeviceSpec & { readonly source?: string };
  return rest;
}

/** Characters that no name may have: control characters, line ends, and marks that turn the order of text. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}\ufeff]/gu;

/** Strings of any other characters. */
const word = fc
  .string({ minLength: 1, maxLength: 200, unit: 'binary' })
  .map((text) => text.replaceAll(unprintable, '.'));

/** The device with names, ids and options that the campaign does not vary. */
const withOptions = (device: DeviceSpec): fc.Arbitrary<DeviceSpec> =>
  fc
    .record(
      {
        name: word,
        vendor: fc.nat(0xffff),
        device: fc.nat(0xffff),
        options: fc.record(
          {
            'x-msix-relocation': fc.constantFrom('off', 'auto', 'bar5'),
            'x-no-mmap': fc.boolean(),
            'x-no-msix-emulation': fc.boolean(),
          },
          { requiredKeys: [], noNullPrototype: true },
        ),
      },
      { noNullPrototype: true },
    )
    .map((rest) => ({ ...device, ...rest }));

const apertures: fc.Arbitrary<readonly ApertureSpec[]> = fc
  .uniqueArray(fc.bigInt(0n, (1n << 62n) - 1n), { maxLength: 8 })
  .map((values) => {
    const rising = values.map((value) => 4n * value).toSorted((a, b) => (a < b ? -1 : 1));
    return rising.flatMap((start, index) =>
      index % 2 === 0 && index + 1 < rising.length ? [{ start, end: rising[index + 1]! }] : [],
    );
  });

/** Scenarios of the campaign with everything else that the format allows. */
const unusual = generated.chain((scenario) =>
  fc
    .record({
      devices: fc.tuple(...scenario.devices.map(withOptions)),
      limits: fc.record(
        { apertures, maxMappings: fc.nat(1_000_000), maxWindows: fc.integer({ min: 2, max: 16 }) },
        { requiredKeys: [], noNullPrototype: true },
      ),
      revision: word,
    })
    .map(({ devices, limits, revision }): Scenario => {
      const { host } = scenario;
      return { ...scenario, revision, devices, host: { ...host, iommu: { ...host.iommu, ...limits } } };
    }),
);

describe('a scenario is the same after it is written and read', () => {
  it.each([
    ['of the campaign', generated],
    ['with everything that the format allows', unusual],
  ] as const)('for scenarios %s', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (scenario) => {
        expect(read(line(scenario))).toStrictEqual(scenario);
        expect(read(text(scenario))).toStrictEqual(scenario);
      }),
      { numRuns: 600 },
    );
  });

  it('and so is its text after it is read and written', () => {
    fc.assert(
      fc.property(unusual, (scenario) => {
        const once = read(line(scenario));
        expect(text(read(text(once)))).toBe(text(once));
        expect(line(read(line(once)))).toBe(line(once));
        expect(JSON.parse(text(scenario))).toEqual(JSON.parse(line(scenario)));
      }),
      { numRuns: 200 },
    );
  });

  it('and writing does not change the scenario object', () => {
    fc.assert(
      fc.property(generated, (scenario) => {
        const before = structuredClone(scenario);
        text(scenario);
        expect(scenario).toStrictEqual(before);
      }),
      { numRuns: 100 },
    );
  });
});

describe('the scenarios that shrinking tries', () => {
  const shrunk = fc
    .sample(generated, { numRuns: 200, seed: 2017 })
    .map((scenario) => ({ scenario, candidates: [...simplifyScenario(scenario)] }));

  const unreadable = shrunk.flatMap(({ candidates }) =>
    candidates.flatMap((candidate) => {
      try {
        read(line(candidate));
        return [];
      } catch (error) {
        return [(error as Error).message];
      }
    }),
  );

  it('can all be read', () => {
    expect(shrunk.flatMap(({ candidates }) => candidates).length).toBeGreaterThan(5000);
    expect(shrunk.some(({ scenario }) => scenario.host.iommu.type === 'spapr-tce-v2')).toBe(true);
    expect(unreadable).toEqual([]);
  });
});
