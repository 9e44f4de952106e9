import type { UserView } from '../../shared/contract.ts';
import { fieldNames, toButton, type Actions } from '../actions.ts';
import type { Failure, Result } from '../backend.ts';
import type { Button, Card, RenderedAction } from '../card.ts';
import { agentCard, inheritOffCard, switchOffCard, toKeptWords } from '../cards/agent.ts';
import { askVerbCard } from '../cards/agent-verbs.ts';
import { editFieldCard } from '../cards/edit-field.ts';
import { messageCard } from '../cards/message.ts';
import { editable, inheritWish, isEditable, saidByPolicy, toWish, type Wish } from '../editing.ts';
import { bugInAddOn, doneButUnseen, toMessage } from '../failures.ts';
import { toReader, type Reader } from '../reader.ts';
import { isVerb, verbs, type VerbName } from '../verbs.ts';
import { changed, first, notify, push, parseTexts, update, type Form, type HandlersOf, type Surroundings } from './surroundings.ts';

export const tryAgainUser = (user: string): Button => toButton('Try again', 'showUser', { user }, { type: 'FILLED_TONAL' });

type Draw = (view: UserView, reader: Reader) => Card;

export function drawUser(user: string, { backend, calls, formats }: Surroundings, draw: Draw = agentCard): Card {
  const [found, me] = backend.call(calls.user(user), calls.me());
  if (!found.ok) return messageCard(toMessage(found.failure), [tryAgainUser(user)]);
  return me.ok ? draw(found.value, toReader(me.value, formats)) : messageCard(toMessage(me.failure), [tryAgainUser(user)]);
}

/** A refused change: how things really stand, with what happened on top. */
function refuse(user: string, failure: Failure, { backend, calls, formats }: Surroundings): RenderedAction {
  const message = toMessage(failure);
  const [found, me] = backend.call(calls.user(user), calls.me());
  const card =
    found.ok && me.ok ? agentCard(found.value, toReader(me.value, formats), message) : messageCard(message, [tryAgainUser(user)]);
  return { action: { navigations: [{ updateCard: card }], notification: { text: message.title } } };
}

/** Writes a wish; `say` is the toast. Two round trips are all a click may take, and this may be the second. */
function wish(user: string, body: Wish, say: (view: UserView) => string, surroundings: Surroundings, lastTrip = false): RenderedAction {
  const { backend, calls, formats } = surroundings;
  const [result, me] = backend.call(calls.wish(user, body), calls.me());
  if (!result.ok && lastTrip) return update(messageCard(toMessage(result.failure), [tryAgainUser(user)]));
  if (!result.ok) return refuse(user, result.failure, surroundings);
  const text = say(result.value);
  const card = me.ok
    ? agentCard(result.value, toReader(me.value, formats))
    : messageCard(doneButUnseen(text, toMessage(me.failure)), [tryAgainUser(user)]);
  return changed(card, text);
}

const setEnabled = (user: string, agentEnabled: boolean, surroundings: Surroundings): RenderedAction =>
  wish(
    user,
    { agentEnabled },
    ({ name }) => (agentEnabled ? `${name} gets an agent. It introduces itself by mail.` : `The agent of ${name} is being removed.`),
    surroundings,
  );

/** What is left of the agent when it goes: the second trip of a click. */
function readKept({ agent }: UserView, { backend, calls, formats }: Surroundings): string {
  const list = agent ? backend.call(calls.backups(agent.agentId))[0] : undefined;
  return toKeptWords(list?.ok === true ? list.value.backups : undefined, { formats });
}

const followPolicy = (user: string, surroundings: Surroundings, lastTrip = false): RenderedAction =>
  wish(user, inheritWish('agentEnabled'), ({ name }) => `${name} is as policy says now.`, surroundings, lastTrip);

function begin(verb: VerbName, agentId: string, form: Form, { backend, calls }: Surroundings): Result<unknown> {
  switch (verb) {
    case 'restart':
      return backend.call(calls.restart(agentId))[0];
    case 'pause':
      return backend.call(calls.pause(agentId, first(form, fieldNames.reason).slice(0, 200)))[0];
    case 'resume':
      return backend.call(calls.resume(agentId))[0];
    case 'rotate':
      return backend.call(calls.rotate(agentId))[0];
    case 'backUp':
      return backend.call(calls.backUp(agentId))[0];
    case 'reprovision':
      return backend.call(calls.reprovision(agentId, first(form, fieldNames.acceptLoss) !== ''))[0];
    case 'upgrade':
      return backend.call(calls.upgrade(agentId, first(form, fieldNames.version).slice(0, 60)))[0];
  }
}

