import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildTargets } from './build-target.ts';
import { firmwareFolders } from './firmware.ts';
import { writeFiles } from './testing/small-tree.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-firmware-'));
  mkdirSync(join(folder, 'source'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const found = (system: string, targets = buildTargets(['x86_64'])): readonly string[] =>
  firmwareFolders(join(folder, 'source'), targets, [join(folder, system)]);

it('firmwareFolders takes the BIOS of the source before that of the distribution', () => {
  writeFiles(folder, { 'source/pc-bios/bios-256k.bin': 'x', 'system/bios-256k.bin': 'y' });
  expect(found('system')).toEqual([join(folder, 'source/pc-bios'), join(folder, 'system')]);
});

it('firmwareFolders takes the BIOS of the distribution where the source has none', () => {
  writeFiles(folder, { 'source/pc-bios/README': 'x', 'system/bios-256k.bin': 'y' });
  expect(found('system')).toContain(join(folder, 'system'));
});

it('firmwareFolders refuses a source without a BIOS: both sides would start no machine', () => {
  writeFiles(folder, { 'source/pc-bios/README': 'x' });
  expect(() => found('none')).toThrow('the source has no pc-bios/bios-256k.bin');
});

it('firmwareFolders asks for the firmware of the targets that are built alone', () => {
  writeFiles(folder, { 'source/pc-bios/slof.bin': 'x' });
  expect(found('none', buildTargets(['aarch64', 'ppc64']))).toEqual([join(folder, 'source/pc-bios')]);
  writeFiles(folder, { 'other/pc-bios/bios-256k.bin': 'x' });
  const other = (): unknown => firmwareFolders(join(folder, 'other'), buildTargets(['x86_64', 'ppc64']), []);
  expect(other).toThrow('the source has no pc-bios/slof.bin: put one there, or install the firmware');
});
