import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { RegressionStore, type Regression } from '../src/campaign/index.ts';
import { runInProcess, type Result } from '../src/cli/testing/run-in-process.ts';
import { QemuTarget } from '../src/qemu/index.ts';
import { whyNotComparable } from './testing/why-no-qemu.ts';

/** Whether the model wrongly never maps device memory for DMA. */
const model = vi.hoisted(() => ({ isWrong: false }));

vi.mock(import('../src/vfio/revisions/qemu-11.1.ts'), async (importOriginal) => {
  const { qemu111 } = await importOriginal();
  const { listener } = qemu111;
  return {
    qemu111: {
      ...qemu111,
      listener: {
        ...listener,
        mapsDeviceMemory: (...args) => !model.isWrong && listener.mapsDeviceMemory(...args),
      },
    },
  };
});

const reasonNot = await whyNotComparable(new QemuTarget());
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

describe.skipIf(reasonNot !== undefined)(`barproof check --target qemu${skipped}`, () => {
  let folder: string;
  /** The result of a check with a wrong model, and the case that it stores. */
  let result: Result;
  let stored: Regression;
  let file: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'barproof-held-to-model-'));
    model.isWrong = true;
    result = await runInProcess([
      ...['check', '--target', 'qemu', '--runs', '20', '--regressions', folder],
      ...['--invariant', 'model-agrees'],
    ]);
    const found = new RegressionStore(folder)
      .load()
      .find(({ regression }) => regression.cause === 'requests');
    stored = found!.regression;
    file = join(folder, found!.file);
  }, 120_000);

  beforeEach(() => {
    model.isWrong = false;
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  it('finds the difference between a real QEMU and a wrong model, and shrinks its case', () => {
    const { code, out } = result;
    expect(code).toBe(1);
    expect(out).toMatch(/^\d {2}model-agrees \/ requests {3}\(.*; stable 10\/10\)$/m);
    expect(stored.title).toMatch(
      /^requests to dev0 of step \d: only the model has nothing; only QEMU has map 0x/,
    );
    const { devices, operations } = stored.scenario;
    expect(devices).toHaveLength(1);
    expect(devices[0]!.bars).toHaveLength(1);
    expect(operations.length).toBeLessThanOrEqual(3);
  });

  it('stores a case that fails again on the real QEMU, and holds when the model is right', async () => {
    model.isWrong = true;
    const again = await runInProcess(['replay', file, '--target', 'qemu']);
    expect(again).toMatchObject({ code: 1, out: expect.stringMatching(/: breaks .*model-agrees\/requests/) });
    model.isWrong = false;
    const mended = await runInProcess(['replay', file, '--target', 'qemu']);
    expect(mended).toMatchObject({
      code: 0,
      out: expect.stringMatching(/: every invariant holds on QEMU 11/),
    });
  });
});
