import { isEndOfQemu, QemuUnusable, QmpRefusal } from './qemu-error.ts';
import { QemuProcess } from './qemu-process.ts';

/** Version and abilities of a QEMU, by its own account over QMP. */
export interface QemuInspection {
  readonly binary: string;
  /** Such as `11.1.3`. */
  readonly version: string;
  /** The name and version of the package, such as `Debian 1:11.1.3+ds-1`; empty for a QEMU built from source. */
  readonly package: string;
  /** The properties of the device `vfio-user-pci`. */
  readonly deviceProperties: ReadonlySet<string>;
  /** Whether QEMU has the option `-run-with exit-with-parent` (10.2). */
  readonly endsWithParent: boolean;
}

/**
 * Starts a QEMU without a machine and asks it over QMP.
 *
 * @throws QemuUnusable when the program does not start as a QEMU, or lacks `vfio-user-pci` (from 10.1 on).
 */
export async function inspectQemu(binary: string): Promise<QemuInspection> {
  const qemu = await start(binary);
  try {
    return await inspect(qemu, binary);
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    throw new QemuUnusable(binary, `the program starts, but does not answer QMP: ${error.message}`);
  } finally {
    await qemu.end();
  }
}

async function inspect(qemu: QemuProcess, binary: string): Promise<QemuInspection> {
  const { text, packager } = await qemu.qmp.query('query-version', undefined, readVersion);
  const properties = await qemu.qmp
    .query(
      'device-list-properties',
      { typename: 'vfio-user-pci' },
      (list: readonly { readonly name: string }[]) => new Set(list.map(({ name }) => name)),
    )
    .catch((error: unknown) => {
      if (!(error instanceof QmpRefusal)) throw error;
      throw new QemuUnusable(
        binary,
        `QEMU ${text} has no device vfio-user-pci. Use QEMU 10.1 or later, built with vfio-user`,
      );
    });
  const endsWithParent = await qemu.qmp.query(
    'query-command-line-options',
    { option: 'run-with' },
    (options: readonly { readonly parameters: readonly { readonly name: string }[] }[]) =>
      options.some(({ parameters }) => parameters.some(({ name }) => name === 'exit-with-parent')),
  );
  return {
    binary,
    version: text,
    package: packager.replace(/^ *\((.*)\)$/, '$1'),
    deviceProperties: properties,
    endsWithParent,
  };
}

/** Reads the answer to `query-version`. */
function readVersion(answer: {
  readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
  readonly package: string;
}) {
  const { major, minor, micro } = answer.qemu;
  if (![major, minor, micro].every(Number.isSafeInteger)) throw new TypeError('a version has three numbers');
  return { text: `${major}.${minor}.${micro}`, packager: answer.package.trim() };
}

async function start(binary: string): Promise<QemuProcess> {
  try {
    return await QemuProcess.start({ binary, arguments: ['-machine', 'none'], endsWithParent: false });
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    throw new QemuUnusable(binary, `the program does not start: ${error.message}`);
  }
}
