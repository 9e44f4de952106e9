import type { Credentials, TokenKey } from '../../core/credentials.ts';
import { PlaneError } from '../../core/errors.ts';
import type { AgentRecord } from '../../core/records.ts';
import type { Store } from '../../core/store.ts';
import type { Clock } from '../../core/surroundings.ts';
import type { Correspondence } from '../../mail/correspondence.ts';

export interface LinksDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly credentials: Credentials;
  readonly key: TokenKey;
  readonly correspondence: Pick<Correspondence, 'notify' | 'linkFor'>;
}

/** One new link an hour and agent, in whatever process it is asked for: the mail's id is its bound. */
const renewMs = 3_600_000;
const longestToken = 512;

export function createLinks({ store, clock, credentials, key, correspondence }: LinksDeps) {
  /** The agent of a link that was ours once, though it has run out, while the agent that it was made for still is to run. */
  async function agentOfOld(token: string): Promise<AgentRecord | undefined> {
    const [, , agentId = '', incarnation = '', extra = ''] = token.split('.');
    const made = credentials.mint({ kind: 'link', agentId, incarnation: Number(incarnation), extra: Number(extra) });
    if (!key.equal(token, made)) return undefined;
    const agent = await store.get('agents', agentId);
    return agent?.desired === 'running' && agent.incarnation === Number(incarnation) ? agent : undefined;
  }

  return {
    /** The agent of a link that is good now. */
    async agentOf(token: string): Promise<AgentRecord | undefined> {
      if (token.length > longestToken) return undefined;
      try {
        return (await credentials.check(token, 'link')).agent;
      } catch (error) {
        if (error instanceof PlaneError && error.code === 'unauthenticated') return undefined;
        throw error;
      }
    },
    /** Mails a new link to the owner's own address; does nothing, and says nothing, for a link that never was ours. */
    async renew(token: string): Promise<void> {
      const agent = token.length > longestToken ? undefined : await agentOfOld(token);
      if (!agent) return;
      const id = `link/${agent.agentId}/${agent.incarnation}/${Math.floor(clock.now() / renewMs)}`;
      const text = `Here is a new link to the page of your agent. It works for seven days and is yours alone: please do not forward it.\n\n${correspondence.linkFor(agent)}\n\nIf you did not ask for it, you need not do anything.`;
      await correspondence.notify(agent, id, 'A new link to the page of your agent', text);
    },
  };
}
