import type { PlanChange, PlaneDefinitionView } from '../../shared/contract.ts';
import { fieldNames, toButton } from '../actions.ts';
import type { Button, Card, RenderedAction } from '../card.ts';
import { messageCard, type Message } from '../cards/message.ts';
import { planCard } from '../cards/plan.ts';
import { policiesCard } from '../cards/policies.ts';
import { policyLayerCard } from '../cards/policy-layer.ts';
import { bugInAddOn, movedMeanwhile, toMessage } from '../failures.ts';
import { toLayerSpec } from '../layer-form.ts';
import { layerOf, moveGroup, toMatch } from '../layers.ts';
import { toReader } from '../reader.ts';
import { first, notify, push, update, type HandlersOf, type Surroundings } from './surroundings.ts';

const tryAgain: Button = toButton('Try again', 'showPolicies', {}, { type: 'FILLED_TONAL' });

function drawPolicies({ backend, calls, formats }: Surroundings, notice?: Message): Card {
  const [plane, scopes, me] = backend.call(calls.definition(), calls.scopes(), calls.me());
  if (!plane.ok) return messageCard(toMessage(plane.failure), [tryAgain]);
  if (!scopes.ok) return messageCard(toMessage(scopes.failure), [tryAgain]);
  if (!me.ok) return messageCard(toMessage(me.failure), [tryAgain]);
  return policiesCard(plane.value, scopes.value, toReader(me.value, formats), notice);
}

function drawLayer(scope: string, { backend, calls, formats }: Surroundings, notice?: Message): Card {
  if (!toMatch(scope)) return messageCard(bugInAddOn, [tryAgain]);
  const [plane, me] = backend.call(calls.definition(), calls.me());
  if (!plane.ok) return messageCard(notice ?? toMessage(plane.failure), [tryAgain]);
  if (!me.ok) return messageCard(notice ?? toMessage(me.failure), [tryAgain]);
  return policyLayerCard(plane.value, scope, toReader(me.value, formats), notice);
}

type ToChange = (plane: PlaneDefinitionView) => PlanChange | { readonly wrong: readonly string[] };

/** Makes a plan of what was asked on a layer\u2019s card, unless its policies are others by now. */
function planFor(
  { scope, revision }: { readonly scope: string; readonly revision: string },
  surroundings: Surroundings,
  toChange: ToChange,
): RenderedAction {
  const { backend, calls, formats } = surroundings;
  const [plane, me] = backend.call(calls.definition(), calls.me());
  if (!plane.ok) return update(messageCard(toMessage(plane.failure), [tryAgain]));
  if (!me.ok) return update(messageCard(toMessage(me.failure), [tryAgain]));
  const reader = toReader(me.value, formats);
  if (String(plane.value.revision) !== revision) return update(policyLayerCard(plane.value, scope, reader, movedMeanwhile));
  const change = toChange(plane.value);
  // The form stays as it was filled in: a card drawn anew would lose it.
  if ('wrong' in change) return notify(change.wrong.join(' '));
  const [plan] = backend.call(calls.plan(change));
  if (plan.ok) return update(planCard(plan.value, reader));
  const message = toMessage(plan.failure);
  return {
    action: { navigations: [{ updateCard: policyLayerCard(plane.value, scope, reader, message) }], notification: { text: message.title } },
  };
}

const impossible = { wrong: ['That cannot be done here any more. Go back and look again.'] };

export const policyHandlers: HandlersOf<
  'openPolicies' | 'showPolicies' | 'openLayer' | 'chooseUnit' | 'chooseGroup' | 'planLayer' | 'planNoLayer' | 'planMove'
> = {
  openPolicies: (_parameters, _form, surroundings) => push(drawPolicies(surroundings)),
  showPolicies: (_parameters, _form, surroundings) => update(drawPolicies(surroundings)),
  openLayer: ({ scope }, _form, surroundings) => update(drawLayer(scope, surroundings)),
  chooseUnit(_parameters, form, surroundings) {
    const path = first(form, fieldNames.ou);
    return path === '' ? notify('Choose an org unit.') : update(drawLayer(`ou:${path}`, surroundings));
  },
  chooseGroup(_parameters, form, surroundings) {
    const email = first(form, fieldNames.group).toLowerCase();
    if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return notify('Type the e-mail address of a group.');
    return update(drawLayer(`group:${email}`, surroundings));
  },
  planLayer: (target, form, surroundings) =>
    planFor(target, surroundings, ({ definition }) => {
      const match = toMatch(target.scope);
      if (!match) return impossible;
      const read = toLayerSpec(form, layerOf(definition.spec.policies, target.scope)?.spec ?? {});
      return 'wrong' in read ? read : { kind: 'policy', match, spec: read.spec };
    }),
  planNoLayer: (target, _form, surroundings) =>
    planFor(target, surroundings, () => {
      const match = toMatch(target.scope);
      return match ? { kind: 'policy', match, spec: null } : impossible;
    }),
  planMove: (target, _form, surroundings) =>
    planFor(target, surroundings, ({ definition }) => moveGroup(definition.spec.policies, target.scope, Number(target.by)) ?? impossible),
};
