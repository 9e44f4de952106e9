import { toUserId } from './ids.ts';

/** Who an activity names as its actor. */
export interface Caller {
  readonly email: string;
  readonly id: string;
}

export interface Callers {
  /** Runs a handler, which must be synchronous, as the caller whom its `authorization` header names. */
  during<T>(authorization: string | undefined, work: () => T): T;
  /** Outside of a call the super admin, as in the Admin console. */
  current(): Caller;
  /** Remembers for whom an access token was issued. */
  remember(token: string, email: string): void;
}

const mostTokens = 1_000;
const serviceAccount = /^Bearer service-account:(\S+@\S+)$/i;

/**
 * A caller names itself by `Authorization: Bearer service-account:<email>` or by a token that this emulator issued for it; whoever
 * does neither is the super admin. Nobody is refused: the emulator holds no secrets worth a password.
 */
export function createCallers({ domain, idOf }: { domain: string; idOf: (email: string) => string | undefined }): Callers {
  const issued = new Map<string, string>();
  const toCaller = (email: string): Caller => ({ email, id: idOf(email) ?? toUserId(email) });
  const superAdmin = () => toCaller(`admin@${domain}`);
  let calling: Caller | undefined;

  const read = (authorization = ''): Caller => {
    const email = serviceAccount.exec(authorization)?.[1] ?? issued.get(authorization.replace(/^Bearer /i, ''));
    return email === undefined ? superAdmin() : toCaller(email);
  };

  return {
    during(authorization, work) {
      calling = read(authorization);
      try {
        return work();
      } finally {
        calling = undefined;
      }
    },
    current: () => calling ?? superAdmin(),
    remember(token, email) {
      const [oldest] = issued.keys();
      if (issued.size >= mostTokens && oldest !== undefined) issued.delete(oldest);
      issued.set(token, email);
    },
  };
}
