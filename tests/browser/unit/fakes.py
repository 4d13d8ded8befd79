"""Time that passes when a test says so, and the ends that an object talks to, as JavaScript."""

CLOCK = """
let now = 1_000_000;
const timers = new Set();
const clock = {
  now: () => now,
  after(ms, callback) {
    const timer = { at: now + ms, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  },
};
// Lets everything run that waits for nothing but its turn.
const settle = () => new Promise((resolve) => setTimeout(resolve));
const pass = async (ms) => {
  const end = now + ms;
  for (;;) {
    await settle();
    const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    if (next === undefined) break;
    timers.delete(next);
    now = Math.max(now, next.at);
    next.callback();
  }
  now = end;
};
"""
