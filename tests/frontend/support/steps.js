/** Counts the work of patterns instead of its time, which depends on what else the machine does. */

/**
 * Return how many characters the patterns of a function have scanned, and how often they were tried. A sticky pattern
 * that does not match counts as one try.
 */
export function countSteps(run) {
  const { exec } = RegExp.prototype;
  let steps = 0;
  function counted(text) {
    const start = this.global || this.sticky ? this.lastIndex : 0;
    const match = exec.call(this, text);
    if (match !== null) steps += match.index + match[0].length - start;
    else if (!this.sticky) steps += text.length - start;
    steps += 1;
    return match;
  }
  Reflect.set(RegExp.prototype, "exec", counted);
  try {
    run();
  } finally {
    Reflect.set(RegExp.prototype, "exec", exec);
  }
  return steps;
}
