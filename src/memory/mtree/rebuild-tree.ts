import { END_OF_SPACE, low64, offset, type Size } from '../../address/index.ts';
import { MemoryRegion, type RegionOptions } from '../memory-region.ts';
import { MemoryTopology } from '../memory-topology.ts';
import type { MtreeForm } from './mtree-form.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import { assignTargets, type Resolution } from './rebuild-aliases.ts';
import { identifyTrees } from './rebuild-identity.ts';
import type { MtreeType } from './region-type.ts';
import { HIDDEN_NAME, HIGHEST_PRIORITY } from './tree-placement.ts';

/** What the caller knows and the text does not say. */
export interface RebuildOptions {
  /**
   * The form that the text has. Without it, spaces count as grouped by root when some heading stands
   * for several of them, and regions outside any container as `container` when some line says so.
   */
  readonly form?: MtreeForm;
  /**
   * Whether disabled regions have lines, as {@link parseTree} can be told. Without it, so it is if any
   * line stands for one.
   */
  readonly disabledShown?: boolean;
  /**
   * Whether a region printed as `i/o` or `container` takes the accesses that its subregions leave,
   * or lets them through. Where it does not say, a region terminates if nothing lies below it: an address space
   * of an empty container would show nothing. Where disabled regions have no line, something may lie
   * below it after all (a closed window, the alias of a bus master), so roots then count as containers.
   */
  readonly terminates?: (region: MtreeRegion) => boolean | undefined;
  /**
   * The siblings of one priority in rendering order, the topmost first, given in the order of the
   * text: that is the rendering order only among those with the same address (memory facts 1.5, 8.6).
   * Without it, the one that starts later is on top: it would hardly have been put where another
   * one hides it.
   */
  readonly siblingOrder?: (siblings: readonly MtreeRegion[]) => readonly MtreeRegion[];
}

/** What a text stands for. */
export interface RebuiltTree {
  /** Holds the address spaces, in the order of the text. */
  readonly topology: MemoryTopology;
  /** The regions of the `memory-region:` sections, in the order of the text. */
  readonly sections: readonly MemoryRegion[];
  /** The region that a line stands for; lines in several trees may stand for the same one. */
  readonly regionOf: (line: MtreeRegion) => MemoryRegion;
  /** The line that stands for a region, the one that the options were asked about; nothing for what was made up. */
  readonly lineOf: (region: MemoryRegion) => MtreeRegion | undefined;
}

/**
 * Builds the region trees that a text of `info mtree` shows; printed in the form of the text they
 * give the same text again, if it was complete.
 *
 * The text leaves open, besides what the options settle:
 * - **Which lines are the same region.** A tree that is found again, line for line, inside a larger
 *   one is that part of it; a section is also the address space whose tree it repeats. Equal trees
 *   of address spaces are one root, unless the text groups spaces by their root.
 * - **Which region an alias shows**, where several have the name: see {@link assignTargets}. What is
 *   not in the text at all is made up, large enough for its aliases.
 * - **Size 0 or 1**: an alias is taken to be empty (a closed window of a bridge), any other region
 *   to have one byte.
 * - **Priority and type of a root that lies in a container which is not printed**: it is put into one
 *   called `(hidden)`.
 */
export function rebuildTree(text: MtreeText, options: RebuildOptions = {}): RebuiltTree {
  const grouped = options.form
    ? options.form.grouping === 'root'
    : text.addressSpaces.some(({ names }) => names.length > 1);
  const identity = identifyTrees(text, !grouped);
  const trees = [...text.addressSpaces, ...text.sections];
  const disabledShown = options.disabledShown ?? trees.some(({ root }) => showsDisabled(root));
  const resolution = assignTargets(text, identity, disabledShown);
  const builder = new RegionBuilder(text, options, resolution, disabledShown);
  const regionOf = (line: MtreeRegion): MemoryRegion => builder.region(identity.canonical(line));
  builder.build(identity.trees);
  for (const { names, root } of text.addressSpaces) {
    for (const name of names) builder.topology.createAddressSpace(name, regionOf(root));
  }
  return {
    topology: builder.topology,
    sections: text.sections.map(({ root }) => regionOf(root)),
    regionOf,
    lineOf: (region) => builder.line(region),
  };
}

class RegionBuilder {
  readonly topology = new MemoryTopology();
  readonly #options: RebuildOptions;
  readonly #resolution: Resolution;
  readonly #spaceRoots: ReadonlySet<MtreeRegion>;
  readonly #disabledShown: boolean;
  readonly #containerIsType: boolean;
  readonly #regions = new Map<MtreeRegion, MemoryRegion>();
  readonly #lines = new Map<MemoryRegion, MtreeRegion>();
  readonly #substitutes = new Map<string, MemoryRegion>();

  constructor(text: MtreeText, options: RebuildOptions, resolution: Resolution, disabledShown: boolean) {
    this.#options = options;
    this.#resolution = resolution;
    this.#spaceRoots = new Set(text.addressSpaces.map(({ root }) => root));
    this.#disabledShown = disabledShown;
    this.#containerIsType = options.form
      ? options.form.containerless === 'container'
      : [...text.addressSpaces, ...text.sections].some(({ root }) => mentionsContainer(root));
  }

  /** Makes the trees, each of them once. */
  build(trees: readonly MtreeRegion[]): void {
    this.topology.begin();
    for (const tree of trees) {
      this.#fill(tree);
      this.#placeRoot(tree);
    }
    this.topology.commit();
  }

