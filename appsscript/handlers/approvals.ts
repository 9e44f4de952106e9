import { toButton } from '../actions.ts';
import type { Result } from '../backend.ts';
import { mostWaiting } from '../calls/home.ts';
import type { Button, Card, RenderedAction } from '../card.ts';
import { approvalsCard, flipsCard, requestCard } from '../cards/approvals.ts';
import { messageCard, type Message } from '../cards/message.ts';
import { bugInAddOn, decidedMeanwhile, doneButUnseen, toMessage } from '../failures.ts';
import { toReader, type Reader } from '../reader.ts';
import { isDecision, reasonOf } from './plans.ts';
import { changed, push, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const tryAgain: Button = toButton('Try again', 'showApprovals', {}, { type: 'FILLED_TONAL' });

function drawApprovals(
  { backend, calls, formats }: Surroundings,
  notice?: Message,
  otherwise = (message: Message): Message => notice ?? message,
): Card {
  const [requests, flips, plans, me] = backend.call(calls.waitingRequests(), calls.waitingApprovals(), calls.waitingPlans(), calls.me());
  const failed = (message: Message): Card => messageCard(otherwise(message), [tryAgain]);
  if (!requests.ok) return failed(toMessage(requests.failure));
  if (!flips.ok) return failed(toMessage(flips.failure));
  if (!plans.ok) return failed(toMessage(plans.failure));
  if (!me.ok) return failed(toMessage(me.failure));
  const waitings = { requests: requests.value.requests, flips: flips.value.approvals, plans: plans.value.plans, most: mostWaiting };
  return approvalsCard(waitings, toReader(me.value, formats), notice);
}

/** One of those that wait, in the list\u2019s place; what was decided meanwhile is not there any more. */
function drawOne<T extends { readonly id: string }>(
  id: string,
  list: Result<readonly T[]>,
  draw: (found: T) => Card,
  surroundings: Surroundings,
): RenderedAction {
  if (!list.ok) return update(messageCard(toMessage(list.failure), [tryAgain]));
  const found = list.value.find((one) => one.id === id);
  return update(found ? draw(found) : drawApprovals(surroundings, decidedMeanwhile));
}

const listOf = <A, T>(answer: Result<A>, pick: (value: A) => readonly T[]): Result<readonly T[]> =>
  answer.ok ? { ok: true, value: pick(answer.value) } : answer;

/** What was decided leaves the list; two round trips are all a click may take. */
function decided(result: Result<unknown>, text: string, surroundings: Surroundings): RenderedAction {
  if (!result.ok) return update(drawApprovals(surroundings, toMessage(result.failure)));
  return changed(
    drawApprovals(surroundings, undefined, (message) => doneButUnseen(text, message)),
    text,
  );
}

export const approvalHandlers: HandlersOf<
  'openApprovals' | 'showApprovals' | 'openRequest' | 'decideRequest' | 'openFlips' | 'decideFlips'
> = {
  openApprovals: (_parameters, _form, surroundings) => push(drawApprovals(surroundings)),
  showApprovals: (_parameters, _form, surroundings) => update(drawApprovals(surroundings)),

  openRequest({ id }, _form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const [list, me] = backend.call(calls.requestsWaiting(), calls.me());
    if (!me.ok) return update(messageCard(toMessage(me.failure), [tryAgain]));
    const reader: Reader = toReader(me.value, formats);
    return drawOne(
      id,
      listOf(list, ({ requests }) => requests),
      (request) => requestCard(request, reader),
      surroundings,
    );
  },
  decideRequest({ id, decision }, form, surroundings) {
    const { backend, calls } = surroundings;
    if (!isDecision(decision)) return push(messageCard(bugInAddOn, []));
    const [result] = backend.call(calls.decideRequest(id, { decision, ...reasonOf(form) }));
    return decided(
      result,
      decision === 'approve' ? 'Approved. The agent gets it within seconds.' : 'Denied. The agent is told.',
      surroundings,
    );
  },

  openFlips({ id }, _form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const [list, me] = backend.call(calls.flipsWaiting(), calls.me());
    if (!me.ok) return update(messageCard(toMessage(me.failure), [tryAgain]));
    const reader: Reader = toReader(me.value, formats);
    return drawOne(
      id,
      listOf(list, ({ approvals }) => approvals),
      (flip) => flipsCard(flip, reader),
      surroundings,
    );
  },
  decideFlips({ id, decision }, form, surroundings) {
    const { backend, calls } = surroundings;
    if (!isDecision(decision)) return push(messageCard(bugInAddOn, []));
    const [result] = backend.call(calls.decideFlips(id, { decision, ...reasonOf(form) }));
    return decided(
      result,
      decision === 'approve' ? 'Approved. The agents follow within seconds.' : 'Denied. They stay as they are.',
      surroundings,
    );
  },
};
