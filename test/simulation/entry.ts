/* What a test gets when it loads the simulation together with the core. */
export { findViolation, freshSeed, range, report, runCampaign } from './campaign.ts';
export { live } from './life.ts';
