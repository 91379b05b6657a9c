import { useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { KeyView, Permission } from "../keeper/keeper";
import { Ago, Check, Choice, Dialog, Empty, Field, Told, date, words } from "../parts/basics";
import { copySecret } from "../parts/clipboard";
import { Icon } from "../parts/icon";
import { useAct, useAsked } from "../parts/use";
import { environment, environmentName, overview } from "../state";
import { Skeleton } from "./secrets";

const PERMISSIONS: [Permission, string, string][] = [
  ["read", "Read", "Hand secrets to programs."],
  ["write", "Write", "Put and delete secrets."],
  ["reveal", "Reveal", "Show secrets to a person."],
  ["audit", "Audit", "Read the audit log of its environments."],
  ["gateway", "Gateway", "Be used at a gateway, which sees values."],
];

const STATUS: Record<KeyView["status"], string> = {
  active: "active",
  expired: "expired",
  revoked: "revoked",
  locked: "locked: it read a canary",
};

export function Keys() {
  const { answer, trouble, again } = useAsked(() => keeper.keys(), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<string | null>(null);
  const [asked, setAsked] = useState<{ key: KeyView; to: "rotate" | "revoke" } | null>(null);
  const [past, setPast] = useState(false);
  const has = (overview.value?.environments.length ?? 0) > 0;
  const shown = answer?.filter((key) => past || key.status === "active" || key.warning !== null) ?? [];
  const hidden = (answer?.length ?? 0) - shown.length;
  const done = (key: string | null) => {
    setMaking(false);
    setAsked(null);
    setMade(key);
    again();
  };
  return (
    <>
      <div class="head">
        <div>
          <h1>API keys</h1>
          <p class="hint">What programs and agents get in by. Each opens its own environments and no others.</p>
        </div>
        <button type="button" class="primary" disabled={!has} onClick={() => setMaking(true)}>
          <Icon name="plus" /> Make a key
        </button>
      </div>
      <Told trouble={trouble} />
      {answer === null && trouble === null && <Skeleton />}
      {answer?.length === 0 && (
        <Empty icon="key" title="No keys yet">
          <p>{has ? "Make one for each program and each agent." : "Make a project with an environment first."}</p>
        </Empty>
      )}
      <ul class="list" aria-label="API keys">
        {shown.map((key) => (
          <li class="item" key={key.id}>
            <div class="item-name">
              <strong>{key.name ?? "a key that your record does not have"}</strong>
              <div class="marks">
                <span class={`tag status-${key.status}`}>{STATUS[key.status]}</span>
                {key.permissions.map((one) => (
                  <span class="tag" key={one}>
                    {one}
                  </span>
                ))}
                {key.replaced && <span class="tag">replaced</span>}
              </div>
              {key.warning && (
                <p class="wrong">
                  {key.warning === "unknown"
                    ? "The vault accepts this key and your own record does not have it. Revoke nothing by it; ask the operator."
                    : "The vault still accepts this key though you revoked it. Do not trust this vault before its operator explains."}
                </p>
              )}
              <p class="hint">
                {key.environments.map(environmentName).join(", ") || "no environment any more"}
                {key.addresses.length > 0 && ` · from ${key.addresses.join(", ")}`}
              </p>
              <p class="hint">
                {key.created_at !== null && <>made {date(key.created_at)} · </>}
                {key.used_at === null ? "never used" : <>used <Ago at={key.used_at} /></>}
                {key.expires_at !== null && <> · until {date(key.expires_at)}</>}
              </p>
            </div>
            {key.status === "active" && key.warning === null && (
              <div class="row">
                <button type="button" disabled={key.replaced} onClick={() => setAsked({ key, to: "rotate" })}>
                  Rotate
                </button>
                <button type="button" class="quiet danger" onClick={() => setAsked({ key, to: "revoke" })}>
                  Revoke
                </button>
              </div>
            )}
          </li>
        ))}
      </ul>
      {(hidden > 0 || past) && (
        <button type="button" class="link" onClick={() => setPast(!past)}>
          {past ? "Hide keys of the past" : `Show ${hidden} of the past`}
        </button>
      )}
      {making && <MakeKey onClose={() => setMaking(false)} onMade={done} />}
      {asked?.to === "rotate" && <Rotate asked={asked.key} onClose={() => setAsked(null)} onDone={done} />}
      {asked?.to === "revoke" && <Revoke asked={asked.key} onClose={() => setAsked(null)} onDone={() => done(null)} />}
      {made !== null && (
        <Dialog title="The key is shown only now" onClose={() => setMade(null)}>
          <p>Put it where it is used. Nobody can show it again; a lost key is rotated or revoked.</p>
          <output class="code mono" data-secret>
            {made}
          </output>
          <div class="row end">
            <button type="button" onClick={() => void copySecret(made, "Key")}>
              <Icon name="copy" /> Copy
            </button>
            <button type="button" class="primary" onClick={() => setMade(null)}>
              I have it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

function MakeKey({ onClose, onMade }: { onClose: () => void; onMade: (key: string | null) => void }) {
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState<string | null>(null);
  const [places, setPlaces] = useState<string[]>(environment.value === null ? [] : [environment.value.id]);
  const [permissions, setPermissions] = useState<Permission[]>(["read"]);
  const [days, setDays] = useState("90");
  const [addresses, setAddresses] = useState("");
  const { busy, trouble, act } = useAct();
  const toggle = <T,>(list: T[], one: T, on: boolean) => (on ? [...list, one] : list.filter((other) => other !== one));
  const make = async () => {
    const why = await keeper.wrongLabel(name);
    setWrong(why);
    if (why !== null) return undefined;
    const expires_at = days === "" ? null : Math.floor(Date.now() / 1000) + Number(days) * 86_400;
    return keeper.createKey({ name, environments: places, permissions, expires_at, addresses: words(addresses) });
  };
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act(make, (key) => key !== undefined && onMade(key));
        }}
      >
        <Field
          label="Name"
          required
          autofocus
          placeholder="ci"
          wrong={wrong}
          value={name}
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <fieldset>
          <legend>Environments</legend>
          {(overview.value?.environments ?? []).map((one) => (
            <Check
              key={one.id}
              label={environmentName(one.id)}
              {...(one.production ? { hint: "production" } : {})}
              checked={places.includes(one.id)}
              onChange={(on) => setPlaces(toggle(places, one.id, on))}
            />
          ))}
        </fieldset>
        <fieldset>
          <legend>Permissions</legend>
          {PERMISSIONS.map(([permission, label, hint]) => (
            <Check
              key={permission}
              label={label}
              hint={hint}
              checked={permissions.includes(permission)}
              onChange={(on) => setPermissions(toggle(permissions, permission, on))}
            />
          ))}
        </fieldset>
        <Choice
          label="Expires"
          value={days}
          options={[
            ["1", "in a day"],
            ["30", "in 30 days"],
            ["90", "in 90 days"],
            ["365", "in a year"],
            ["", "never"],
          ]}
          onChoose={setDays}
        />
        <Field
          label="Only from these addresses"
          hint="Addresses or ranges as 203.0.113.0/24, separated by commas. Empty: from everywhere."
          value={addresses}
          onInput={(event) => setAddresses(event.currentTarget.value)}
        />
        <Told trouble={trouble} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary" disabled={busy || places.length === 0 || permissions.length === 0}>
            Make the key
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Rotate({
  asked,
  onClose,
  onDone,
}: {
  asked: KeyView;
  onClose: () => void;
  onDone: (key: string | null) => void;
}) {
  const [hours, setHours] = useState("24");
  const { busy, trouble, act } = useAct();
  return (
    <Dialog title={`Rotate ${asked.name}`} onClose={onClose}>
      <p>Another key with the same scope takes its place. The old one works on for a while, so that nothing stops.</p>
      <Choice
        label="The old one works for"
        value={hours}
        options={[
          ["1", "an hour"],
          ["24", "a day"],
          ["168", "a week"],
          ["720", "30 days"],
        ]}
        onChoose={setHours}
      />
      <Told trouble={trouble} />
      <div class="row end">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class="primary"
          disabled={busy}
          onClick={() => void act(() => keeper.rotateKey(asked.id, Number(hours)), onDone)}
        >
          Rotate
        </button>
      </div>
    </Dialog>
  );
}

function Revoke({ asked, onClose, onDone }: { asked: KeyView; onClose: () => void; onDone: () => void }) {
  const { busy, trouble, act } = useAct();
  return (
    <Dialog title={`Revoke ${asked.name}?`} onClose={onClose}>
      <p>Its next request is refused. Secrets that it read are known to its holder: change those as well.</p>
      <Told trouble={trouble} />
      <div class="row end">
        <button type="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          class="danger"
          disabled={busy}
          onClick={() => void act(() => keeper.revokeKey(asked.id), onDone)}
        >
          Revoke it
        </button>
      </div>
    </Dialog>
  );
}
