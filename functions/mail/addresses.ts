import { agentIdSchema } from '../../shared/agent.ts';

/** Where agents are written to. */
export interface Addresses {
  /** What comes after the `@` of Message-IDs that we give. */
  readonly domain: string;
  /**
   * The one address that everything is sent from, where servers take no other: answers then go to the agent's own by `Reply-To`. Gmail
   * writes its own mailbox over a sender that is not among its aliases.
   */
  readonly sender?: string;
  of(agentId: string): string;
  /** The agent that an address means; `undefined` for every other address. */
  agentAt(address: string): string | undefined;
}

const bare = /^(?:.*<)?([^\s<>@]+)@([a-z0-9.-]+)>?$/i;

function toAddresses(domain: string, prefix: string): Addresses {
  return {
    domain,
    of: (agentId) => `${prefix}${agentId}@${domain}`,
    agentAt(address) {
      const [, local = '', at = ''] = bare.exec(address.trim().toLowerCase()) ?? [];
      if (at !== domain || !local.startsWith(prefix)) return undefined;
      const id = agentIdSchema.safeParse(local.slice(prefix.length));
      return id.success ? id.data : undefined;
    },
  };
}

/** A domain whose every address is an agent's. */
export const domainAddresses = (domain: string): Addresses => toAddresses(domain.toLowerCase(), '');

/** One mailbox whose plus-addresses are agents': `agents+<agentId>@acme.com`. */
export function plusAddresses(mailbox: string): Addresses {
  const [local = '', domain = ''] = mailbox.toLowerCase().split('@');
  return { ...toAddresses(domain, `${local}+`), sender: mailbox };
}
