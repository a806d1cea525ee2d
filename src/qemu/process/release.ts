/** From this third number on a version is of the development of the next release (QEMU's file VERSION). */
const FIRST_OF_DEVELOPMENT = 50;

/** The last minor number of the majors that had another number of releases than three. */
const LAST_MINOR: Readonly<Record<number, number>> = { 0: 15, 1: 7, 2: 12, 3: 1 };
/** Since 4.0 a major has the releases .0, .1 and .2, one in four months. */
const LAST_MINOR_SINCE_4 = 2;

/**
 * The release that a version belongs to. Development goes on with 50 as its third number and its release candidates with 90:
 * both belong to the release that they lead to.
 *
 * @param version of a QEMU, such as `7.2.22` or `10.0.94`.
 * @returns such as `7.2` or `10.1`.
 */
export function releaseOf(version: string): string {
  const [major = 0, minor = 0, third = 0] = version.split('.').map(Number);
  if (third < FIRST_OF_DEVELOPMENT) return `${major}.${minor}`;
  return minor < (LAST_MINOR[major] ?? LAST_MINOR_SINCE_4) ? `${major}.${minor + 1}` : `${major + 1}.0`;
}

/**
 * Whether a QEMU is older than a release.
 *
 * @param version of the QEMU, such as `7.2.22`. One of development counts as the release that it leads to.
 * @param release such as `10.1`.
 */
export function isReleaseBefore(version: string, release: string): boolean {
  const [major, minor] = numbersOf(releaseOf(version));
  const [otherMajor, otherMinor] = numbersOf(release);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

const numbersOf = (release: string): readonly [major: number, minor: number] => {
  const [major = 0, minor = 0] = release.split('.').map(Number);
  return [major, minor];
};
