import { h } from './dom.js';

/** The tags that cards know (card formatting, read 2026-11-22), each with how it is drawn. Anything else is dropped and its text kept. */
const drawn = {
  B: () => h('b'),
  I: () => h('i'),
  U: () => h('u'),
  S: () => h('s'),
  STRIKE: () => h('s'),
  BR: () => h('br'),
  FONT: (source) => {
    const span = h('span');
    const color = source.getAttribute('color') ?? '';
    if (/^#[0-9a-f]{6}$/i.test(color)) span.style.color = color;
    return span;
  },
  A: (source) => {
    const href = source.getAttribute('href') ?? '';
    return /^https?:/.test(href) ? h('a', { href, target: '_blank', rel: 'noreferrer' }) : h('span');
  },
};

function copy(source) {
  const result = [];
  for (const child of source.childNodes) {
    if (child.nodeType === 3) result.push(child.data);
    else if (child.nodeType === 1) {
      const element = drawn[child.tagName]?.(child);
      if (element) {
        element.append(...copy(child));
        result.push(element);
      } else result.push(...copy(child));
    }
  }
  return result;
}

const parse = (html) => new window.DOMParser().parseFromString(html, 'text/html').body;

/** Simple HTML of a card as nodes of this page. */
export const richText = (html) => copy(parse(html));
export const plainText = (html) => parse(html).textContent.trim();
