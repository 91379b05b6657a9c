import { computed, signal } from "@preact/signals";
import { Troubled, end, recall, remember } from "./keeper/client";
import type { Overview, SecretView } from "./keeper/keeper";
import type { Trouble } from "./keeper/refused";

/** The account that is open; nothing while locked. */
export const overview = signal<Overview | null>(null);

/** The page, of the address’s fragment: what is looked at is in no request. */
export const route = signal<string[]>(read());

function read(): string[] {
  return location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}

addEventListener("hashchange", () => (route.value = read()));

export function address(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** The machine that asks for a key, of the link that it opened; kept while its owner logs in, and gone with the page. */
export const asking = signal<Asking | null>(asked(route.value));

export interface Asking {
  request: string;
  project: string;
  environment: string;
}

function asked([page, request, project, environment]: string[]): Asking | null {
  if (page !== "pair" || request === undefined) return null;
  return { request, project: project ?? "", environment: environment ?? "" };
}

addEventListener("hashchange", () => {
  const left = overview.value !== null ? null : asking.value;
  asking.value = asked(route.value) ?? left;
});

export function go(...parts: string[]): void {
  location.hash = address(...parts);
}

const chosen = signal<string | null>(recall("environment"));

/** The environment that is worked in. */
export const environment = computed(() => {
  const all = overview.value?.environments ?? [];
  return all.find((one) => one.id === chosen.value) ?? all[0] ?? null;
});

export function choose(id: string): void {
  chosen.value = id;
  remember("environment", id);
}

/** A link may name the environment that it is about. */
function arrive(): void {
  const [page, first, second] = route.value;
  const named = page === "secret" ? second : page === "in" ? first : undefined;
  if (named !== undefined) choose(named);
}

arrive();
addEventListener("hashchange", arrive);

export function projectName(id: string): string {
  return overview.value?.projects.find((one) => one.id === id)?.name ?? "a deleted project";
}

export function environmentName(id: string): string {
  const found = overview.value?.environments.find((one) => one.id === id);
  return found === undefined ? "a deleted environment" : `${projectName(found.project)} / ${found.name}`;
}

/** Secrets as they were listed last, by environment. */
export const secrets = signal<Record<string, SecretView[]>>({});

export function listed(id: string, list: SecretView[]): void {
  secrets.value = { ...secrets.value, [id]: list };
}

/** What is said for a moment at the page's edge. */
export const notice = signal<{ text: string; at: number } | null>(null);

export function note(text: string): void {
  const said = { text, at: Date.now() };
  notice.value = said;
  setTimeout(() => {
    if (notice.value === said) notice.value = null;
  }, 5000);
}

export function troubleOf(error: unknown): Trouble {
  const trouble: Trouble =
    error instanceof Troubled
      ? error.trouble
      : { kind: "Failure", message: "This page failed. Reload it; nothing of it is lost in the vault.", code: null };
  if (["unauthenticated", "key_expired", "key_revoked"].includes(trouble.code ?? "")) {
    lock(trouble.message);
  }
  return trouble;
}

/** Why the page is locked, for the log-in. */
export const lockedBecause = signal<string | null>(null);

/** Forgets everything: ends the session, the worker and what is shown. */
export function lock(because: string | null = null): void {
  if (overview.value === null) return;
  overview.value = null;
  secrets.value = {};
  lockedBecause.value = because;
  dispatchEvent(new Event("lock"));
  end();
}
