/** Input from outside: JSON with all problems and their paths, text files, safe printing and quoting, and atomic writing. */
export { FOLDER_IS_GONE, isBelowDeletedFolder } from './current-folder.ts';
export { decodeText, whyNoText } from './decode-text.ts';
export { Decoder } from './decoder.ts';
export { makeFolder, requireWritableFolder } from './make-folder.ts';
export { mayAccess } from './may-access.ts';
export { nearestTo, spellingHint } from './nearest-to.ts';
export { packageFolder } from './package-folder.ts';
export { MAX_TEXT_BYTES, parseJson } from './parse-json.ts';
export { printable } from './printable.ts';
export { InvalidInput, prefixProblems, type Problem } from './problem.ts';
export { readRegularFile, readTextFile } from './read-text-file.ts';
export { shellQuoted } from './shell-quoted.ts';
export { standardInputLines, standardInputText } from './standard-input.ts';
export { unknownName } from './unknown-name.ts';
export { writeAtomically } from './write-atomically.ts';
export { userCacheFolder } from './user-cache-folder.ts';
