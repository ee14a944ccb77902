/** The processor time that some work takes, in milliseconds: unlike the time on the wall, a busy machine makes it no longer. */
export async function processorMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
