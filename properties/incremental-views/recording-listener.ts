import type { AddressSpace, FlatRange, MemoryListener } from '../../src/memory/index.ts';
import { same, text, type Ranges } from './view.ts';

/** One call of a listener. */
export interface Notification {
  readonly what: 'add' | 'del' | 'nop';
  readonly range: FlatRange;
}

/** A listener that records its notifications, and throws at one that contradicts the others. */
export class RecordingListener implements MemoryListener {
  readonly name: string;
  readonly priority: number;
  readonly space: AddressSpace;
  readonly regionNop?: (range: FlatRange) => void;
  /** The ranges that were added to the listener and not removed since. */
  held: FlatRange[] = [];
  /** The notifications between the last begin and commit. */
  notifications: Notification[] = [];
  /** The number of pairs of begin and commit. */
  rounds = 0;
  #open = false;

  constructor(name: string, space: AddressSpace, priority: number, nop: boolean) {
    this.name = name;
    this.space = space;
    this.priority = priority;
    if (nop) this.regionNop = (range) => this.#record('nop', range);
  }

  begin(): void {
    if (this.#open) throw new Error(`${this.name}: begin without commit`);
    this.#open = true;
    this.notifications = [];
  }

  commit(): void {
    if (!this.#open) throw new Error(`${this.name}: commit without begin`);
    this.#open = false;
    this.rounds++;
  }

  regionAdd(range: FlatRange): void {
    this.#record('add', range);
    const overlapped = this.held.find(({ start, end }) => start < range.end && range.start < end);
    if (overlapped !== undefined)
      throw new Error(`${this.name}: add ${text(range)} over ${text(overlapped)}`);
    this.held.push(range);
  }

  regionDel(range: FlatRange): void {
    this.#record('del', range);
    const index = this.held.findIndex((one) => same(one, range));
    if (index === -1) throw new Error(`${this.name}: del ${text(range)}, which was never added`);
    this.held.splice(index, 1);
  }

  #record(what: Notification['what'], range: FlatRange): void {
    if (!this.#open) throw new Error(`${this.name}: ${what} outside begin and commit`);
    this.notifications.push({ what, range });
  }

  get sorted(): Ranges {
    return this.held.toSorted((a, b) => (a.start < b.start ? -1 : 1));
  }

  checkClosed(): void {
    if (this.#open) throw new Error(`${this.name}: begin without commit`);
  }

  ranges(...what: readonly Notification['what'][]): Ranges {
    return this.notifications.filter((one) => what.includes(one.what)).map(({ range }) => range);
  }
}
