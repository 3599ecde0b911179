// @vitest-environment jsdom
import { act, cleanup, configure, fireEvent, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Api, ApiError, ChangedElsewhere, type Todo, Unreachable } from "./api";
import { TodoList } from "./TodoList";

const milk: Todo = { id: "1", title: "milk", done: false, created_at: "", updated_at: "2026-01-01T00:00:00Z" };
const eggs: Todo = { ...milk, id: "2", title: "eggs" };

const api = { list: vi.fn(), events: vi.fn(), create: vi.fn(), update: vi.fn(), remove: vi.fn() };
const signIn = vi.fn();
let tell: (name: string, data: unknown) => void;

beforeEach(() => {
  Object.values(api).forEach((f) => f.mockReset());
  signIn.mockReset();
  api.list.mockResolvedValue({ items: [milk, eggs], complete: true });
  api.events.mockImplementation(() => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        tell = (name, data) => { controller.enqueue(new TextEncoder().encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`)); };
        tell("ready", {});
      },
    });
    return Promise.resolve(new Response(body));
  });
});

configure({ asyncUtilTimeout: 30_000 });

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

async function show() {
  render(<TodoList api={api as unknown as Api} signIn={signIn} />);
  await screen.findByText("milk");
  return userEvent.setup();
}

const titles = () => screen.getAllByRole("checkbox").map((box) => box.parentElement?.textContent);
const alerts = () => screen.getAllByRole("alert").map((alert) => alert.textContent).join("");

describe("TodoList", () => {
  it("shows the newest first, and what happens elsewhere", async () => {
    await show();
    expect(titles()).toEqual(["eggs", "milk"]);
    tell("created", { todo: { ...milk, id: "3", title: "tea" }, etag: '"1"' });
    await screen.findByText("tea");
    expect(titles()).toEqual(["tea", "eggs", "milk"]);
    tell("updated", { todo: { ...eggs, done: true }, etag: '"2"' });
    tell("deleted", { id: "1" });
    await waitFor(() => { expect(titles()).toEqual(["tea", "eggs"]); });
    expect(screen.getByRole<HTMLInputElement>("checkbox", { name: "eggs" }).checked).toBe(true);
    expect(screen.getByRole("status").textContent).toBe("1 of 2 to do · live");
    tell("updated", { todo: { ...milk, id: "3", title: "tea", done: true }, etag: '"2"' });
    await waitFor(() => { expect(screen.getByRole("status").textContent).toBe("all done · live"); });
    tell("deleted", { id: "2" });
    tell("deleted", { id: "3" });
    await waitFor(() => { expect(screen.getByRole("status").textContent).toBe("live"); });
  });

  it("follows nothing while it is hidden, and all of it again after that", async () => {
    await show();
    const signal = (call: number) => api.events.mock.calls[call]?.[0] as AbortSignal;
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(true);
    fireEvent(document, new Event("visibilitychange"));
    expect(signal(0).aborted).toBe(true);
    expect(api.events).toHaveBeenCalledTimes(1);
    api.list.mockResolvedValue({ items: [eggs], complete: false });
    hidden.mockReturnValue(false);
    fireEvent(document, new Event("visibilitychange"));
    await screen.findByText("There are more todos than this page shows.");
    expect(titles()).toEqual(["eggs"]);
    expect(signal(1).aborted).toBe(false);
  });

  it("says that it is not live while the stream is away, and nothing of it after that", async () => {
    await show();
    vi.useFakeTimers({ shouldAdvanceTime: true });
    api.events.mockRejectedValueOnce(new Unreachable());
    tell("stopping", {});
    await screen.findByText(/server cannot be reached\. Trying again/);
    expect(screen.getByRole("status").textContent).toBe("2 of 2 to do · connecting…");
    await act(() => vi.advanceTimersByTimeAsync(2_000));
    await waitFor(() => { expect(screen.getByRole("status").textContent).toBe("2 of 2 to do · live"); });
    expect(alerts()).toBe("");
  });

  it("adds by the keyboard alone, and is ready for the next one", async () => {
    const user = await show();
    api.create.mockImplementation((title: string) => Promise.resolve({ ...milk, id: "3", title }));
    const field = screen.getByLabelText("What is to be done?");
    await user.type(field, "  tea {Enter}");
    await screen.findByText("tea");
    expect(api.create.mock.calls).toEqual([["tea"]]);
    expect(document.activeElement).toBe(field);
    await user.type(field, "   {Enter}");
    expect(api.create).toHaveBeenCalledTimes(1);
  });

  it("adds once what is sent off twice", async () => {
    const user = await show();
    let answer: (todo: Todo) => void = () => undefined;
    api.create.mockReturnValue(new Promise<Todo>((resolve) => { answer = resolve; }));
    await user.type(screen.getByLabelText("What is to be done?"), "tea{Enter}{Enter}");
    answer({ ...milk, id: "3", title: "tea" });
    await screen.findByText("tea");
    expect(api.create).toHaveBeenCalledTimes(1);
  });

  it("keeps what was written when it could not be added, and says why", async () => {
    const user = await show();
    api.create.mockRejectedValue(new ApiError(403, "", "todos:write"));
    const field = screen.getByLabelText<HTMLInputElement>("What is to be done?");
    await user.type(field, "tea{Enter}");
    await waitFor(() => { expect(alerts()).toMatch(/lacks the scope todos:write/); });
    expect(field.value).toBe("tea");
    await user.click(screen.getByRole("button", { name: "Dismiss" }));
    expect(alerts()).toBe("");
  });

  it("edits: Enter saves, and the focus goes back to the button", async () => {
    const user = await show();
    api.update.mockResolvedValue({ ...milk, title: "oat milk", updated_at: "2026-01-01T00:00:01Z" });
    await user.click(screen.getByRole("button", { name: "Edit milk" }));
    await user.keyboard("oat milk{Enter}"); // the old title is selected
    await screen.findByText("oat milk");
    expect(api.update.mock.calls).toEqual([[milk, { title: "oat milk" }]]);
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Edit oat milk" }));
  });

  it("edits: Escape gives up", async () => {
    const user = await show();
    await user.click(screen.getByRole("button", { name: "Edit milk" }));
    await user.keyboard("oat milk{Escape}");
    expect(titles()).toEqual(["eggs", "milk"]);
    expect(api.update).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Edit milk" }));
  });

  it("does not overwrite what was changed elsewhere, unless told to once more", async () => {
    const user = await show();
    const current = { ...milk, title: "soy milk", updated_at: "2026-01-01T00:00:01Z", etag: '"2"' };
    api.update.mockRejectedValueOnce(new ChangedElsewhere(current));
    await user.click(screen.getByRole("button", { name: "Edit milk" }));
    tell("updated", { todo: { ...current }, etag: '"2"' });
    await user.keyboard("oat milk{Enter}");
    await waitFor(() => { expect(alerts()).toMatch(/it is now “soy milk”/); });
    expect(api.update.mock.calls[0]).toEqual([milk, { title: "oat milk" }]); // the version at which editing began
    api.update.mockResolvedValueOnce({ ...current, title: "oat milk", etag: '"3"' });
    await user.keyboard("{Enter}");
    await screen.findByText("oat milk");
    expect(api.update.mock.calls[1]).toEqual([current, { title: "oat milk" }]);
    expect(alerts()).toBe("");
  });

  it("shows a tick at once, and takes it back when it could not be saved", async () => {
    const user = await show();
    let fail: (error: Error) => void = () => undefined;
    api.update.mockReturnValue(new Promise((_, reject) => { fail = reject; }));
    const box = screen.getByRole<HTMLInputElement>("checkbox", { name: "milk" });
    await user.click(box);
    expect(box.checked).toBe(true);
    fail(new Unreachable());
    await waitFor(() => { expect(box.checked).toBe(false); });
    expect(alerts()).toMatch(/did not answer/);
  });

  it("does not conflict with itself: what is edited at once is edited on top of the tick", async () => {
    const user = await show();
    let answer: (todo: Todo) => void = () => undefined;
    api.update.mockReturnValueOnce(new Promise<Todo>((resolve) => { answer = resolve; }));
    await user.click(screen.getByRole("checkbox", { name: "milk" }));
    await user.click(screen.getByRole("button", { name: "Edit milk" }));
    await user.keyboard("oat milk{Enter}");
    expect(api.update).toHaveBeenCalledTimes(1); // one after the other
    const ticked = { ...milk, done: true, updated_at: "2026-01-01T00:00:01Z", etag: '"2"' };
    api.update.mockResolvedValueOnce({ ...ticked, title: "oat milk", updated_at: "2026-01-01T00:00:02Z", etag: '"3"' });
    answer(ticked);
    await screen.findByText("oat milk");
    expect(api.update.mock.calls[1]).toEqual([ticked, { title: "oat milk" }]);
    expect(alerts()).toBe("");
  });

  it("goes on with a todo after a change of it has failed", async () => {
    const user = await show();
    api.update.mockRejectedValueOnce(new Unreachable());
    const box = screen.getByRole<HTMLInputElement>("checkbox", { name: "milk" });
    await user.click(box);
    await waitFor(() => { expect(alerts()).toMatch(/did not answer/); });
    api.update.mockResolvedValueOnce({ ...milk, done: true, updated_at: "2026-01-01T00:00:01Z" });
    await user.click(box);
    await waitFor(() => { expect(alerts()).toBe(""); });
    expect(box.checked).toBe(true);
  });

  it("shows a todo as it is that was changed elsewhere", async () => {
    const user = await show();
    api.update.mockRejectedValue(new ChangedElsewhere({ ...milk, title: "soy milk", updated_at: "2026-01-01T00:00:01Z", etag: '"2"' }));
    await user.click(screen.getByRole("checkbox", { name: "milk" }));
    await waitFor(() => { expect(titles()).toEqual(["eggs", "soy milk"]); });
    expect(alerts()).toMatch(/Your change was not made/);
  });

  it("takes a todo off the list that was deleted elsewhere", async () => {
    const user = await show();
    api.update.mockRejectedValue(new ChangedElsewhere(null));
    await user.click(screen.getByRole("checkbox", { name: "milk" }));
    await waitFor(() => { expect(titles()).toEqual(["eggs"]); });
    expect(alerts()).toMatch(/deleted elsewhere/);
  });

  it("deletes, and the focus does not get lost", async () => {
    const user = await show();
    api.remove.mockResolvedValue(undefined);
    await user.click(screen.getByRole("button", { name: "Delete milk" }));
    await waitFor(() => { expect(titles()).toEqual(["eggs"]); });
    expect(document.activeElement).toBe(screen.getByLabelText("What is to be done?"));
  });

  it("keeps a todo that could not be deleted", async () => {
    const user = await show();
    api.remove.mockRejectedValue(new Unreachable());
    await user.click(screen.getByRole("button", { name: "Delete milk" }));
    await waitFor(() => { expect(alerts()).toMatch(/did not answer/); });
    expect(titles()).toEqual(["eggs", "milk"]);
  });

  it("offers to sign in again when the API no longer takes the token", async () => {
    api.events.mockRejectedValue(new ApiError(401, ""));
    api.list.mockRejectedValue(new ApiError(401, ""));
    render(<TodoList api={api as unknown as Api} signIn={signIn} />);
    await userEvent.setup().click(await screen.findByRole("button", { name: "Sign in again" }));
    expect(signIn).toHaveBeenCalled();
  });
});
