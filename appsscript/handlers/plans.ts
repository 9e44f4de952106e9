import { fieldNames, toButton } from '../actions.ts';
import type { Button, Card } from '../card.ts';
import { messageCard, type Message } from '../cards/message.ts';
import { askApplyCard, planCard } from '../cards/plan.ts';
import { doneButUnseen, toMessage } from '../failures.ts';
import type { PlanView } from '../../shared/contract.ts';
import { toReader, type Reader } from '../reader.ts';
import { changed, first, push, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const tryAgain = (id: string): Button => toButton('Try again', 'showPlan', { id }, { type: 'FILLED_TONAL' });

function drawPlan(
  id: string,
  { backend, calls, formats }: Surroundings,
  notice?: Message,
  draw: (plan: PlanView, reader: Reader, notice?: Message) => Card = planCard,
): Card {
  const [plan, me] = backend.call(calls.planOf(id), calls.me());
  if (!plan.ok) return messageCard(notice ?? toMessage(plan.failure), [tryAgain(id)]);
  if (!me.ok) return messageCard(notice ?? toMessage(me.failure), [tryAgain(id)]);
  return draw(plan.value, toReader(me.value, formats), notice);
}

const saidOf = {
  ready: 'Nothing has changed.',
  waiting: 'Waiting for a second person to approve it.',
  applied: 'Applied. The agents follow within seconds.',
  denied: 'Denied. Nothing was changed.',
  stale: 'Out of date. Start again from the form.',
} as const satisfies Record<PlanView['state'], string>;

/** Reasons go into the audit log, and no further than the plane takes them. */
const mostLetters = 500;
export const reasonOf = (form: Parameters<typeof first>[0]): { reason?: string } => {
  const reason = first(form, fieldNames.reason).slice(0, mostLetters);
  return reason === '' ? {} : { reason };
};

export const isDecision = (word: string): word is 'approve' | 'deny' => word === 'approve' || word === 'deny';

export const planHandlers: HandlersOf<'openPlan' | 'showPlan' | 'askApply' | 'applyPlan' | 'decidePlan'> = {
  openPlan: ({ id }, _form, surroundings) => push(drawPlan(id, surroundings)),
  showPlan: ({ id }, _form, surroundings) => update(drawPlan(id, surroundings)),
  askApply: ({ id }, _form, surroundings) => update(drawPlan(id, surroundings, undefined, askApplyCard)),
  applyPlan({ id, removals }, _form, surroundings) {
    const { backend, calls, formats } = surroundings;
    const [plan, me] = backend.call(calls.applyPlan(id, removals === '0' ? undefined : Number(removals)), calls.me());
    if (!plan.ok) return update(drawPlan(id, surroundings, toMessage(plan.failure)));
    const text = saidOf[plan.value.state];
    return changed(
      me.ok ? planCard(plan.value, toReader(me.value, formats)) : messageCard(doneButUnseen(text, toMessage(me.failure)), [tryAgain(id)]),
      text,
    );
  },
  decidePlan({ id, decision }, form, surroundings) {
    const { backend, calls, formats } = surroundings;
    if (!isDecision(decision)) return update(drawPlan(id, surroundings));
    const [plan, me] = backend.call(calls.decidePlan(id, { decision, ...reasonOf(form) }), calls.me());
    if (!plan.ok) return update(drawPlan(id, surroundings, toMessage(plan.failure)));
    const text = saidOf[plan.value.state];
    return changed(
      me.ok ? planCard(plan.value, toReader(me.value, formats)) : messageCard(doneButUnseen(text, toMessage(me.failure)), [tryAgain(id)]),
      text,
    );
  },
};
