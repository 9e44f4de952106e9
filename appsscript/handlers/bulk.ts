import { fieldNames, toButton } from '../actions.ts';
import { isWork, toOperation, toTierChange } from '../bulk-work.ts';
import type { Call } from '../calls/call.ts';
import type { Button, Card, RenderedAction } from '../card.ts';
import { bulkCard, confirmWorkCard } from '../cards/bulk.ts';
import { messageCard, type Message } from '../cards/message.ts';
import { operationCard } from '../cards/operation.ts';
import { planCard } from '../cards/plan.ts';
import { bugInAddOn, toMessage } from '../failures.ts';
import { toReader } from '../reader.ts';
import { changed, first, notify, push, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const tryAgain: Button = toButton('Try again', 'showBulk', {}, { type: 'FILLED_TONAL' });
const againOperation = (id: string): Button => toButton('Try again', 'showOperation', { id }, { type: 'FILLED_TONAL' });

const mostOperations = 5;

function drawBulk({ backend, calls, formats }: Surroundings, notice?: Message): Card {
  const [scopes, operations, me] = backend.call(calls.scopes(), calls.operations(mostOperations), calls.me());
  if (!me.ok) return messageCard(notice ?? toMessage(me.failure), [tryAgain]);
  if (!scopes.ok) return messageCard(notice ?? toMessage(scopes.failure), [tryAgain]);
  if (!operations.ok) return messageCard(notice ?? toMessage(operations.failure), [tryAgain]);
  return bulkCard({ scopes: scopes.value, operations: operations.value.operations, notice }, toReader(me.value, formats));
}

/** A refusal: the card it came from, with what happened on top. */
function refuseBulk(message: Message, surroundings: Surroundings): RenderedAction {
  return { action: { navigations: [{ updateCard: drawBulk(surroundings, message) }], notification: { text: message.title } } };
}

function drawOperation(id: string, { backend, calls, formats }: Surroundings, notice?: Message): Card {
  const [operation, me] = backend.call(calls.operation(id), calls.me());
  if (!operation.ok) return messageCard(notice ?? toMessage(operation.failure), [againOperation(id)]);
  if (!me.ok) return messageCard(notice ?? toMessage(me.failure), [againOperation(id)]);
  return operationCard(operation.value, toReader(me.value, formats), notice);
}

type Steering = 'cancelOperation' | 'resumeOperation' | 'createOperation';

/** Starts or steers an operation and shows it; what failed is said by `refuse`. */
function steer(
  call: Call<Steering>,
  text: string,
  surroundings: Surroundings,
  refuse: (message: Message) => RenderedAction,
): RenderedAction {
  const { backend, calls, formats } = surroundings;
  const [result, me] = backend.call(call, calls.me());
  if (!result.ok) return refuse(toMessage(result.failure));
  const { id } = result.value;
  const card = me.ok ? operationCard(result.value, toReader(me.value, formats)) : messageCard(toMessage(me.failure), [againOperation(id)]);
  return changed(card, text);
}

export const bulkHandlers: HandlersOf<
  | 'openBulk'
  | 'showBulk'
  | 'planWork'
  | 'startWork'
  | 'openOperation'
  | 'showOperation'
  | 'cancelOperation'
  | 'resumeOperation'
  | 'planTier'
> = {
  openBulk: (_parameters, _form, surroundings) => push(drawBulk(surroundings)),
  showBulk: (_parameters, _form, surroundings) => update(drawBulk(surroundings)),

  planWork(_parameters, form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const [work, scope] = [first(form, fieldNames.work), first(form, fieldNames.scope)];
    if (!isWork(work)) return notify('Choose what to do.');
    const [counted, me] = backend.call(calls.begin(toOperation(work, scope, true)), calls.me());
    if (!counted.ok) return refuseBulk(toMessage(counted.failure), surroundings);
    if (!me.ok) return refuseBulk(toMessage(me.failure), surroundings);
    return update(confirmWorkCard(work, scope, counted.value, toReader(me.value, formats)));
  },
  startWork({ work, scope }, _form, surroundings) {
    if (!isWork(work)) return push(messageCard(bugInAddOn, []));
    const call = surroundings.calls.begin(toOperation(work, scope, false));
    return steer(call, 'The plane is at work. You can close this panel.', surroundings, (message) => refuseBulk(message, surroundings));
  },

  openOperation: ({ id }, _form, surroundings) => push(drawOperation(id, surroundings)),
  showOperation: ({ id }, _form, surroundings) => update(drawOperation(id, surroundings)),
  cancelOperation: ({ id }, _form, surroundings) =>
    steer(surroundings.calls.cancel(id), 'Stopped. Agents already being worked on are finished.', surroundings, (message) =>
      update(drawOperation(id, surroundings, message)),
    ),
  resumeOperation: ({ id }, _form, surroundings) =>
    steer(surroundings.calls.goOn(id), 'It continues, and tries again what failed.', surroundings, (message) =>
      update(drawOperation(id, surroundings, message)),
    ),

  planTier(_parameters, form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const change = toTierChange(first(form, fieldNames.tierScope), first(form, fieldNames.from), first(form, fieldNames.to));
    if (!change) return notify('Choose two different models.');
    const [plan, me] = backend.call(calls.plan(change), calls.me());
    if (!plan.ok) return refuseBulk(toMessage(plan.failure), surroundings);
    if (!me.ok) return refuseBulk(toMessage(me.failure), surroundings);
    return update(planCard(plan.value, toReader(me.value, formats)));
  },
};
