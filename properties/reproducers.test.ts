import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { servedScenarios } from '../generators/index.ts';
import { END_OF_SPACE } from '../src/address/index.ts';
import { RegressionStore } from '../src/campaign/index.ts';
import { InvalidInput } from '../src/input/index.ts';
import { runOnModel } from '../src/model/index.ts';
import { findQemu, overshoots, QEMU_MACHINES, QemuTarget, whyNotRunnable } from '../src/qemu/index.ts';
import { hostPageSize } from '../src/qemu/shim/host-page-size.ts';
import { caseData } from '../src/reproduce/case-data.ts';
import { evidenceOfTrace } from '../src/reproduce/evidence.ts';
import { reproducerOf } from '../src/reproduce/index.ts';
import { programText } from '../src/reproduce/program-text.ts';
import { decodeScenario, toJsonText, type Scenario } from '../src/scenario/index.ts';
import { NEWEST } from '../src/vfio/index.ts';
import { whyNoPython } from '../src/reproduce/testing/why-no-python.ts';
import { whyNotComparable } from './testing/why-no-qemu.ts';

const target = new QemuTarget();
afterAll(() => target.close());

let reasonNot = whyNoPython();
for (const machine of QEMU_MACHINES) reasonNot ??= await whyNotComparable(target, machine);
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

const folder = mkdtempSync(join(tmpdir(), 'reproducers-'));
/** The programs make their own folders in here, and must leave none. */
const scratch = join(folder, 'scratch');
mkdirSync(scratch);
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  expect(readdirSync(scratch)).toEqual([]);
  expect(qemusIn(scratch)).toEqual([]);
});

const qemuFolder = (): string => dirname(findQemu('x86_64'));

/** Nothing of Node is in reach of the program. */
const environment = () => ({
  PATH: process.env['PATH'],
  TMPDIR: scratch,
  LC_ALL: 'C',
  PYTHONDONTWRITEBYTECODE: '1',
});

function save(name: string, text: string): string {
  const file = join(folder, `${name}.py`);
  writeFileSync(file, text);
  return file;
}

const runProgram = (file: string, ...words: readonly string[]) =>
  spawnSync('python3', ['-W', 'error', file, ...words], { encoding: 'utf8', env: environment() });

/** The processes whose working directory is in a folder: a QEMU runs in the folder of its sockets. */
const qemusIn = (place: string): string[] =>
  readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readlinkSync(`/proc/${name}/cwd`).startsWith(place);
    } catch {
      return false;
    }
  });

/** The stored findings about QEMU 11.1, with the program that shows each, or the reason why there is none. */
const known = new RegressionStore('regressions/known').load().map(({ file, regression }) => {
  const name = file.replace(/\.json$/, '');
  try {
    return { name, regression, program: reproducerOf({ scenario: regression.scenario, regression }) };
  } catch (error) {
    if (!(error instanceof InvalidInput)) throw error;
    return { name, regression, reason: error.message };
  }
});
const shown = known.filter((finding) => 'program' in finding);

/** What the program must have seen, by the cause of the finding. */
const SIGNS: Readonly<Record<string, RegExp>> = {
  'bar-size-assertion': /SIGABRT\n.*pci_register_bar: Assertion `is_power_of_2\(size\)' failed/,
  'msix-unplug-assertion':
    /SIGABRT\n[^]*memory_region_del_subregion: Assertion `subregion->container == mr' failed/,
  'eeh-container-cast': /SIGABRT\n[^]*Object 0xPOINTER is not an instance of type vfio-iommu-legacy/,
  'hotplug-refusal-segfault': /QEMU died: signal SIG(?:SEGV|BUS)/,
  'maps-over-own-memory': /QEMU maps bytes 0x1000 to 0x1fff of BAR 0 at/,
  'beyond-bar': /QEMU maps bytes 0x0 to 0x1fff of BAR 0 at/,
  'rest-of-page-trapped': /00002000c0000010-00002000c0000017 \(prio 1, i\/o\): VFIO MSIX PBA/,
  'ram-range-unaligned': /dev0 map 0x100000 0x2000 granted/,
};

