import { existsSync, statSync } from 'node:fs';
import { InvalidInput, prefixProblems, readTextFile } from '../input/index.ts';
import type { Architecture } from '../qemu/process/architecture.ts';
import { isSeries, readSeries, type Series } from '../qemu-tree/index.ts';

/** The options that say what a patch in C is put on. */
export interface TreeOptions {
  /** The QEMU source that a patch in C is put on; BARPROOF_QEMU_TREE when left out. */
  readonly qemuTree?: string;
  /** The commit of the source that the patch is put on. */
  readonly onto?: string;
  /** The targets to build; x86_64 when left out. */
  readonly targetList?: readonly Architecture[];
}

/** C code to judge: mailed patches, or a range of commits of the user's tree. */
export type CChange =
  | { readonly file: string; readonly series: Series }
  | { readonly range: string; readonly from: string; readonly to: string };

/** `v10.2.0..my-branch` */
const RANGE = /^([^\s.][^\s]*?)\.\.([^\s.][^\s]*)?$/;

/**
 * What the user's argument holds, where it is C: a patch, a mailbox, or a range of commits. TypeScript is told by its
 * content.
 *
 * @returns nothing for a patch file of the model.
 * @throws InvalidInput for a damaged patch, and where options for C are given to a patch file of the model.
 */
export function readCChange(file: string, options: TreeOptions): CChange | undefined {
  const { qemuTree, onto, targetList } = options;
  if (!existsSync(file)) {
    const [range, from, to = 'HEAD'] = RANGE.exec(file) ?? [];
    if (range === undefined || /\.[cm]?[jt]s$/.test(file)) return undefined;
    if (onto !== undefined) throw invalid('--onto', `${range} names its base itself`);
    return { range, from: from!, to };
  }
  const isRegular = statSync(file).isFile();
  // A pipe can be read only once.
  const text = isRegular || qemuTree !== undefined ? prefixProblems(file, () => readTextFile(file)) : '';
  if (isSeries(text) || (qemuTree !== undefined && !/\.[cm]?[jt]s$/.test(file))) return cChangeOf(file, text);
  const [option] = [
    ...(qemuTree === undefined ? [] : ['--qemu-tree']),
    ...(onto === undefined ? [] : ['--onto']),
    ...(targetList === undefined ? [] : ['--target-list']),
  ];
  if (option !== undefined) throw invalid(option, `is for patches in C; ${file} is none`);
  return undefined;
}

/** The patches in a text. @param name of the text in messages. @throws InvalidInput for a text that holds no patch. */
export const cChangeOf = (name: string, text: string): CChange => ({
  file: name,
  series: prefixProblems(name, () => readSeries(text)),
});

const invalid = (path: string, message: string): InvalidInput => new InvalidInput([{ path, message }]);
