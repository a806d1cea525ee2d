import { QemuDied, QemuUnusable, QmpRefusal } from './qemu-error.ts';
import { QemuProcess } from './qemu-process.ts';

/** What a QEMU says of itself. */
export interface QemuInspection {
  readonly binary: string;
  /** `11.1.3`. */
  readonly version: string;
  /** Whoever packaged it may have left a name: `Debian 1:11.1.3+ds-1`. */
  readonly package: string;
  /** Properties of its `vfio-user-pci`. */
  readonly deviceProperties: ReadonlySet<string>;
  /** Whether it can be told to end with its parent. */
  readonly endsWithParent: boolean;
}

/**
 * Asks a QEMU, over QMP and without a machine, what it is.
 *
 * @throws QemuUnusable when it is none, or lacks `vfio-user-pci` (10.1 is the first that has it).
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
          `QEMU ${text} has no device vfio-user-pci; 10.1 is the first that can have it, if it was built with vfio-user`,
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
    throw new QemuUnusable(binary, `it does not start: ${error.message}`);
  }
}