/** Findings that only a host with large pages shows: the program says so elsewhere. */
const OF_LARGE_PAGES = new Set(['shadowed-by-stretched-bar']);

describe.skipIf(reasonNot !== undefined)(`the program of a stored finding about QEMU 11.1${skipped}`, () => {
  it('exists for every finding that a vfio-user device can show', () => {
    const causes = shown.map(({ regression }) => regression.cause!);
    expect(causes.toSorted()).toEqual([...Object.keys(SIGNS), ...OF_LARGE_PAGES].toSorted());
  });

  it.each(shown.filter(({ regression }) => !OF_LARGE_PAGES.has(regression.cause!)))(
    'shows on a real QEMU the same assertion, signal or memory: $name',
    ({ name, program, regression }) => {
      const { stdout, stderr, status } = runProgram(save(name, program!), '--qemu', qemuFolder());
      expect({ status, stderr }, stdout).toEqual({ status: 1, stderr: '' });
      expect(stdout).toMatch(SIGNS[regression.cause!]!);
      expect(stdout).toContain(
        `result  QEMU shows the finding: ${regression.invariant}/${regression.cause}\n`,
      );
    },
  );

  it.each(shown.filter(({ regression }) => OF_LARGE_PAGES.has(regression.cause!)))(
    'says on a host with other pages which pages it needs: $name',
    ({ name, program }) => {
      const { stderr, status } = runProgram(save(name, program!), '--qemu', qemuFolder());
      expect(status).toBe(2);
      expect(stderr).toBe(
        'could not run: the case needs a host with pages of 0x10000 bytes, and here they have 0x1000\n',
      );
    },
  );

  it.each(known.filter((finding) => 'reason' in finding))(
    'is refused in one sentence where no vfio-user device can show it: $name',
    ({ reason }) => {
      expect(reason).toMatch(/^no vfio-user device can show this case: [^\n]+$/);
    },
  );
});

/** How many generated scenarios of each machine a program runs. `BARPROOF_CASES` sets another number. */
const CASES = Number(process.env['BARPROOF_CASES'] ?? 3);
/** The page size that the program finds. */
const PAGE = BigInt(hostPageSize());
const EVERYWHERE = { start: 0n, end: END_OF_SPACE };

describe.skipIf(reasonNot !== undefined)(`the program of a generated scenario${skipped}`, () => {
  /** The scenario's program, which holds QEMU to everything that the model shows at the end. */
  function programFor(scenario: Scenario): string {
    const trace = runOnModel(scenario, NEWEST);
    const step = trace.steps.length - 1;
    const fingerprint = { invariant: trace.outcome === 'ok' ? 'map-aligned' : 'no-abort', cause: 'any' };
    const violation = { ...fingerprint, message: 'of the whole machine', step, at: EVERYWHERE };
    const evidence = evidenceOfTrace(trace, violation)!;
    const title = violation.message;
    const finding = { scenario, fingerprint, title, rule: title, evidence, notes: [] };
    return programText(toJsonText(caseData(finding)));
  }

  const canRun = (scenario: Scenario): boolean =>
    !overshoots(scenario) &&
    whyNotRunnable(scenario, {
      hostPageSize: PAGE,
      pageSizeShim: false,
      deviceProperties: { 'vfio-user-pci': new Set(), 'vfio-pci': undefined },
      hasIommufd: false,
    }) === undefined;

  it.each(QEMU_MACHINES)(
    'sees on %s the memory map, the DMA requests and the end that the model has',
    (machine) => {
      const all = fc
        .sample(servedScenarios(machine), { seed: 1, numRuns: CASES })
        .map((scenario) => ({ ...scenario, machine: { ...scenario.machine, hostPageSize: PAGE } }))
        .filter(canRun);
      expect(all.length).toBeGreaterThan(0);
      for (const [index, scenario] of all.entries()) {
        const file = save(`${machine}-${index}`, programFor(scenario));
        const { status, stdout, stderr } = runProgram(file, '--qemu', qemuFolder());
        expect({ status, stderr }, stdout).toEqual({ status: 1, stderr: '' });
      }
    },
  );
});

