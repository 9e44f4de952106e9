/**
 * Machines on demand, in US dollars an hour, of each cloud's cheapest region in the USA; discounts, disks and traffic are not in them.
 * E2, N2 and B2 as in public copies of the vendors' lists found 2026-11-22 (the lists themselves: cloud.google.com/compute/vm-instance-pricing,
 * azure.microsoft.com/pricing/details/virtual-machines/linux); T3 and the regions' factors were not found there: check them against a bill.
 */
const usdPerHour: Readonly<Record<string, number>> = {
  'e2-micro': 0.00838,
  'e2-small': 0.01675,
  'e2-medium': 0.03351,
  'e2-standard-2': 0.06701,
  'e2-standard-4': 0.13402,
  'n2-standard-2': 0.0971,
  'n2-standard-4': 0.1942,
  't3.small': 0.0208,
  't3.medium': 0.0416,
  't3.large': 0.0832,
  Standard_B2s: 0.0416,
  Standard_B2ms: 0.0832,
};

/** What some regions cost more, as a factor, to a tenth; a region that is not here is priced as the cheapest. */
const factors: Readonly<Record<string, number>> = { 'europe-west1': 1.1, 'europe-west3': 1.3, 'europe-west4': 1.1, 'asia-northeast1': 1.3 };

/** As the clouds count a month. */
const hoursPerMonth = 730;

/** The company's own hardware, which nobody bills by the machine. */
const free: readonly string[] = ['local', 'ssh', 'docker', 'podman', 'instant'];

export const machinePricesReadOn = '2026-11-22';

/** US dollars a month of one machine that is always on; `null` where no price is known. */
export function machineUsdPerMonth(provider: string, region: string, machineType: string): number | null {
  if (free.includes(provider)) return 0;
  const hourly = usdPerHour[machineType];
  return hourly === undefined ? null : Math.round(hourly * hoursPerMonth * (factors[region] ?? 1) * 100) / 100;
}
