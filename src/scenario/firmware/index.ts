/** Whether a real machine can show a scenario, and what firmware does with BARs. */
export { deviceNeeds, hardwareNeeds } from './hardware-needs.ts';
export { NEED_KINDS, type Need, type NeedKind } from './need.ts';
export { byRealism, isRealistic, needsOf, realismText } from './needs-of.ts';
export { isCloudHypervisor, pciWindows, type PciWindows } from './pci-windows.ts';
