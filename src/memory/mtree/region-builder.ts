import { END_OF_SPACE, low64, offset } from '../../address/index.ts';
import { MemoryRegion, type RegionOptions } from '../memory-region.ts';
import { MemoryTopology } from '../memory-topology.ts';
import { HIDDEN_NAME, HIGHEST_PRIORITY } from './hidden-region.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import type { Resolution } from './rebuild-aliases.ts';
import { laterOnTop, type RebuildOptions } from './rebuild-options.ts';
import { regionOfType } from './region-of-type.ts';
import type { MtreeType } from './region-type.ts';

/** Makes the regions that the lines of a text stand for, and their trees. */
export class RegionBuilder {
  readonly topology = new MemoryTopology();
  readonly #options: RebuildOptions;
  readonly #resolution: Resolution;
  readonly #spaceRoots: ReadonlySet<MtreeRegion>;
  readonly #disabledShown: boolean;
  /** Whether a root with the type `i/o` lies in a container, because otherwise its type were `container`. */
  readonly #containerIsType: boolean;
  readonly #regions = new Map<MtreeRegion, MemoryRegion>();
  readonly #lines = new Map<MemoryRegion, MtreeRegion>();
  /** The regions made for missing targets, by name. */
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

  /** Makes the trees with these roots. */
  build(trees: readonly MtreeRegion[]): void {
    this.topology.begin();
    for (const tree of trees) {
      this.#fill(tree);
      this.#placeRoot(tree);
    }
    this.topology.commit();
  }

  /** The region of `line`; the first call makes the region and the targets of its aliases. */
  region(line: MtreeRegion): MemoryRegion {
    const known = this.#regions.get(line);
    if (known !== undefined) return known;
    const made = this.#make(line);
    this.#regions.set(line, made);
    this.#lines.set(made, line);
    this.topology.setEnabled(made, !line.disabled);
    return made;
  }

  /** The line that a region was made for; `undefined` for a region that the builder invented. */
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
    return regionOfType(answering(type, this.#terminates(line, type)), name, sizeOf(start, end), options);
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

  /** The region that takes the place of a missing target. */
  #substitute(name: string): MemoryRegion {
    const known = this.#substitutes.get(name);
    if (known !== undefined) return known;
    const { size, type } = this.#resolution.missing.get(name)!;
    const substitute = regionOfType(type, name, size);
    this.#substitutes.set(name, substitute);
    return substitute;
  }

  /** Adds the regions below `line` to the region of `line`. */
  #fill(line: MtreeRegion): void {
    const region = this.region(line);
    const { siblingOrder = laterOnTop } = this.#options;
    const groups = new Map<number, MtreeRegion[]>();
    for (const child of line.children) {
      const group = groups.get(child.priority);
      if (group === undefined) groups.set(child.priority, [child]);
      else group.push(child);
    }
    const topmostFirst = [...groups.values()].flatMap((siblings) => siblingOrder(siblings));
    this.topology.addSubregions(
      region,
      topmostFirst.map((child) => ({
        region: this.region(child),
        address: offset(low64(child.start - line.start)),
        priority: child.priority,
      })),
    );
    for (const target of (this.#resolution.hidden.get(line) ?? []).toReversed()) {
      // An empty disabled alias has no effect but a section for its target. QEMU meets it right behind `line`.
      const alias = MemoryRegion.alias(HIDDEN_NAME, this.region(target), offset(0n), 0n);
      this.topology.setEnabled(alias, false);
      this.topology.addSubregion(region, alias, offset(0n), HIGHEST_PRIORITY);
    }
    for (const child of line.children) this.#fill(child);
  }

  /** Gives a root its address and priority, and a container if the root's type in the text says that it lies in one. */
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
    // A region removed from its container keeps its priority, and is printed as `container`.
    if (type === 'container') this.topology.removeSubregion(region);
  }
}

const mentionsContainer = (line: MtreeRegion): boolean =>
  line.type === 'container' || line.children.some(mentionsContainer);

const sizeOf = (start: bigint, end: bigint): bigint => low64(end - start) + 1n;

/** The type with `i/o` or `container` as the region answers accesses or not. */
const answering = (type: MtreeType, terminates: boolean): MtreeType =>
  type === 'i/o' || type === 'container' ? (terminates ? 'i/o' : 'container') : type;
