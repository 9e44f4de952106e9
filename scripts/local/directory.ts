import { setTimeout as sleep } from 'node:timers/promises';
import { auth as googleAuth } from '@googleapis/admin';
import type { Plane } from '../../shared/plane.ts';
import type { Store } from '../../functions/core/store.ts';
import type { Clock } from '../../functions/core/surroundings.ts';
import { createQuota, googleLanes, googleQuotas } from '../../functions/directory/quota.ts';
import { groupsInForce } from '../../functions/directory/services.ts';
import { createWorkloadVerifier } from '../../functions/http/workload-identity.ts';
import { createDirectory, createReports } from '../../functions/providers/cloud/google.ts';
import { createInstaller } from '../../functions/providers/identity/google-workspace-installer.ts';
import { createGoogleWorkspace } from '../../functions/providers/identity/google-workspace.ts';
import type { Planes } from '../../functions/planes.ts';
import type { SinkBody } from './workspace/sink.ts';

export interface LocalDirectoryDeps {
  /** The embedded plane's address, without a trailing slash. */
  readonly url: string;
  /** Its domain is every plane's. */
  readonly plane: Plane;
  readonly planes: Planes;
  readonly store: Store;
  readonly clock: Clock;
  /** The audience of ID tokens that people's calls carry. */
  readonly audience: string;
  readonly fetch?: typeof fetch;
}

const pushAccount = 'pubsub-push@agents-plane.iam.gserviceaccount.com';

/** The Workspace emulator as this plane's directory: Google's own clients, the plane's own account, quota and push checks. */
export function connectDirectory({ url, plane, planes, store, clock, audience, fetch: fetchImplementation }: LocalDirectoryDeps) {
  const account = `${plane.metadata.name}@agents-plane.iam.gserviceaccount.com`;
  const auth = new googleAuth.OAuth2();
  auth.setCredentials({ access_token: `service-account:${account}` });
  const client = { auth, rootUrl: `${url}/google/`, ...(fetchImplementation ? { fetchImplementation } : {}) };
  const transport = fetchImplementation ? { fetch: fetchImplementation } : {};
  const certsUrl = `${url}/google/oauth2/v1/certs`;
  const pushAddress = `${url}/events/audit-log`;
  const quota = createQuota({
    ...{ store, clock, lanes: googleLanes, quotas: googleQuotas },
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  });
  const directory = createDirectory(client);
  const sink: SinkBody = { address: pushAddress, audience: pushAddress, serviceAccount: pushAccount };
  return {
    identity: createGoogleWorkspace({
      ...{ directory, reports: createReports(client), quota, certsUrl, ...transport },
      domain: plane.spec.identity.domain,
      audiences: [audience],
      policyGroups: () => groupsInForce(planes, store),
    }),
    installer: createInstaller({ directory, quota }),
    services: ['OpenClaw Agent'],
    ownAccounts: [account],
    verifyPush: createWorkloadVerifier({ audience: pushAddress, serviceAccounts: [pushAccount], clock, certsUrl, ...transport }),
    sink,
  };
}
