import { toAgentId } from '../../shared/agent.ts';
import type { ExplanationView, UserView } from '../../shared/contract.ts';
import { explain, toSentences, type Explanation } from '../../shared/explain.ts';
import { toFieldNotes } from '../../shared/field-notes.ts';
import type { Plane } from '../../shared/plane.ts';
import { resolvePolicy, type EffectivePolicy } from '../../shared/policy.ts';
import { toSentence } from '../../shared/problem.ts';
import type { UserIdentity } from '../core/providers.ts';
import type { AgentRecord } from '../core/records.ts';
import type { Store } from '../core/store.ts';
import type { Hashing } from '../core/surroundings.ts';
import { grantsOf } from '../directory/grants.ts';
import { listServices } from '../directory/services.ts';
import { layersOf } from '../directory/standing.ts';

/** What policy says about a user now, read and explained. */
export interface ExplainedUser extends Pick<UserView, 'problems' | 'notes'> {
  readonly agent: AgentRecord | undefined;
  readonly policy: EffectivePolicy;
  readonly explanation: Explanation;
}

export async function explainUser(plane: Plane, user: UserIdentity, store: Store, hashing: Hashing): Promise<ExplainedUser> {
  const planeId = plane.metadata.name;
  const [agent, services, grants] = await Promise.all([
    store.get('agents', toAgentId(planeId, user.id, hashing.sha256)),
    listServices(store),
    grantsOf(store, planeId, user.id),
  ]);
  const { layers, read } = layersOf(plane, user, agent?.requests, { services, grants });
  const explanation = explain(layers);
  return {
    agent,
    policy: resolvePolicy(layers),
    explanation,
    problems: read.problems.map(toSentence),
    notes: toFieldNotes(read, explanation),
  };
}

export function toExplanationView({ id, email, ouPath, groups }: UserIdentity, explanation: Explanation): ExplanationView {
  const fields = JSON.parse(JSON.stringify(explanation)) as ExplanationView['fields'];
  return { user: { id, email, ouPath, groups: [...groups] }, fields, sentences: toSentences(explanation) };
}
