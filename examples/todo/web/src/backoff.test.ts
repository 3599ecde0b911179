import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { backoff, sleep } from "./backoff";

beforeEach(() => { vi.useFakeTimers(); });

afterEach(() => { vi.useRealTimers(); });

it.each([
  [0, 1_000],
  [1, 2_000],
  [4, 16_000],
  [5, 30_000],
  [2_000, 30_000],
])("waits after %d failures for %d ms, less up to a half by chance", (failures, most) => {
  const chance = vi.spyOn(Math, "random");
  chance.mockReturnValue(0);
  expect(backoff(failures, 1_000, 30_000)).toBe(most);
  chance.mockReturnValue(0.5);
  expect(backoff(failures, 1_000, 30_000)).toBe(most * 0.75);
});

it("sleeps for its time", async () => {
  const woken = vi.fn();
  void sleep(1_000, new AbortController().signal).then(woken);
  await vi.advanceTimersByTimeAsync(999);
  expect(woken).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(woken).toHaveBeenCalled();
});

it("sleeps until the signal at most, and leaves no timer", async () => {
  const stop = new AbortController();
  const sleeping = sleep(1_000, stop.signal);
  stop.abort();
  await sleeping;
  await sleep(1_000, stop.signal);
  expect(vi.getTimerCount()).toBe(0);
});
