import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A change to a file of a source, told without the text around it: it fits several releases. */
export interface SourceEdit {
  readonly file: string;
  /** What is replaced: the first match in the file. */
  readonly find: RegExp;
  readonly by: string;
}

/**
 * A mail with the patch that makes the edits.
 *
 * @param source the folder of the source.
 * @throws Error where the source has nothing that an edit finds.
 */
export function mailOf(subject: string, source: string, edits: readonly SourceEdit[]): string {
  const diffs = edits.map(({ file, find, by }) => {
    const before = readFileSync(join(source, file), 'utf8');
    if (!find.test(before)) throw new Error(`${file} has no ${find}`);
    return diffOf(file, before, before.replace(find, by));
  });
  return `From: A <a@b>\nSubject: [PATCH] ${subject}\n\nWhy.\n\n---\n${diffs.join('')}-- \n2.43.0\n`;
}

function diffOf(file: string, before: string, after: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'barproof-edit-'));
  try {
    writeFileSync(join(folder, 'before'), before);
    writeFileSync(join(folder, 'after'), after);
    const labels = ['--label', `a/${file}`, '--label', `b/${file}`];
    return spawnSync('diff', ['--unified', ...labels, 'before', 'after'], { cwd: folder, encoding: 'utf8' })
      .stdout;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An edit after which QEMU does the same. */
export const CHANGES_NOTHING: SourceEdit = {
  file: 'hw/vfio/listener.c',
  find: /(vaddr, section->readonly, section->mr\);\s*)if \(ret\)(?= \{\s*error_setg\(&err, "vfio_container_dma_map)/,
  by: '$1if (ret != 0)',
};
