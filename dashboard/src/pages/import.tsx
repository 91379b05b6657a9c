import { useId, useRef, useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { EnvironmentView, ImportFile, ImportRow } from "../keeper/keeper";
import { Busy, Check, Field, Told, words } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useAct } from "../parts/use";
import { address, environment, environmentName, go, note } from "../state";
import { NoEnvironment } from "./no_environment";

export function ImportPage() {
  const place = environment.value;
  return place === null ? <NoEnvironment /> : <Files key={place.id} place={place} />;
}

const FATES: Record<ImportRow["fate"], string> = {
  new: "new",
  changed: "changed",
  same: "the same",
  invalid: "invalid",
  no_room: "no room",
};

/** The plan’s values are far smaller; a file past this is none. */
const LARGEST = 8 * 1024 * 1024;

function Files({ place }: { place: EnvironmentView }) {
  const [files, setFiles] = useState<ImportFile[]>([]);
  const [tags, setTags] = useState("");
  const [rows, setRows] = useState<ImportRow[] | null>(null);
  const [partial, setPartial] = useState(false);
  const [over, setOver] = useState(false);
  const [pasted, setPasted] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const { busy, trouble, act } = useAct();

  const preview = (wanted: ImportFile[], withTags = tags) =>
    act(
      () => keeper.preview(place.id, wanted, words(withTags)),
      (found) => {
        setFiles(wanted);
        setRows(found);
        setPartial(false);
      },
    );
  const take = (list: FileList | null | undefined) =>
    act(
      async () => {
        const taken = [...(list ?? [])];
        const large = taken.find((file) => file.size > LARGEST);
        if (large !== undefined) throw new Error(`${large.name} is larger than 8 MiB`);
        return Promise.all(
          taken.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })),
        );
      },
      (read) => {
        if (read.length > 0) void preview([...files, ...read]);
      },
    );
  const count = (fate: ImportRow["fate"]) => rows?.filter((row) => row.fate === fate).length ?? 0;
  const pending = count("new") + count("changed");
  const bad = count("invalid") + count("no_room");

  return (
    <>
      <div class="head">
        <div>
          <h1>Import</h1>
          <p class="hint">
            into {environmentName(place.id)}
            {place.production && <span class="tag tag-production">production</span>}
          </p>
        </div>
      </div>
      <div
        class={`drop ${over ? "over" : ""}`}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(event.dataTransfer?.files);
        }}
      >
        <Icon name="file" />
        <p>
          Drop .env or JSON files here, or{" "}
          <button type="button" class="link" onClick={() => input.current?.click()}>
            choose them
          </button>
          .
        </p>
        <p class="hint">They are read in this browser. Only sealed secrets leave it.</p>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label="Files to import"
          onChange={(event) => {
            void take(event.currentTarget.files);
            event.currentTarget.value = "";
          }}
        />
      </div>
      <details class="paste">
        <summary>Paste instead</summary>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void preview([...files, { name: "pasted text", bytes: new TextEncoder().encode(pasted) }]).then(() =>
              setPasted(""),
            );
          }}
        >
          <div class="field">
            <label for={id}>NAME=value lines, or JSON</label>
            <textarea
              id={id}
              class="mono masked"
              rows={5}
              spellcheck={false}
              autocomplete="off"
              value={pasted}
              onInput={(event) => setPasted(event.currentTarget.value)}
            />
          </div>
          <button disabled={busy || pasted === ""}>Look through it</button>
        </form>
      </details>
      <Told trouble={trouble} />
      {busy && <Busy fallback="Comparing with what is stored" />}
      {rows !== null && (
        <section class="card" aria-label="Preview">
          <h2>
            {files.map((file) => file.name).join(", ")}: {rows.length} {rows.length === 1 ? "entry" : "entries"}
          </h2>
          <p role="status">
            {count("new")} new, {count("changed")} changed, {count("same")} the same
            {count("invalid") > 0 && `, ${count("invalid")} invalid`}
            {count("no_room") > 0 && `, ${count("no_room")} that do not fit the plan`}. Nothing is stored yet.
          </p>
          <ul class="list compact">
            {rows.map((row) => (
              <li class="item" key={`${row.file}:${row.line}:${row.name}`}>
                <span class={`fate fate-${row.fate}`}>{FATES[row.fate]}</span>
                <div class="item-name">
                  <span class="mono">{row.name ?? `line ${row.line}`}</span>
                  {row.cause && <p class="hint">{row.cause}</p>}
                </div>
                <span class="hint item-when">
                  {row.file}:{row.line}
                </span>
              </li>
            ))}
          </ul>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              void act(
                () => keeper.store(place.id),
                (stored) => {
                  note(`${stored} secrets stored.`);
                  go();
                },
              );
            }}
          >
            <Field
              label="Tags for all of them"
              hint="Separated by commas, as production."
              value={tags}
              onInput={(event) => setTags(event.currentTarget.value)}
              onChange={(event) => void preview(files, event.currentTarget.value)}
            />
            {bad > 0 && (
              <Check
                label={`Store the ${pending} that are good and fit, and leave out ${bad}`}
                checked={partial}
                onChange={setPartial}
              />
            )}
            <div class="row end">
              <button
                type="button"
                onClick={() => {
                  setRows(null);
                  setFiles([]);
                }}
              >
                Discard
              </button>
              <button class="primary" disabled={busy || pending === 0 || (bad > 0 && !partial)}>
                Store {pending}
              </button>
            </div>
          </form>
        </section>
      )}
      <p class="hint">
        From a terminal: <code>securecode import .env</code>. <a href={address("keys")}>Keys</a> let programs and agents
        in.
      </p>
    </>
  );
}
