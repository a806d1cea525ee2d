import { xmlText } from '../xml.ts';

/** A heading with its contents; nothing without contents. */
export const section = (title: string, body: string): string =>
  body === '' ? '' : `<section><h2>${title}</h2>${body}</section>`;

/** A command line with a button that copies it. */
export const command = (text: string): string =>
  `<div class="command"><code>${xmlText(text)}</code><button type="button" data-copy aria-label="Copy this command">Copy</button></div>`;

/** Text in columns. A reader without a mouse scrolls it, too. */
export const preformatted = (text: string, label: string): string =>
  `<pre tabindex="0" role="region" aria-label="${xmlText(label)}">${xmlText(text)}</pre>`;
