/**
 * How the text of `info mtree` differs between releases of QEMU. The printers read these fields and never
 * compare versions (memory facts 8.2 to 8.10).
 */
export interface MtreeForm {
  /** The first release that prints this form, such as `5.1`. */
  readonly since: string;
  /**
   * Whether a disabled region always has a line, or only with the option `-D` (memory fact 8.5).
   */
  readonly disabledRegions: 'always' | 'on-request';
  /**
   * Where `[DETECTED OVERFLOW!] ` stands. With `before-indent` QEMU also prints the marker of a region that
   * has no line (memory fact 8.4).
   */
  readonly overflowMarker: 'after-indent' | 'before-indent';
  /**
   * The type of an alias: its own, which is `i/o`, or that of its target (memory fact 8.3).
   */
  readonly aliasType: 'own' | 'target';
  /**
   * Whether each address space has a tree of its own, or spaces with the same root share one tree under
   * all their names (memory fact 8.8).
   */
  readonly grouping: 'none' | 'root';
  /** The type of a region that is neither RAM nor ROM and lies in no container (memory fact 8.3). */
  readonly containerless: 'i/o' | 'container';
  /** Whether `nv-` stands before the type of persistent memory (memory fact 8.4). */
  readonly nonvolatile: boolean;
  /**
   * The word behind a flat range for which KVM has a memslot; `undefined` if QEMU prints none
   * (memory fact 8.9).
   */
  readonly accelerator: string | undefined;
}

/** QEMU 2.11, the first release that prints `FlatView #N`, to 3.0. */
export const form2_11: MtreeForm = {
  since: '2.11',
  disabledRegions: 'always',
  overflowMarker: 'after-indent',
  aliasType: 'own',
  grouping: 'none',
  containerless: 'i/o',
  nonvolatile: false,
  accelerator: undefined,
};

/** QEMU 3.1 and 4.0: `nv-` marks persistent memory. */
export const form3_1: MtreeForm = { ...form2_11, since: '3.1', nonvolatile: true };

/** QEMU 4.1 and 4.2: `-f` names the accelerator by the argument of `-accel`. */
export const form4_1: MtreeForm = { ...form3_1, since: '4.1', accelerator: 'kvm' };

/** QEMU 5.0: an alias has the type of its target, and the accelerator is called `KVM`. */
export const form5_0: MtreeForm = { ...form4_1, since: '5.0', aliasType: 'target', accelerator: 'KVM' };

/** QEMU 5.1 to 6.2: disabled regions have lines only with `-D`, and the overflow marker begins the line. */
export const form5_1: MtreeForm = {
  ...form5_0,
  since: '5.1',
  disabledRegions: 'on-request',
  overflowMarker: 'before-indent',
};

/** QEMU 7.0 to 9.2: address spaces with the same root share one tree. */
export const form7_0: MtreeForm = { ...form5_1, since: '7.0', grouping: 'root' };

/** QEMU 10.0 to 10.2: the same as 7.0. */
export const form10: MtreeForm = { ...form7_0, since: '10.0' };

/** QEMU 11: a region that would be `i/o` but lies in no container is a `container`. */
export const form11: MtreeForm = { ...form10, since: '11.0', containerless: 'container' };

/** All forms, oldest first. */
export const mtreeForms: readonly MtreeForm[] = [
  form2_11,
  form3_1,
  form4_1,
  form5_0,
  form5_1,
  form7_0,
  form10,
  form11,
];

/**
 * The form that a release of QEMU prints.
 *
 * @param version such as `11.1.3`; a release newer than all forms prints the newest one.
 * @throws RangeError for a release before 2.11, whose `info mtree -f` has another form (memory fact 8.10).
 */
export function mtreeFormOf(version: string): MtreeForm {
  const form = mtreeForms.findLast(({ since }) => !isBefore(version, since));
  if (form === undefined) throw new RangeError(`QEMU ${version} is older than ${form2_11.since}`);
  return form;
}

function isBefore(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split('.').map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}
