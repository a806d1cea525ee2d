/**
 * Whether a QEMU is older than a release.
 *
 * @param version of the QEMU, such as `7.2.22`.
 * @param release such as `10.1`.
 */
export function isReleaseBefore(version: string, release: string): boolean {
  const [major, minor] = numbersOf(version);
  const [otherMajor, otherMinor] = numbersOf(release);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

const numbersOf = (version: string): readonly [major: number, minor: number] => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return [major, minor];
};
