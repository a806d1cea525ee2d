import { createHash } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { encodeScenario, toJsonLine } from '../scenario/index.ts';
import { InvalidInput, parseJson, type Problem, readRegularFile, writeAtomically } from '../input/index.ts';
import { decodeRegression, formatRegression, looksLikeRegression, type Regression } from './regression.ts';

/** A regression and the file that holds it, relative to the store. */
export interface StoredRegression {
  readonly file: string;
  readonly regression: Regression;
}

/** Whether a file below a folder of regressions holds a case. Verdicts on patches and recordings may lie beside the cases. */
export const isCaseFile = (file: string): boolean =>
  file.endsWith('.json') && !file.endsWith('.verdict.json') && !file.split(sep).includes('recordings');

/** A folder of regression files: one JSON file for each case. */
export class RegressionStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * All cases in the folder and its subfolders, sorted by file name.
   *
   * @param passOver told of each JSON file that is no case; without it such a file is a problem.
   * @throws InvalidInput with every problem of every file that is not a valid regression.
   */
  load(passOver?: (path: string) => void): readonly StoredRegression[] {
    const problems: Problem[] = [];
    const stored = this.#files().flatMap((file) => {
      const path = join(this.directory, file);
      try {
        const value = parseJson(readRegularFile(path));
        if (passOver === undefined || looksLikeRegression(value)) {
          return [{ file, regression: decodeRegression(value) }];
        }
        passOver(path);
        return [];
      } catch (error) {
        if (!(error instanceof InvalidInput)) throw error;
        problems.push(...error.within(path).problems);
        return [];
      }
    });
    if (problems.length > 0) throw new InvalidInput(problems);
    return stored;
  }

  /**
   * Stores a case as `INVARIANT/CAUSE-DIGEST.json`, with a digest of the scenario. A file that exists stays as
   * it is, so that finding the same case again changes nothing.
   *
   * @param replaces a file of the same finding, relative to the store, that may be overwritten.
   * @returns the file, relative to the store.
   * @throws InvalidInput when the file cannot be written.
   */
  save(regression: Regression, replaces?: string): string {
    const { invariant = 'other', cause = 'other', scenario } = regression;
    const digest = createHash('sha256')
      .update(toJsonLine(encodeScenario(scenario)))
      .digest('hex')
      .slice(0, 8);
    // The cause may be one that a program of the user has named.
    const file = join(fileName(invariant), `${fileName(cause)}-${digest}.json`);
    const path = join(this.directory, file);
    if (file === replaces || !existsSync(path)) writeAtomically(path, formatRegression(regression));
    return file;
  }

  /** Removes a file that a better case of the same finding replaces. */
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
        { path: this.directory, message: `this is not a folder of regression files (${code})` },
      ]);
    }
  }
}

/** Text as the name of a file, at most 100 characters. */
const fileName = (text: string): string => text.replaceAll(/[^\w+-]+/g, '-').slice(0, 100);