/** A case whose operations are all that the program knows, on a QEMU that does nothing wrong. */
const everything = (type: string, address: string) =>
  decodeScenario({
    version: 1,
    machine: { type, ram: '0x10000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
    devices: [
      {
        id: 'dev0',
        bars: [
          { index: 0, size: '0x4000', type: 'mem64p', mmap: true },
          { index: 2, size: '0x1000', type: 'mem32', mmap: false },
        ],
        msix: { vectors: 4, tableBar: 0, tableOffset: '0x2000', pbaBar: 0, pbaOffset: '0x3000' },
      },
      { id: 'dev1', bars: [{ index: 0, size: '0x1000', type: 'mem32', mmap: true }] },
    ],
    operations: [
      { op: 'size-bar', device: 'dev0', bar: 0 },
      { op: 'set-bar', device: 'dev0', bar: 0, address },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'enable-msix', device: 'dev0' },
      { op: 'mask-vector', device: 'dev0', vector: 1, masked: false },
      { op: 'access-bar', device: 'dev0', bar: 0, offset: '0x8', width: 4, write: true },
      { op: 'hotplug', device: 'dev1' },
      { op: 'unplug', device: 'dev1' },
      ...(type === 'pseries' ? [] : [{ op: 'reset' }]),
      { op: 'set-bar', device: 'dev0', bar: 0, address },
      { op: 'enable-memory', device: 'dev0' },
      { op: 'disable-msix', device: 'dev0' },
      { op: 'disable-memory', device: 'dev0' },
      { op: 'enable-memory', device: 'dev0' },
    ],
  });

/** A program for a scenario that breaks nothing: QEMU is held to a death that it does not die. */
function harmless(type: string, address: string): string {
  const scenario = everything(type, address);
  return reproducerOf({
    scenario,
    regression: {
      ...known[0]!.regression,
      invariant: 'no-abort',
      cause: 'assertion-in-nowhere',
      observed: {
        outcome: 'aborted',
        violations: ['no-abort/assertion-in-nowhere'],
        target: 'QEMU 11.1.3',
        error: "nowhere.c:12: nowhere: Assertion `(false)' failed.",
      },
      scenario,
    },
  });
}

describe.skipIf(reasonNot !== undefined)(`a program that shows nothing${skipped}`, () => {
  it.each([
    ['pc', '0xe0000000'],
    ['q35', '0xe0000000'],
    ['virt', '0x8000000000'],
    ['pseries', '0x210000000000'],
  ])('carries out every operation on %s and ends with 0', (type, address) => {
    const { stdout, stderr, status } = runProgram(
      save(`harmless-${type}`, harmless(type, address)),
      '--qemu',
      qemuFolder(),
    );
    expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('QEMU carried out all operations.');
    expect(stdout).toContain('QEMU does not show the finding: no-abort/assertion-in-nowhere\n');
  });

  it('does not take another death for that of the case', () => {
    const { program } = shown.find(({ regression }) => regression.cause === 'bar-size-assertion')!;
    const other = program!.replace('pci_register_bar: Assertion', 'another_function: Assertion');
    const { stdout, status } = runProgram(save('other', other), '--qemu', qemuFolder());
    expect(status).toBe(0);
    expect(stdout).toContain('QEMU died: signal SIGABRT');
  });

  it('does not take other memory for that of the case, and says what the case has', () => {
    const { program } = shown.find(({ regression }) => regression.cause === 'rest-of-page-trapped')!;
    const other = program!.replace('i/o): VFIO MSIX PBA', 'ramd): dev0 BAR 0 mmaps[0]');
    const { stdout, status } = runProgram(save('other', other), '--qemu', qemuFolder());
    expect(status).toBe(0);
    expect(stdout).toContain('the case says:\n');
  });
});

