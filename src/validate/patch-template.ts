import { writeFileSync } from 'node:fs';
import { InvalidInput } from '../input/index.ts';
import { NEWEST } from '../vfio/index.ts';
import { PATCH_NAME, PATCH_NAME_RULE } from './patch.ts';

/**
 * Writes a file to start a patch from into the current folder.
 *
 * @param name what the patch is called; the file is called the same, with `.ts` behind.
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
    throw new InvalidInput([{ path: file, message: reasonOf(error) }]);
  }
  return file;
}

function reasonOf(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return code === 'EEXIST'
    ? 'there is such a file already; it is left as it is'
    : `cannot be written (${code})`;
}

/** Everything a patch can change, one worked rule, and the others as comments to take the marks off. */
const patchTemplate = (name: string): string => `import { definePatch, isAligned } from 'barproof';

// A proposal for how a VMM maps BARs. What is not named here stays as it is in the base.
// Addresses and sizes are bigints: 0x1000n. Rules are pure: the same question, the same answer.
// To refuse a device: throw new DeviceRefused('why'). To let the VMM die: throw new VmmAbort('site', 'why').
export default definePatch({
  name: '${name}',
  title: 'One line that says what it does',
  // barproof list revisions shows them all.
  base: '${NEWEST.id}',

  // The DMA listener: what is mapped for devices. \`base\` holds the rules underneath.
  listener: (base) => ({
    // A reason to leave a section of memory alone, or undefined. This one asks the base first.
    skip: (section, context) =>
      base.skip(section, context) ??
      (section.region.isRamDevice && !isAligned(section.size, context.pages.iommu) ? 'unaligned' : undefined),

    // The unit to which sections are trimmed: pages.host, pages.target or pages.iommu.
    // alignment: (pages) => pages.host,
    // What of a section is mapped: { start, size }, or why nothing is.
    // trim: (section, unit, context) => base.trim(section, unit, context),
    // Whether a piece of device memory is asked for; for peer-to-peer DMA it has to be.
    // mapsDeviceMemory: (start, size, pages) => isAligned(start | size, pages.iommu),
    // What happens when the host refuses a map: 'fatal' or 'reported'.
    // deviceMemoryFailure: 'reported',
    // ramFailure: 'fatal',
    // Whether a section that goes away is unmapped; \`mapped\` says whether the map has worked.
    // unmaps: (_section, _piece, mapped) => mapped,
  }),

  // How a device is set up: mmap areas, MSI-X table and PBA, opt-out from emulation, relocation.
  // device: (base) => ({
  //   honoursMsixMappable: true,
  //   fixUpAreas: (areas, layout, context) => base.fixUpAreas(areas, layout, context),
  //   msixParent: (region) => region.base,
  //   msixExposure: ({ machineOptsOut }) => ({ kind: machineOptsOut ? 'table-disabled' : 'emulated' }),
  // }),

  // Which part of a section gets a KVM memslot.
  // memslots: (base) => ({ span: (section, pages, change) => base.span(section, pages, change) }),

  // The machine, the memory core, the PCI core, and the host's kernel.
  // machine: { mmioInPhbDmaSpace: true },
  // memory: { passes: 'additions-first' },
  // pci: { decodesWhileDisabled: true },
  // host: { pageSizes: (hardware) => hardware },
});
`;
