import { useMemo, useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { EnvironmentView, SecretView } from "../keeper/keeper";
import { Ago, Empty, Tags, Told } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useAsked } from "../parts/use";
import { Value } from "../parts/value";
import { address, environment, environmentName, go, listed, route, secrets, troubleOf } from "../state";
import type { Trouble } from "../keeper/refused";
import { NoEnvironment } from "./no_environment";
import { EditSecret } from "./edit_secret";
import { Secret } from "./secret";

export function Secrets() {
  const chosen = environment.value;
  return chosen === null ? <NoEnvironment /> : <List key={chosen.id} place={chosen} />;
}

function List({ place }: { place: EnvironmentView }) {
  const [wanted, setWanted] = useState("");
  const [tag, setTag] = useState<string | null>(null);
  const [adding, setAdding] = useState(false);
  const [failed, setFailed] = useState<Trouble | null>(null);
  const { trouble, again } = useAsked(async () => listed(place.id, await keeper.secrets(place.id)), []);
  const list = secrets.value[place.id];
  const tags = useMemo(() => [...new Set((list ?? []).flatMap((one) => one.tags))].sort(), [list]);
  const found = (list ?? []).filter(
    (one) =>
      (wanted === "" || `${one.name}\n${one.note}`.toLowerCase().includes(wanted.toLowerCase())) &&
      (tag === null || one.tags.includes(tag)),
  );
  const opened = route.value[0] === "secret" ? list?.find((one) => one.name === route.value[1]) : undefined;

  return (
    <>
      <div class="head">
        <div>
          <h1>Secrets</h1>
          <p class="hint">
            {environmentName(place.id)}
            {place.production && <span class="tag tag-production">production</span>}
          </p>
        </div>
        <div class="row">
          <a class="button" href={address("rules")}>
            Rules
          </a>
          <a class="button" href={address("bin")}>
            <Icon name="bin" /> Bin
          </a>
          <a class="button" href={address("import")}>
            <Icon name="import" /> Import
          </a>
          <button type="button" class="primary" onClick={() => setAdding(true)}>
            <Icon name="plus" /> Add
          </button>
        </div>
      </div>
      {trouble && (
        <div class="retry">
          <Told trouble={trouble} />
          <button type="button" onClick={again}>
            Try again
          </button>
        </div>
      )}
      <Told trouble={failed} />
      {list === undefined && trouble === null && <Skeleton />}
      {list?.length === 0 && (
        <Empty icon="lock" title="No secrets yet">
          <p>Drop a .env file, or add the first one by hand.</p>
          <div class="row">
            <a class="button primary" href={address("import")}>
              Import a file
            </a>
            <button type="button" onClick={() => setAdding(true)}>
              Add one
            </button>
          </div>
        </Empty>
      )}
      {list !== undefined && list.length > 0 && (
        <>
          <div class="filters">
            <label class="search">
              <Icon name="search" />
              <span class="visually-hidden">Search by name or note</span>
              <input
                type="search"
                placeholder="Search by name or note"
                spellcheck={false}
                value={wanted}
                onInput={(event) => setWanted(event.currentTarget.value)}
              />
            </label>
            {tags.length > 0 && (
              <div class="chips" role="group" aria-label="Only with a tag">
                {tags.map((one) => (
                  <button
                    key={one}
                    type="button"
                    class={`chip ${one.toLowerCase() === "production" ? "tag-production" : ""}`}
                    aria-pressed={tag === one}
                    onClick={() => setTag(tag === one ? null : one)}
                  >
                    {one}
                  </button>
                ))}
              </div>
            )}
          </div>
          <ul class="list" aria-label="Secrets">
            {found.map((one) => (
              <Row key={one.id} place={place} secret={one} onTrouble={(error) => setFailed(troubleOf(error))} />
            ))}
          </ul>
          <p class="hint" role="status">
            {found.length === list.length ? `${list.length} secrets` : `${found.length} of ${list.length} secrets`}
          </p>
        </>
      )}
      {adding && <EditSecret place={place} onClose={() => setAdding(false)} />}
      {opened && <Secret key={opened.id} place={place} secret={opened} onClose={() => go()} />}
    </>
  );
}

function Row({
  place,
  secret,
  onTrouble,
}: {
  place: EnvironmentView;
  secret: SecretView;
  onTrouble: (error: unknown) => void;
}) {
  return (
    <li class="item">
      <div class="item-name">
        <a class="mono" href={address("secret", secret.name)}>
          {secret.name}
        </a>
        <div class="marks">
          <Tags tags={secret.tags} />
          {secret.production && !secret.tags.some((tag) => tag.toLowerCase() === "production") && (
            <Tags tags={["production"]} />
          )}
          {secret.policy?.canary && <span class="tag tag-canary">canary</span>}
          {secret.policy?.use === "block" && <span class="tag">blocked</span>}
        </div>
        {secret.note && <p class="hint">{secret.note}</p>}
      </div>
      <p class="hint item-when">
        v{secret.version} · <Ago at={secret.updated_at} />
      </p>
      <Value what={secret.name} read={() => keeper.reveal(place.id, secret.name)} onTrouble={onTrouble} />
    </li>
  );
}

export function Skeleton() {
  return (
    <div class="skeleton" role="status">
      <span class="visually-hidden">Opening…</span>
      <div />
      <div />
      <div />
    </div>
  );
}
