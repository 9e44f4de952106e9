import type { UserView } from '../shared/contract.ts';
import { emailField, enabledField, toButton, type ActionName, type Actions } from './actions.ts';
import { callsFor, type Backend, type Failure } from './backend.ts';
import type { Button, Card, RenderedAction } from './card.ts';
import { agentCard, switchOffCard } from './cards/agent.ts';
import { agentsPerPage, homeCard } from './cards/home.ts';
import { messageCard } from './cards/message.ts';
import { nobodyHas, noSuchPlane, toMessage } from './failures.ts';

/** What one click or opening may use. */
export interface Surroundings {
  readonly backend: Backend;
  readonly planeId: string;
  readonly nowMs: number;
}

/** Form fields by name. A switch that is off is absent (an unselected control sends nothing). */
export type Form = Readonly<Record<string, readonly string[]>>;

type Handler<K extends ActionName> = (parameters: Actions[K], form: Form, surroundings: Surroundings) => RenderedAction;

const push = (card: Card): RenderedAction => ({ action: { navigations: [{ pushCard: card }] } });
const update = (card: Card): RenderedAction => ({ action: { navigations: [{ updateCard: card }] } });
const notify = (text: string): RenderedAction => ({ action: { notification: { text } } });

/** After a change: the card as it stands now, a toast, and the cards below it are stale. */
const changed = (card: Card, text: string): RenderedAction => ({
  action: { navigations: [{ updateCard: card }], notification: { text } },
  stateChanged: true,
});

const tryAgainHome = toButton('Try again', 'home', { cursor: '', back: '[]' }, { type: 'FILLED_TONAL' });
const tryAgainUser = (user: string): Button => toButton('Try again', 'showUser', { user }, { type: 'FILLED_TONAL' });

export function drawHome({ cursor, back }: Actions['home'], { backend, planeId }: Surroundings): Card {
  const calls = callsFor(planeId);
  const [planes, page] = backend.call(calls.planes(), calls.agents(agentsPerPage, cursor));
  if (!planes.ok) return messageCard(toMessage(planes.failure), [tryAgainHome]);
  const plane = planes.value.planes.find((candidate) => candidate.planeId === planeId);
  if (!plane) return messageCard(noSuchPlane(planeId), [tryAgainHome]);
  if (!page.ok) return messageCard(toMessage(page.failure), [tryAgainHome]);
  return homeCard({ plane, page: page.value, cursor, back: toCursors(back) });
}

function toCursors(json: string): string[] {
  const cursors: unknown = JSON.parse(json || '[]');
  return Array.isArray(cursors) ? cursors.filter((cursor) => typeof cursor === 'string') : [];
}

function drawUser(user: string, { backend, planeId, nowMs }: Surroundings, draw = (view: UserView) => agentCard(view, nowMs)): Card {
  const [found] = backend.call(callsFor(planeId).user(user));
  return found.ok ? draw(found.value) : messageCard(toMessage(found.failure), [tryAgainUser(user)]);
}

/** A refused change: how things really stand, with what happened on top. */
function refuse(user: string, failure: Failure, { backend, planeId, nowMs }: Surroundings): RenderedAction {
  const message = toMessage(failure);
  const [found] = backend.call(callsFor(planeId).user(user));
  const card = found.ok ? agentCard(found.value, nowMs, message) : messageCard(message, [tryAgainUser(user)]);
  return { action: { navigations: [{ updateCard: card }], notification: { text: message.title } } };
}

function setEnabled(user: string, enabled: boolean, surroundings: Surroundings): RenderedAction {
  const { backend, planeId, nowMs } = surroundings;
  const [result] = backend.call(callsFor(planeId).switchAgent(user, enabled));
  if (!result.ok) return refuse(user, result.failure, surroundings);
  const { value: view } = result;
  const text = enabled ? `${view.name} gets an agent. It introduces itself by mail.` : `The agent of ${view.name} is being removed.`;
  return changed(agentCard(view, nowMs), text);
}

export const handlers: { readonly [K in ActionName]: Handler<K> } = {
  home: (parameters, _form, surroundings) => update(drawHome(parameters, surroundings)),

  findUser: (_parameters, form, surroundings) => {
    const email = form[emailField]?.[0]?.trim() ?? '';
    if (!/^[^\s@]+@[^\s@]+$/.test(email)) return notify('Type a whole e-mail address, such as alice@yourcompany.com.');
    const { backend, planeId, nowMs } = surroundings;
    const [found] = backend.call(callsFor(planeId).user(email));
    if (found.ok) return push(agentCard(found.value, nowMs));
    return push(
      found.failure.kind === 'notFound' ? messageCard(nobodyHas(email), []) : messageCard(toMessage(found.failure), [tryAgainUser(email)]),
    );
  },

  openUser: ({ user }, _form, surroundings) => push(drawUser(user, surroundings)),

  showUser: ({ user }, _form, surroundings) => update(drawUser(user, surroundings)),

  switchAgent: ({ user }, form, surroundings) =>
    (form[enabledField] ?? []).length > 0 ? setEnabled(user, true, surroundings) : update(drawUser(user, surroundings, switchOffCard)),

  switchOff: ({ user }, _form, surroundings) => setEnabled(user, false, surroundings),

  restart: ({ user, agentId }, _form, surroundings) => {
    const { backend, planeId } = surroundings;
    const [result] = backend.call(callsFor(planeId).restart(agentId));
    if (!result.ok) return refuse(user, result.failure, surroundings);
    return changed(drawUser(user, surroundings), `The agent of ${result.value.ownerName} is restarting.`);
  },
};
