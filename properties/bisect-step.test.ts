import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findQemu, QemuTarget } from '../src/qemu/index.ts';
import { installBarproof, type InstalledBarproof } from './testing/installed-barproof.ts';
import { whyNoQemu } from './testing/why-no-qemu.ts';

const target = new QemuTarget({ interface: 'kernel' });
afterAll(() => target.close());
const reason = await whyNoQemu(target);
const CAUSE = 'memslot-complete/bar-trapped';

let folder = '';
let installed: InstalledBarproof;
beforeAll(() => {
  installed = installBarproof();
  folder = mkdtempSync(join(tmpdir(), 'barproof-bisect-'));
  mkdirSync(join(folder, 'tree'));
  const scenario = {
    version: 1,
    machine: { type: 'q35', ram: '0x10000000' },
    host: { kernel: 'msix-mappable', iommu: { type: 'type1' } },
    devices: [{ id: 'dev0', bars: [{ index: 0, size: '0x10000', type: 'mem32' }] }],
    operations: [
      { op: 'set-bar', device: 'dev0', bar: 0, address: '0xe0000000' },
      { op: 'enable-memory', device: 'dev0' },
    ],
  };
  writeFileSync(join(folder, 'case.json'), JSON.stringify(scenario));
});
afterAll(() => {
  installed.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** A script that stands for a build of QEMU: the real one with more arguments. */
const program = (more: string): string => `#!/bin/sh\nexec ${findQemu('x86_64')} "$@" ${more}\n`;

const git = (...words: readonly string[]): string =>
  execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...words], {
    cwd: join(folder, 'tree'),
    encoding: 'utf8',
    env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  });

function commit(subject: string, source: string, build = 'cp source ../qemu-system-x86_64'): void {
  writeFileSync(join(folder, 'tree', 'source'), source);
  writeFileSync(join(folder, 'tree', 'build'), `#!/bin/sh\nset -e\n# ${subject}\n${build}\n`);
  chmodSync(join(folder, 'tree', 'source'), 0o755);
  git('add', '-A');
  git('commit', '-q', '-m', subject);
}

const step = (...words: readonly string[]) =>
  spawnSync(process.execPath, [installed.main, 'bisect-step', ...words], { encoding: 'utf8' });

describe.skipIf(reason !== undefined)(
  `barproof bisect-step${reason === undefined ? '' : ` (skipped: ${reason})`}`,
  () => {
    it('lets git bisect run find the commit, past one that does not build and one that does not start', () => {
      git('init', '-q');
      commit('good', program(''));
      commit('also good', program('# nothing'));
      commit('does not build', program('# nothing new'), 'false');
      commit('does not start', program('-no-such-option'));
      commit('still good', program('# nothing again'));
      commit('the culprit', program('-global vfio-pci.x-no-mmap=on'));
      commit('a later one', program('-global vfio-pci.x-no-mmap=on # nothing'));
      commit('the last one', program('-global vfio-pci.x-no-mmap=on # nothing again'));
      git('bisect', 'start', 'HEAD', 'HEAD~7');
      const test = [
        'sh build || exit 125',
        `'${process.execPath}' '${installed.main}' bisect-step ../case.json --cause ${CAUSE} --qemu ../qemu-system-x86_64`,
      ];
      const out = git('bisect', 'run', 'sh', '-c', test.join('; '));
      expect(out).toMatch(/^\w{40} is the first bad commit$/m);
      expect(git('log', '-1', '--format=%s', 'refs/bisect/bad')).toBe('the culprit\n');
    }, 120_000);

    it('exits with 125 for a build that does not exist, and with 128 for a case or a cause that does not', () => {
      const file = join(folder, 'case.json');
      const cause = ['--cause', CAUSE];
      const missing = step(file, ...cause, '--qemu', join(folder, 'nowhere'));
      expect([missing.status, missing.stdout]).toEqual([125, expect.stringContaining('cannot tell: ')]);
      const qemu = ['--qemu', findQemu('x86_64')];
      expect(step('nowhere.json', ...cause, ...qemu)).toMatchObject({ status: 128 });
      expect(step(file, '--cause', 'memslot-complet/bar-trapped', ...qemu)).toMatchObject({
        status: 128,
        stderr: expect.stringContaining('memslot-complete'),
      });
      expect(step(file, '--caus', CAUSE, ...qemu)).toMatchObject({ status: 128 });
    }, 60_000);
  },
);
