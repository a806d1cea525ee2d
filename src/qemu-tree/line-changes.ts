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

const HUNK = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;

/**
 * Reads what `git diff --no-renames` prints. With git's own number of lines that stay, the headings are those of the mail
 * in most cases. Files that are gone are left out.
 */
export function readLineChanges(text: string): LineChanges {
  const changes = new Map<string, ChangedStretch[]>();
  let current: ChangedStretch[] | undefined;
  let hunk: HunkReader | undefined;
  for (const line of text.split('\n')) {
    if (hunk?.take(line) === true) continue;
    hunk = undefined;
    if (line.startsWith('diff --git ')) current = undefined;
    else if (line.startsWith('+++ b/'))
      changes.set(line.slice('+++ b/'.length).split('\t')[0]!, (current = []));
    if (HUNK.test(line)) hunk = new HunkReader(line, current ?? []);
  }
  hunk?.end();
  return changes;
}

/** Reads the lines of a hunk, and adds each stretch of changed lines to a list. */
class HunkReader {
  readonly #heading: string;
  readonly #stretches: ChangedStretch[];
  #left: { before: number; after: number };
  /** The number of the next line of the patched file. */
  #next: number;
  /** The stretch that the last line belongs to: how many of its lines are new. */
  #added: number | undefined;

  constructor(heading: string, stretches: ChangedStretch[]) {
    const [, before = '1', start, after = '1'] = HUNK.exec(heading)!;
    this.#heading = heading;
    this.#stretches = stretches;
    this.#left = { before: Number(before), after: Number(after) };
    // Where nothing is left, git names the line before.
    this.#next = Number(start) + (after === '0' ? 1 : 0);
  }

  /** @returns whether the line is one of the hunk. */
  take(line: string): boolean {
    // "\ No newline at end of file"
    if (line.startsWith('\\')) return true;
    if (this.#left.before === 0 && this.#left.after === 0) {
      this.end();
      return false;
    }
    if (line.startsWith('-')) {
      this.#left.before--;
      this.#added ??= 0;
    } else if (line.startsWith('+')) {
      this.#left.after--;
      this.#next++;
      this.#added = (this.#added ?? 0) + 1;
    } else {
      this.end();
      this.#left.before--;
      this.#left.after--;
      this.#next++;
    }
    return true;
  }

  /** Ends the stretch that the last line belongs to. */
  end(): void {
    if (this.#added === undefined) return;
    const removal = this.#added === 0;
    const [start, end] = removal ? [this.#next, this.#next] : [this.#next - this.#added, this.#next - 1];
    this.#stretches.push({ start, end, removal, heading: this.#heading });
    this.#added = undefined;
  }
}
