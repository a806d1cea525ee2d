/** A stretch of lines of the patched file. */
export interface ChangedStretch {
  /** The numbers of the first and the last line; where lines were only removed, both are of the line behind. */
  readonly start: number;
  readonly end: number;
  /** Whether lines were only removed here. */
  readonly removal: boolean;
  /** `@@ -1,2 +3,4 @@ function` */
  readonly heading: string;
}

/** What differs from the base, by the path of each file of the patched source. */
export type LineChanges = ReadonlyMap<string, readonly ChangedStretch[]>;

/** Reads what `git diff --unified=0 --no-renames` prints. Files that are gone are left out. */
export function readLineChanges(text: string): LineChanges {
  const changes = new Map<string, ChangedStretch[]>();
  let current: ChangedStretch[] | undefined;
  let left = { before: 0, after: 0 };
  for (const line of text.split('\n')) {
    if (left.before > 0 || left.after > 0) {
      if (line.startsWith('-')) left.before--;
      else if (line.startsWith('+')) left.after--;
      continue;
    }
    if (line.startsWith('diff --git ')) current = undefined;
    else if (line.startsWith('+++ b/'))
      changes.set(line.slice('+++ b/'.length).split('\t')[0]!, (current = []));
    const [, before = '1', start, after = '1'] = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (start === undefined) continue;
    left = { before: Number(before), after: Number(after) };
    const first = Number(start);
    const removal = left.after === 0;
    // Where nothing is left, git names the line before.
    const stretch = removal
      ? { start: first + 1, end: first + 1 }
      : { start: first, end: first + left.after - 1 };
    current?.push({ ...stretch, removal, heading: line });
  }
  return changes;
}