describe.skipIf(reasonNot !== undefined)(`a program that cannot run${skipped}`, () => {
  const program = () => save('harmless', harmless('q35', '0xe0000000'));

  it.each([
    ['no QEMU', '/nowhere', /qemu-system-x86_64 was not found in \/nowhere; name its folder with --qemu/],
    ['a program that is no QEMU', '/bin/true', /is no QEMU: its --version says/],
    ['a program that does not start', '/bin/false', /no device vfio-user-pci/],
  ])('says so and ends with 2: %s', (_, qemu, message) => {
    const { stderr, status } = runProgram(program(), '--qemu', qemu);
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('Traceback');
  });

  it('says so and ends with 2 on a QEMU of another architecture', () => {
    const other = join(qemuFolder(), 'qemu-system-aarch64');
    const { stderr, status } = runProgram(program(), '--qemu', other);
    expect(status).toBe(2);
    expect(stderr).toMatch(/does not start the machine without the device: .*"q35"/);
  });

  it('says so and ends with 2 after a fault of its own, in the device and elsewhere', () => {
    const text = harmless('q35', '0xe0000000');
    for (const [place, fault] of [
      ['def region_info(self, region, room):', 'raise ValueError("in the device")'],
      ['def carry_out(machine, watch):', 'raise ValueError("elsewhere")'],
    ] as const) {
      const faulty = save(
        'faulty',
        text.replace(place, `${place}\n        ${fault}`.replace(/\n {8}(?=.*elsewhere)/, '\n    ')),
      );
      const { stderr, status } = runProgram(faulty, '--qemu', qemuFolder());
      expect(status, stderr).toBe(2);
      expect(stderr).toContain('ValueError');
    }
  });

  it('finds QEMU in PATH', () => {
    const file = program();
    const env = { ...environment(), PATH: `${qemuFolder()}:${process.env['PATH']}` };
    expect(spawnSync('python3', [file], { env }).status).toBe(0);
  });
});

describe.skipIf(reasonNot !== undefined)(`a program that is ended${skipped}`, () => {
  /** The program with a pause after its second operation, while QEMU runs. */
  async function startSlowly(): Promise<ChildProcess> {
    const text = harmless('q35', '0xe0000000').replace(
      'machine.perform(operation)',
      'machine.perform(operation)\n            time.sleep(30 if number == 2 else 0)',
    );
    const child = spawn('python3', [save('slow', text), '--qemu', qemuFolder()], {
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let seen = '';
    child.stdout!.on('data', (data) => (seen += String(data)));
    while (!seen.includes('step 2')) await delay(20);
    expect(qemusIn(scratch)).not.toEqual([]);
    return child;
  }

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'by %s leaves no QEMU, socket or folder behind, and ends with 2',
    async (signal) => {
      const child = await startSlowly();
      child.kill(signal);
      // A second Ctrl-C must not stop the clean-up.
      child.kill(signal);
      expect(await once(child, 'close')).toEqual([2, null]);
    },
  );

  it('by SIGKILL leaves no QEMU behind', async () => {
    const child = await startSlowly();
    child.kill('SIGKILL');
    await once(child, 'close');
    for (let waited = 0; qemusIn(scratch).length > 0 && waited < 200; waited++) await delay(50);
    expect(qemusIn(scratch)).toEqual([]);
    // Nothing runs after SIGKILL that could remove the folder.
    for (const name of readdirSync(scratch)) rmSync(join(scratch, name), { recursive: true });
  });
});

describe('the parts of the program', () => {
  it('are in the package', () => {
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      readonly files: readonly string[];
    };
    expect(files).toContain('src/reproduce/program/*.py');
  });
});
