/** Makes an element. `on…` properties are listeners, `class` and the rest attributes; false, null and undefined are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value' || name === 'checked' || name === 'srcdoc') element[name] = value;
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const drawn = new WeakMap();

/** Redraws `host` only when what it shows has changed, and keeps the focus: a live page must neither flicker nor steal a keystroke. */
export function draw(host, shown, build) {
  const key = JSON.stringify(shown);
  if (drawn.get(host) === key) return;
  drawn.set(host, key);
  const focused = host.contains(document.activeElement) ? document.activeElement.id : '';
  host.replaceChildren(...[build()].flat(Infinity).filter(Boolean));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** Forgets what was drawn, so that the next `draw` draws. */
export const forget = (host) => drawn.delete(host);

let lastId = 0;
export const freshId = (name) => {
  lastId += 1;
  return `${name}-${lastId}`;
};

const toastMs = 6000;
const hiding = new WeakMap();

/** A toast at the foot of `host`; blank takes it away. The region stays, since screen readers read out changes to what they know. */
export function toast(host, text) {
  const region = host.querySelector(':scope > .toast') ?? h('div', { class: 'toast', role: 'status' });
  if (!region.isConnected) host.append(region);
  region.textContent = text;
  window.clearTimeout(hiding.get(region));
  hiding.set(
    region,
    window.setTimeout(() => (region.textContent = ''), toastMs),
  );
}

/** Asks before something that cannot be taken back lightly; resolves to yes or no. */
export function confirm({ title, text, yes }) {
  return new Promise((resolve) => {
    const heading = freshId('dialog');
    const dialog = h(
      'dialog',
      { class: 'dialog', 'aria-labelledby': heading, onclose: () => (dialog.remove(), resolve(dialog.returnValue === 'yes')) },
      h('h2', { id: heading }, title),
      h('p', {}, text),
      h(
        'div',
        { class: 'dialog-buttons' },
        h('button', { class: 'button text', onclick: () => dialog.close('no') }, 'Cancel'),
        h('button', { class: 'button filled', onclick: () => dialog.close('yes') }, yes),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
