import type { ErrorCode } from '../../functions/core/errors.ts';

export const exitCodes = { done: 0, failed: 1, usage: 2, broken: 3, conflict: 4, notFound: 5, interrupted: 130 } as const;

export const exitCodeHelp = `Exit codes:
  0    done
  1    refused or failed
  2    the command line is wrong
  3    checked, and found broken or drifted
  4    a plan is stale, or somebody else changed it meanwhile
  5    no such plane, agent, user, plan or operation
  130  interrupted; work that was begun goes on`;

/** What to do next, beside what the plane itself said. */
const nextSteps: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Next: `planes connect <url>` says anew how to sign in; `planes whoami` checks it.',
  forbidden: 'Next: `planes whoami` shows your roles.',
  notFound: 'Next: `planes list` and `planes status` show what there is.',
  preconditionFailed: 'Next: look at it again, make a new plan with `planes plan`, then apply that.',
  tooManyRequests: 'Next: try again in a minute.',
  unavailable: 'Next: `planes diagnose` once the plane answers; `planes connect --list` shows which plane this is.',
  timeout: 'Next: `planes status` shows whether it was done; the same command can be run again.',
};

export const toExitCode = (code: ErrorCode): number => {
  if (code === 'notFound') return exitCodes.notFound;
  return code === 'conflict' || code === 'preconditionFailed' ? exitCodes.conflict : exitCodes.failed;
};

export const toNextStep = (code: ErrorCode): string => nextSteps[code] ?? '';
