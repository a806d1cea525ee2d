/** How a QEMU says which map of RAM the host refused while a container was set up. */
const REFUSED_RAM =
  /memory listener initialization failed.*: Region (\S+): \w*dma_map\((0x[0-9a-f]+), (0x[0-9a-f]+)\) = -(\d+) /;
/** The first argument of a real QEMU is the address of its container, and the last that of the memory. */
const ARGUMENTS_WITH_POINTERS = /dma_map\(0x[0-9a-f]+, (0x[0-9a-f]+, 0x[0-9a-f]+), 0x[0-9a-f]+\)/;

/** How a QEMU says that the host has let a device into no container. */
const REFUSED_ATTACH = /^(vfio \S+: ).*?(Failed to set group container|error attach\b).*?: ([^:]*)$/;

/**
 * The error of a run, fit for a comparison with another run. From the refusal of a map of RAM, or of a container, this takes
 * out what may differ: addresses in QEMU, the names of functions and of groups, and the words of the C library for an error
 * number. Every other error stays as it is.
 */
export function comparableError(error: string | undefined): string | undefined {
  const [, region, iova, size, errno] =
    REFUSED_RAM.exec(error?.replace(ARGUMENTS_WITH_POINTERS, 'dma_map($1)') ?? '') ?? [];
  const [, device, call, reason] = REFUSED_ATTACH.exec(error ?? '') ?? [];
  if (call !== undefined) return `${device}${call}: ${reason}`;
  return region === undefined ? error : `cannot map ${region} at ${iova} with ${size} bytes: -${errno}`;
}
