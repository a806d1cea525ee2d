import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { InvalidInput } from './problem.ts';
import { writeAtomically } from './write-atomically.ts';

/** Faults of the file system: `before` may throw before a call, `shorten` lets writeSync write half of the bytes. */
const faults = vi.hoisted(() => ({
  calls: [] as string[],
  before: undefined as ((step: string, index: number) => void) | undefined,
  shorten: false,
}));

vi.mock('node:fs', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs')>();
  const guarded = (step: string) => {
    const original = real[step as keyof typeof real] as (...args: unknown[]) => unknown;
    return (...args: unknown[]): unknown => {
      if (faults.before === undefined) return original(...args);
      faults.before(step, faults.calls.push(step) - 1);
      return original(...args);
    };
  };
  const steps = ['mkdirSync', 'openSync', 'writeFileSync', 'fsyncSync', 'closeSync', 'renameSync', 'rmSync'];
  const writeSync = guarded('writeSync');
  return {
    ...real,
    ...Object.fromEntries(steps.map((step) => [step, guarded(step)])),
    writeSync: (file: number, data: string | Buffer, ...rest: number[]): unknown => {
      if (!faults.shorten) return writeSync(file, data, ...rest);
      const whole = Buffer.from(data);
      const [start = 0, length = whole.length - start] = typeof data === 'string' ? [] : rest;
      return writeSync(file, whole, start, Math.ceil(length / 2));
    },
  };
});

const real = await vi.importActual<typeof import('node:fs')>('node:fs');

class Crash extends Error {}

const OLD = '{ "old": true }\n';
const NEW = `{ "new": "${'n'.repeat(50_000)}" }\n`;

let folder: string;
let path: string;

beforeEach(() => {
  folder = real.mkdtempSync(join(tmpdir(), 'barproof-write-'));
  path = join(folder, 'sub', 'case.json');
});

afterEach(() => {
  faults.before = undefined;
  faults.shorten = false;
  faults.calls.length = 0;
  real.rmSync(folder, { recursive: true });
});

const contents = (): string | undefined =>
  real.existsSync(path) ? real.readFileSync(path, 'utf8') : undefined;

const files = (): string[] =>
  real.existsSync(join(folder, 'sub')) ? real.readdirSync(join(folder, 'sub')) : [];

const putOld = (): void => {
  real.mkdirSync(join(folder, 'sub'));
  real.writeFileSync(path, OLD);
};

/** The calls to the file system of a save without a fault. */
function stepsOfASave(): readonly string[] {
  faults.before = () => undefined;
  writeAtomically(path, NEW);
  faults.before = undefined;
  const steps = [...faults.calls];
  faults.calls.length = 0;
  real.rmSync(join(folder, 'sub'), { recursive: true });
  return steps;
}

