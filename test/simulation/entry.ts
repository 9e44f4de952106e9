/* What a test gets when it loads the simulation together with the core. */
export { findIntakeViolation, findViolation, freshSeed, range, report, runCampaign, runIntakeCampaign } from './campaign.ts';
export { live } from './life.ts';
