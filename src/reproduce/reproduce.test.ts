import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { whyNoPython } from './testing/why-no-python.ts';
import { parseCase, type Regression } from '../campaign/index.ts';
import { QEMU_MACHINES, whyNotRunnable } from '../qemu/index.ts';
import { decodeScenario, OPERATIONS } from '../scenario/index.ts';
import { evidenceOfWords } from './evidence.ts';
import { reproducerOf } from './index.ts';
import { PARTS, programText } from './program-text.ts';
import { reproducible } from './reproducible.ts';

const PROGRAM = fileURLToPath(new URL('program', import.meta.url));
const KNOWN = fileURLToPath(new URL('../../regressions/known', import.meta.url));
const known = (name: string) => parseCase(readFileSync(join(KNOWN, `${name}.json`), 'utf8'));

const reasonNot = whyNoPython();
const skipped = reasonNot === undefined ? '' : ` (skipped: ${reasonNot})`;

const folder = mkdtempSync(join(tmpdir(), 'reproduce-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SCENARIO = {
  version: 1,
  machine: { type: 'q35', ram: '0x10000000', hostPageSize: '0x1000', guestPageSize: '0x1000' },
  revision: 'qemu-11.1',
  host: { kernel: 'msix-mappable', iommu: { type: 'vfio-user' } },
  devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x3000', type: 'mem32', mmap: true }] }],
};

/** A regression of another program than the model: the words of a real QEMU. */
const observed = (cause: string, outcome: string, error?: string): Regression =>
  ({
    ...known('no-abort--bar-size-assertion').regression!,
    cause,
    observed: { outcome, error },
  }) as Regression;

const refusalOf = (text: string): string => {
  try {
    reproducible(parseCase(text));
    return 'nothing is refused';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('the evidence of a finding', () => {
  it('is for an assertion the signal and the words of QEMU', () => {
    const { evidence } = reproducible(known('no-abort--bar-size-assertion'));
    expect(evidence).toMatchObject({ kind: 'death', signals: ['SIGABRT'] });
    expect(evidence).toHaveProperty('words', expect.stringContaining('pci_register_bar'));
  });

  it('is for a use after free the signal alone', () => {
    const { evidence } = reproducible(known('no-abort--hotplug-refusal-segfault'));
    expect(evidence).toEqual({ kind: 'death', signals: ['SIGSEGV', 'SIGBUS'], words: null });
  });

  it('is for unaligned RAM the DMA requests at its addresses', () => {
    const { evidence } = reproducible(known('map-aligned--ram-range-unaligned'));
    expect(evidence).toMatchObject({ kind: 'memory', step: 0, at: ['0x0', '0x102000'] });
    expect(evidence).toHaveProperty('requests', expect.arrayContaining(['dev0 map 0x0 0x102000 granted']));
  });

  it('is for what only a real QEMU shows the words that were stored, with any line number', () => {
    expect(
      evidenceOfWords(observed('assertion-in-f', 'aborted', "a.c:12: f: Assertion `x' failed.")),
    ).toEqual({
      kind: 'death',
      signals: null,
      words: String.raw`a\.c:\d+: f: Assertion ` + "`x' failed" + String.raw`\.`,
    });
    expect(evidenceOfWords(observed('sigsegv-in-f', 'aborted'))).toEqual({
      kind: 'death',
      signals: ['SIGSEGV'],
      words: null,
    });
    expect(evidenceOfWords(observed('hang', 'aborted'))).toEqual({ kind: 'hang' });
    expect(evidenceOfWords(observed('x', 'rejected', 'no'))).toEqual({ kind: 'refusal' });
    expect(evidenceOfWords(observed('x', 'ok'))).toBeUndefined();
  });

  it('is that of the first rule that a bare scenario breaks', () => {
    const { fingerprint } = reproducible({ scenario: decodeScenario(SCENARIO) });
    expect(fingerprint).toMatchObject({ invariant: 'no-abort', cause: 'bar-size-assertion' });
  });
});

describe('a case that a vfio-user device shows in another form', () => {
  it.each([
    ['mmap-inside-bar--beyond-bar', 'q35', /no machine "generic"/],
    ['msix-direct-on-opt-out--rest-of-page-trapped', 'pseries', /cannot turn MSI-X emulation off/],
    ['map-aligned--ram-range-unaligned', 'q35', /has the IOMMU type1/],
    ['no-abort--msix-unplug-assertion', 'virt', /larger pages/],
  ])('is changed, and says so: %s', (name, type, note) => {
    const { scenario, notes } = reproducible(known(name));
    expect(scenario.machine.type).toBe(type);
    expect(scenario.host.iommu.type).toBe('vfio-user');
    expect(notes.join(' ')).toMatch(note);
  });

  it('keeps its pages where the finding needs them', () => {
    const { scenario } = reproducible(known('msix-trapped--shadowed-by-stretched-bar'));
    expect(scenario.machine.hostPageSize).toBe(0x1_0000n);
  });
});

describe('a case that no vfio-user device shows', () => {
  it.each([
    [
      'no-abort--memslot-EINVAL-beyond-cpu-width',
      /it needs the kernel's own VFIO and KVM with the IOMMU type1/,
    ],
    [
      'guest-page-reachable--unreachable-guest-page',
      /the guest cannot add or remove regions of system memory/,
    ],
  ])('is refused with the reason: %s', (name, reason) => {
    expect(refusalOf(readFileSync(join(KNOWN, `${name}.json`), 'utf8'))).toMatch(reason);
  });

  it('is refused where the newest QEMU breaks no rule', () => {
    const harmless = { ...SCENARIO, devices: [{ id: 'dev0', bars: [] }] };
    expect(refusalOf(JSON.stringify(harmless))).toBe(
      'no vfio-user device can show this case: it breaks no rule on QEMU 11.1',
    );
  });
});

describe('the parts of the program', () => {
  it('know every operation and every machine that a real QEMU can run', () => {
    const canRun = (op: string): boolean =>
      whyNotRunnable(
        { ...decodeScenario(SCENARIO), operations: [{ op } as never] },
        {
          hostPageSize: 0x1000n,
          pageSizeShim: false,
          deviceProperties: { 'vfio-user-pci': new Set(), 'vfio-pci': undefined },
          hasIommufd: false,
        },
      ) === undefined;
    const operations = OPERATIONS.filter(canRun);
    expect(operations.length).toBeGreaterThan(8);
    for (const op of operations)
      expect(textOf('machine')).toMatch(
        new RegExp(`^    (?:def )?_${op.replaceAll('-', '_')}(?:\\(| = )`, 'm'),
      );
    for (const machine of QEMU_MACHINES) expect(textOf('machines')).toContain(`"${machine}": `);
  });

  const textOf = (name: string): string => readFileSync(join(PROGRAM, `${name}.py`), 'utf8');

  it('are the files of its folder, with at most 300 lines of 110 columns', () => {
    expect(
      readdirSync(PROGRAM)
        .filter((name) => name.endsWith('.py'))
        .toSorted(),
    ).toEqual(PARTS.map((name) => `${name}.py`).toSorted());
    for (const name of PARTS) {
      const lines = textOf(name).split('\n');
      expect(lines.length, name).toBeLessThanOrEqual(300);
      expect(
        lines.filter((line) => line.length > 110),
        name,
      ).toEqual([]);
    }
  });

  it('import only parts before them', () => {
    PARTS.forEach((name, index) => {
      const imported = [...textOf(name).matchAll(/^from (\w+) import/gm)].map(([, from]) => from!);
      const own = imported.filter((from) => (PARTS as readonly string[]).includes(from));
      expect(
        own.filter((from) => !(PARTS as readonly string[]).slice(0, index).includes(from)),
        name,
      ).toEqual([]);
    });
  });
});

/** Text that would end a string of Python, or that a terminal obeys. */
const HOSTILE = '"""\\ \\" \'\'\' $& \u0000 \u001b[31m \u202e \u2028 {} \\u0041 \ud800 # é\n';

describe.skipIf(reasonNot !== undefined)(`the program${skipped}`, () => {
  const python = (...words: readonly string[]) =>
    spawnSync('python3', ['-W', 'error', ...words], {
      encoding: 'utf8',
      env: { ...process.env, PYTHONPYCACHEPREFIX: folder },
    });

  it.each(PARTS)('compiles without a warning: %s.py', (name) => {
    const { status, stderr } = python('-m', 'py_compile', join(PROGRAM, `${name}.py`));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('compiles as a whole, and imports modules of the standard library alone', () => {
    const file = join(folder, 'whole.py');
    writeFileSync(file, reproducerOf(known('no-abort--bar-size-assertion')));
    const look = [
      'import ast, sys',
      'tree = ast.parse(open(sys.argv[1]).read())',
      'nodes = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]',
      'names = [a.name for n in nodes for a in n.names] + [n.module for n in nodes if isinstance(n, ast.ImportFrom)]',
      'print([name for name in names if name not in sys.stdlib_module_names])',
    ].join('\n');
    expect(python('-m', 'py_compile', file).stderr).toBe('');
    expect(python('-c', look, file).stdout).toBe('[]\n');
  });

  it('holds any text of a case as data', () => {
    const json = JSON.stringify({ title: HOSTILE });
    const file = join(folder, 'hostile.py');
    const text = programText(json);
    expect(text).toMatch(/^[\n\x20-\x7e]*$/);
    // Only the head is run: the case, and nothing of the program.
    writeFileSync(
      file,
      `${text.slice(0, text.indexOf('# The configuration space'))}\nprint(json.dumps(CASE))\n`,
    );
    const { stdout, stderr } = python(file);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({ title: HOSTILE });
  });
});
