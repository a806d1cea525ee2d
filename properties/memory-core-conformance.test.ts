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

/** Whether to compare all machine types; otherwise only the newest version of each, such as pc-q35-11.1, is compared. */
const everyMachine = process.env['BARPROOF_ALL_MACHINES'] === '1';
const isNewest = (machine: string, machines: readonly string[]): boolean => {
  const [, family, version] = /^(.*)-(\d+\.\d+)$/.exec(machine) ?? [];
  return !machines.some((other) => {
    const [, otherFamily, otherVersion] = /^(.*)-(\d+\.\d+)$/.exec(other) ?? [];
    return family !== undefined && otherFamily === family && Number(otherVersion) > Number(version);
  });
};

describe.skipIf(programs.length === 0)(`the memory core and the machine types of QEMU${without}`, () => {
  const runs: ConformanceRun[] = [];

  beforeAll(async () => {
    for (const { architecture, binary } of programs) {
      runs.push(await runConformance(architecture, binary, everyMachine ? undefined : isNewest));
    }
  }, 600_000);

  it('have at least 20 address spaces for each architecture', () => {
    expect(tally(spacesOf(runs)).spaces).toBeGreaterThan(20 * programs.length);
  });

  it('have the same flat view of each address space, given answers to what the text leaves open', () => {
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
    'differ if one range in a flat view of $architecture is falsified',
    async ({ architecture, binary }) => {
      const { version } = runs.find((run) => run.architecture === architecture)!;
      const dump = await dumpMachine(binary, version, MACHINE_TO_FALSIFY[architecture]);
      if ('refused' in dump) throw new Error(dump.refused);
      const ranges = [...dump.flat.matchAll(RANGE)];
      fc.assert(
        fc.property(
          fc.constantFrom(...ranges),
          fc.constantFrom(...Object.keys(FALSIFICATIONS)),
          (range, falsification) => {
            const falsified = FALSIFICATIONS[falsification]!(range);
            const flat = `${dump.flat.slice(0, range.index)}${falsified}${dump.flat.slice(range.index + range[0].length)}`;
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

  it('have the same flat view of at least 95 % of address spaces without answers on sibling order', () => {
    const { spaces, text, terminates } = tally(spacesOf(runs));
    expect((text + terminates) / spaces).toBeGreaterThanOrEqual(0.95);
  });

  it('agree as far as RESULTS.md says, if that has a section for this QEMU', ({ skip }) => {
    if (process.env['BARPROOF_WRITE_RESULTS'] === '1') writeFileSync(RESULTS, resultsPage(runs));
    const page = readFileSync(RESULTS, 'utf8');
    for (const run of runs) {
      const section = page.split(/^## /m).find((text) => text.startsWith(`${titleOf(run)}\n`));
      if (section === undefined) return skip(`RESULTS.md has no section for ${titleOf(run)}`);
      const written = new Set(section.split('\n').map((line) => line.replaceAll(' ', '')));
      const stands = (result: MachineResult): boolean => written.has(`|${rowOf(result).join('|')}|`);
      // On a host with less memory QEMU refuses more machine types.
      const made = run.machines.filter((result) => !('refused' in result) && !stands(refusedOf(result)));
      expect(made.filter((result) => !stands(result)).map(rowOf)).toEqual([]);
    }
    // The totals are the same only if QEMU starts the same machine types.
    if (everyMachine && missing.length === 0 && refusalsIn(resultsPage(runs)) === refusalsIn(page)) {
      expect(resultsPage(runs)).toBe(page);
    }
    return undefined;
  });
});

/** A line of `info mtree -f`: START and END but for the last digit, that digit, PRIORITY, and the rest. */
const RANGE = /^( {2}[0-9a-f]{16}-[0-9a-f]{15})([0-9a-f]) \(prio (-?\d+), (.*)$/gm;
type Match = RegExpExecArray | RegExpMatchArray;

const MACHINE_TO_FALSIFY = { x86_64: 'q35', aarch64: 'virt', ppc64: 'pseries' } as const;

/** Faults of a renderer that no answer to an open question explains. */
const FALSIFICATIONS: Readonly<Record<string, (range: Match) => string>> = {
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
