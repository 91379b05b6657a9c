import { useMemo, useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { AuditRow, LogReport } from "../keeper/keeper";
import { Bars, Days } from "../parts/charts";
import { Busy, Choice, Empty, Told, time } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useAct, useAsked } from "../parts/use";
import { environmentName, go, overview } from "../state";
import { Skeleton } from "./secrets";

/** Rows that are looked at to begin with: enough for charts, few enough for a phone. */
const ENOUGH = 1000;
const DAYS = 30;

const WORDS: Record<string, string> = {
  read: "Secret read",
  bundle: "Environment read",
  read_version: "Earlier version read",
  read_binned: "Deleted secret read",
  list: "Names listed",
  versions: "Versions listed",
  bin: "Bin listed",
  change: "Secrets changed",
  forget: "Deleted for good",
  write_policy: "Policy laid down",
  canary: "Canary read: key locked",
  create_key: "Key made",
  rotate_key: "Key rotated",
  revoke_key: "Key revoked",
  keys: "Keys listed",
  create_project: "Project made",
  delete_project: "Project deleted",
  create_environment: "Environment made",
  delete_environment: "Environment deleted",
  environments: "Environments opened",
  account: "Account opened",
  sign_up: "Signed up",
  log_in: "Logged in",
  sessions: "Sessions listed",
  end_session: "Session ended",
  change_passphrase: "Passphrase changed",
  audit: "Activity looked at",
  usage: "Plan looked at",
  segments: "Audit segments listed",
  close_segment: "Audit segment closed",
};

const WAYS: Record<string, string> = {
  inject: "injected for an agent",
  run: "given to a command",
  sdk: "loaded by a program",
  gateway: "handed out by a gateway",
  reveal: "shown to a person",
  write: "compared before a change",
};

const READS = new Set(["read", "bundle", "read_version", "read_binned", "canary"]);
const LOOKS = new Set(["list", "versions", "bin", "keys", "environments", "account", "sessions", "audit", "usage", "segments"]);

function said(row: AuditRow): string {
  return WORDS[row.action] ?? row.action.replaceAll("_", " ");
}

interface Log {
  rows: AuditRow[];
  next: string | null;
  /** Rows that the vault cannot open. */
  unreadable: number;
  /** Names by blind index, of the environments that there are. */
  names: Map<string, string>;
  keys: Map<string, string>;
}

async function load(before: Log | null): Promise<Log> {
  const rows = [...(before?.rows ?? [])];
  let next = before?.next ?? null;
  let unreadable = before?.unreadable ?? 0;
  const until = Date.now() / 1000 - DAYS * 86_400;
  const wanted = rows.length + ENOUGH;
  do {
    const page = await keeper.audit(next);
    rows.push(...page.items);
    next = page.next;
    unreadable += page.unreadable;
  } while (next !== null && rows.length < wanted && (before !== null || (rows.at(-1)?.at ?? 0) > until));
  if (before !== null) return { ...before, rows, next, unreadable };
  const names = new Map<string, string>();
  const there = new Set(rows.filter((row) => row.secrets?.length).map((row) => row.environment));
  for (const one of overview.value?.environments ?? []) {
    if (!there.has(one.id)) continue;
    for (const secret of await keeper.secrets(one.id)) names.set(secret.index, secret.name);
    for (const secret of await keeper.bin(one.id)) if (!names.has(secret.index)) names.set(secret.index, secret.name);
  }
  const keys = new Map((await keeper.keys()).map((key) => [key.id, key.name ?? "unknown key"]));
  return { rows, next, unreadable, names, keys };
}

