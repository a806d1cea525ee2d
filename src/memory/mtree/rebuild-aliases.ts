import { END_OF_SPACE, type Size } from '../../address/index.ts';
import { cutAliasCycles } from './alias-cycles.ts';
import type { MtreeRegion, MtreeText } from './mtree-region.ts';
import type { TreeIdentity } from './rebuild-identity.ts';
import type { MtreeType } from './region-type.ts';

/** A target that the text does not contain. */
export interface MissingRegion {
  /** In bytes, up to the last byte that an alias shows. */
  readonly size: Size;
  readonly type: MtreeType;
}

/** The targets of the aliases of a text. Each line here is canonical: see {@link TreeIdentity}. */
export interface Resolution {
  /** By the line of the alias. An alias that is not in the map has one of the missing targets. */
  readonly targets: ReadonlyMap<MtreeRegion, MtreeRegion>;
  /** The missing targets by name. */
  readonly missing: ReadonlyMap<string, MissingRegion>;
  /**
   * The roots of sections that QEMU printed because of disabled aliases without a line (memory fact 8.7), by
   * the line behind which QEMU met these aliases.
   */
  readonly hidden: ReadonlyMap<MtreeRegion, readonly MtreeRegion[]>;
  /** The types of regions without a line, as far as the line of an alias gives their type. */
  readonly hiddenTypes: ReadonlyMap<MtreeRegion, MtreeType>;
}

/**
 * Finds the target of each alias; the text gives only the target's name.
 *
 * QEMU prints a section for each region that an alias shows, in the order in which it meets these regions
 * (memory fact 8.7). So the target of an alias is either a section that an earlier alias shows, or the first
 * section that no earlier alias shows. Sections in between belong to aliases without a line. If several
 * candidates have the name, these criteria decide, the first one first:
 *
 * 1. The section has the type of the alias: from 5.0 on the two agree (memory fact 8.3).
 * 2. A region lies in the part that the alias shows.
 * 3. No earlier alias shows the section.
 *
 * If an excerpt does not have the section, the target is a region of that name elsewhere in the text, and
 * otherwise it counts as missing. So does a target by which a region would show itself for ever.
 *
 * @param disabledShown whether disabled regions have lines, so that no alias is without a line.
 */
export function assignTargets(text: MtreeText, identity: TreeIdentity, disabledShown: boolean): Resolution {
  const resolver = new AliasResolver(text, identity, disabledShown);
  return resolver.resolve();
}

class AliasResolver {
  readonly #text: MtreeText;
  readonly #identity: TreeIdentity;
  /** The roots of the sections, in the order of the text. */
  readonly #roots: readonly MtreeRegion[];
  readonly #sectionsByName = new Map<string, number[]>();
  readonly #linesByName = new Map<string, MtreeRegion[]>();
  /** The sections that some alias so far shows. */
  readonly #shown = new Set<number>();
  /** The first section that no alias so far shows. */
  #next = 0;
  /** Whether aliases have the types of their targets. */
  #typed = false;
  readonly #disabledShown: boolean;
  readonly #targets = new Map<MtreeRegion, MtreeRegion>();
  readonly #missing = new Map<string, MissingRegion>();
  readonly #hidden = new Map<MtreeRegion, MtreeRegion[]>();
  readonly #hiddenTypes = new Map<MtreeRegion, MtreeType>();
  /** The line behind which QEMU met hidden aliases: that of the last alias which shows a new section. */
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
      // QEMU met the alias of this section before it printed the section.
      this.#explainSections(section + 1);
      eachLine(root, visit);
    });
    cutAliasCycles(this.#identity.trees, this.#targets);
    for (const alias of aliases) if (!this.#targets.has(alias)) this.#addMissing(alias);
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

  /** Assumes a hidden alias for each section before `end` that no alias so far shows. */
  #explainSections(end: number): void {
    if (this.#disabledShown || this.#host === undefined) return;
    for (let section = this.#next; section < end; section++) {
      push(this.#hidden, this.#host, this.#roots[section]!);
      this.#show(section);
    }
  }

  #addMissing({ alias, type }: MtreeRegion): void {
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
