import { writeFileSync } from 'node:fs';
import { FOLDER_IS_GONE, InvalidInput, isBelowDeletedFolder } from '../input/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { PATCH_NAME, PATCH_NAME_RULE } from './patch.ts';

/**
 * Writes a file to start a patch from into the current folder.
 *
 * @param name the name of the patch; the file is called `NAME.ts`.
 * @returns the name of the file.
 * @throws InvalidInput when the name is not allowed, or the file exists or cannot be written.
 */
export function writePatchTemplate(name: string): string {
  if (!PATCH_NAME.test(name)) {
    throw new InvalidInput([{ path: name, message: `expected ${PATCH_NAME_RULE}` }]);
  }
  const file = `${name}.ts`;
  try {
    writeFileSync(file, patchTemplate(name), { flag: 'wx' });
  } catch (error) {
    throw new InvalidInput([{ path: file, message: reasonOf(error, file) }]);
  }
  return file;
}

function reasonOf(error: unknown, file: string): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' && isBelowDeletedFolder(file)) return FOLDER_IS_GONE;
  return code === 'EEXIST'
    ? 'the file exists already and is not overwritten; choose another name'
    : `the file cannot be written (${code})`;
}

/** A patch with one rule that works, and the other rules in comments, ready to be uncommented. */
const patchTemplate = (name: string): string => `import { definePatch, isAligned } from 'barproof';

// A proposed change to how a VMM maps BARs. Rules that are not named here stay those of the base; \`barproof list rules\` shows
// all rules.
// Addresses and sizes are bigints: 0x1000n. Rules are pure functions: equal arguments give equal results.
// To refuse a device: throw new DeviceRefused('why'). To let the VMM die: throw new VmmAbort('site', 'why').
export default definePatch({
  name: '${name}',
  title: 'One line that says what it does',
  // The revision to put the patch on; \`barproof list revisions\` shows all revisions.
  base: '${NEWEST.id}',

  // The DMA listener: which memory is mapped for devices. \`base\` holds the rules of the base.
  listener: (base) => ({
    // Why a memory section is not mapped, or undefined to map it. This rule asks the base first.
    skip: (section, context) =>
      base.skip(section, context) ??
      (section.region.isRamDevice && !isAligned(section.size, context.pages.iommu) ? 'unaligned' : undefined),

    // The page size to which sections are trimmed, in bytes. It is pages.host, pages.target or pages.iommu.
    // alignment: (pages) => pages.host,
    // The part of a section that is mapped, as { start, size }, or the reason why none is.
    // trim: (section, unit, context) => base.trim(section, unit, context),
    // Whether device memory is mapped; peer-to-peer DMA needs such mappings.
    // mapsDeviceMemory: (start, size, pages) => isAligned(start | size, pages.iommu),
    // Whether the VMM dies when the host refuses a mapping ('fatal'), or goes on ('reported').
    // deviceMemoryFailure: 'reported',
    // ramFailure: 'fatal',
    // The range that is unmapped when a piece goes away.
    // unmapSpan: (piece) => piece,
    // Whether a removed section is unmapped; \`mapped\` says whether mapping it had succeeded.
    // unmaps: (_section, _piece, mapped) => mapped,
  }),

  // How a device is set up. There are rules for mmap areas, MSI-X table and PBA, opt-out and relocation.
  // device: (base) => ({
  //   honoursMsixMappable: true,
  //   fixUpAreas: (areas, layout, context) => base.fixUpAreas(areas, layout, context),
  //   msixParent: (region) => region.base,
  //   msixExposure: ({ machineOptsOut }) => ({ kind: machineOptsOut ? 'table-disabled' : 'emulated' }),
  // }),

  // How containers are opened, shared and closed; the DMA windows of sPAPR.
  // container: { closes: 'with-last-device', registrationFailure: 'device-refused' },

  // Which part of a section gets a KVM memslot.
  // memslots: (base) => ({ span: (section, pages, change) => base.span(section, pages, change) }),

  // The machine, the memory core, the PCI core, and the host kernel.
  // machine: { mmioInPhbDmaSpace: true },
  // memory: { passes: 'additions-first' },
  // pci: { decodesWhileDisabled: true },
  // host: { pageSizes: (hardware) => hardware },

  // A patch for cloud-hypervisor names one of its revisions as base, and has the group cloudHypervisor alone.
});
`;
