import { END_OF_SPACE, low64, type Size } from '../../address/index.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import type { TreeIdentity } from './rebuild-identity.ts';
import type { MtreeType } from './region-type.ts';

/** A region that aliases show and the text does not contain. */
export interface MissingRegion {
  /** Enough for all its aliases. */
  readonly size: Size;
  readonly type: MtreeType;
}

/** What the aliases of a text show; every line in it is canonical. */
export interface Resolution {
  /** By alias; one that is not in it shows something missing. */
  readonly targets: ReadonlyMap<MtreeRegion, MtreeRegion>;
  /** By name. */
  readonly missing: ReadonlyMap<string, MissingRegion>;
  /**
   * Sections that are there because of disabled aliases without a line (memory fact 8.7): their roots, by
   * the line behind which these aliases were met.
   */
  readonly hidden: ReadonlyMap<MtreeRegion, readonly MtreeRegion[]>;
  /** The types of regions without a line, where an alias of theirs tells. */
  readonly hiddenTypes: ReadonlyMap<MtreeRegion, MtreeType>;
}

/**
 * Finds out which regions the aliases show, of which the text gives only names.
 *
 * QEMU prints a section for every region that an alias shows, in the order in which it meets them
 * (memory fact 8.7). So an alias shows either a section that an earlier alias has shown, or the first one
 * that none has; sections skipped belong to aliases without a line. Where several of these have the
 * name, the order of preference is: the type is that of the alias (from 5.0 on they agree, memory
 * fact 8.3); something lies in the part that the alias shows; the section was not shown before.
 *
 * In an excerpt without the section, a region of that name elsewhere is taken, and what cannot be
 * found at all counts as missing. So does what would be shown inside itself without an end; with an
 * end it is real: some machines show a part of a container at another place of the same container.
 */
export function assignTargets(text: MtreeText, identity: TreeIdentity, disabledShown: boolean): Resolution {
  const resolver = new AliasResolver(text, identity, disabledShown);
  return resolver.resolve();
}

/** No machine comes near; QEMU itself would run out of stack a little later. */
const DEEPEST_ALIAS = 64;
const MOST_ALIASES_PASSED = 2_000;

class AliasResolver {
  readonly #text: MtreeText;
  readonly #identity: TreeIdentity;
  /** The roots of the sections, in the order of the text. */
  readonly #roots: readonly MtreeRegion[];
  readonly #sectionsByName = new Map<string, number[]>();
  readonly #linesByName = new Map<string, MtreeRegion[]>();
  readonly #shown = new Set<number>();
  /** The first section that no alias has shown yet. */
  #next = 0;
  /** Whether aliases have the types of what they show. */
  #typed = false;
  /** Whether disabled regions have lines, so that there are no hidden aliases. */
  readonly #disabledShown: boolean;
  readonly #targets = new Map<MtreeRegion, MtreeRegion>();
  readonly #missing = new Map<string, MissingRegion>();
  readonly #hidden = new Map<MtreeRegion, MtreeRegion[]>();
  readonly #hiddenTypes = new Map<MtreeRegion, MtreeType>();
  /** Where hidden aliases can have been met: behind the last alias that showed something new. */
  #host: MtreeRegion | undefined;

