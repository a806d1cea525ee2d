import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { InvalidInput } from '../input/index.ts';
import { loadPatch, placeIn } from './load-patch.ts';
import * as own from './patch.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'barproof-patch-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const load = (name: string, text: string) => loadPatch(file(name, text), { barproof: own });
const problemOf = (name: string, text: string): string => {
  try {
    load(name, text);
  } catch (error) {
    return (error as InvalidInput).problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  }
  return 'no problem';
};

const MODULE = `import { definePatch } from 'barproof';\nexport default definePatch({ name: 'p' });\n`;

describe('loadPatch', () => {
  it.each(['p.ts', 'p.mts', 'p.js', 'p.mjs'])('loads %s outside of any package', (name) => {
    expect(load(name, MODULE).patch.definition).toEqual({ name: 'p' });
  });

  it('loads a CommonJS module', () => {
    const text = `module.exports = require('barproof').definePatch({ name: 'old' });`;
    expect(load('p.cjs', text).patch.definition.name).toBe('old');
  });

  it('strips types', () => {
    const text = `import { definePatch, type PatchDefinition } from 'barproof';
      type Name = PatchDefinition['name'];
      const definition = { name: 'typed' as Name } satisfies PatchDefinition;
      export default definePatch(definition as PatchDefinition);`;
    expect(load('p.ts', text).patch.definition.name).toBe('typed');
  });

  it('loads local files and modules of Node that the patch imports', () => {
    file(
      'names.ts',
      `import { sep } from 'node:path';\nexport const name: string = sep === '' ? '' : 'helped';`,
    );
    file('data.json', `{ "title": "from data" }`);
    const { patch, files } = load(
      'p.ts',
      `import { definePatch } from 'barproof';
       import { name } from './names.js';
       import { title } from './data';
       export default definePatch({ name, title });`,
    );
    expect(patch.definition).toEqual({ name: 'helped', title: 'from data' });
    expect(files).toEqual(['p.ts', 'names.ts', 'data.json'].map((each) => join(folder, each)));
  });

  it('says which file of the patch is not JSON, and where', () => {
    file('damaged.json', '{\n "title": }');
    expect(problemOf('p.ts', `import data from './damaged.json';\nexport default data;`)).toMatch(
      /damaged\.json: this is not JSON: /,
    );
  });

  it.each([
    ['none.ts', 'export default 3;', ': exports no patch; expected: export default definePatch({ ... })'],
    ['throws.ts', '\nthrow new Error("boo");', ': throws Error: boo, at line 2'],
    [
      'token.ts',
      'const a = (;',
      /is not valid TypeScript or JavaScript: SyntaxError: Unexpected token \(1:12\)/,
    ],
    [
      'twice.js',
      'let x = 1;\nlet x = 2;',
      /is not valid TypeScript or JavaScript: SyntaxError: .* at line 2/,
    ],
    ['away.ts', `import './nowhere.ts';`, /throws Error: cannot find \.\/nowhere\.ts to import, at line 1/],
    ['wrong.ts', MODULE.replace(`'p'`, `'p', listenr: {}`), /listenr: .* did you mean listener\?/],
  ])('says why %s is not a patch', (name, text, message) => {
    expect(problemOf(name, text)).toMatch(message);
  });

  it('refuses a file that does not exist', () => {
    expect(() => loadPatch(join(folder, 'nowhere.ts'), {})).toThrow('there is no such file');
  });

  it('stops a file that never finishes loading', () => {
    writeFileSync(join(folder, 'loop.ts'), 'for (;;);');
    const loading = () => loadPatch(join(folder, 'loop.ts'), {}, 1);
    expect(loading).toThrow('loading does not finish within 1 s');
  });
});

it('placeIn gives the innermost line of the patch in the stack of an error', () => {
  const error = new Error('x');
  error.stack = `Error: x\n at f (/deep/engine.ts:9:9)\n at g (/p/helper.ts:4:5)\n at h (/p/main.ts:7:1)`;
  expect(placeIn(error, ['/p/main.ts', '/p/helper.ts'])).toBe(', at line 4 of /p/helper.ts');
  expect(placeIn(error, ['/p/main.ts'])).toBe(', at line 7');
  expect(placeIn(error, [])).toBe('');
  expect(placeIn('no error', ['/p/main.ts'])).toBe('');
});
