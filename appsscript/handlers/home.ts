import type { Actions } from '../actions.ts';
import { fieldNames, toButton } from '../actions.ts';
import { mostWaiting } from '../calls/home.ts';
import type { Card, RenderedAction } from '../card.ts';
import { agentCard } from '../cards/agent.ts';
import { filterCard } from '../cards/filter.ts';
import { firstRunCard, homeCard, type Waiting } from '../cards/home.ts';
import { messageCard } from '../cards/message.ts';
import { agentsPerPage, foundCard, mergeFound, type Found } from '../cards/people.ts';
import { nobodyHas, nobodyLike, noSuchPlane, toMessage } from '../failures.ts';
import { everything, isEverything, toFilter, type Filter } from '../filter.ts';
import { toReader } from '../reader.ts';
import { drawUser, tryAgainUser } from './agent.ts';
import { drawReceipt } from './care.ts';
import { first, notify, popTo, push, parseTexts, update, type HandlersOf, type Surroundings } from './surroundings.ts';

/** What answers where no maker of models is connected. */
const standIn = 'stand-in';

export const firstPage: Actions['home'] = { filter: '{}', cursor: '', back: '[]' };
const tryAgain = toButton('Try again', 'home', firstPage, { type: 'FILLED_TONAL' });

function parseFilter(json: string): Filter {
  const said: unknown = JSON.parse(json || '{}');
  if (typeof said !== 'object' || said === null) return everything;
  return toFilter(Object.fromEntries(Object.entries(said).filter(([, value]) => typeof value === 'string')));
}

export function drawHome({ filter: filterJson, cursor, back }: Actions['home'], surroundings: Surroundings): Card {
  const { backend, calls, planeId, formats } = surroundings;
  const filter = parseFilter(filterJson);
  const [planes, page, me, approvals, requests, plans, operations, models] = backend.call(
    calls.planes(),
    calls.agents(filter, agentsPerPage, cursor),
    calls.me(),
    calls.waitingApprovals(),
    calls.waitingRequests(),
    calls.waitingPlans(),
    calls.runningOperations(),
    calls.models(),
  );
  if (!planes.ok) return messageCard(toMessage(planes.failure), [tryAgain]);
  const plane = planes.value.planes.find((candidate) => candidate.planeId === planeId);
  if (!plane) return messageCard(noSuchPlane(planeId), [tryAgain]);
  if (!page.ok) return messageCard(toMessage(page.failure), [tryAgain]);
  if (!me.ok) return messageCard(toMessage(me.failure), [tryAgain]);
  const reader = toReader(me.value, formats);
  if (page.value.agents.length === 0 && plane.agents.total === 0 && isEverything(filter)) {
    const [diagnosis, removed] = backend.call(calls.diagnosis(), calls.agents({ phase: 'removed' }, 1));
    const someRemoved = removed.ok && removed.value.agents.length > 0;
    return firstRunCard(plane, diagnosis.ok ? diagnosis.value.checks : undefined, someRemoved, reader);
  }
  // What waits and what is under way are of the whole plane; an admin of some org units is refused them, and the card does without.
  const waiting: Waiting | undefined =
    approvals.ok && requests.ok && plans.ok
      ? {
          changes: approvals.value.approvals.length + plans.value.plans.length,
          requests: requests.value.requests.length,
          more: [approvals.value.approvals, plans.value.plans, requests.value.requests].some(({ length }) => length >= mostWaiting),
        }
      : undefined;
  return homeCard(
    {
      ...{ plane, page: page.value, filter, cursor, waiting },
      standIn: models.ok && models.value.models.some(({ model }) => model === standIn),
      back: parseTexts(back),
      operations: operations.ok ? operations.value.operations : [],
    },
    reader,
  );
}

/** Long enough for an address, and the plane takes no more. */
const mostLetters = 100;

/** One fit is shown at once, several as a list. */
function pushFound(found: Found, surroundings: Surroundings): RenderedAction {
  const [only, another] = mergeFound(found);
  if (!only) return push(messageCard(nobodyLike(found.words), []));
  if (another) return push(foundCard(found));
  const { id, removed } = only;
  return push(removed ? drawReceipt({ agentId: removed.agentId, user: id }, surroundings) : drawUser(id, surroundings));
}

export const homeHandlers: HandlersOf<'home' | 'findPeople' | 'openFilter' | 'applyFilter'> = {
  home: (parameters, _form, surroundings) => update(drawHome(parameters, surroundings)),

  findPeople(_parameters, form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const words = first(form, fieldNames.search).slice(0, mostLetters);
    if (words === '') return notify('Type a name or an e-mail address.');
    const gone = calls.agents({ q: words, phase: 'removed' }, agentsPerPage);
    if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(words)) {
      const [found, me, removed] = backend.call(calls.user(words), calls.me(), gone);
      if (!found.ok && found.failure.kind === 'notFound') {
        const people = { words, users: [], agents: [], removed: removed.ok ? removed.value.agents : [] };
        return people.removed.length === 0 ? push(messageCard(nobodyHas(words), [])) : pushFound(people, surroundings);
      }
      if (!found.ok) return push(messageCard(toMessage(found.failure), [tryAgainUser(words)]));
      if (!me.ok) return push(messageCard(toMessage(me.failure), [tryAgainUser(words)]));
      return push(agentCard(found.value, toReader(me.value, formats)));
    }
    const [users, agents, removed] = backend.call(calls.users(words, agentsPerPage), calls.agents({ q: words }, agentsPerPage), gone);
    if (!users.ok) return push(messageCard(toMessage(users.failure), []));
    if (!agents.ok) return push(messageCard(toMessage(agents.failure), []));
    if (!removed.ok) return push(messageCard(toMessage(removed.failure), []));
    return pushFound({ words, users: users.value.users, agents: agents.value.agents, removed: removed.value.agents }, surroundings);
  },

  openFilter({ filter }, _form, { backend, calls }) {
    const [scopes] = backend.call(calls.scopes());
    return push(scopes.ok ? filterCard(parseFilter(filter), scopes.value) : messageCard(toMessage(scopes.failure), []));
  },

  applyFilter(_parameters, form, surroundings) {
    const { ou, group, phase, health, attention } = fieldNames;
    const filter = toFilter({
      ou: first(form, ou),
      group: first(form, group),
      phase: first(form, phase),
      health: first(form, health),
      attention: first(form, attention),
    });
    return popTo(drawHome({ ...firstPage, filter: JSON.stringify(filter) }, surroundings));
  },
};
