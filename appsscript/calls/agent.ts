import type { Body } from '../../shared/contract.ts';
import { planePath, toPath, type Call } from './call.ts';

export function agentCalls(planeId: string) {
  const plane = planePath(planeId);
  const userPath = (userKey: string): string => `${plane}/users/${encodeURIComponent(userKey)}`;
  const agentPath = (agentId: string): string => `${plane}/agents/${encodeURIComponent(agentId)}`;
  return {
    user: (userKey: string): Call<'getUser'> => ({ operation: 'getUser', method: 'get', path: userPath(userKey) }),
    explain: (userKey: string): Call<'explainUser'> => ({
      operation: 'explainUser',
      method: 'get',
      path: `${userPath(userKey)}/explain`,
    }),
    wish: (userKey: string, body: Body<'updateUser'>): Call<'updateUser'> => ({
      operation: 'updateUser',
      method: 'patch',
      path: userPath(userKey),
      body,
    }),
    agent: (agentId: string): Call<'getAgent'> => ({ operation: 'getAgent', method: 'get', path: agentPath(agentId) }),
    restart: (agentId: string): Call<'restartAgent'> => ({
      operation: 'restartAgent',
      method: 'post',
      path: `${agentPath(agentId)}/restart`,
    }),
    pause: (agentId: string, reason: string): Call<'pauseAgent'> => ({
      operation: 'pauseAgent',
      method: 'post',
      path: `${agentPath(agentId)}/pause`,
      body: reason === '' ? {} : { reason },
    }),
    resume: (agentId: string): Call<'resumeAgent'> => ({ operation: 'resumeAgent', method: 'post', path: `${agentPath(agentId)}/resume` }),
    reprovision: (agentId: string, acceptLoss: boolean): Call<'reprovisionAgent'> => ({
      operation: 'reprovisionAgent',
      method: 'post',
      path: `${agentPath(agentId)}/reprovision`,
      body: { acceptLoss },
    }),
    upgrade: (agentId: string, version: string): Call<'upgradeAgent'> => ({
      operation: 'upgradeAgent',
      method: 'post',
      path: `${agentPath(agentId)}/upgrade`,
      body: version === '' ? {} : { version },
    }),
    rotate: (agentId: string): Call<'rotateSecrets'> => ({
      operation: 'rotateSecrets',
      method: 'post',
      path: `${plane}/rotate-secrets`,
      body: { agentId },
    }),
    backUp: (agentId: string): Call<'createBackup'> => ({
      operation: 'createBackup',
      method: 'post',
      path: `${agentPath(agentId)}/backups`,
    }),
    backups: (agentId: string): Call<'listBackups'> => ({ operation: 'listBackups', method: 'get', path: `${agentPath(agentId)}/backups` }),
    restore: (agentId: string, backup: string): Call<'restoreBackup'> => ({
      operation: 'restoreBackup',
      method: 'post',
      path: `${agentPath(agentId)}/backups/${encodeURIComponent(backup)}/restore`,
    }),
    receipt: (agentId: string): Call<'agentReceipt'> => ({
      operation: 'agentReceipt',
      method: 'get',
      path: `${agentPath(agentId)}/receipt`,
    }),
    secrets: (agentId: string): Call<'listSecrets'> => ({ operation: 'listSecrets', method: 'get', path: `${agentPath(agentId)}/secrets` }),
    history: (agentId: string, limit: number, cursor: string): Call<'listAudit'> => ({
      operation: 'listAudit',
      method: 'get',
      path: toPath(`${plane}/audit`, { agentId, limit, cursor }),
    }),
  };
}