  /** The region of `line`; it and what it shows are made where they do not exist. */
  region(line: MtreeRegion): MemoryRegion {
    const known = this.#regions.get(line);
    if (known !== undefined) return known;
    const made = this.#make(line);
    this.#regions.set(line, made);
    this.#lines.set(made, line);
    this.topology.setEnabled(made, !line.disabled);
    return made;
  }

  /** The line that a region was made for. */
  line(region: MemoryRegion): MtreeRegion | undefined {
    return this.#lines.get(region);
  }

  #make(line: MtreeRegion): MemoryRegion {
    const { name, start, end, alias } = line;
    const options: RegionOptions = {
      nonvolatile: line.nonvolatile,
      ...(line.owner === undefined ? {} : { owner: line.owner }),
    };
    if (alias !== undefined) {
      const target = this.#resolution.targets.get(line);
      const shown = target === undefined ? this.#substitute(alias.target) : this.region(target);
      return MemoryRegion.alias(name, shown, alias.start, start === end ? 0n : sizeOf(start, end), options);
    }
    const type = this.#typeOf(line);
    return regionOfType(type, name, sizeOf(start, end), this.#terminates(line, type), options);
  }

  #typeOf(line: MtreeRegion): MtreeType {
    return this.#resolution.hiddenTypes.get(line) ?? line.type;
  }

  #terminates(line: MtreeRegion, type: MtreeType): boolean {
    if (line.hidden || (type !== 'i/o' && type !== 'container')) return false;
    const known = this.#options.terminates?.(line);
    if (known !== undefined) return known;
    if (line.children.length > 0) return false;
    return this.#disabledShown
      ? type === 'i/o' || this.#spaceRoots.has(line)
      : type === 'i/o' && !this.#spaceRoots.has(line);
  }

  /** What stands for a region that aliases name and the text does not show. */
  #substitute(name: string): MemoryRegion {
    const known = this.#substitutes.get(name);
    if (known !== undefined) return known;
    const { size, type } = this.#resolution.missing.get(name)!;
    const substitute = regionOfType(type, name, size, type === 'i/o', {});
    this.#substitutes.set(name, substitute);
    return substitute;
  }

  /** Puts into the region of `line` what is below it. */
  #fill(line: MtreeRegion): void {
    const region = this.region(line);
    const { siblingOrder = laterOnTop } = this.#options;
    const groups = new Map<number, MtreeRegion[]>();
    for (const child of line.children) {
      const group = groups.get(child.priority);
      if (group === undefined) groups.set(child.priority, [child]);
      else group.push(child);
    }
    for (const siblings of groups.values()) {
      // The one added last is the topmost (memory fact 1.5).
      for (const child of siblingOrder(siblings).toReversed()) {
        const address = offset(low64(child.start - line.start));
        this.topology.addSubregion(region, this.region(child), address, child.priority);
      }
    }
    for (const target of (this.#resolution.hidden.get(line) ?? []).toReversed()) {
      // Empty and disabled, it changes nothing but what `info mtree` has a section for; and at this
      // place it is met right behind `line`.
      const alias = MemoryRegion.alias(HIDDEN_NAME, this.region(target), offset(0n), 0n);
      this.topology.setEnabled(alias, false);
      this.topology.addSubregion(region, alias, offset(0n), HIGHEST_PRIORITY);
    }
    for (const child of line.children) this.#fill(child);
  }

  /** Gives a root its address and priority, and a container if it has one. */
  #placeRoot(line: MtreeRegion): void {
    const region = this.region(line);
    const address = offset(line.start);
    const type = this.#typeOf(line);
    const contained = this.#containerIsType && type === 'i/o' && line.alias === undefined;
    if (!contained && line.priority === 0) {
      this.topology.setAddress(region, address);
      return;
    }
    const holder = MemoryRegion.container(HIDDEN_NAME, END_OF_SPACE);
    this.topology.addSubregion(holder, region, address, line.priority);
    // What was taken out of its container keeps its priority.
    if (type === 'container') this.topology.removeSubregion(region);
  }
}

const mentionsContainer = (line: MtreeRegion): boolean =>
  line.type === 'container' || line.children.some(mentionsContainer);

const showsDisabled = (line: MtreeRegion): boolean =>
  (line.disabled && line.hidden !== true) || line.children.some(showsDisabled);

const sizeOf = (start: bigint, end: bigint): bigint => low64(end - start) + 1n;

/** The siblings of one priority, the one that starts last on top; in the order of the text where they start together. */
export const laterOnTop = (siblings: readonly MtreeRegion[]): readonly MtreeRegion[] =>
  siblings.toSorted((a, b) => (a.start > b.start ? -1 : a.start < b.start ? 1 : 0));

function regionOfType(
  type: MtreeType,
  name: string,
  size: Size,
  terminates: boolean,
  options: RegionOptions,
): MemoryRegion {
  switch (type) {
    case 'ram':
      return MemoryRegion.ram(name, size, options);
    case 'rom':
      return MemoryRegion.rom(name, size, options);
    case 'ramd':
      return MemoryRegion.ramDevice(name, size, options);
    case 'romd':
      return MemoryRegion.romDevice(name, size, options);
    default:
      return terminates ? MemoryRegion.io(name, size, options) : MemoryRegion.container(name, size, options);
  }
}
