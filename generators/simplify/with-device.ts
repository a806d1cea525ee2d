import type { DeviceSpec, Scenario } from '../../src/scenario/index.ts';

/** The scenario with another device at place `index`. */
export const withDevice = (scenario: Scenario, index: number, device: DeviceSpec): Scenario => ({
  ...scenario,
  devices: scenario.devices.with(index, device),
});
