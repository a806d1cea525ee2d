import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  circlesIn,
  computedImportsIn,
  computedImportsOf,
  importsIn,
  importsOf,
  packagesIn,
  packagesOf,
  sourcesIn,
  type Import,
} from './testing/import-graph.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The rooms that each room may import from. */
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
  'src/scope': ['src/address', 'src/pci-layout', 'src/scenario'],
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
  'src/kernel': [
    'src/address',
    'src/pci-layout',
    'src/host',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/model',
  ],
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
    'src/kernel',
    'src/vfio-user',
  ],
  'src/qemu-tree': ['src/input', 'src/qemu'],
  'src/linux': [
    'src/address',
    'src/pci-layout',
    'src/input',
    'src/host',
    'src/trace',
    'src/vfio-user',
    'src/qemu',
  ],
  'src/invariants': ['src/address', 'src/pci-layout', 'src/host', 'src/vfio', 'src/scenario', 'src/trace'],
  'src/campaign': ['src/scenario', 'src/trace', 'src/invariants', 'src/input'],
  'src/validate': [
    'src/address',
    'src/cloud-hypervisor',
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
    'src/linux',
  ],
  'src/explain': [
    'src/address',
    'src/pci-layout',
    'src/input',
    'src/memory',
    'src/host',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/model',
    'src/invariants',
    'src/campaign',
    'src/report',
  ],
  'src/readers': [
    'src/address',
    'src/input',
    'src/host',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/invariants',
    'src/campaign',
    'src/validate',
    'src/linux',
    'src/report',
  ],
  'src/reproduce': [
    'src/address',
    'src/pci-layout',
    'src/input',
    'src/host',
    'src/memory',
    'src/vfio',
    'src/scenario',
    'src/trace',
    'src/model',
    'src/qemu',
    'src/invariants',
    'src/campaign',
    'src/report',
  ],
  'src/library': [
    'src/input',
    'src/scenario',
    'src/trace',
    'src/model',
    'src/invariants',
    'src/campaign',
    'src/report',
  ],
  'src/cli': [
    'src/library',
    'src/index.ts',
    'src/readers',
    'src/reproduce',
    'src/explain',
    'src/input',
    'src/validate',
    'src/memory',
    'src/vfio',
    'src/scenario',
    'src/scope',
    'src/trace',
    'src/model',
    'src/qemu',
    'src/qemu-tree',
    'src/linux',
    'src/invariants',
    'src/campaign',
    'src/report',
    'generators',
  ],
  generators: ['src/address', 'src/pci-layout', 'src/scenario'],
};

/**
 * Rooms that take only types from another room, because they judge or show what that room does. `except` names
 * values that state no rule of it: the numbers and names of errors.
 */
const TYPES_ONLY: readonly {
  readonly from: string;
  readonly to: string;
  readonly except?: readonly string[];
}[] = [
  { from: 'src/cloud-hypervisor', to: 'src/vfio' },
  { from: 'src/invariants', to: 'src/host', except: ['Errno', 'errnoName'] },
  { from: 'src/invariants', to: 'src/vfio' },
  { from: 'src/trace', to: 'src/memory' },
  { from: 'src/trace', to: 'src/host' },
  { from: 'src/trace', to: 'src/pci' },
  { from: 'src/trace', to: 'src/vfio' },
  { from: 'src/report', to: 'src/vfio' },
  { from: 'src/readers', to: 'src/vfio' },
];

/** Files beside its `index.ts` through which other rooms may enter a room, and why. */
const DOORS: Readonly<Record<string, readonly string[]>> = {
  // `barproof doctor` reports a missing native module, so it must not load the target that needs the module.
  // A Linux kernel is booted by the same process class, without what runs scenarios.
  // The command line names QEMU's targets, also in its help.
  'src/qemu': ['src/qemu/capabilities.ts', 'src/qemu/process/index.ts', 'src/qemu/process/architecture.ts'],
  // The layout of kernel structures is no part of the model.
  'src/host': ['src/host/abi/index.ts'],
  // A report needs the form of a session, not what boots kernels.
  'src/linux': ['src/linux/session/index.ts'],
};

const ENTRY = 'src/index.ts';

const isTest = (file: string): boolean => /\.(test|bench)\.ts$/.test(file) || file.includes('/testing/');

const roomOf = (file: string): string =>
  file.startsWith('src/') ? file.split('/').slice(0, 2).join('/') : file.split('/')[0]!;

const everything = sourcesIn(['src', 'generators', 'properties', 'regressions']);
const published = sourcesIn(['src', 'generators']).filter((file) => !isTest(file));
const imports = published.flatMap(importsOf);
const acrossRooms = imports.filter(({ file, target }) => file !== ENTRY && roomOf(target) !== roomOf(file));

const textOf = ({ file, target }: Import): string => `${file} -> ${target}`;

