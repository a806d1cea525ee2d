import { expect, it } from 'vitest';
import { buildFailure } from './build-failure.ts';
import { readLineChanges } from './line-changes.ts';

const CHANGES = readLineChanges(
  'diff --git a/hw/vfio/pci.c b/hw/vfio/pci.c\n--- a/hw/vfio/pci.c\n+++ b/hw/vfio/pci.c\n@@ -120 +120,2 @@ f\n-x\n+y\n+z\n',
);
const NONE = new Map();

const failureOf = (output: string, changes: Parameters<typeof buildFailure>[2]) =>
  buildFailure('the patch', output, changes, 'build.log');

it('buildFailure tells file, line, hunk and the words of the compiler', () => {
  const output = [
    '[3/9] Compiling C object x.o',
    'FAILED: x.o',
    "../hw/vfio/pci.c: In function 'f':",
    "../hw/vfio/pci.c:121:5: error: 'z' undeclared (first use in this function)",
    '  121 |     z',
    '      |     ^',
  ].join('\n');
  const { kind, problems } = failureOf(output, CHANGES);
  expect(kind).toBe('compile');
  expect(problems).toEqual([
    {
      path: '',
      message: 'the patch does not compile: hw/vfio/pci.c:121',
      details: [
        "hw/vfio/pci.c:121: error: 'z' undeclared (first use in this function)",
        '  121 |     z',
        '      |     ^',
        'in the hunk @@ -120 +120,2 @@ f',
        'all that the build printed: build.log',
      ],
    },
  ]);
});

it('buildFailure says where an error is outside of the lines of the patch', () => {
  expect(failureOf('../hw/vfio/pci.c:500:1: error: x', CHANGES).problems[0]!.details![1]).toBe(
    "outside of the patch's lines; the nearest hunk is @@ -120 +120,2 @@ f",
  );
  expect(failureOf('../include/x.h:1:1: fatal error: x', CHANGES).problems[0]!.details![1]).toBe(
    'the patch does not change this file',
  );
});

it('buildFailure names a header that is missing', () => {
  const output = '../hw/vfio/pci.c:3:10: fatal error: libfdt.h: No such file or directory';
  expect(failureOf(output, CHANGES).problems[0]!.message).toBe(
    'the patch does not compile: hw/vfio/pci.c:3, which needs libfdt.h: this machine lacks it, or the patch does',
  );
});

it('buildFailure tells a failed link from a failed compilation', () => {
  const failure = failureOf("/usr/bin/ld: x.o: in function `f':\nx.c:1: undefined reference to `g'", NONE);
  expect(failure.kind).toBe('link');
  expect(failure.problems[0]!.details).toContain("x.c:1: undefined reference to `g'");
});

it('buildFailure gives the last lines of any other failure', () => {
  const { kind, problems } = failureOf('[1/2] Generating x\nTraceback\nKeyError', NONE);
  expect(kind).toBe('compile');
  expect(problems[0]!.details).toEqual(['Traceback', 'KeyError', 'all that the build printed: build.log']);
});
