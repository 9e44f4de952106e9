import { listMail, sendMail } from './api.js';
import { draw, forget, freshId, h } from './dom.js';
import { icon } from './icons.js';
import { ago, askRefresh, when } from './people.js';

const frameStyle = 'display:flow-root;margin:0;font:14px/1.5 Roboto,Arial,sans-serif;color:#1f1f1f;overflow-wrap:anywhere';

/** A mail's HTML in a frame of its own: no scripts, no forms, links in a new tab. Same origin only so that its height can be read. */
function htmlFrame(html, title) {
  const frame = h('iframe', {
    class: 'mail-frame',
    title,
    sandbox: 'allow-same-origin allow-popups allow-popups-to-escape-sandbox',
    srcdoc: `<!doctype html><meta charset="utf-8"><base target="_blank"><body style="${frameStyle}">${html}`,
    onload: () => {
      frame.style.height = `${frame.contentDocument.body.scrollHeight}px`;
    },
  });
  return frame;
}

/** The mailbox of one address, as its owner would see it. */
export function createMailbox(address, tell) {
  const heading = freshId('heading');
  const body = h('div', {}, h('p', { class: 'empty' }, 'Loading\u2026'));
  const element = h(
    'section',
    { class: 'sheet', 'aria-labelledby': heading },
    h('div', { class: 'sheet-head' }, h('h2', { id: heading }, 'Mailbox'), h('span', { class: 'quiet mail' }, address)),
    body,
  );
  let messages = [];
  let openId;

  async function reply(event, mail) {
    event.preventDefault();
    const text = event.target.elements.reply.value.trim();
    if (text === '') return tell('Type something first.');
    const subject = /^re:/i.test(mail.subject) ? mail.subject : `Re: ${mail.subject}`;
    try {
      await sendMail({ from: address, to: mail.from, subject, text, inReplyTo: mail.id });
      event.target.reset();
      tell(`Reply sent to ${mail.from}.`);
    } catch (error) {
      tell(error.message);
    }
    askRefresh();
  }

  function choose(id) {
    openId = id;
    forget(body);
    show();
    body.querySelector(id === undefined ? '.mail-row' : '.icon-button')?.focus();
  }

  const rowView = (mail) =>
    h(
      'li',
      {},
      h(
        'button',
        { class: 'mail-row', id: `mail-${mail.id}`, onclick: () => choose(mail.id) },
        h('span', { class: 'mail-from' }, mail.from),
        h('span', { class: 'mail-subject' }, mail.subject, h('span', { class: 'quiet' }, ` \u2013 ${(mail.text ?? '').slice(0, 120)}`)),
        h('time', { class: 'quiet', datetime: mail.date }, ago(mail.date)),
      ),
    );

  function mailView(mail) {
    const box = freshId('reply');
    return h(
      'article',
      { class: 'mail-open', 'aria-label': mail.subject },
      h(
        'div',
        { class: 'mail-title' },
        h('button', { class: 'icon-button', 'aria-label': 'All mail', onclick: () => choose(undefined) }, icon('arrow_back')),
        h('h3', {}, mail.subject),
      ),
      h('p', { class: 'quiet' }, `From ${mail.from} to ${mail.to}, ${when(mail.date)}`),
      mail.html ? htmlFrame(mail.html, mail.subject) : h('p', { class: 'mail-text' }, mail.text),
      h(
        'form',
        { class: 'reply', onsubmit: (event) => void reply(event, mail) },
        h('label', { for: box }, 'Reply'),
        h('textarea', { id: box, name: 'reply', rows: '3', placeholder: `Write back as ${address}` }),
        h('div', { class: 'form-buttons' }, h('button', { class: 'button filled', type: 'submit' }, 'Send')),
      ),
    );
  }

  function show() {
    const opened = messages.find(({ id }) => id === openId);
    if (opened) return draw(body, { opened }, () => mailView(opened));
    openId = undefined;
    const ages = messages.map(({ date }) => ago(date));
    return draw(body, { messages, ages }, () =>
      messages.length === 0
        ? h('p', { class: 'empty' }, 'No mail yet. A new agent introduces itself here within minutes.')
        : h('ul', { class: 'mail-list', 'aria-label': 'Mail' }, messages.map(rowView)),
    );
  }

  return {
    address,
    element,
    refresh: async () => {
      messages = await listMail(address);
      show();
    },
  };
}
