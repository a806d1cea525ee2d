import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { mtreeFormOf } from '../src/memory/index.ts';
import { ARCHITECTURES, programName } from '../src/qemu/process/architecture.ts';
import { compareMachine } from './conformance/compare-machine.ts';
import { runConformance } from './conformance/conformance.ts';
import { dumpMachine } from './conformance/machine-dump.ts';
import {
  resultsPage,
  rowOf,
  spacesOf,
  tally,
  titleOf,
  type ConformanceRun,
  type MachineResult,
} from './conformance/results.ts';
import { findQemu } from '../src/qemu/process/find-qemu.ts';
import { QemuNotFound } from '../src/qemu/process/qemu-error.ts';

const RESULTS = fileURLToPath(new URL('./conformance/RESULTS.md', import.meta.url));

const programs = ARCHITECTURES.flatMap((architecture) => {
  try {
    return [{ architecture, binary: findQemu(architecture) }];
  } catch (error) {
    if (error instanceof QemuNotFound) return [];
    throw error;
  }
});
const missing = ARCHITECTURES.filter((name) => !programs.some(({ architecture }) => architecture === name));
if (missing.length > 0) {
  console.warn(
    `Skipped: no ${missing.map(programName).join(', ')} to compare the memory core with. ` +
      '.ci/install-qemu puts one into .cache/qemu; then set BARPROOF_QEMU=.cache/qemu/bin',
  );
}
const without =
  missing.length > 0
    ? ` (skipped: no qemu-system-${missing.join(', qemu-system-')}; see barproof doctor)`
    : '';

/** Of a machine type that every release has a version of, only the newest is compared, unless all are asked for. */
const everyMachine = process.env['BARPROOF_ALL_MACHINES'] === '1';
const isNewest = (machine: string, machines: readonly string[]): boolean => {
  const [, family, version] = /^(.*)-(\d+\.\d+)$/.exec(machine) ?? [];
  return !machines.some((other) => {
    const [, otherFamily, otherVersion] = /^(.*)-(\d+\.\d+)$/.exec(other) ?? [];
    return family !== undefined && otherFamily === family && Number(otherVersion) > Number(version);
  });
};

describe.skipIf(programs.length === 0)(`the memory core and every machine type of QEMU${without}`, () => {
  const runs: ConformanceRun[] = [];

  beforeAll(async () => {
    for (const { architecture, binary } of programs) {
      runs.push(await runConformance(architecture, binary, everyMachine ? undefined : isNewest));
    }
  }, 600_000);

  it('have machines to compare', () => {
    expect(tally(spacesOf(runs)).spaces).toBeGreaterThan(20 * programs.length);
  });

  it('see the same in every address space, but for what the text leaves open', () => {
    const different = runs.flatMap(({ machines }) =>
      machines.flatMap((result) =>
        'refused' in result
          ? []
          : [result.all, result.enabled].flatMap(({ machine, spaces }) =>
              spaces
                .filter(({ needed }) => needed === undefined)
                .map(({ name, differences }) => [machine, name, ...differences.slice(0, 6)].join('\n')),
            ),
      ),
    );
    expect(different).toEqual([]);
  });

  it.each(programs)(
    'differ where a flat view of $architecture is spoilt',
    async ({ architecture, binary }) => {
      const { version } = runs.find((run) => run.architecture === architecture)!;
      const dump = await dumpMachine(binary, version, MACHINE_TO_SPOIL[architecture]);
      if ('refused' in dump) throw new Error(dump.refused);
      const ranges = [...dump.flat.matchAll(RANGE)];
      fc.assert(
        fc.property(
          fc.constantFrom(...ranges),
          fc.constantFrom(...Object.keys(SPOILERS)),
          (range, spoiler) => {
            const spoilt = SPOILERS[spoiler]!(range);
            const flat = `${dump.flat.slice(0, range.index)}${spoilt}${dump.flat.slice(range.index + range[0].length)}`;
            const { spaces } = compareMachine({ ...dump, flat }, mtreeFormOf(version));
            expect(spaces.filter(({ needed }) => needed === undefined)).not.toEqual([]);
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  it('print the same trees', () => {
    const different = runs.flatMap(({ machines }) =>
      machines.flatMap((result) =>
        'refused' in result || (result.all.printsTheSame && result.enabled.printsTheSame)
          ? []
          : [result.all.machine],
      ),
    );
    expect(different).toEqual([]);
  });

  it('see the same in at least 95 % of them without being told an order', () => {
    const { spaces, text, terminates } = tally(spacesOf(runs));
    expect((text + terminates) / spaces).toBeGreaterThanOrEqual(0.95);
  });

  it('see what the page of results says, if it speaks of this QEMU', ({ skip }) => {
    if (process.env['BARPROOF_WRITE_RESULTS'] === '1') writeFileSync(RESULTS, resultsPage(runs));
    const page = readFileSync(RESULTS, 'utf8');
    for (const run of runs) {
      const section = page.split(/^## /m).find((text) => text.startsWith(`${titleOf(run)}\n`));
      if (section === undefined) return skip(`RESULTS.md does not speak of ${titleOf(run)}`);
      const written = new Set(section.split('\n').map((line) => line.replaceAll(' ', '')));
      const stands = (result: MachineResult): boolean => written.has(`|${rowOf(result).join('|')}|`);
      // A host with less memory refuses more.
      const made = run.machines.filter((result) => !('refused' in result) && !stands(refusedOf(result)));
      expect(made.filter((result) => !stands(result)).map(rowOf)).toEqual([]);
    }
    // Where the same machines can be made, the totals are the same, too.
    if (everyMachine && missing.length === 0 && refusalsIn(resultsPage(runs)) === refusalsIn(page)) {
      expect(resultsPage(runs)).toBe(page);
    }
    return undefined;
  });
});

/** START, the last digit of END, PRIORITY and the rest of a line of `info mtree -f`. */
const RANGE = /^( {2}[0-9a-f]{16}-[0-9a-f]{15})([0-9a-f]) \(prio (-?\d+), (.*)$/gm;
type Match = RegExpExecArray | RegExpMatchArray;

const MACHINE_TO_SPOIL = { x86_64: 'q35', aarch64: 'virt', ppc64: 'pseries' } as const;

/** Errors that a renderer could make; nothing that the text leaves open allows for any of them. */
const SPOILERS: Readonly<Record<string, (range: Match) => string>> = {
  'ends early or late': ([, start, digit, priority, rest]) =>
    `${start}${(Number.parseInt(digit!, 16) ^ 8).toString(16)} (prio ${priority}, ${rest}`,
  'has another priority': ([, start, digit, priority, rest]) =>
    `${start}${digit} (prio ${Number(priority) + 1}, ${rest}`,
  'is another region': ([, start, digit, priority, rest]) =>
    `${start}${digit} (prio ${priority}, ${rest!.replace('): ', '): not ')}`,
};

const refusedOf = (result: MachineResult): MachineResult =>
  'refused' in result ? result : { machine: result.all.machine, refused: '' };

const refusalsIn = (page: string): string =>
  page
    .split('\n')
    .filter((line) => /\| +– \|/.test(line))
    .map((line) => line.split(' ')[1])
    .join();
