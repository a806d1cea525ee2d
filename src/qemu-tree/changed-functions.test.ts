import { expect, it } from 'vitest';
import { changedCode } from './changed-functions.ts';
import { readLineChanges } from './line-changes.ts';

const SOURCE = [
  '#define LIMIT 5',
  '',
  'int f(void)',
  '{',
  '    return 1;',
  '}',
  '',
  'int g(void)',
  '{',
  '}',
  '',
].join('\n');

const diff = (path: string, ...hunks: readonly string[]): string =>
  `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n${hunks.join('\n')}\n`;

const changed = (text: string) => changedCode(readLineChanges(text), () => SOURCE);

it.each([
  ['a line inside', '@@ -5 +5 @@\n-    return 0;\n+    return 1;', ['f']],
  ['a line that was removed inside', '@@ -5 +4,0 @@\n-    g();', ['f']],
  ['lines of two functions', '@@ -5 +5 @@\n-x\n+y\n@@ -9 +9 @@\n-x\n+y', ['f', 'g']],
  ['a function that was removed between two others', '@@ -7,2 +6,0 @@\n-int h(void)\n-{}', []],
])('changedCode names the function of %s', (_, hunks, names) => {
  expect(changed(diff('hw/x.c', hunks)).functions.map(({ name }) => name)).toEqual(names);
});

it('changedCode names files whose lines outside of functions are changed, and files that are no C', () => {
  const text =
    diff('hw/x.h', '@@ -1 +1 @@\n-#define LIMIT 4\n+#define LIMIT 5') +
    diff('docs/x.rst', '@@ -1 +1 @@\n-a\n+b');
  expect(changed(text)).toEqual({ functions: [], outside: ['hw/x.h'], other: ['docs/x.rst'] });
});

it('readLineChanges does not take changed lines for headings of the diff', () => {
  const changes = readLineChanges(
    diff('x.c', '@@ -1,2 +1,2 @@\n--- a/y\n-x\n+++ b/y\n+@@ -9 +9 @@', '@@ -5 +5 @@ f\n-a\n+b'),
  );
  expect([...changes]).toEqual([
    [
      'x.c',
      [
        { start: 1, end: 2, removal: false, heading: '@@ -1,2 +1,2 @@' },
        { start: 5, end: 5, removal: false, heading: '@@ -5 +5 @@ f' },
      ],
    ],
  ]);
});

it('readLineChanges finds the changed lines among those that stay', () => {
  const text = diff(
    'x.c',
    '@@ -10,9 +10,9 @@ f\n a\n-b\n+c\n+d\n e\n-g\n h\n\n-i\n+j\n k\n\\ No newline at end of file',
  );
  const heading = '@@ -10,9 +10,9 @@ f';
  expect(readLineChanges(text).get('x.c')).toEqual([
    { start: 11, end: 12, removal: false, heading },
    { start: 14, end: 14, removal: true, heading },
    { start: 16, end: 16, removal: false, heading },
  ]);
});
