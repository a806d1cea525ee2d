import { existsSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import type { Architecture } from '../qemu/process/index.ts';
import type { ChangedFunction } from './changed-functions.ts';
import type { ReachedRun } from './reached.ts';
import { runCommand } from './run-command.ts';
import { TreeFailure } from './tree-error.ts';

/** How many milliseconds a tool may take that reads the debug information of a QEMU. */
const DEADLINE_MS = 120_000;

/** The QEMUs that were built, by their targets. */
export type Programs = Readonly<Partial<Record<Architecture, string>>>;

/** What became of a function that a patch changes. */
export interface FunctionCoverage {
  readonly file: string;
  readonly name: string;
  /** In how many runs of QEMU the function ran; `not compiled` where no QEMU of the build holds the function. */
  readonly runs: number | 'not compiled';
}

/**
 * In how many runs each function ran.
 *
 * @param programs the QEMUs that ran.
 * @param runs the places that each run reached.
 */
export async function coverageOf(
  functions: readonly (ChangedFunction & { readonly compiled: boolean })[],
  programs: Programs,
  runs: readonly ReachedRun[],
): Promise<readonly FunctionCoverage[]> {
  const through = await runsThrough(functions, programs, runs);
  return functions.map(({ file, name, compiled }, index) => {
    const count = through[index]!.length;
    return { file, name, runs: compiled || count > 0 ? count : 'not compiled' };
  });
}

/** The runs in which each function ran; the parameters are those of `coverageOf`. */
export async function runsThrough(
  functions: readonly ChangedFunction[],
  programs: Programs,
  runs: readonly ReachedRun[],
): Promise<readonly (readonly ReachedRun[])[]> {
  const found = await Promise.all(
    Object.entries(programs).map(([architecture, program]) =>
      runsOfProgram(
        functions,
        program,
        runs.filter((run) => run.architecture === architecture),
      ),
    ),
  );
  return functions.map((_, index) => found.flatMap((one) => one[index]!));
}

async function runsOfProgram(
  functions: readonly ChangedFunction[],
  program: string,
  runs: readonly ReachedRun[],
): Promise<readonly (readonly ReachedRun[])[]> {
  const places = [...new Set(runs.flatMap((run) => [...run.places]))];
  const lines = await linesOf(program, places);
  return functions.map(({ file, start, end }) => {
    const own = places.filter((_, index) => {
      const found = lines[index];
      return found?.file === file && found.line >= start && found.line <= end;
    });
    return runs.filter((run) => own.some((place) => run.places.has(place)));
  });
}

/**
 * Which functions the build has compiled.
 *
 * @param build the folder of the build; `programs` are the QEMUs that it made.
 */
export async function compiledOf(
  functions: readonly ChangedFunction[],
  build: string,
  programs: readonly string[],
): Promise<readonly (ChangedFunction & { readonly compiled: boolean })[]> {
  const symbols = new Map<string, ReadonlySet<string>>();
  for (const file of new Set(functions.map((found) => found.file))) {
    // Functions of headers are in the objects of other files.
    const objects = file.endsWith('.c') ? objectsOf(build, file) : programs;
    symbols.set(file, objects.length === 0 ? new Set() : await symbolsOf(objects));
  }
  return functions.map((found) => ({ ...found, compiled: symbols.get(found.file)!.has(found.name) }));
}

/** Whether a target of the build compiles the C file. @param build the folder of the build. */
export const isCompiled = (build: string, file: string): boolean => objectsOf(build, file).length > 0;

/** The objects of a C file. Meson puts them into one folder for each library: `libsystem.a.p/hw_vfio_pci.c.o`. */
function objectsOf(build: string, file: string): readonly string[] {
  const name = `${file.replaceAll('/', '_')}.o`;
  return readdirSync(build)
    .filter((folder) => folder.endsWith('.p'))
    .map((folder) => join(build, folder, name))
    .filter((path) => existsSync(path));
}

async function symbolsOf(objects: readonly string[]): Promise<ReadonlySet<string>> {
  const text = await readWith('nm', ['--defined-only', '--format=posix', ...objects]);
  return new Set(text.split('\n').map((line) => line.split(' ')[0]!));
}

/** The file and the line of each place; nothing for one of the C library. */
async function linesOf(
  program: string,
  places: readonly number[],
): Promise<readonly ({ readonly file: string; readonly line: number } | undefined)[]> {
  if (places.length === 0) return [];
  // A place is where a call returns to: the call itself is of the line.
  const input = places.map((place) => `0x${(place - 1).toString(16)}\n`).join('');
  const text = await readWith('addr2line', ['--exe', program], input);
  return text.split('\n').map((line) => {
    const [, path, number] = /^(.*?):(\d+)/.exec(line) ?? [];
    if (path === undefined) return undefined;
    // QEMU is built in a folder of the source: SOURCE/build/../hw/vfio/pci.c.
    const file = posix.normalize(path.replace(/^.*\/build\/\.\.\//, '').replace(/^(?:\.\.\/)+/, ''));
    return { file, line: Number(number) };
  });
}

async function readWith(program: string, words: readonly string[], input?: string): Promise<string> {
  const end = await runCommand(program, words, {
    folder: '/',
    environment: { ...process.env, LC_ALL: 'C' },
    milliseconds: DEADLINE_MS,
    input,
  });
  if (end.status === 0) return end.out;
  throw new TreeFailure('tree', `${program}: ${end.failure ?? end.all.trim()}; it is part of binutils`);
}
