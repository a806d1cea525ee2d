/** What a text from the field means: lspci, sysfs, `info mtree`, lines of logs, scenarios and stored cases. */
export { explain, type Answer, type ExplainOptions, type Explanation } from './explain.ts';
export { explanationJson, explanationText } from './explanation-text.ts';
export { pictureOf } from './picture/picture-of.ts';
export { readPath, requireText } from './read-path.ts';
export type { Source } from './read-source.ts';
export { assumedInScenario, scenarioOf } from './scenario-of.ts';
