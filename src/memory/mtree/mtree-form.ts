/**
 * What differs between the releases of QEMU in the text of `info mtree`, as data: the printers read
 * these fields and never ask for a version (memory facts 8.2 to 8.10).
 */
export interface MtreeForm {
  /** The first release that prints this form; for messages only. */
  readonly since: string;
  /**
   * Whether a disabled region has its line always, or only when it is asked for with `-D` (memory fact 8.5).
   */
  readonly disabledRegions: 'always' | 'on-request';
  /**
   * Where `[DETECTED OVERFLOW!] ` stands; `before-indent` also prints it for regions without a line
   * (memory fact 8.4).
   */
  readonly overflowMarker: 'after-indent' | 'before-indent';
  /**
   * Whether an alias is printed with a type of its own, which is `i/o`, or with that of its target
   * (memory fact 8.3).
   */
  readonly aliasType: 'own' | 'target';
  /**
   * What address spaces with the same root share: nothing, or one tree under all their names
   * (memory fact 8.8).
   */
  readonly grouping: 'none' | 'root';
  /** What a region that is neither RAM nor ROM and lies in no container is called (memory fact 8.3). */
  readonly containerless: 'i/o' | 'container';
  /** Whether persistent memory is told apart by `nv-` (memory fact 8.4). */
  readonly nonvolatile: boolean;
  /**
   * The word behind a flat range for which KVM has a memslot; nothing where it is not printed
   * (memory fact 8.9).
   */
  readonly accelerator: string | undefined;
}

/** QEMU 2.11, the first with `FlatView #n`, to 3.0. */
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

/** QEMU 3.1 and 4.0: persistent memory is marked. */
export const form3_1: MtreeForm = { ...form2_11, since: '3.1', nonvolatile: true };

/** QEMU 4.1 and 4.2: `-f` names the accelerator, by the word given to `-accel`. */
export const form4_1: MtreeForm = { ...form3_1, since: '4.1', accelerator: 'kvm' };

/** QEMU 5.0: an alias has the type of what it shows, and the accelerator is called by its title. */
export const form5_0: MtreeForm = { ...form4_1, since: '5.0', aliasType: 'target', accelerator: 'KVM' };

/** QEMU 5.1 to 6.2: disabled regions only with `-D`, and the overflow marker at the start of the line. */
export const form5_1: MtreeForm = {
  ...form5_0,
  since: '5.1',
  disabledRegions: 'on-request',
  overflowMarker: 'before-indent',
};

/** QEMU 7.0 to 9.2: address spaces are grouped by root. */
export const form7_0: MtreeForm = { ...form5_1, since: '7.0', grouping: 'root' };

/** QEMU 10.0 to 10.2: as 7.0. */
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
 * @param version such as `11.1.3`.
 * @throws RangeError for releases before 2.11, whose `info mtree -f` is another one (memory fact 8.10).
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