  constructor(text: MtreeText, identity: TreeIdentity, disabledShown: boolean) {
    this.#text = text;
    this.#disabledShown = disabledShown;
    this.#identity = identity;
    this.#roots = text.sections.map(({ root }) => identity.canonical(root));
    text.sections.forEach(({ name }, index) => push(this.#sectionsByName, name, index));
    const note = (line: MtreeRegion): void => {
      push(this.#linesByName, line.name, identity.canonical(line));
      if (line.alias !== undefined && line.type !== 'i/o') this.#typed = true;
    };
    for (const { root } of [...text.addressSpaces, ...text.sections]) eachLine(root, note);
    const [first] = text.addressSpaces;
    this.#host = first && identity.canonical(first.root);
  }

  resolve(): Resolution {
    const aliases = new Set<MtreeRegion>();
    const visit = (line: MtreeRegion): void => {
      const alias = this.#identity.canonical(line);
      if (alias.alias === undefined || aliases.has(alias)) return;
      aliases.add(alias);
      this.#assign(alias, alias.alias.target);
    };
    for (const { root } of this.#text.addressSpaces) eachLine(root, visit);
    this.#text.sections.forEach(({ root }, section) => {
      // What comes in its turn was met before.
      this.#explainSections(section + 1);
      eachLine(root, visit);
    });
    while (this.#cutCycles());
    for (const alias of aliases) if (!this.#targets.has(alias)) this.#miss(alias);
    return {
      targets: this.#targets,
      missing: this.#missing,
      hidden: this.#hidden,
      hiddenTypes: this.#hiddenTypes,
    };
  }

  #assign(alias: MtreeRegion, name: string): void {
    const section = this.#chooseSection(alias, this.#sectionsByName.get(name) ?? []);
    if (section === undefined) {
      const others = (this.#linesByName.get(name) ?? []).filter((line) => line !== alias);
      const target = others.find((line) => line.alias === undefined) ?? others[0];
      if (target !== undefined) this.#targets.set(alias, target);
      return;
    }
    const root = this.#roots[section]!;
    this.#targets.set(alias, root);
    if (root.hidden && this.#typed) this.#hiddenTypes.set(root, alias.type);
    if (this.#shown.has(section)) return;
    this.#explainSections(section);
    this.#show(section);
    this.#host = alias;
  }

  #chooseSection(alias: MtreeRegion, named: readonly number[]): number | undefined {
    const others = named.filter((section) => this.#roots[section] !== alias);
    const typed = this.#typed ? others.filter((section) => this.#typeFits(alias, section)) : others;
    const candidates = typed.length > 0 ? typed : others;
    const likely = candidates.filter((section) => section === this.#next || this.#shown.has(section));
    const filled = likely.filter((section) => this.#showsSomething(alias, section));
    const best = filled.length > 0 ? filled : likely;
    return best.find((section) => section === this.#next) ?? best[0] ?? candidates[0];
  }

  #typeFits(alias: MtreeRegion, section: number): boolean {
    const root = this.#roots[section]!;
    return root.hidden === true || root.type === alias.type;
  }

  #showsSomething({ alias }: MtreeRegion, section: number): boolean {
    const root = this.#roots[section]!;
    return root.children.some(
      ({ start, end }) => start - root.start <= alias!.end && alias!.start <= end - root.start,
    );
  }

  #show(section: number): void {
    this.#shown.add(section);
    while (this.#shown.has(this.#next)) this.#next++;
  }

  /**
   * Gives every section before `end` that nothing has shown yet a hidden alias. Where that is done,
   * what was shown has no gaps.
   */
  #explainSections(end: number): void {
    if (this.#disabledShown || this.#host === undefined) return;
    for (let section = this.#next; section < end; section++) {
      push(this.#hidden, this.#host, this.#roots[section]!);
      this.#show(section);
    }
  }

  /** Takes their targets from aliases that would show themselves for ever. Returns whether there were any. */
  #cutCycles(): boolean {
    const open = new Set<MtreeRegion>();
    const closed = new Set<MtreeRegion>();
    const aliases: MtreeRegion[] = [];
    let found = false;
    const visit = (line: MtreeRegion): void => {
      if (closed.has(line)) return;
      if (open.has(line)) {
        // An alias of an alias of itself has no type, wherever it ends.
        if (line.alias === undefined && this.#renderingEnds(line)) return;
        // Containers alone form no cycle, so the alias passed last is part of it.
        this.#targets.delete(aliases.at(-1)!);
        found = true;
        return;
      }
      open.add(line);
      const target = this.#targets.get(line);
      if (target !== undefined) {
        aliases.push(line);
        visit(target);
        aliases.pop();
      }
      line.children.forEach(visit);
      open.delete(line);
      closed.add(line);
    };
    this.#identity.trees.forEach(visit);
    return found;
  }

  /**
   * Whether rendering what lies below `root` comes to an end: where a region is shown inside itself,
   * it is shifted, and what is left of the window shrinks to nothing. Asked of all regions as if they
   * were enabled.
   */
  #renderingEnds(root: MtreeRegion): boolean {
    let left = MOST_ALIASES_PASSED;
    const visit = (line: MtreeRegion, shift: bigint, from: bigint, to: bigint, depth: number): boolean => {
      const start = line.start + shift;
      const end = start + low64(line.end - line.start) + 1n;
      const clipFrom = start > from ? start : from;
      const clipTo = end < to ? end : to;
      if (clipFrom >= clipTo) return true;
      if (line.alias === undefined) {
        return line.children.every((child) => visit(child, shift, clipFrom, clipTo, depth));
      }
      const target = this.#targets.get(line);
      if (target === undefined) return true;
      if (depth === DEEPEST_ALIAS || left-- === 0) return false;
      return visit(target, start - line.alias.start - target.start, clipFrom, clipTo, depth + 1);
    };
    return visit(root, 0n, 0n, END_OF_SPACE, 0);
  }

  #miss({ alias, type }: MtreeRegion): void {
    const { target, start, end } = alias!;
    const size = end < start ? END_OF_SPACE : end + 1n;
    const known = this.#missing.get(target);
    this.#missing.set(target, {
      size: known !== undefined && known.size > size ? known.size : size,
      type: known?.type ?? type,
    });
  }
}

function eachLine(line: MtreeRegion, visit: (line: MtreeRegion) => void): void {
  visit(line);
  for (const child of line.children) eachLine(child, visit);
}

function push<K, V>(lists: Map<K, V[]>, key: K, value: V): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}
