import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** What each room may import: the arrows of the house point one way. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'src/address': [],
  'src/pci-layout': ['src/address'],
  'src/input': [],
  'src/memory': ['src/address'],
  'src/pci': ['src/address', 'src/pci-layout', 'src/memory'],
  'src/host': ['src/address', 'src/pci-layout'],
  'src/vfio': ['src/address', 'src/pci-layout', 'src/memory', 'src/pci', 'src/host'],
  'src/machine': ['src/address', 'src/memory', 'src/pci', 'src/vfio'],
  'src/cloud-hypervisor': ['src/address', 'src/pci-layout', 'src/memory', 'src/pci', 'src/host', 'src/vfio'],
  'src/scenario': ['src/address', 'src/pci-layout', 'src/input'],
  'src/trace': [
    'src/address',
    'src/pci-layout',
    'src/scenario',
    'src/memory',
    'src/host',
    'src/pci',
    'src/vfio',
  ],
  'src/model': [
    'src/address',
    'src/pci-layout',
    'src/input',
    'src/memory',
    'src/pci',
    'src/host',
    'src/vfio',
    'src/machine',
    'src/cloud-hypervisor',
    'src/scenario',
    'src/trace',
  ],
  'src/vfio-user': ['src/address', 'src/pci-layout'],
  'src/qemu': [
    'src/address',
    'src/pci-layout',
    'src/input',
    'src/memory',
    'src/host',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/model',
    'src/vfio-user',
  ],
  'src/invariants': ['src/address', 'src/pci-layout', 'src/host', 'src/vfio', 'src/scenario', 'src/trace'],
  'src/campaign': ['src/scenario', 'src/trace', 'src/invariants', 'src/input'],
  'src/validate': [
    'src/memory',
    'src/scenario',
    'src/trace',
    'src/model',
    'src/invariants',
    'src/input',
    'src/campaign',
    'src/vfio',
  ],
  'src/report': [
    'src/address',
    'src/pci-layout',
    'src/input',
    'src/memory',
    'src/host',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/invariants',
    'src/campaign',
    'src/validate',
  ],
  'src/cli': [
    'src/index.ts',
    'src/input',
    'src/validate',
    'src/memory',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/model',
    'src/qemu',
    'src/invariants',
    'src/campaign',
    'src/report',
    'generators',
  ],
  generators: ['src/address', 'src/pci-layout', 'src/scenario'],
};

/** Rooms from which others take nothing but types: they know what a trace looks like, not how one is made. */
const TYPES_ONLY: readonly (readonly [from: string, to: string])[] = [
  ['src/cloud-hypervisor', 'src/vfio'],
  ['src/invariants', 'src/vfio'],
  ['src/report', 'src/vfio'],
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'src/index.ts';

interface Import {
  readonly file: string;
  readonly target: string;
  readonly typeOnly: boolean;
}

const sources = ['src', 'generators']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
  )
  .filter((file) => file.endsWith('.ts') && !/\.(test|bench)\.ts$/.test(file) && !file.includes('/testing/'));

const importsOf = (file: string): Import[] =>
  [
    ...readFileSync(join(ROOT, file), 'utf8').matchAll(
      /^(?:import|export) (type )?[^;'"]*?from '(\.[^']+)'/gms,
    ),
  ].map(([, type, path]) => ({
    file,
    target: normalize(join(dirname(file), path!)),
    typeOnly: type !== undefined,
  }));

const roomOf = (file: string): string =>
  file.startsWith('src/') ? file.split('/').slice(0, 2).join('/') : 'generators';

const imports = sources.filter((file) => file !== ENTRY).flatMap(importsOf);

describe('the arrows of the house', () => {
  it('are read at all', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
    expect(new Set(sources.filter((file) => file !== ENTRY).map(roomOf))).toEqual(
      new Set(Object.keys(MAY_IMPORT)),
    );
  });

  it.each(Object.entries(MAY_IMPORT))('%s imports nothing but what it may', (room, allowed) => {
    const strangers = imports
      .filter(({ file, target }) => roomOf(file) === room && roomOf(target) !== room)
      .filter(({ target }) => !allowed.includes(roomOf(target)))
      .map(({ file, target }) => `${file} -> ${target}`);
    expect(strangers).toEqual([]);
  });

  it.each(TYPES_ONLY)('%s takes only types from %s', (from, to) => {
    const values = imports
      .filter(({ file, target, typeOnly }) => roomOf(file) === from && roomOf(target) === to && !typeOnly)
      .map(({ file, target }) => `${file} -> ${target}`);
    expect(values).toEqual([]);
  });

  it('never lead in a circle, types apart', () => {
    const targets = new Map<string, string[]>();
    for (const { file, target, typeOnly } of imports) {
      if (!typeOnly) targets.set(file, [...(targets.get(file) ?? []), target]);
    }
    const done = new Set<string>();
    const circles: string[] = [];
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      if (done.has(file) || path.includes(file)) return;
      for (const target of targets.get(file) ?? []) visit(target, [...path, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
    expect(circles).toEqual([]);
  });
});

describe('barproof/vfio-user', () => {
  it('loads no file of other rooms than src/address and src/pci-layout', () => {
    const options = ['--module', 'nodenext', '--target', 'es2022', '--types', 'node', '--noEmit'];
    // The compiler follows every import, those of types and of rooms behind rooms included.
    const listed = execFileSync(
      join(ROOT, 'node_modules/.bin/tsc'),
      [
        '--ignoreConfig',
        '--listFilesOnly',
        '--allowImportingTsExtensions',
        ...options,
        'src/vfio-user/index.ts',
      ],
      { cwd: ROOT, encoding: 'utf8' },
    );
    const own = listed
      .split('\n')
      .map((file) => relative(ROOT, file))
      .filter((file) => file.startsWith('src/'));
    expect(new Set(own.map(roomOf))).toEqual(new Set(['src/address', 'src/pci-layout', 'src/vfio-user']));
  });
});
