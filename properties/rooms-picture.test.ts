import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, blocksOf, readPage } from './pages/page.ts';

const rooms = readdirSync(join(ROOT, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

/** The first block of src/README.md: rooms in rows, each row above those that it may import. */
const [picture] = blocksOf(readPage('src/README.md')).filter(({ language }) => language === 'text');
const rows: readonly (readonly string[])[] = picture!.text
  .split('\n')
  .map((line) => line.match(/[a-z]+(?:-[a-z]+)*/g) ?? [])
  .filter((row) => row.length > 0);
const rowOf = (room: string): number => rows.findIndex((row) => row.includes(room));

const linesOf = (text: string): number => text.split('\n').length - 1;

/** The texts of a room's files with one of these endings, tests apart. */
const textsOf = (room: string, endings: RegExp): string[] =>
  readdirSync(join(ROOT, 'src', room), { recursive: true, encoding: 'utf8' })
    .filter((file) => endings.test(file) && !/\.(?:test|bench)\.ts$/.test(file) && !file.includes('testing/'))
    .map((file) => readFileSync(join(ROOT, 'src', room, file), 'utf8'));

/** The rooms that the files of a room import, tests apart. */
const importedBy = (room: string): string[] => {
  const targets = textsOf(room, /\.ts$/).flatMap((text) =>
    [...text.matchAll(/ from '(?:\.\.\/)+([a-z-]+)\//g)].map(([, target = '']) => target),
  );
  return [...new Set(targets)].filter((target) => target !== room && rooms.includes(target));
};

describe('the picture of the rooms in src/README.md', () => {
  it('shows every folder of src once, and nothing else', () => {
    expect(rows.flat().toSorted()).toEqual(rooms.toSorted());
  });

  it.each(rooms)('shows the room %s above every room that it imports', (room) => {
    const wrong = importedBy(room).filter((target) => rowOf(target) <= rowOf(room));
    expect(wrong).toEqual([]);
  });

  it('is read together with imports: the room cli imports others', () => {
    expect(importedBy('cli').length).toBeGreaterThan(5);
  });

  it('is followed by a table that says of each room what lives there', () => {
    const told = [...readPage('src/README.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, room]) => room);
    expect(told.toSorted()).toEqual(rooms.toSorted());
  });
});

/** The functions that a text in C or Python declares or defines, without `self`. */
const signaturesIn = (text: string): { readonly name: string; readonly parameters: readonly string[] }[] =>
  [...text.matchAll(/^(?: *def |[a-zA-Z_][\w *]*[ *])(\w+)\(([^();]*)\)(?: *:|\n\{|;)/gm)].map(
    ([, name = '', list = '']) => ({
      name,
      parameters: list.split(',').flatMap((one) => {
        const parameter = one.trim().replaceAll(/\s+/g, ' ');
        return parameter === '' || parameter === 'self' ? [] : [parameter];
      }),
    }),
  );

describe('a file of src', () => {
  it('has at most 300 lines in each language, tests apart', () => {
    const long = rooms.flatMap((room) =>
      readdirSync(join(ROOT, 'src', room), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(?:ts|js|css|py|[ch])$/.test(file) && !file.endsWith('.test.ts'))
        .map((file) => ({ file: `${room}/${file}`, lines: linesOf(readPage(`src/${room}/${file}`)) }))
        .filter(({ lines }) => lines > 300),
    );
    expect(long).toEqual([]);
  });

  // oxlint counts those of TypeScript.
  it('has in C and Python no function of more than five parameters, but for those that stand in for mmap', () => {
    const found = rooms.flatMap((room) =>
      readdirSync(join(ROOT, 'src', room), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(?:py|[ch])$/.test(file))
        .flatMap((file) => signaturesIn(readPage(`src/${room}/${file}`))),
    );
    expect(found.length).toBeGreaterThan(100);
    const long = found.filter(
      ({ parameters }) => parameters.length > 5 && !/^off(?:64)?_t /.test(parameters.at(-1)!),
    );
    expect(long.map(({ name }) => name)).toEqual([]);
    expect(found.filter(({ parameters }) => parameters.length > 5).length).toBeGreaterThan(0);
  });
});

describe('a room', () => {
  /** The lines of a room: TypeScript, and the C that runs in QEMU or a guest. */
  const linesIn = (room: string): number =>
    textsOf(room, /\.(?:ts|[ch])$/).reduce((sum, text) => sum + linesOf(text), 0);
  const all = rooms.reduce((sum, room) => sum + linesIn(room), 0);

  it.each(rooms)('has at most 15 %% of all lines: %s', (room) => {
    expect(linesIn(room)).toBeGreaterThan(0);
    expect((100 * linesIn(room)) / all).toBeLessThanOrEqual(15);
  });
});
