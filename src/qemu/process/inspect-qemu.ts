import { QemuDied, QemuUnusable, QmpRefusal } from './qemu-error.ts';
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
    const { qemu: version, package: packager } = (await qemu.qmp.execute('query-version')) as {
      qemu: { major: number; minor: number; micro: number };
      package: string;
    };
    const text = `${version.major}.${version.minor}.${version.micro}`;
    const properties = await qemu.qmp
      .execute('device-list-properties', { typename: 'vfio-user-pci' })
      .catch((error: unknown) => {
        if (!(error instanceof QmpRefusal)) throw error;
        throw new QemuUnusable(
          binary,
          `QEMU ${text} has no device vfio-user-pci. Use QEMU 10.1 or later, built with vfio-user`,
        );
      });
    const options = (await qemu.qmp.execute('query-command-line-options', { option: 'run-with' })) as {
      parameters: { name: string }[];
    }[];
    return {
      binary,
      version: text,
      package: packager.replace(/^ *\((.*)\)$/, '$1'),
      deviceProperties: new Set((properties as { name: string }[]).map(({ name }) => name)),
      endsWithParent: options.some(({ parameters }) =>
        parameters.some(({ name }) => name === 'exit-with-parent'),
      ),
    };
  } finally {
    await qemu.end();
  }
}

async function start(binary: string): Promise<QemuProcess> {
  try {
    return await QemuProcess.start({ binary, arguments: ['-machine', 'none'], endsWithParent: false });
  } catch (error) {
    if (!(error instanceof QemuDied)) throw error;
    throw new QemuUnusable(binary, `the program does not start: ${error.message}`);
  }
}