describe('writeAtomically', () => {
  it('writes a file and the folders on its path, and nothing else', () => {
    writeAtomically(path, NEW);
    expect(contents()).toBe(NEW);
    expect(files()).toEqual(['case.json']);
  });

  it('replaces the old text by the new', () => {
    putOld();
    writeAtomically(path, NEW);
    expect(contents()).toBe(NEW);
    expect(files()).toEqual(['case.json']);
  });

  it('flushes the text to the disk before it renames the file', () => {
    const steps = stepsOfASave();
    expect(steps).toContain('fsyncSync');
    expect(steps.indexOf('fsyncSync')).toBeLessThan(steps.indexOf('renameSync'));
  });

  it('writes text in UTF-8', () => {
    const text = '{ "name": "ß \u{1F980} \u2028" }\n';
    writeAtomically(path, text);
    expect(contents()).toBe(text);
  });

  describe.each([
    ['an old file', true],
    ['no file', false],
  ])('writeAtomically with %s, interrupted at any call', (_, hasOld) => {
    it('leaves the old text or the new, never a part', () => {
      const steps = stepsOfASave();
      expect(steps.length).toBeGreaterThan(4);
      for (const crashAt of steps.keys()) {
        if (hasOld) putOld();
        // After the crash no call succeeds, not even those that would tidy up.
        faults.before = (step, index) => {
          if (index >= crashAt) throw new Crash(step);
        };
        expect(() => writeAtomically(path, NEW), `crash at ${steps[crashAt]}`).toThrow(Crash);
        faults.before = undefined;
        faults.calls.length = 0;
        expect([hasOld ? OLD : undefined, NEW], `crash at ${steps[crashAt]}`).toContain(contents());
        expect(files().filter((file) => file.endsWith('.json')).length).toBeLessThanOrEqual(1);
        real.rmSync(join(folder, 'sub'), { recursive: true, force: true });
      }
    });

    it('leaves the old text or the new if the process dies after the call', () => {
      const steps = stepsOfASave();
      if (hasOld) putOld();
      for (const crashAt of steps.keys()) {
        faults.before = (_step, index) => {
          if (index > crashAt) throw new Crash();
        };
        if (crashAt < steps.length - 1) expect(() => writeAtomically(path, NEW)).toThrow(Crash);
        faults.before = undefined;
        faults.calls.length = 0;
        expect([hasOld ? OLD : undefined, NEW]).toContain(contents());
        for (const file of files()) if (file.endsWith('.tmp')) real.rmSync(join(folder, 'sub', file));
      }
    });
  });

  const failAt = (step: string, code: string): void => {
    faults.before = (name) => {
      if (name === step) throw Object.assign(new Error(code), { code });
    };
  };

  it('names the error and keeps the old file', () => {
    putOld();
    for (const [step, code] of [
      ['openSync', 'EROFS'],
      ['fsyncSync', 'EIO'],
      ['renameSync', 'EACCES'],
    ] as const) {
      failAt(step, code);
      expect(() => writeAtomically(path, NEW)).toThrow(code);
      faults.before = undefined;
      expect(contents()).toBe(OLD);
      for (const file of files()) if (file.endsWith('.tmp')) real.rmSync(join(folder, 'sub', file));
    }
  });

  it('removes its temporary file when the rename fails', () => {
    putOld();
    failAt('renameSync', 'EACCES');
    expect(() => writeAtomically(path, NEW)).toThrow('EACCES');
    faults.before = undefined;
    expect(files()).toEqual(['case.json']);
  });

  it('removes its temporary file when the disk is full', () => {
    putOld();
    failAt('fsyncSync', 'ENOSPC');
    expect(() => writeAtomically(path, NEW)).toThrow('ENOSPC');
    faults.before = undefined;
    expect(files()).toEqual(['case.json']);
  });

  it('overwrites a temporary file that a process with the same id left behind', () => {
    // In a container the process has the same id at every run.
    real.mkdirSync(join(folder, 'sub'));
    real.writeFileSync(`${path}.${process.pid}.tmp`, '{ "half');
    writeAtomically(path, NEW);
    expect(contents()).toBe(NEW);
  });

  it('removes the temporary files of killed saves after an hour, and nothing else', () => {
    real.mkdirSync(join(folder, 'sub'));
    const old = ['other.json.7.tmp', 'case.json.8.tmp'];
    const kept = ['young.json.9.tmp', 'notes.tmp', 'case.json.tmp', 'case.json.x.tmp', 'a.json'];
    for (const name of [...old, ...kept]) {
      real.writeFileSync(join(folder, 'sub', name), '{');
      if (name !== kept[0]) real.utimesSync(join(folder, 'sub', name), 0, 0);
    }
    writeAtomically(path, NEW);
    expect(files().toSorted()).toEqual([...kept, 'case.json'].toSorted());
  });

  it('says which file cannot be written where a file stands in place of its folder', () => {
    real.writeFileSync(join(folder, 'sub'), '');
    expect(() => writeAtomically(path, NEW)).toThrow(
      new InvalidInput([{ path, message: 'the file cannot be written (ENOTDIR)' }]),
    );
  });

  it('says which file cannot be written where no call can change the folder, not even to tidy up', () => {
    real.mkdirSync(join(folder, 'sub'));
    faults.before = (step) => {
      if (step === 'rmSync' || step === 'openSync') throw Object.assign(new Error('no'), { code: 'EACCES' });
    };
    expect(() => writeAtomically(path, NEW)).toThrow(
      new InvalidInput([{ path, message: 'the file cannot be written (EACCES)' }]),
    );
  });

  it('brings the new name to the disk: the folder is synchronised after the rename', () => {
    const steps = stepsOfASave();
    expect(steps.slice(steps.indexOf('renameSync'))).toEqual([
      'renameSync',
      'openSync',
      'fsyncSync',
      'closeSync',
    ]);
  });

  it('does not write through a link or a named pipe at the path of its temporary file', () => {
    real.mkdirSync(join(folder, 'sub'));
    real.writeFileSync(join(folder, 'target'), OLD);
    real.symlinkSync(join(folder, 'target'), `${path}.${process.pid}.tmp`);
    writeAtomically(path, NEW);
    expect(real.readFileSync(join(folder, 'target'), 'utf8')).toBe(OLD);
    expect(contents()).toBe(NEW);
  });

  it('never renames a file with half of the text, even if every write writes only a part', () => {
    putOld();
    faults.shorten = true;
    try {
      writeAtomically(path, NEW);
    } catch {
      // A reported failure is allowed, too.
    }
    faults.shorten = false;
    expect([OLD, NEW]).toContain(contents());
  });
});

it('the tests of writeAtomically replace the functions of node:fs', () => {
  expect(fs.openSync).not.toBe(real.openSync);
});
