import { describe, expect, it } from 'vitest';
import { readDiff } from './diff.ts';
import { PATCH } from './testing/mails.ts';

const changed = (before: string, after: string): string =>
  `diff --git ${before} ${after}\n--- ${before}\n+++ ${after}\n@@ -1 +1 @@\n-x\n+y\n`;

describe('readDiff', () => {
  it('gives the lines of each hunk', () => {
    expect(readDiff(PATCH)!.files).toEqual([
      {
        path: 'hw/vfio/pci.c',
        kind: 'changed',
        hunks: [
          {
            start: { before: 10, after: 10 },
            lines: { before: 3, after: 3 },
            heading: '@@ -10,3 +10,3 @@ static void f(void)',
          },
        ],
      },
    ]);
  });

  it('knows files that are added, removed and renamed', () => {
    const text = [
      'diff --git a/new.c b/new.c\nnew file mode 100644\n--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+x',
      'diff --git a/old.c b/old.c\ndeleted file mode 100644\n--- a/old.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x',
      'diff --git a/from.c b/to.c\nsimilarity index 100%\nrename from from.c\nrename to to.c\n',
    ].join('\n');
    expect(readDiff(text)!.files.map(({ path, kind }) => [path, kind])).toEqual([
      ['new.c', 'added'],
      ['old.c', 'removed'],
      ['to.c', 'renamed'],
    ]);
  });

  it('takes a diff without a/ and b/, and one without the line of git', () => {
    expect(readDiff(changed('hw/x.c', 'hw/x.c'))).toMatchObject({ strip: 0, files: [{ path: 'hw/x.c' }] });
    expect(readDiff('--- a/hw/x.c\t2026-01-01\n+++ b/hw/x.c\n@@ -1 +1 @@\n-x\n+y\n')).toMatchObject({
      strip: 1,
      files: [{ path: 'hw/x.c' }],
    });
  });

  it('does not take a signature for a removed line', () => {
    expect(readDiff(`${PATCH}-- \n2.43.0\n`)!.text).toBe(PATCH);
  });

  it('finds no diff in other text', () => {
    expect(readDiff('Dear list,\n--- \nthis is no patch\n')).toBeUndefined();
  });

  it.each([
    ['a path that leaves the tree', changed('a/../../etc/passwd', 'b/../../etc/passwd'), 'leaves the tree'],
    ['an absolute path', changed('/etc/passwd', '/etc/passwd'), 'is absolute'],
    ['a hook of git', changed('a/.git/hooks/post-checkout', 'b/.git/hooks/post-checkout'), 'the data of git'],
    ['the data of git in other letters', changed('a/x/.GIT/config', 'b/x/.GIT/config'), 'the data of git'],
    ['attributes of git', changed('a/.gitattributes', 'b/.gitattributes'), 'the data of git'],
    ['submodules', changed('a/.gitmodules', 'b/.gitmodules'), 'the data of git'],
    [
      'a path that commands a terminal',
      changed('a/x\u001b[2J', 'b/x\u001b[2J'),
      'characters that QEMU has in no path',
    ],
    ['a long path', changed(`a/${'x'.repeat(600)}`, `b/${'x'.repeat(600)}`), 'more than 500 characters'],
    [
      'a file that is moved out of the tree',
      'diff --git a/x b/y\nsimilarity index 100%\nrename from ../x\nrename to y\n',
      'leaves the tree',
    ],
    [
      'a symbolic link',
      'diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc/passwd\n',
      'a symbolic link is changed',
    ],
    [
      'a link with another target',
      'diff --git a/l b/l\nindex 1..2 120000\n--- a/l\n+++ b/l\n@@ -1 +1 @@\n-x\n+y\n',
      'a symbolic link',
    ],
    [
      'a submodule',
      'diff --git a/s b/s\nindex 1..2 160000\n--- a/s\n+++ b/s\n@@ -1 +1 @@\n-x\n+y\n',
      'a submodule is changed',
    ],
    [
      'a binary patch',
      'diff --git a/x b/x\nindex 1..2\nGIT binary patch\nliteral 0\n',
      'a binary file is changed',
    ],
    [
      'a binary file',
      'diff --git a/x b/x\nindex 1..2 100644\nBinary files a/x and b/x differ\n',
      'a binary file is changed',
    ],
    ['an end inside of a hunk', PATCH.slice(0, -' after\n'.length), 'ends inside of the hunk'],
    ['wrapped lines', PATCH.replace('+new_name', '+new\n_name'), 'has a mail program wrapped its lines'],
    ['a file without a hunk', '--- a/x\n+++ b/x\n', 'changes no line of it'],
    ['no file at all', '--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n-x\n+y\n', 'changes no file'],
  ])('refuses %s', (_, text, message) => {
    expect(() => readDiff(text)).toThrow(message);
  });
});
