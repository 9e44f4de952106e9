import { addAgent } from './add-agent.ts';
import { apply } from './apply.ts';
import { approvals } from './approvals.ts';
import { auditExport } from './audit-export.ts';
import { auditKey } from './audit-key.ts';
import { auditList } from './audit-list.ts';
import { auditVerify } from './audit-verify.ts';
import { backup, backupList } from './backup.ts';
import type { CommandRow } from './command.ts';
import { completion } from './completion.ts';
import { connect } from './connect.ts';
import { costReport } from './cost-report.ts';
import { create } from './create.ts';
import { approve, deny } from './decide.ts';
import { remove } from './delete.ts';
import { diagnose } from './diagnose.ts';
import { drift } from './drift.ts';
import { explain } from './explain.ts';
import { get } from './get.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { operationsCancel, operationsList, operationsResume, operationsShow, operationsWatch } from './operations.ts';
import { pause } from './pause.ts';
import { plan } from './plan.ts';
import { receiptShow, receiptVerify } from './receipt.ts';
import { removeAgent } from './remove-agent.ts';
import { reprovision } from './reprovision.ts';
import { requests } from './requests.ts';
import { restartAgent } from './restart-agent.ts';
import { restore } from './restore.ts';
import { resume } from './resume.ts';
import { rotateSecrets } from './rotate-secrets.ts';
import { scaletest } from './scaletest.ts';
import { status } from './status.ts';
import { upgrade } from './upgrade.ts';
import { whoami } from './whoami.ts';

/** Every command, in the order of the help: help, completion and the program follow from this table. */
export const commands: readonly CommandRow[] = [
  ...[create, list, status, get, plan, apply, remove, upgrade],
  ...[addAgent, removeAgent, restartAgent, logs, explain, reprovision, backup, backupList, restore],
  ...[pause, resume, rotateSecrets, operationsList, operationsShow, operationsWatch, operationsCancel, operationsResume],
  ...[costReport, drift, approvals, requests, approve, deny],
  ...[auditList, auditVerify, auditExport, auditKey, receiptShow, receiptVerify],
  ...[connect, whoami, diagnose, scaletest, completion],
];
