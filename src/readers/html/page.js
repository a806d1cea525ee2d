// The report without this script is one long page; with it, each finding is a page of its own.
'use strict';

(() => {
  /** @type {HTMLElement[]} */
  const pages = [...document.querySelectorAll('article')];
  /** @type {HTMLAnchorElement[]} */
  const links = [...document.querySelectorAll('a')].filter((link) => link.closest('#findings'));
  const filter = /** @type {HTMLInputElement | null} */ (document.querySelector('#filter'));
  const count = document.querySelector('#count');
  const said = document.querySelector('#said');

  /** @param {string} text */
  const say = (text) => {
    if (said) said.textContent = text;
  };

  /** Shows the page that the address names; the overview for any other address. */
  const show = () => {
    const wanted = decodeURIComponent(location.hash.slice(1));
    const page = pages.find(({ id }) => id === wanted) ?? pages[0];
    for (const other of pages) other.hidden = other !== page;
    for (const link of links) {
      if (link.hash === `#${page.id}`) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    links.find((link) => link.hash === `#${page.id}`)?.scrollIntoView({ block: 'nearest' });
    return page;
  };

  /** Shows a page as after a click: from its top, with its heading as what a screen reader reads next. */
  const turn = () => {
    const page = show();
    window.scrollTo(0, 0);
    page.querySelector('h1')?.focus({ preventScroll: true });
  };

  const shown = () => links.filter((link) => !link.parentElement?.hidden);

  /** Goes to the next finding of the filtered list, or to the one before. @param {number} step */
  const move = (step) => {
    const list = shown();
    const at = list.findIndex((link) => link.getAttribute('aria-current') === 'page');
    const next = at === -1 ? (step > 0 ? 0 : list.length - 1) : at + step;
    if (next < 0 || next >= list.length)
      say(step > 0 ? 'This is the last finding' : 'This is the first finding');
    else list[next].click();
  };

  const sift = () => {
    const words = (filter?.value ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    for (const link of links) {
      const item = /** @type {HTMLElement} */ (link.parentElement);
      item.hidden = !words.every((word) => item.dataset['text']?.includes(word));
    }
    if (count) count.textContent = `${shown().length} of ${links.length}`;
    say(`${shown().length} of ${links.length} findings`);
  };

  /** @param {Element} button */
  const copy = async (button) => {
    const text = button.parentElement?.querySelector('code, pre')?.textContent ?? '';
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page that is opened as a file may lack the right to write the clipboard.
      const area = document.createElement('textarea');
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand('copy');
      area.remove();
    }
    button.textContent = 'Copied';
    say('Copied');
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  };

  const themes = ['as the system', 'light', 'dark'];
  const theme = document.querySelector('#theme');
  let chosen = 0;
  theme?.addEventListener('click', () => {
    chosen = (chosen + 1) % themes.length;
    if (chosen === 0) delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = themes[chosen];
    theme.textContent = `Colours: ${themes[chosen]}`;
  });

  filter?.addEventListener('input', sift);
  window.addEventListener('hashchange', turn);
  document.addEventListener('click', ({ target }) => {
    const button = target instanceof Element ? target.closest('[data-copy]') : null;
    if (button) void copy(button);
  });
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') {
      if (filter && document.activeElement === filter && filter.value !== '') {
        filter.value = '';
        sift();
      } else location.hash = '#overview';
      return;
    }
    if (event.target instanceof HTMLInputElement) {
      if (event.key === 'Enter') shown()[0]?.click();
      return;
    }
    if (event.key === '/') filter?.focus();
    else if (event.key === 'j') move(1);
    else if (event.key === 'k') move(-1);
    else return;
    event.preventDefault();
  });
  show();
})();
