import { closeSync, ftruncateSync, openSync, readFileSync, rmSync } from 'node:fs';
import { inQemuEnvironment, PrivateDirectory } from '../qemu/process/index.ts';

/** The slots of a file, each of 4 bytes (probe/reached.c). */
const SLOTS = 65_536;
const BYTES = SLOTS * 4;

/** Which places of the patched files each run of QEMU goes through. QEMU itself notes them (probe/reached.c). */
export class ReachedPlaces {
  readonly #directory = new PrivateDirectory();
  readonly #runs: ReadonlySet<number>[] = [];
  #files = 0;

  /** The places of each run, by their distances from the start of the program. */
  get runs(): readonly ReadonlySet<number>[] {
    return this.#runs;
  }

  /** Runs QEMU, and notes the places that it reaches; runs may overlap. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    const path = this.#directory.at(String(this.#files++));
    const file = openSync(path, 'wx', 0o600);
    ftruncateSync(file, BYTES);
    closeSync(file);
    try {
      return await inQemuEnvironment({ BARPROOF_REACHED: path }, run);
    } finally {
      const { buffer, byteOffset } = readFileSync(path);
      this.#runs.push(new Set(new Uint32Array(buffer, byteOffset, SLOTS).filter((place) => place !== 0)));
      rmSync(path);
    }
  }

  close(): void {
    this.#directory.remove();
  }
}