/** Where nobody but the person's own page said yes, going back to policy takes the agent away: then it is asked first. */
function inheritEnabled(user: string, surroundings: Surroundings): RenderedAction {
  const { backend, calls } = surroundings;
  const [found, explanation] = backend.call(calls.user(user), calls.explain(user));
  if (!found.ok) return update(messageCard(toMessage(found.failure), [tryAgainUser(user)]));
  if (!explanation.ok) return update(messageCard(toMessage(explanation.failure), [tryAgainUser(user)]));
  const explained = explanation.value.fields.find(({ field }) => field === 'agentEnabled');
  const stays = saidByPolicy(explained).slice(-1)[0]?.value === true && !explained?.limits.some(({ limit }) => limit === false);
  return stays || !found.value.agent
    ? followPolicy(user, surroundings, true)
    : update(inheritOffCard(found.value, readKept(found.value, surroundings)));
}

/** One value of a person: a form for those who may change it, and for everybody why it is so. */
function openField({ user, field }: Actions['editField'], _form: Form, { backend, calls, formats }: Surroundings): RenderedAction {
  if (!isEditable(field)) return push(messageCard(bugInAddOn, []));
  const [found, explanation, me] = backend.call(calls.user(user), calls.explain(user), calls.me());
  if (!found.ok) return update(messageCard(toMessage(found.failure), [tryAgainUser(user)]));
  if (!explanation.ok) return update(messageCard(toMessage(explanation.failure), [tryAgainUser(user)]));
  if (!me.ok) return update(messageCard(toMessage(me.failure), [tryAgainUser(user)]));
  return update(editFieldCard(found.value, field, explanation.value, toReader(me.value, formats)));
}

/** Saving what policy says would pin it to the person. */
function isUntouched(values: readonly string[], was: string): boolean {
  return JSON.stringify([...values].sort()) === JSON.stringify([...parseTexts(was)].sort());
}

export const agentHandlers: HandlersOf<
  | 'openUser'
  | 'showUser'
  | 'switchAgent'
  | 'switchOff'
  | 'askVerb'
  | 'doVerb'
  | 'editField'
  | 'whyField'
  | 'saveField'
  | 'inheritField'
  | 'inheritOff'
> = {
  openUser: ({ user }, _form, surroundings) => push(drawUser(user, surroundings)),
  showUser: ({ user }, _form, surroundings) => update(drawUser(user, surroundings)),

  switchAgent: ({ user }, form, surroundings) =>
    (form[fieldNames.enabled] ?? []).length > 0
      ? setEnabled(user, true, surroundings)
      : update(drawUser(user, surroundings, (view) => switchOffCard(view, readKept(view, surroundings)))),
  switchOff: ({ user }, _form, surroundings) => setEnabled(user, false, surroundings),

  askVerb({ user, verb }, _form, surroundings) {
    if (!isVerb(verb)) return push(messageCard(bugInAddOn, []));
    // Where the agent is gone meanwhile, there is nothing to ask about: the card says how things stand.
    const draw: Draw = (view, reader) => (view.agent ? askVerbCard(view, view.agent, verb) : agentCard(view, reader));
    return update(drawUser(user, surroundings, draw));
  },
  doVerb({ user, agentId, verb }, form, surroundings) {
    if (!isVerb(verb)) return push(messageCard(bugInAddOn, []));
    const result = begin(verb, agentId, form, surroundings);
    if (!result.ok) return refuse(user, result.failure, surroundings);
    const { backend, calls, formats } = surroundings;
    const [found, me] = backend.call(calls.user(user), calls.me());
    const text = `The agent ${found.ok ? `of ${found.value.name} ` : ''}${verbs[verb].begun}`;
    if (found.ok && me.ok) return changed(agentCard(found.value, toReader(me.value, formats)), text);
    const failure = found.ok ? (me.ok ? undefined : me.failure) : found.failure;
    return changed(messageCard(failure ? doneButUnseen(text, toMessage(failure)) : bugInAddOn, [tryAgainUser(user)]), text);
  },

  editField: openField,
  whyField: openField,
  saveField({ user, field, was }, form, surroundings) {
    if (!isEditable(field)) return push(messageCard(bugInAddOn, []));
    if (isUntouched(form[fieldNames.value] ?? [], was)) return notify('Nothing was changed, so nothing is saved.');
    const body = toWish(field, form[fieldNames.value] ?? []);
    if (typeof body === 'string') return notify(body);
    return wish(user, body, ({ name }) => `${editable[field].title} of ${name}: saved.`, surroundings);
  },
  inheritField({ user, field }, _form, surroundings) {
    if (field === 'agentEnabled') return inheritEnabled(user, surroundings);
    if (!isEditable(field)) return push(messageCard(bugInAddOn, []));
    return wish(user, inheritWish(field), ({ name }) => `${editable[field].title} of ${name}: as policy says.`, surroundings);
  },
  inheritOff: ({ user }, _form, surroundings) => followPolicy(user, surroundings),
};
