import { describe, expect, it } from 'vitest';
import {
  deriveSeed,
  search,
  shrinkSighting,
  type SearchOptions,
  type Sighting,
} from '../src/campaign/index.ts';
import {
  FingerprintSet,
  brokenBy,
  findInvariant,
  violationsOf,
  type Fingerprint,
  type InvariantId,
} from '../src/invariants/index.ts';
import {
  decodeScenario,
  encodeScenario,
  isRealistic,
  needsOf,
  toJsonText,
  type Operation,
  type Scenario,
} from '../src/scenario/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { REVISIONS, findRevision, type Revision } from '../src/vfio/index.ts';
import { scenarios, simplifyScenario, weigh } from './index.ts';
import { digits, WEIGHT_OF_A_NEED } from './weigh.ts';

const revisionOf = (id: string): Revision => findRevision(id)!;
const options = (
  revision: Revision,
  invariants: readonly InvariantId[],
  seed: number,
  runs: number,
): SearchOptions => ({
  run: (scenario) => runOnModel(scenario, revision),
  scenarios: scenarios({ revision: revision.id, iommuTypes: revision.iommus }),
  invariants: invariants.map(findInvariant),
  seed,
  runs,
});

/** The first sighting of each wanted fingerprint. Searches 50 cases, then four times as many, up to `most`. */
async function find(
  wanted: readonly ((found: Fingerprint) => boolean)[],
  most: number,
  searching: (runs: number) => SearchOptions,
): Promise<readonly Sighting[]> {
  for (let runs = 50; ; runs = Math.min(runs * 4, most)) {
    const { sightings } = await search(searching(runs));
    const found = wanted.map((isWanted) => sightings.find((sighting) => isWanted(sighting.fingerprint)));
    if (found.every((sighting) => sighting !== undefined)) return found;
    if (runs === most) return found.filter((sighting) => sighting !== undefined);
  }
}

const addressOf = (operation: Operation): bigint => ('address' in operation ? operation.address : 0n);

/** The numbers of the scenario: RAM, page sizes, BARs, MSI-X layout and addresses. */
const numbersIn = ({ machine, host, devices, operations }: Scenario): readonly bigint[] => [
  machine.ram,
  machine.hostPageSize,
  machine.guestPageSize,
  ...host.iommu.pageSizes,
  ...devices.flatMap(({ bars, msix }) => [
    ...bars.map(({ size }) => size),
    ...(msix ? [BigInt(msix.vectors), msix.tableOffset, msix.pbaOffset] : []),
  ]),
  ...operations.map(addressOf),
];

const SEEDS = Array.from({ length: 20 }, (_, index) => String(index));

describe('shrinking the findings on the seed patch', () => {
  const seedV2 = revisionOf('seed-v2');
  /** The two findings of the seed thread: a request for an unaligned piece of a BAR, and QEMU's death after EINVAL. */
  const wanted = [
    ({ cause }: Fingerprint): boolean =>
      cause === 'bar-fragment-unaligned' || cause === 'small-bar-unaligned',
    ({ cause }: Fingerprint): boolean => cause === 'dma-map-device-memory-EINVAL',
  ];

  it.each(SEEDS)(
    'gives one device, one BAR, at most two operations and round numbers, within 2,000 cases of seed %s',
    async (seed) => {
      const searching = (runs: number) =>
        options(seedV2, ['map-aligned', 'no-abort'], deriveSeed(seed, 'shrinking seed-v2'), runs);
      const found = await find(wanted, 2_000, searching);
      expect(found).toHaveLength(2);
      for (const sighting of found) {
        const { scenario, violation, shrinks } = await shrinkSighting(sighting, searching(1));
        expect(violation).toMatchObject(sighting.fingerprint);
        expect(scenario.devices).toHaveLength(1);
        expect(scenario.devices[0]!.bars).toHaveLength(1);
        expect(scenario.operations.length).toBeLessThanOrEqual(2);
        expect(shrinks).toBeLessThan(100);
        expect(isRealistic(scenario)).toBe(true);
        // Every number has one digit and then only zeros.
        for (const number of numbersIn(scenario)) expect(number.toString(16)).toMatch(/^[0-9a-f]0*$/);
      }
    },
    60_000,
  );
});

