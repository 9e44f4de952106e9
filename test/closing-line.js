/** Prints the line that CI reads, and fails a run in which a test was skipped. */
export default class ClosingLine {
  #error;

  onRunComplete(_contexts, results) {
    const skipped = results.numPendingTests + results.numTodoTests;
    const broken = results.numRuntimeErrorTestSuites;
    if (skipped > 0) this.#error = new Error(`${skipped} tests were skipped: a skipped test counts as failed`);
    process.stderr.write(`\n${results.numPassedTests} passed, ${results.numFailedTests + skipped + broken} failed\n`);
  }

  getLastError() {
    return this.#error;
  }
}