export function Activity() {
  const { answer, trouble, again, set } = useAsked(() => load(null), []);
  const { busy, trouble: failed, act } = useAct();
  const [report, setReport] = useState<LogReport | null>(null);
  const [kind, setKind] = useState("matters");
  const [place, setPlace] = useState("");
  const [who, setWho] = useState("");
  const [result, setResult] = useState("");
  const [wanted, setWanted] = useState("");

  const own = overview.value?.session;
  const person = (row: AuditRow) => {
    if (row.credential == null) return "nobody yet";
    const key = answer?.keys.get(row.credential);
    return key ?? (row.credential === own ? "this session" : `session ${row.credential.slice(0, 8)}`);
  };
  const secretNames = (row: AuditRow) => (row.secrets ?? []).map((index) => answer?.names.get(index) ?? "a deleted secret");
  const rows = useMemo(
    () =>
      (answer?.rows ?? []).filter(
        (row) =>
          (kind === "all" || (kind === "reads" ? READS.has(row.action) : !LOOKS.has(row.action) || row.result !== "allowed")) &&
          (place === "" || row.environment === place) &&
          (who === "" || row.credential === who) &&
          (result === "" || (result === "allowed") === (row.result === "allowed")) &&
          (wanted === "" || secretNames(row).some((name) => name.toLowerCase().includes(wanted.toLowerCase()))),
      ),
    [answer, kind, place, who, result, wanted],
  );
  const people = useMemo(() => {
    const all = new Map<string, string>();
    for (const row of answer?.rows ?? []) if (row.credential != null) all.set(row.credential, person(row));
    return [...all].sort((a, b) => a[1].localeCompare(b[1]));
  }, [answer]);

  return (
    <>
      <div class="head">
        <div>
          <h1>Activity</h1>
          <p class="hint">Who did what, how and when: each access writes its row, or does not happen.</p>
        </div>
        <div class="row">
          <button type="button" onClick={() => go("approvals")}>
            Approvals
          </button>
          <button type="button" onClick={again}>
            Reload
          </button>
          <button type="button" disabled={busy} onClick={() => void act(() => keeper.verifyAudit(), setReport)}>
            <Icon name="check" /> Verify
          </button>
          <button type="button" disabled={busy} onClick={() => void act(() => keeper.exportAudit(), save)}>
            <Icon name="download" /> Export
          </button>
        </div>
      </div>
      <Told trouble={trouble ?? failed} />
      {busy && <Busy fallback="Reading" />}
      {report !== null && <Verified report={report} />}
      {answer === null && trouble === null && <Skeleton />}
      {answer !== null && (
        <>
          <div class="filters">
            <Choice
              label="What"
              value={kind}
              options={[
                ["matters", "Reads, changes"],
                ["reads", "Reads of values"],
                ["all", "Everything"],
              ]}
              onChoose={setKind}
            />
            <Choice
              label="Where"
              value={place}
              options={[
                ["", "Everywhere"],
                ...(overview.value?.environments ?? []).map((one): [string, string] => [one.id, environmentName(one.id)]),
              ]}
              onChoose={setPlace}
            />
            <Choice label="Who" value={who} options={[["", "Everybody"], ...people]} onChoose={setWho} />
            <Choice
              label="Result"
              value={result}
              options={[
                ["", "All"],
                ["allowed", "Allowed"],
                ["refused", "Refused"],
              ]}
              onChoose={setResult}
            />
            <label class="search">
              <Icon name="search" />
              <span class="visually-hidden">Secret</span>
              <input
                type="search"
                placeholder="Secret"
                spellcheck={false}
                value={wanted}
                onInput={(event) => setWanted(event.currentTarget.value)}
              />
            </label>
          </div>
          <div class="charts">
            <Days title="By day" days={DAYS} at={rows.map((row) => ({ at: row.at, refused: row.result !== "allowed" }))} />
            <Bars title="By key" of={rows.map(person)} />
            <Bars title="By way" of={rows.map((row) => (row.how ? (WAYS[row.how] ?? row.how) : said(row).toLowerCase()))} />
          </div>
          {rows.length === 0 && (
            <Empty icon="activity" title="Nothing of that kind">
              <p>Choose more above, or come back when something was read.</p>
            </Empty>
          )}
          <ol class="timeline" aria-label="Audit rows, newest first">
            {rows.slice(0, 500).map((row) => (
              <li key={row.seq} class={row.result === "allowed" ? "" : "refused"}>
                <div class="item-name">
                  <strong>{said(row)}</strong>
                  {row.how && <span class="tag">{WAYS[row.how] ?? row.how}</span>}
                  {row.result !== "allowed" && <span class="tag tag-production">refused: {row.result.replaceAll("_", " ")}</span>}
                  {(row.secrets?.length ?? 0) > 0 && <p class="mono wrap">{secretNames(row).join(", ")}</p>}
                  <p class="hint wrap">
                    {[
                      person(row),
                      row.environment ? environmentName(row.environment) : null,
                      row.address,
                      row.agent ? `for ${row.agent}` : null,
                      row.user_agent,
                    ]
                      .filter(Boolean)
                      .join(" · ")}
                  </p>
                </div>
                <p class="hint item-when">
                  {time(row.at)} · no. {row.seq}
                </p>
              </li>
            ))}
          </ol>
          <p class="hint" role="status">
            {rows.length} of {answer.rows.length} rows that were looked at
            {rows.length > 500 && "; the newest 500 are shown"}.
          </p>
          {answer.unreadable > 0 && (
            <p class="wrong">
              The vault cannot open {answer.unreadable} more: they were altered where they are stored, or its column key
              is another. Verify the log, and tell the operator.
            </p>
          )}
          {answer.next !== null && (
            <button type="button" disabled={busy} onClick={() => void act(() => load(answer), set)}>
              Look further back
            </button>
          )}
        </>
      )}
    </>
  );
}

/** What a check of the log came to. */
function Verified({ report }: { report: LogReport }) {
  if (report.findings.length === 0) {
    return (
      <div class="told told-good" role="status">
        <Icon name="check" />
        <p>
          The log holds: {report.rows} rows {report.was_pinned ? "since it was verified here before" : "from its first on"}
          , {report.receipts} of them as this browser was told when they were written.
        </p>
      </div>
    );
  }
  return (
    <div class="told told-loud" role="alert">
      <Icon name="warning" />
      <div>
        <p>The log does not hold. Do not go on before the vault’s operator explains:</p>
        <ul>
          {report.findings.map((finding) => (
            <li key={finding}>{finding}</li>
          ))}
        </ul>
      </div>
    </div>
  );
}

/** The log as a file. It holds no value and no name: indexes and ids, as the vault has them. */
function save(lines: string): void {
  const url = URL.createObjectURL(new Blob([lines], { type: "application/jsonl" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = "securecode-audit.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
