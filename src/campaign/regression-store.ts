import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { encodeScenario, toJsonLine } from '../scenario/index.ts';
import { InvalidInput, parseJson, type Problem, readTextFile, writeAtomically } from '../input/index.ts';
import { decodeRegression, formatRegression, type Regression } from './regression.ts';

/** A regression and the file that holds it, relative to the store. */
export interface StoredRegression {
  readonly file: string;
  readonly regression: Regression;
}

/** Whether a file below a folder of regressions is a case: verdicts on patches and recordings may lie there, too. */
export const isCaseFile = (file: string): boolean =>
  file.endsWith('.json') && !file.endsWith('.verdict.json') && !file.split(sep).includes('recordings');

/** A folder of regression files, one JSON file a case. */
export class RegressionStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Everything in the folder and below, by file name.
   *
   * @throws InvalidInput naming every file that is no regression, and every problem in it.
   */
  load(): readonly StoredRegression[] {
    const problems: Problem[] = [];
    const stored = this.#files().flatMap((file) => {
      try {
        return [{ file, regression: decodeRegression(parseJson(readTextFile(join(this.directory, file)))) }];
      } catch (error) {
        if (!(error instanceof InvalidInput)) throw error;
        problems.push(...error.within(join(this.directory, file)).problems);
        return [];
      }
    });
    if (problems.length > 0) throw new InvalidInput(problems);
    return stored;
  }

  /**
   * Keeps a case under its invariant and cause. A case that is there already is left as it is, so that
   * finding it again changes nothing.
   *
   * @param replaces the file of the same finding as it was known before, which may be written anew.
   * @returns the file, relative to the store.
   * @throws InvalidInput when it cannot be written.
   */
  save(regression: Regression, replaces?: string): string {
    const { invariant = 'other', cause = 'other', scenario } = regression;
    const digest = createHash('sha256')
      .update(toJsonLine(encodeScenario(scenario)))
      .digest('hex')
      .slice(0, 8);
    const file = join(invariant, `${cause}-${digest}.json`);
    const path = join(this.directory, file);
    if (file === replaces || !existsSync(path)) writeAtomically(path, formatRegression(regression));
    return file;
  }

  /** Drops a case that a better one has taken the place of. */
  remove(file: string): void {
    rmSync(join(this.directory, file), { force: true });
  }

  #files(): readonly string[] {
    try {
      return readdirSync(this.directory, { recursive: true, encoding: 'utf8' }).filter(isCaseFile).toSorted();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return [];
      throw new InvalidInput([
        { path: this.directory, message: `this is no folder of regressions (${code})` },
      ]);
    }
  }
}
