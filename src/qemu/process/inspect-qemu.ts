import { isEndOfQemu, QemuUnusable, QmpRefusal } from './qemu-error.ts';
import { QemuProcess } from './qemu-process.ts';

/** Version and abilities of a QEMU, by its own account over QMP. */
export interface QemuInspection {
  readonly binary: string;
  /** Such as `11.1.3`. */
  readonly version: string;
  /** The name and version of the package, such as `Debian 1:11.1.3+ds-1`; empty for a QEMU built from source. */
  readonly package: string;
  /** The properties of the devices `vfio-user-pci` and `vfio-pci`; absent for a device that QEMU does not have. */
  readonly deviceProperties: Readonly<Record<QemuDriver, ReadonlySet<string> | undefined>>;
  /** The machine types that QEMU has, their aliases too. */
  readonly machines: ReadonlySet<string>;
  /** What a QEMU without a guest runs with: `qtest`, or `tcg` with stopped CPUs where Debian's package lacks it. */
  readonly accelerator: IdleAccelerator;
  /** Whether QEMU has the object `iommufd` (9.0, not on every architecture). */
  readonly hasIommufd: boolean;
  /** Whether QEMU has the option `-run-with exit-with-parent` (10.2). */
  readonly endsWithParent: boolean;
}

/** Accelerators with which no guest runs; with `tcg` the CPUs have to be stopped. */
export type IdleAccelerator = 'qtest' | 'tcg';

/** QEMU's drivers for the devices of a scenario: served over vfio-user, or by the kernel. */
export type QemuDriver = 'vfio-user-pci' | 'vfio-pci';

/**
 * Starts a QEMU without a machine and asks it over QMP.
 *
 * @throws QemuUnusable when the program does not start as a QEMU, or has neither driver.
 */
export async function inspectQemu(binary: string): Promise<QemuInspection> {
  const { qemu, accelerator } = await start(binary);
  try {
    return { ...(await inspect(qemu, binary)), accelerator };
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    throw new QemuUnusable(binary, `the program starts, but does not answer QMP: ${error.message}`);
  } finally {
    await qemu.end();
  }
}

async function inspect(qemu: QemuProcess, binary: string): Promise<Omit<QemuInspection, 'accelerator'>> {
  const { text, packager } = await qemu.qmp.query('query-version', undefined, readVersion);
  const deviceProperties = {
    'vfio-user-pci': await propertiesOf(qemu, 'vfio-user-pci'),
    'vfio-pci': await propertiesOf(qemu, 'vfio-pci'),
  };
  if (Object.values(deviceProperties).every((properties) => properties === undefined)) {
    throw new QemuUnusable(binary, `QEMU ${text} has no device vfio-user-pci and no vfio-pci`);
  }
  const endsWithParent = await qemu.qmp
    .query(
      'query-command-line-options',
      { option: 'run-with' },
      (options: readonly { readonly parameters: readonly { readonly name: string }[] }[]) =>
        options.some(({ parameters }) => parameters.some(({ name }) => name === 'exit-with-parent')),
    )
    // Before 9.0 there is no option of this name.
    .catch(refusedAs(false));
  const hasIommufd = await qemu.qmp.query(
    'qom-list-types',
    { implements: 'user-creatable' },
    (types: readonly { readonly name: string }[]) => types.some(({ name }) => name === 'iommufd'),
  );
  const machines = await qemu.qmp.query(
    'query-machines',
    undefined,
    (types: readonly { readonly name: string; readonly alias?: string }[]) =>
      new Set(types.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias]))),
  );
  return {
    machines,
    hasIommufd,
    binary,
    version: text,
    package: packager.replace(/^ *\((.*)\)$/, '$1'),
    deviceProperties,
    endsWithParent,
  };
}

/** The properties of a driver; nothing where QEMU does not have the driver. */
const propertiesOf = (qemu: QemuProcess, typename: QemuDriver): Promise<ReadonlySet<string> | undefined> =>
  qemu.qmp
    .query(
      'device-list-properties',
      { typename },
      (list: readonly { readonly name: string }[]) => new Set(list.map(({ name }) => name)),
    )
    .catch(refusedAs(undefined));

/** What stands for the answer to a command that QEMU refuses. */
const refusedAs =
  <T>(otherwise: T) =>
  (error: unknown): T => {
    if (!(error instanceof QmpRefusal)) throw error;
    return otherwise;
  };

/** Reads the answer to `query-version`. */
function readVersion(answer: {
  readonly qemu: { readonly major: number; readonly minor: number; readonly micro: number };
  readonly package: string;
}) {
  const { major, minor, micro } = answer.qemu;
  if (![major, minor, micro].every(Number.isSafeInteger)) throw new TypeError('a version has three numbers');
  return { text: `${major}.${minor}.${micro}`, packager: answer.package.trim() };
}

/** Starts a QEMU without a machine: with qtest, or with TCG where this QEMU was built without qtest. */
async function start(
  binary: string,
): Promise<{ readonly qemu: QemuProcess; readonly accelerator: IdleAccelerator }> {
  const options = { binary, arguments: ['-machine', 'none'], endsWithParent: false };
  try {
    return { qemu: await QemuProcess.start(options), accelerator: 'qtest' };
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    if (!NO_QTEST.test(error.message))
      throw new QemuUnusable(binary, `the program does not start: ${error.message}`);
  }
  try {
    const stopped = { ...options, arguments: [...options.arguments, '-S'] };
    return { qemu: await QemuProcess.start({ ...stopped, accelerator: 'tcg' }), accelerator: 'tcg' };
  } catch (error) {
    if (!isEndOfQemu(error)) throw error;
    throw new QemuUnusable(binary, `the program does not start with TCG: ${error.message}`);
  }
}

/** What a QEMU prints that was built without the accelerator qtest. */
const NO_QTEST = /invalid accelerator qtest/;
