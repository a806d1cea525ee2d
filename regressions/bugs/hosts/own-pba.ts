import { definePatch } from 'barproof';

/** A device with the emulated PBA of QEMU's msix.c, as devices that QEMU itself emulates have one. */
export default definePatch({ name: 'own-pba', device: { showsPba: true } });
