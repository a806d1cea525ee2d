import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { readTextFile } from './read-text-file.ts';
import { InvalidInput, encodeScenario, parseJson, toJsonLine } from '../scenario/index.ts';
import { decodeRegression, formatRegression, type Regression } from './regression.ts';

/** A regression and the file that holds it, relative to the store. */
export interface StoredRegression {
  readonly file: string;
  readonly regression: Regression;
}

/** A folder of regression files, one JSON file a case. */
export class RegressionStore {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /**
   * Everything in the folder and below, by file name.
   *
   * @throws InvalidInput naming the file and every problem in it.
   */
  load(): readonly StoredRegression[] {
    if (!existsSync(this.directory)) return [];
    return readdirSync(this.directory, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json'))
      .toSorted()
      .map((file) => ({ file, regression: this.#read(file) }));
  }

  /**
   * Keeps a case under its invariant and cause. A case that is there already is left as it is, so that
   * finding it again changes nothing.
   *
   * @returns the file, relative to the store.
   */
  save(regression: Regression): string {
    const { invariant = 'other', cause = 'other', scenario } = regression;
    const digest = createHash('sha256')
      .update(toJsonLine(encodeScenario(scenario)))
      .digest('hex')
      .slice(0, 8);
    const file = join(invariant, `${cause}-${digest}.json`);
    const path = join(this.directory, file);
    if (!existsSync(path)) writeAtomically(path, formatRegression(regression));
    return file;
  }

  #read(file: string): Regression {
    const path = join(this.directory, file);
    try {
      return decodeRegression(parseJson(readTextFile(path)));
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      const name = relative('.', path);
      throw new InvalidInput(
        error.problems.map((problem) => ({
          path: [name, problem.path].filter(Boolean).join(': '),
          message: problem.message,
        })),
      );
    }
  }
}

/** Writes a file so that whoever looks sees the old contents or the new, never a part. */
export function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  const file = openSync(temporary, 'wx');
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
