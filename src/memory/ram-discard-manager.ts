import {
  contains,
  intersection,
  joinRanges,
  overlaps,
  partsOutside,
  type Range,
  type Size,
} from '../address/index.ts';
import type { DiscardRules, DiscardSection } from './discard-rules.ts';

/** Follows which parts of a section are plugged (QEMU's `RamDiscardListener`, memory fact 1.10). */
export interface RamDiscardListener {
  /**
   * A part of the section is about to be plugged.
   *
   * @param part offsets in the region of the section.
   * @returns whether the listener has taken the part in.
   */
  populate(part: Range): boolean;
  /** A part of the section is about to be unplugged; some of the part may be unplugged already. */
  discard(part: Range): void;
}

interface Registration {
  readonly section: DiscardSection;
  readonly listener: RamDiscardListener;
}

const NOTHING: readonly Range[] = [];

/**
 * RAM of which a virtio-mem device plugs and unplugs blocks (QEMU's `RamDiscardManager` of virtio-mem,
 * memory fact 1.10). No block is plugged at first.
 */
export class RamDiscardManager {
  /** Bytes of a block, a power of two. */
  readonly granularity: Size;
  /** The plugged offsets, sorted and with a gap between any two: the same array until a block changes. */
  plugged: readonly Range[] = NOTHING;
  readonly #rules: DiscardRules;
  /** The listener registered last comes first. */
  #registered: readonly Registration[] = [];

  constructor(granularity: Size, rules: DiscardRules) {
    this.granularity = granularity;
    this.#rules = rules;
  }

  /** Registers a listener for a section, and tells it what is plugged. A refusal has no further consequence. */
  register(section: DiscardSection, listener: RamDiscardListener): void {
    this.#registered = [{ section, listener }, ...this.#registered];
    this.replay(section, listener);
  }

  /** Tells a listener what is plugged of a section, up to the first part that it refuses. */
  replay(section: DiscardSection, listener: RamDiscardListener): void {
    const shown = offsetsOf(section);
    for (const plugged of this.#rules.replayed(this.plugged, section)) {
      const part = intersection(plugged, shown);
      if (part !== undefined && !listener.populate(part)) return;
    }
  }

  /** Removes a listener. While any block is plugged, the listener is told to discard its whole section. */
  unregister(listener: RamDiscardListener): void {
    const found = this.#registered.find((registered) => registered.listener === listener);
    if (found === undefined) return;
    if (this.plugged.length > 0 && this.#rules.notifiesDiscard('unregister'))
      listener.discard(offsetsOf(found.section));
    this.#registered = this.#registered.filter((other) => other !== found);
  }

  /** The guest plugs blocks. The device refuses if one of them is plugged, or if a listener refuses. */
  plug(blocks: Range): void {
    if (this.plugged.some((range) => overlaps(range, blocks))) return;
    const told: (() => void)[] = [];
    for (const { section, listener } of this.#registered) {
      const part = intersection(blocks, offsetsOf(section));
      if (part === undefined) continue;
      if (!listener.populate(part) && this.#rules.plugRefusal === 'refused') {
        for (const undo of told) undo();
        return;
      }
      told.push(() => listener.discard(part));
    }
    this.plugged = joinRanges([...this.plugged, blocks]);
  }

  /** The guest unplugs blocks. The device refuses if one of them is not plugged. */
  unplug(blocks: Range): void {
    if (!this.plugged.some((range) => contains(range, blocks))) return;
    if (this.#rules.notifiesDiscard('unplug')) {
      for (const { section, listener } of this.#registered) {
        const part = intersection(blocks, offsetsOf(section));
        if (part !== undefined) listener.discard(part);
      }
    }
    this.plugged = this.plugged.flatMap((range) => partsOutside(range, [blocks]));
  }

  /** Unplugs all blocks, as a reset of the machine does: listeners are told to discard their whole sections. */
  unplugAll(): void {
    if (this.plugged.length === 0) return;
    if (this.#rules.notifiesDiscard('unplug-all')) {
      for (const { section, listener } of this.#registered) listener.discard(offsetsOf(section));
    }
    this.plugged = NOTHING;
  }
}

const offsetsOf = ({ start, end, offset }: DiscardSection): Range => ({
  start: offset,
  end: offset + (end - start),
});
