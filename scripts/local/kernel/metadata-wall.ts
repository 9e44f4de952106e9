import { z } from 'zod';
import { run } from './run.ts';

/** Somebody's attempt to reach an address that is closed to them. */
export interface Knock {
  readonly uid: number;
  readonly address: string;
  readonly packets: number;
}

export interface MetadataWall {
  /** What was tried since the last time this was asked. */
  knocks(): Promise<Knock[]>;
  remove(): Promise<void>;
}

interface WallOptions {
  /** The plane's own name on this host: letters and digits. */
  readonly instance: string;
  readonly uids: { readonly first: number; readonly last: number };
}

const tableOf = (instance: string): string => `inet agents_plane_${instance}`;

/*
 * Link-local addresses serve metadata and credentials (AWS, Azure, Google, Oracle); 168.63.129.16 is Azure's, 100.100.100.200
 * Alibaba's: the list of manifests/machine/cloud-init/firewall.nft. Clouds answer for names on them as well. A connection is reset, so
 * that its caller hears at once. The kernel counts per user and address; a full set refuses none the less.
 */
const toRules = (table: string, { first, last }: WallOptions['uids']): string => `
table ${table}
delete table ${table}
table ${table} {
  set metadata4 { type ipv4_addr; flags interval; elements = { 169.254.0.0/16, 168.63.129.16, 100.100.100.200 } }
  set metadata6 { type ipv6_addr; flags interval; elements = { fd00:ec2::/64, fd20:ce::/64 } }
  set tried4 { type uid . ipv4_addr; size 4096; flags dynamic, timeout; timeout 1h; counter; }
  set tried6 { type uid . ipv6_addr; size 4096; flags dynamic, timeout; timeout 1h; counter; }
  chain refuse {
    meta l4proto { tcp, udp } th dport 53 accept
    update @tried4 { meta skuid . ip daddr }
    update @tried6 { meta skuid . ip6 daddr }
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
  chain output {
    type filter hook output priority filter; policy accept;
    meta skuid ${first}-${last} ip daddr @metadata4 jump refuse
    meta skuid ${first}-${last} ip6 daddr @metadata6 jump refuse
  }
}
`;

/** `nft -j list set`. */
const listSchema = z.object({
  nftables: z.array(
    z.object({
      set: z
        .object({
          elem: z
            .array(
              z.object({
                elem: z.object({
                  val: z.object({ concat: z.tuple([z.number(), z.string()]) }),
                  counter: z.object({ packets: z.number() }),
                }),
              }),
            )
            .default([]),
        })
        .optional(),
    }),
  ),
});

/** Closes cloud metadata addresses to a range of users, in a table of its own that replaces one left by a plane that was killed. */
export async function raiseMetadataWall({ instance, uids }: WallOptions): Promise<MetadataWall> {
  const table = tableOf(instance);
  await run('nft', ['-f', '-'], toRules(table, uids));
  let told: ReadonlyMap<string, number> = new Map();
  return {
    async knocks() {
      const found: Knock[] = [];
      const counted = new Map<string, number>();
      for (const set of ['tried4', 'tried6']) {
        const { nftables } = listSchema.parse(JSON.parse(await run('nft', ['-j', 'list', 'set', ...table.split(' '), set])));
        for (const { elem } of nftables.flatMap((entry) => entry.set?.elem ?? [])) {
          const [uid, address] = elem.val.concat;
          const before = told.get(`${uid} ${address}`) ?? 0;
          const { packets } = elem.counter;
          counted.set(`${uid} ${address}`, packets);
          // What was not tried for an hour is counted anew.
          if (packets !== before) found.push({ uid, address, packets: packets > before ? packets - before : packets });
        }
      }
      told = counted;
      return found;
    },
    async remove() {
      await run('nft', ['delete', 'table', ...table.split(' ')]);
    },
  };
}