describe('the skip rule as it was posted', () => {
  const skipAsPosted = revisionOf('seed-v2+skip-as-posted');

  it.each(SEEDS)(
    'leaves RAM unmapped within 200 cases of seed %s; the case shrinks to a device without BARs',
    async (seed) => {
      const searching = (runs: number) =>
        options(skipAsPosted, ['ram-reachable'], deriveSeed(seed, 'shrinking skip-as-posted'), runs);
      const [sighting] = await find([({ invariant }) => invariant === 'ram-reachable'], 200, searching);
      expect(sighting).toBeDefined();
      const { scenario } = await shrinkSighting(sighting!, searching(1));
      expect(scenario.devices).toHaveLength(1);
      expect(scenario.devices[0]!.bars).toEqual([]);
      expect(scenario.operations).toEqual([]);
      expect(scenario.machine.type).toBe('q35');
    },
  );
});

describe('shrinking any finding', () => {
  it.each(REVISIONS)(
    'on $id keeps the fingerprint, takes fewer than 100 steps, and leaves no simpler case with the fingerprint',
    async (revision) => {
      const searching = options(revision, brokenBy(revision.id), deriveSeed('shrinking', revision.id), 30);
      const { sightings } = await search(searching);
      expect(sightings.length).toBeGreaterThan(0);
      const run = (scenario: Scenario) =>
        new FingerprintSet(violationsOf(runOnModel(scenario, revision), searching.invariants));
      for (const sighting of sightings) {
        const { scenario, violation, shrinks } = await shrinkSighting(sighting, searching);
        expect(violation).toMatchObject(sighting.fingerprint);
        expect(run(scenario).has(sighting.fingerprint)).toBe(true);
        expect(shrinks).toBeLessThan(100);
        for (const simpler of simplifyScenario(scenario))
          expect(run(simpler).has(sighting.fingerprint)).toBe(false);
        // Two devices and ten operations weigh 6,000 without their numbers (`weigh`).
        expect(weigh(scenario) - WEIGHT_OF_A_NEED * needsOf(scenario).length).toBeLessThan(6_000);
      }
    },
    60_000,
  );

  it('gives a case on sPAPR that can be stored and read again', async () => {
    const revision = revisionOf('seed-v2+phb-mmio-alias');
    const searching = options(revision, ['window-limit'], deriveSeed('shrinking', 'windows'), 200);
    const { scenario } = await shrinkSighting((await search(searching)).sightings[0]!, searching);
    expect(scenario.machine.type).toBe('pseries');
    expect(decodeScenario(JSON.parse(toJsonText(encodeScenario(scenario))))).toEqual(scenario);
  });

  it('gives the same case every time', async () => {
    const searching = options(revisionOf('seed-v2'), ['map-aligned'], 1, 50);
    const [sighting] = (await search(searching)).sightings;
    const once = await shrinkSighting(sighting!, searching);
    expect(await shrinkSighting(sighting!, searching)).toEqual(once);
  });

  // Only RAM that is no multiple of the IOMMU's page shows some findings, so the size must stay odd.
  it('makes an odd size of RAM as round as possible', () => {
    const odd = (scenario: Scenario): boolean => scenario.machine.ram % 0x1_0000n !== 0n;
    const pages = { hostPageSize: 0x1000n, guestPageSize: 0x1000n };
    let last: Scenario = {
      version: 1,
      machine: { type: 'generic', msixEmulation: 'machine-default', ram: 0xffe_2000n, ...pages },
      revision: 'qemu-11.1',
      host: { kernel: 'msix-mappable', iommu: { type: 'type1', pageSizes: [0x1000n] } },
      devices: [],
      operations: [],
    };
    for (let next: Scenario | undefined = last; next !== undefined;) {
      last = next;
      next = [...simplifyScenario(last)].find(odd);
    }
    expect(digits(last.machine.ram)).toBeLessThan(digits(0xffe_2000n));
    expect(last.machine.ram).toBe(0x10_1000n);
  });
});
