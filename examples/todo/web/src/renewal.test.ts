import { ErrorResponse, type User } from "oidc-client-ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { IssuerAway, Renewal, SessionEnded } from "./renewal";

function userWith(token: string, seconds: number, refresh: string | undefined = "refresh"): User {
  return { access_token: token, expires_in: seconds, refresh_token: refresh } as User;
}

const manager = { signinSilent: vi.fn<() => Promise<User | null>>(), removeUser: vi.fn<() => Promise<void>>() };
const report = vi.fn<(problem: SessionEnded | IssuerAway | null) => void>();

beforeEach(() => {
  vi.useFakeTimers();
  manager.signinSilent.mockReset();
  manager.removeUser.mockReset().mockResolvedValue();
  report.mockReset();
});

afterEach(() => { vi.useRealTimers(); });

function start(user: User): Renewal {
  const renewal = new Renewal(manager, user, report);
  renewal.start();
  return renewal;
}

const seconds = (n: number) => vi.advanceTimersByTimeAsync(n * 1000);

describe("Renewal", () => {
  it.each([
    ["a minute before the end", 300, 240],
    ["a quarter before the end of a short life", 20, 15],
  ])("renews %s, again and again", async (_, life, due) => {
    manager.signinSilent.mockImplementation(() => Promise.resolve(userWith(`t${manager.signinSilent.mock.calls.length.toString()}`, life)));
    const renewal = start(userWith("t0", life));
    await seconds(due - 1);
    expect(renewal.token()).toBe("t0");
    await seconds(1);
    expect(renewal.token()).toBe("t1");
    await seconds(due - 1);
    expect(renewal.token()).toBe("t1");
    await seconds(1);
    expect(renewal.token()).toBe("t2");
    expect(report).toHaveBeenLastCalledWith(null);
  });

  it("renews when it wakes up from a sleep in which no timer ran", async () => {
    manager.signinSilent.mockResolvedValue(userWith("t1", 300));
    const renewal = start(userWith("t0", 300));
    vi.setSystemTime(Date.now() + 3_600_000);
    renewal.look();
    await seconds(0);
    expect(renewal.token()).toBe("t1");
  });

  it("notices a sleep by itself within half a minute", async () => {
    manager.signinSilent.mockResolvedValue(userWith("t1", 300));
    const renewal = start(userWith("t0", 300));
    vi.setSystemTime(Date.now() + 3_600_000);
    await seconds(30);
    expect(renewal.token()).toBe("t1");
  });

  it("tries again, less and less often, while the provider is away, and says so", async () => {
    manager.signinSilent.mockRejectedValue(new TypeError("Failed to fetch"));
    const renewal = start(userWith("t0", 300));
    await seconds(240);
    expect(report).toHaveBeenLastCalledWith(expect.any(IssuerAway));
    await seconds(600);
    const attempts = manager.signinSilent.mock.calls.length;
    expect(attempts).toBeGreaterThan(600 / 30);
    expect(attempts).toBeLessThan(60);
    manager.signinSilent.mockResolvedValue(userWith("t1", 300));
    await seconds(30);
    expect(renewal.token()).toBe("t1");
    expect(report).toHaveBeenLastCalledWith(null);
  });

  it("begins with short waits each time that the provider goes away", async () => {
    const renewal = start(userWith("t0", 300));
    for (const token of ["t1", "t2"]) {
      manager.signinSilent.mockReset().mockRejectedValue(new TypeError("Failed to fetch"));
      await seconds(240);
      expect(manager.signinSilent).toHaveBeenCalledTimes(1);
      await seconds(2);
      expect(manager.signinSilent).toHaveBeenCalledTimes(2);
      manager.signinSilent.mockResolvedValue(userWith(token, 300));
      await renewal.renew();
    }
  });

  it("takes a broken answer for a provider that is away", async () => {
    manager.signinSilent.mockRejectedValue(new ErrorResponse({ error: "temporarily_unavailable" }));
    await expect(start(userWith("t0", 300)).renew()).rejects.toBeInstanceOf(IssuerAway);
  });

  it("stops when the provider ends the session", async () => {
    manager.signinSilent.mockRejectedValue(new ErrorResponse({ error: "invalid_grant" }));
    start(userWith("t0", 300));
    await seconds(3600);
    expect(manager.signinSilent).toHaveBeenCalledTimes(1);
    expect(report.mock.calls).toEqual([[expect.any(SessionEnded)]]);
  });

  it("ends when nobody is signed in any more", async () => {
    manager.signinSilent.mockResolvedValue(null);
    await expect(start(userWith("t0", 300)).renew()).rejects.toBeInstanceOf(SessionEnded);
  });

  it("does not try a frame when there is no refresh token", async () => {
    start({ access_token: "t0", expires_in: 300 } as User);
    await seconds(3600);
    expect(manager.signinSilent).not.toHaveBeenCalled();
    expect(report.mock.calls).toEqual([[expect.any(SessionEnded)]]);
  });

  it("asks once for callers at the same time", async () => {
    manager.signinSilent.mockResolvedValue(userWith("t1", 300));
    const renewal = start(userWith("t0", 300));
    await Promise.all([renewal.renew(), renewal.renew(), renewal.renew()]);
    expect(manager.signinSilent).toHaveBeenCalledTimes(1);
    expect(renewal.token()).toBe("t1");
  });

  it("signs nobody in who has signed out meanwhile", async () => {
    let answer: (user: User) => void = () => undefined;
    manager.signinSilent.mockReturnValue(new Promise((resolve) => { answer = resolve; }));
    const renewal = start(userWith("t0", 300));
    const renewed = renewal.renew();
    renewal.stop();
    answer(userWith("t1", 300));
    await renewed;
    expect(manager.removeUser).toHaveBeenCalled();
    expect(renewal.token()).toBe("t0");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says nothing of a failure after the sign-out", async () => {
    manager.signinSilent.mockRejectedValue(new TypeError("Failed to fetch"));
    const renewal = start(userWith("t0", 300));
    const renewed = renewal.renew();
    renewal.stop();
    await expect(renewed).rejects.toBeInstanceOf(IssuerAway);
    expect(report).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("asks for nothing after the sign-out", async () => {
    manager.signinSilent.mockResolvedValue(userWith("t1", 300));
    const renewal = start(userWith("t0", 300));
    renewal.stop();
    expect(vi.getTimerCount()).toBe(0);
    renewal.look();
    expect(vi.getTimerCount()).toBe(0);
    await renewal.renew();
    expect(manager.signinSilent).not.toHaveBeenCalled();
    expect(manager.removeUser).not.toHaveBeenCalled(); // of somebody else, who has signed in since
    renewal.start();
    await renewal.renew();
    expect(renewal.token()).toBe("t1");
  });

  it("leaves a token alone that never expires", async () => {
    start({ access_token: "t0", refresh_token: "r" } as User);
    await seconds(86_400);
    expect(manager.signinSilent).not.toHaveBeenCalled();
  });
});
