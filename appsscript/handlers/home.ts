import type { Actions } from '../actions.ts';
import { fieldNames, toButton } from '../actions.ts';
import { mostWaiting } from '../calls/home.ts';
import type { Card } from '../card.ts';
import { agentCard } from '../cards/agent.ts';
import { filterCard } from '../cards/filter.ts';
import { firstRunCard, homeCard, type Waiting } from '../cards/home.ts';
import { messageCard } from '../cards/message.ts';
import { agentsPerPage, foundCard, mergeFound } from '../cards/people.ts';
import { nobodyHas, nobodyLike, noSuchPlane, toMessage } from '../failures.ts';
import { everything, isEverything, toFilter, type Filter } from '../filter.ts';
import { toReader } from '../reader.ts';
import { drawUser, tryAgainUser } from './agent.ts';
import { first, notify, popTo, push, toCursors, update, type HandlersOf, type Surroundings } from './surroundings.ts';

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
  const [planes, page, me, approvals, requests, plans, operations] = backend.call(
    calls.planes(),
    calls.agents(filter, agentsPerPage, cursor),
    calls.me(),
    calls.waitingApprovals(),
    calls.waitingRequests(),
    calls.waitingPlans(),
    calls.runningOperations(),
  );
  if (!planes.ok) return messageCard(toMessage(planes.failure), [tryAgain]);
  const plane = planes.value.planes.find((candidate) => candidate.planeId === planeId);
  if (!plane) return messageCard(noSuchPlane(planeId), [tryAgain]);
  if (!page.ok) return messageCard(toMessage(page.failure), [tryAgain]);
  if (!me.ok) return messageCard(toMessage(me.failure), [tryAgain]);
  const reader = toReader(me.value, formats);
  if (page.value.agents.length === 0 && plane.agents.total === 0 && isEverything(filter)) {
    const [diagnosis] = backend.call(calls.diagnosis());
    return firstRunCard(plane, diagnosis.ok ? diagnosis.value.checks : undefined, reader);
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
      back: toCursors(back),
      operations: operations.ok ? operations.value.operations : [],
    },
    reader,
  );
}

/** Long enough for an address, and the plane takes no more. */
const mostLetters = 100;

export const homeHandlers: HandlersOf<'home' | 'findPeople' | 'openFilter' | 'applyFilter'> = {
  home: (parameters, _form, surroundings) => update(drawHome(parameters, surroundings)),

  findPeople(_parameters, form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const words = first(form, fieldNames.search).slice(0, mostLetters);
    if (words === '') return notify('Type a name or an e-mail address.');
    if (/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(words)) {
      const [found, me] = backend.call(calls.user(words), calls.me());
      if (!found.ok && found.failure.kind === 'notFound') return push(messageCard(nobodyHas(words), []));
      if (!found.ok) return push(messageCard(toMessage(found.failure), [tryAgainUser(words)]));
      if (!me.ok) return push(messageCard(toMessage(me.failure), [tryAgainUser(words)]));
      return push(agentCard(found.value, toReader(me.value, formats)));
    }
    const [users, agents] = backend.call(calls.users(words, agentsPerPage), calls.agents({ q: words }, agentsPerPage));
    if (!users.ok) return push(messageCard(toMessage(users.failure), []));
    if (!agents.ok) return push(messageCard(toMessage(agents.failure), []));
    const found = { words, users: users.value.users, agents: agents.value.agents };
    const [only, another] = mergeFound(found);
    if (!only) return push(messageCard(nobodyLike(words), []));
    return push(another ? foundCard(found) : drawUser(only.id, surroundings));
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
