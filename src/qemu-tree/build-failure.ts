import { posix } from 'node:path';
import { printable } from '../input/index.ts';
import type { LineChanges } from './line-changes.ts';
import { TreeFailure } from './tree-error.ts';

/** `../hw/vfio/pci.c:120:5: error: 'x' undeclared`, as gcc and clang write it. */
const COMPILER_ERROR = /^(\S+?\.\w+):(\d+):(?:\d+:)? (?:fatal )?error: (.*)$/;
/** A header of a library that is not installed here is no fault of the patch. */
const MISSING_HEADER = /^(\S+\.h): No such file or directory$/;
const LINKER_ERROR = /undefined reference to|multiple definition of|^collect2: |\bld(?:\.\w+)?: /;
/** How many errors are told: the first ones cause the others. */
const MOST_ERRORS = 3;
/** How many lines the compiler shows of the source below an error. */
const SHOWN_LINES = 2;

/**
 * Why a build failed, for a reviewer: file and line, the compiler's words, and the hunk of the patch in which the line
 * is.
 *
 * @param side whose source it was, `the base` or `the patch`.
 * @param output what ninja printed.
 * @param changes the lines that the patch changes; none for the base.
 * @param log the file that holds all output.
 */
export function buildFailure(side: string, output: string, changes: LineChanges, log: string): TreeFailure {
  const lines = output.split('\n').map(printable);
  const errors = lines.flatMap((line, index) => {
    const [, path, number, words] = COMPILER_ERROR.exec(line) ?? [];
    if (path === undefined) return [];
    // The build runs in a folder of the source.
    const file = posix.normalize(path).replace(/^(?:\.\.\/)+/, '');
    const shown = lines.slice(index + 1, index + 1 + SHOWN_LINES).filter((text) => /^ *\d* \| /.test(text));
    return [{ file, line: Number(number), words: words!, shown }];
  });
  const all = `all that the build printed: ${log}`;
  if (errors.length > 0) {
    const { file, line, words } = errors[0]!;
    const header = MISSING_HEADER.exec(words)?.[1];
    const why =
      header === undefined ? '' : `, which needs ${header}: this machine lacks it, or the patch does`;
    return new TreeFailure('compile', `${side} does not compile: ${file}:${line}${why}`, [
      ...errors
        .slice(0, MOST_ERRORS)
        .flatMap((error) => [
          `${error.file}:${error.line}: error: ${error.words}`,
          ...error.shown,
          ...(changes.size === 0 ? [] : [placeInPatch(changes, error)]),
        ]),
      ...(errors.length > MOST_ERRORS ? [`and ${errors.length - MOST_ERRORS} more errors`] : []),
      all,
    ]);
  }
  const linker = lines.filter((line) => LINKER_ERROR.test(line));
  if (linker.length > 0)
    return new TreeFailure('link', `${side} does not link`, [...linker.slice(0, MOST_ERRORS), all]);
  const last = lines.filter((line) => line !== '' && !/^\[\d+\/\d+\]/.test(line)).slice(-10);
  return new TreeFailure('compile', `${side} is not built`, [...last, all]);
}

/** Where in the patch a line is. */
function placeInPatch(
  changes: LineChanges,
  { file, line }: { readonly file: string; readonly line: number },
): string {
  const stretches = changes.get(file);
  if (stretches === undefined) return 'the patch does not change this file';
  const own = stretches.find(({ start, end }) => line >= start && line <= end);
  if (own !== undefined) return `in the hunk ${printable(own.heading)}`;
  const before = stretches.findLast(({ start }) => start <= line) ?? stretches[0]!;
  return `outside of the patch's lines; the nearest hunk is ${printable(before.heading)}`;
}
