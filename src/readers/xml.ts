import { printable } from '../input/index.ts';

/** Text as XML or HTML. What commands a terminal, and what XML does not have, is spelt out or replaced. */
export const xmlText = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      printable(line)
        .replaceAll(
          /[\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g,
          '\ufffd',
        )
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('>', '&gt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;'),
    )
    .join('\n');

/** ` name="value"` for each attribute that has a value. */
export const xmlAttributes = (attributes: Readonly<Record<string, string | number | undefined>>): string =>
  Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${xmlText(String(value)).replaceAll('\n', '&#10;')}"`)
    .join('');
