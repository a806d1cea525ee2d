import { isAbsolute, relative } from 'node:path';
import type { ReportedFinding } from './report-event.ts';

/**
 * A path as readers know it: relative to the folder where the file lies below it, and otherwise as the user gave it.
 *
 * @param folder the checkout, or the folder in which barproof runs.
 */
export function shownPath(file: string, folder: string): string {
  const path = relative(folder, file);
  return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
}

/** The line of its file at which the finding begins, from 1. */
export const lineOf = ({ line = 1 }: ReportedFinding): number => line;

/** The file of the VMM's source that has to obey the rule: `hw/vfio/listener.c`, for a finding that is in no file. */
export const sourceOf = ({ site }: ReportedFinding): string | undefined =>
  /^([\w+-][\w.+/-]*\.(?:c|h|rs))(?=:|$)/.exec(site ?? '')?.[1];
