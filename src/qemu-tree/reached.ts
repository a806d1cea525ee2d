import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { PrivateDirectory, watchingQemu, type Architecture } from '../qemu/process/index.ts';

/** The slots of a file, each of 4 bytes (probe/reached.c). */
const SLOTS = 65_536;
const BYTES = SLOTS * 4;
const NOTHING = Buffer.alloc(BYTES);
const VARIABLE = 'BARPROOF_REACHED';

/** The places that a run of a case went through. */
export interface ReachedRun {
  /** Of the QEMU that ran the case: each target is a program of its own. */
  readonly architecture: Architecture;
  /** What the caller tells of the case, to find the runs that came to a function. */
  readonly surroundings: string;
  /** By their distances from the start of the program. */
  readonly places: ReadonlySet<number>;
}

/**
 * Which places of the patched files each run of a case goes through. Each QEMU has a file of its own, and notes the
 * places itself (probe/reached.c).
 */
export class ReachedPlaces {
  readonly #directory = new PrivateDirectory();
  readonly #runs: ReachedRun[] = [];
  #files = 0;

  /** The places of each run. */
  get runs(): readonly ReachedRun[] {
    return this.#runs;
  }

  /**
   * Runs a case, and notes the places that its QEMUs reach; runs may overlap.
   *
   * @param about the case.
   */
  async during<T>(about: Omit<ReachedRun, 'places'>, run: () => Promise<T>): Promise<T> {
    const used = new Set<string>();
    const start = (): NodeJS.ProcessEnv => {
      const path = this.#directory.at(String(this.#files++));
      empty(path);
      used.add(path);
      return { [VARIABLE]: path };
    };
    const take = ({ [VARIABLE]: path }: NodeJS.ProcessEnv): void => {
      if (path === undefined || used.has(path)) return;
      // What the QEMU has reached before is of another run.
      empty(path);
      used.add(path);
    };
    try {
      return await watchingQemu({ start, take }, run);
    } finally {
      this.#runs.push({ ...about, places: new Set([...used].flatMap((path) => placesIn(path))) });
    }
  }

  close(): void {
    this.#directory.remove();
  }
}

/** Makes a file without places, or an existing one so. It keeps its size: QEMU has mapped it, and may write to it. */
function empty(path: string): void {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  writeSync(file, NOTHING, 0, BYTES, 0);
  closeSync(file);
}

function placesIn(path: string): readonly number[] {
  const { buffer, byteOffset } = readFileSync(path);
  return [...new Uint32Array(buffer, byteOffset, SLOTS)].filter((place) => place !== 0);
}