describe('the imports between rooms', () => {
  it('are read from every room', () => {
    expect(published.length).toBeGreaterThan(100);
    expect(imports.length).toBeGreaterThan(300);
    expect(new Set(published.filter((file) => file !== ENTRY).map(roomOf))).toEqual(
      new Set(Object.keys(MAY_IMPORT)),
    );
  });

  it.each(Object.entries(MAY_IMPORT))(
    'lead from %s only to the rooms that it may import from',
    (room, allowed) => {
      const forbidden = acrossRooms.filter(
        ({ file, target }) => roomOf(file) === room && !allowed.includes(roomOf(target)),
      );
      expect(forbidden.map(textOf)).toEqual([]);
    },
  );

  it.each(TYPES_ONLY)('from $from to $to are imports of types', ({ from, to, except = [] }) => {
    const values = acrossRooms.filter(
      ({ file, target, typeOnly, values }) =>
        roomOf(file) === from &&
        roomOf(target) === to &&
        !typeOnly &&
        (values.length === 0 || values.some((name) => !except.includes(name))),
    );
    expect(values.map(textOf)).toEqual([]);
  });

  it('enter a room through its index.ts, or through a door that is listed', () => {
    const besideTheDoor = imports.filter(({ file, target }) => {
      const room = roomOf(target);
      return (
        room !== roomOf(file) &&
        target !== ENTRY &&
        target !== `${room}/index.ts` &&
        DOORS[room]?.includes(target) !== true
      );
    });
    expect(besideTheDoor.map(textOf)).toEqual([]);
  });

  it('use every door that is listed', () => {
    const targets = new Set(imports.map(({ target }) => target));
    expect(
      Object.values(DOORS)
        .flat()
        .filter((door) => !targets.has(door)),
    ).toEqual([]);
  });

  it('are allowed in no circle', () => {
    expect(circlesIn(new Map(Object.entries(MAY_IMPORT)))).toEqual([]);
  });
});

describe('the imports of published files', () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };

  // barproof itself is no dependency: an import of it by name would lead past every wall between rooms.
  it('name only modules of Node and packages that a user of barproof installs', () => {
    const others = published.flatMap((file) =>
      packagesOf(file)
        .filter((name) => !name.startsWith('node:') && !Object.hasOwn(dependencies, name))
        .map((name) => `${file} -> ${name}`),
    );
    expect(others).toEqual([]);
  });

  it('lead to no test and to no helper of tests', () => {
    expect(imports.filter(({ target }) => isTest(target)).map(textOf)).toEqual([]);
  });

  it('name in import() what they import, or no test would see it', () => {
    const computed = published.flatMap((file) => computedImportsOf(file).map((call) => `${file}: ${call}`));
    expect(computed).toEqual([]);
  });
});

describe('the imports between files', () => {
  it('lead in no circle, imports of types included', () => {
    const targets = (file: string): string[] => importsOf(file).map(({ target }) => target);
    expect(circlesIn(new Map(everything.map((file) => [file, targets(file)])))).toEqual([]);
  });
});

describe('importsIn', () => {
  const found = (text: string) =>
    importsIn('src/a/b.ts', text).map(({ target, typeOnly, values }) => [target, typeOnly, values]);

  it('finds imports of values and of types', () => {
    expect(found("import { c, type D, e as f } from './c.ts';")).toEqual([['src/a/c.ts', false, ['c', 'e']]]);
    expect(found("import * as d from '../d/index.ts';")).toEqual([['src/d/index.ts', false, ['*']]]);
    expect(found("import type {\n  C,\n  D,\n} from './c.ts';")).toEqual([['src/a/c.ts', true, []]]);
  });

  it('finds exports from another file', () => {
    expect(found("export * from './c.ts';")).toEqual([['src/a/c.ts', false, ['*']]]);
    expect(found("export { c } from './c.ts';")).toEqual([['src/a/c.ts', false, ['c']]]);
    expect(found("export type { C } from './c.ts';")).toEqual([['src/a/c.ts', true, []]]);
  });

  it('finds imports for a side effect and dynamic imports', () => {
    expect(found("import './c.ts';")).toEqual([['src/a/c.ts', false, []]]);
    expect(found("const c = await import('./c.ts');")).toEqual([['src/a/c.ts', false, []]]);
    expect(found("type C = typeof import('./c.ts');")).toEqual([['src/a/c.ts', true, []]]);
  });

  it('passes over packages and over text that looks like an import', () => {
    expect(found("import { it } from 'vitest';\nimport 'koffi';\nawait import('koffi');")).toEqual([]);
    expect(found("// import './c.ts';\n * import { c } from './c.ts';\n")).toEqual([]);
  });
});

describe('packagesIn', () => {
  it('finds packages by their names, and no files', () => {
    const text = [
      "import { it } from 'vitest';",
      "export type { B } from '@types/node/fs.js';",
      "import 'koffi';",
      "import { NEWEST } from 'barproof/qemu';",
      "await import('node:fs');",
      "import './c.ts';",
    ];
    expect(packagesIn(text.join('\n'))).toEqual(['vitest', '@types/node', 'koffi', 'barproof', 'node:fs']);
  });
});

describe('computedImportsIn', () => {
  it('finds import() of a template, a variable and a sum, outside of comments', () => {
    const text = [
      'await import(`./a.ts`);',
      'f(import(name));',
      "import('./a' + b);",
      ' * import(name)',
      '// import(name)',
    ];
    expect(computedImportsIn(text.join('\n'))).toEqual([
      'import(`./a.ts`);',
      'import(name));',
      "import('./a' + b);",
    ]);
  });
});

describe('circlesIn', () => {
  it('finds a circle of two, of three, and of one', () => {
    const graph = new Map([
      ['a', ['b']],
      ['b', ['c', 'a']],
      ['c', ['a', 'c']],
      ['d', ['a']],
    ]);
    expect(circlesIn(graph)).toEqual(['a -> b -> c -> a', 'c -> c', 'a -> b -> a']);
    expect(
      circlesIn(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', []],
        ]),
      ),
    ).toEqual([]);
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
