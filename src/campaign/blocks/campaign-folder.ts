import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  InvalidInput,
  parseJson,
  readRegularFile,
  writeAtomically,
  type Problem,
} from '../../input/index.ts';
import { PLACES, type Fingerprint, type Place } from '../../invariants/index.ts';
import {
  decodeScenario,
  encodeScenario,
  toJsonLine,
  toJsonText,
  type Scenario,
} from '../../scenario/index.ts';
import { decodeRegression, formatRegression } from '../regression.ts';
import {
  decodeState,
  formatState,
  furtherOf,
  notBegun,
  stateKey,
  type CampaignState,
} from './campaign-state.ts';
import { byPreference, type StoredFinding } from './stored-finding.ts';

const FINDINGS = 'findings';
const STATES = 'states';
const SCENARIOS = 'scenarios';

/**
 * The folder of campaigns: their findings, how far they have come, and scenarios with rare behaviour. Each file is
 * written under its final name at once, and only a better one of the same kind takes its place: the folder can be read
 * at any moment, and two folders can be merged in any order.
 */
export class CampaignFolder {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  /** Whether a campaign has written into the folder, be it without a finding. */
  get isCampaign(): boolean {
    // With the dot at its end the path of a file does not exist.
    return [FINDINGS, STATES, SCENARIOS].some((part) => existsSync(join(this.directory, part, '.')));
  }

  /**
   * The file of a finding, relative to the folder.
   *
   * @param target the real VMM that was searched; the model when left out.
   */
  findingFile(
    { invariant, cause, place }: Fingerprint & { readonly place: Place },
    { revision, target }: { readonly revision: string; readonly target?: string | undefined },
  ): string {
    const searched = target === undefined ? revision : fileName(target);
    return join(FINDINGS, searched, invariant, `${cause}@${place}.json`);
  }

  /**
   * Stores a finding, unless the folder has a better form of it.
   *
   * @returns the file, relative to the folder.
   * @throws InvalidInput when the file cannot be written, or the file in its place cannot be read.
   */
  saveFinding(finding: StoredFinding): string {
    const { place, regression } = finding;
    const { invariant, cause, scenario, observed } = regression;
    const { revision } = scenario;
    const { target } = observed;
    const file = this.findingFile({ invariant: invariant!, cause: cause!, place }, { revision, target });
    const before = this.#readIfThere(file, decodeRegression);
    if (before === undefined || byPreference(finding, { place, regression: before }) < 0) {
      writeAtomically(join(this.directory, file), formatRegression(regression));
    }
    return file;
  }

  /**
   * All findings, sorted by file.
   *
   * @throws InvalidInput with every problem of every file.
   */
  findings(): readonly (StoredFinding & { readonly file: string })[] {
    return this.#readAll(FINDINGS, (value, file) => ({
      file,
      place: placeIn(file),
      regression: decodeRegression(value),
    }));
  }

  /** How far a shard of a campaign has come. @throws InvalidInput when the file cannot be read. */
  stateOf(plan: Pick<CampaignState, 'command' | 'revision' | 'target' | 'shard'>): CampaignState {
    return this.#readIfThere(stateFile(plan), decodeState) ?? notBegun(plan);
  }

  /** Stores how far a shard has come, unless it has come further. @throws InvalidInput as `saveFinding`. */
  saveState(state: CampaignState): void {
    const file = stateFile(state);
    const before = this.#readIfThere(file, decodeState);
    if (before === undefined || furtherOf(before, state) !== before) {
      writeAtomically(join(this.directory, file), formatState(state));
    }
  }

  /** The states of all shards and campaigns, sorted by file. @throws InvalidInput with every problem of every file. */
  states(): readonly CampaignState[] {
    return this.#readAll(STATES, decodeState);
  }

  /** Stores a scenario under a name made of its text: the same scenario is stored once. */
  saveScenario(scenario: Scenario): void {
    const encoded = encodeScenario(scenario);
    const file = join(SCENARIOS, `${digestOf(toJsonLine(encoded))}.json`);
    const before = this.#readIfThere(file, decodeScenario);
    if (before === undefined) writeAtomically(join(this.directory, file), toJsonText(encoded));
  }

  /** The stored scenarios, sorted by file. @throws InvalidInput with every problem of every file. */
  scenarios(): readonly Scenario[] {
    return this.#readAll(SCENARIOS, decodeScenario);
  }

  /** Adds what another folder holds. @throws InvalidInput when a file of either folder cannot be read or written. */
  add(other: CampaignFolder): void {
    for (const finding of other.findings()) this.saveFinding(finding);
    for (const state of other.states()) this.saveState(state);
    for (const scenario of other.scenarios()) this.saveScenario(scenario);
  }

  #readAll<T>(part: string, decode: (value: unknown, file: string) => T): readonly T[] {
    const problems: Problem[] = [];
    const read = filesBelow(join(this.directory, part)).flatMap((name) => {
      const file = join(part, name);
      try {
        return [decode(this.#read(file), file)];
      } catch (error) {
        if (!(error instanceof InvalidInput)) throw error;
        problems.push(...error.within(join(this.directory, file)).problems);
        return [];
      }
    });
    if (problems.length > 0) throw new InvalidInput(problems);
    return read;
  }

  #readIfThere<T>(file: string, decode: (value: unknown) => T): T | undefined {
    if (!existsSync(join(this.directory, file))) return undefined;
    try {
      return decode(this.#read(file));
    } catch (error) {
      throw error instanceof InvalidInput ? error.within(join(this.directory, file)) : error;
    }
  }

  #read(file: string): unknown {
    return parseJson(readRegularFile(join(this.directory, file)));
  }
}

/** A text as the name of a folder: `QEMU 11.1.3 (pc, q35)` becomes `qemu-11.1.3-pc-q35`. */
const fileName = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

const stateFile = (state: Pick<CampaignState, 'command' | 'target' | 'shard'>): string =>
  join(STATES, `${digestOf(stateKey(state))}.json`);

/** @throws InvalidInput for a file whose name ends with no place. */
function placeIn(file: string): Place {
  const name = /@([a-z-]+)\.json$/.exec(file)?.[1];
  const place = PLACES.find((one) => one === name);
  if (place !== undefined) return place;
  throw new InvalidInput([
    { path: '', message: `expected a name that ends with @ and one of ${PLACES.join(', ')}` },
  ]);
}

/** The JSON files below a folder, sorted; none where there is no such folder. */
function filesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json'))
      .toSorted();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    throw new InvalidInput([{ path: folder, message: `this is not a folder of campaigns (${code})` }]);
  }
}
