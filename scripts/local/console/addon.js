import { runAddon } from './api.js';
import { cardView, formInputs } from './card-view.js';
import { h, toast } from './dom.js';

/** What a host says of itself and of who looks at it. */
const surroundings = () => ({
  hostApp: 'GMAIL',
  platform: 'WEB',
  userLocale: window.navigator.language,
  timeZone: { id: new Intl.DateTimeFormat().resolvedOptions().timeZone, offset: String(-new Date().getTimezoneOffset() * 60_000) },
});

/** The side panel: a stack of cards, as Gmail, Calendar and Drive show them. `user` tells who is signed in. */
export function createPanel(host, user) {
  const stage = h('div', { class: 'stage' });
  const progress = h('div', { class: 'progress', role: 'progressbar', 'aria-label': 'Loading', hidden: true });
  host.append(progress, stage);
  let stack = [];
  let stale = false;
  let turn = 0;
  let clicked = false;

  function show() {
    const card = stack.at(-1);
    if (!card) return;
    const view = cardView(card, { act, back: stack.length > 1 ? back : undefined });
    stage.replaceChildren(view);
    // What was clicked is gone: without this a keyboard user starts again at the top of the page.
    if (clicked) view.focus({ preventScroll: true });
  }

  function back() {
    clicked = true;
    stack.pop();
    show();
    // A change elsewhere makes the card below out of date; the host asks for it again.
    if (stale && stack.length === 1) void start();
  }

  function apply({ action = {}, stateChanged }) {
    for (const step of action.navigations ?? []) {
      if (step.pushCard) stack.push(step.pushCard);
      else if (step.updateCard) stack.splice(-1, 1, step.updateCard);
      else if (step.pop && stack.length > 1) stack.pop();
      else if (step.popToRoot) stack.splice(1);
    }
    if (stateChanged) stale = true;
    if (action.navigations) show();
    if (action.notification) toast(host, action.notification.text);
    if (action.link) window.open(action.link.url, '_blank', 'noreferrer');
  }

  function fail(message, again) {
    stage.replaceChildren(
      h(
        'div',
        { class: 'card problem', role: 'alert' },
        h('h2', {}, 'Error with the add-on'),
        h('p', {}, message),
        h('button', { class: 'button tonal', onclick: again }, 'Run again'),
      ),
    );
  }

  /** Runs one function of the bundle; a newer one takes the place of an older one still under way. */
  async function run(functionName, event, done, again) {
    turn += 1;
    const mine = turn;
    progress.hidden = false;
    stage.inert = true;
    const answer = await runAddon(functionName, event, user()).catch((problem) => ({ error: problem.message }));
    if (mine !== turn) return;
    progress.hidden = true;
    stage.inert = false;
    if (answer.error === undefined) done(answer.result);
    else fail(answer.error, again);
  }

  function act({ function: name, parameters = [] }) {
    const commonEventObject = {
      ...surroundings(),
      parameters: Object.fromEntries(parameters.map(({ key, value }) => [key, value])),
      formInputs: formInputs(stage),
    };
    const before = [...stack];
    clicked = true;
    toast(host, '');
    void run(name, { commonEventObject }, apply, () => {
      stack = before;
      show();
    });
  }

  function start() {
    clicked = false;
    const event = { commonEventObject: surroundings() };
    return run(
      'onHomepage',
      event,
      (result) => {
        stack = [];
        stale = false;
        apply(result);
      },
      start,
    );
  }

  return { start };
}
