import { agentIdSchema } from '../../shared/agent.ts';
import type { CredentialKind, Credentials, TokenKey } from './credentials.ts';
import { PlaneError, toMessage } from './errors.ts';
import type { Tally } from './notes.ts';
import type { Log } from './surroundings.ts';

export interface RefusalsDeps {
  readonly key: Pick<TokenKey, 'equal'>;
  readonly tally: Tally;
  readonly log: Log;
  /** Whose chain tells of tokens that none of ours ever were. */
  readonly planeId: string;
}

/**
 * The same credentials, with every refusal in the audit trail: of a token that was ours once on its agent's chain, of any other on the
 * plane's, where one row a minute is all that making up tokens can cause.
 */
export function tellRefusals(credentials: Credentials, { key, tally, log, planeId }: RefusalsDeps): Credentials {
  /** The agent for which we made the token, though it may have ended. */
  function formerAgent(token: string, kind: CredentialKind): string | undefined {
    const [, , agentId = '', incarnation, extra, boot] = token.split('.');
    const made = credentials.mint({ kind, agentId, incarnation: Number(incarnation), extra: Number(extra), boot: Number(boot) });
    return key.equal(token, made) ? agentId : undefined;
  }

  async function tell(token: string, kind: CredentialKind): Promise<void> {
    const action = 'access.refused';
    const agentId = formerAgent(token, kind);
    if (agentId !== undefined) {
      const actor = kind === 'link' ? ({ kind: 'user', id: 'holder of a link' } as const) : ({ kind: 'agent', id: agentId } as const);
      return tally({ agentId }, { actor, action, target: kind, detail: 'token has ended' });
    }
    const claimed = agentIdSchema.safeParse(token.split('.')[2]).data;
    const detail = token === '' ? 'no token' : claimed === undefined ? 'not a token of ours' : { claims: claimed };
    return tally({ planeId }, { actor: { kind: 'agent', id: 'unproven' }, action, target: kind, detail });
  }

  return {
    mint: (credential) => credentials.mint(credential),
    async check(token, kind) {
      try {
        return await credentials.check(token, kind);
      } catch (error) {
        if (error instanceof PlaneError && error.code === 'unauthenticated')
          await tell(token, kind).catch((failure: unknown) => log.warn('cannot note a refusal', { error: toMessage(failure) }));
        throw error;
      }
    },
  };
}
