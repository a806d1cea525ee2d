import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { scenarios } from '../generators/index.ts';
import { RegressionStore, checkTarget, forgivenBy } from '../src/campaign/index.ts';
import { fingerprintText, violationsOf } from '../src/invariants/index.ts';
import { openModel, runOnModel } from '../src/model/index.ts';
import { NEWEST, type Revision } from '../src/vfio/index.ts';
import { qemu111 } from './testing/mutants.ts';

const KNOWN = new RegressionStore(fileURLToPath(new URL('../regressions/known', import.meta.url))).load();
const RUNS = 2_500;

/** What `barproof check` reports of a revision that passes for the newest QEMU, whose findings are known. */
async function check(revision: Revision) {
  const { findings, known, holds } = await checkTarget({
    target: openModel(revision),
    revision: NEWEST.id,
    scenarios: scenarios({ revision: NEWEST.id, iommuTypes: NEWEST.iommus }),
    seed: 'no other',
    runs: RUNS,
    starts: 1,
    stored: [],
    accepted: KNOWN,
    store: undefined,
    command: '',
    version: '',
    date: '',
    listener: () => undefined,
  });
  return { names: findings.map(fingerprintText), findings, known: known.map(fingerprintText), holds };
}

describe('a known finding explains no other bug of the same cause', { timeout: 120_000 }, () => {
  const beyondWidth = 'no-abort/memslot-EINVAL-beyond-cpu-width';

  it('the newest QEMU itself has known findings only', async () => {
    const { names, known, holds } = await check(qemu111);
    expect({ names, holds }).toEqual({ names: [], holds: true });
    expect(known).toContain(beyondWidth);
  });

  it('a BAR that QEMU puts above the CPU’s width, where the guest did not put it, is found', async () => {
    const { pci } = qemu111;
    const { names, known, findings, holds } = await check({
      ...qemu111,
      pci: {
        ...pci,
        decodeBar: (type, register, size, zero) => {
          const decoded = pci.decodeBar(type, register, size, zero);
          if (type !== 'mem64' || decoded.address === undefined) return decoded;
          return {
            ...decoded,
            address: BigInt.asUintN(64, decoded.address | (1n << 53n)) as typeof decoded.address,
          };
        },
      },
    });
    expect(holds).toBe(false);
    expect(names).toContain(beyondWidth);
    const finding = findings.find((other) => fingerprintText(other) === beyondWidth)!;
    expect(finding.besides).toBe('no-abort--memslot-EINVAL-beyond-cpu-width.json');
    expect(known.filter((name) => name === beyondWidth).length).toBeLessThanOrEqual(1);
  });

  it('RAM above the CPU’s width, for which QEMU must not start, is found', async () => {
    const { names, holds } = await check({
      ...qemu111,
      machine: { ...qemu111.machine, checksPhysBits: false },
    });
    expect({ names, holds }).toEqual({ names: [beyondWidth], holds: false });
  });

  it('RAM of an AMD machine over HyperTransport, as before QEMU 7.1, is found', async () => {
    const { names, holds } = await check({
      ...qemu111,
      machine: { ...qemu111.machine, avoidsHyperTransport: false },
    });
    expect({ names, holds }).toEqual({ names: ['no-abort/ram-over-hyper-transport'], holds: false });
  });

  it('a refused map of RAM that QEMU only reports is found, although its unmap is known', async () => {
    const { names } = await check({ ...qemu111, listener: { ...qemu111.listener, ramFailure: 'reported' } });
    expect(names).toContain('map-unmap-symmetric/unmap-after-refused-ram');
  });
});

it.each(KNOWN)('$file explains its own case, and says where and when', ({ regression }) => {
  const { scenario, invariant, cause, observed, forgives } = regression;
  expect(forgives?.length).toBeGreaterThan(0);
  // A case that a real QEMU has shown need not show on the model.
  if (observed.target !== undefined) return;
  const trace = runOnModel(scenario, NEWEST);
  const own = violationsOf(trace).find((other) => other.invariant === invariant && other.cause === cause)!;
  expect(forgivenBy(KNOWN, own, trace)).toBeDefined();
});
