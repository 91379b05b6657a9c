import { useState } from "preact/hooks";
import type { Consent, PolicyView } from "../keeper/keeper";
import { Check, Choice, Field, Told, words } from "./basics";
import { useAct } from "./use";

const CONSENTS: [Consent, string][] = [
  ["allow", "Allow"],
  ["ask", "Ask a person"],
  ["block", "Block"],
];

const NONE: PolicyView = { use: "allow", reveal: "allow", production: false, canary: false, hosts: [], commands: [] };

/** What an owner lays down for a secret, or for every secret with a tag. */
export function PolicyForm<T>({
  policy: before,
  canary,
  layDown,
  onLaidDown,
}: {
  policy: PolicyView | null;
  /** Whether it may be a canary. */
  canary?: boolean;
  layDown: (policy: PolicyView) => Promise<T>;
  onLaidDown: (result: T) => void;
}) {
  const [policy, setPolicy] = useState(before ?? NONE);
  const [hosts, setHosts] = useState(policy.hosts.join(", "));
  const [commands, setCommands] = useState(policy.commands.join(", "));
  const { busy, trouble, act } = useAct();
  const edit = (change: Partial<PolicyView>) => setPolicy({ ...policy, ...change });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const wanted = { ...policy, hosts: words(hosts), commands: words(commands) };
        void act(() => layDown(wanted), onLaidDown);
      }}
    >
      <p class="hint">
        Agents’ keys can read a policy and cannot change it; only you can, here or by <code>securecode policy</code>.
      </p>
      <div class="columns">
        <Choice label="Use by commands" value={policy.use} options={CONSENTS} onChoose={(use) => edit({ use: use as Consent })} />
        <Choice
          label="Showing it"
          value={policy.reveal}
          options={CONSENTS}
          onChoose={(reveal) => edit({ reveal: reveal as Consent })}
        />
      </div>
      <Field
        label="Allowed commands"
        hint="Programs that may have it, separated by commas. Empty: any."
        value={commands}
        onInput={(event) => setCommands(event.currentTarget.value)}
      />
      <Field
        label="Allowed hosts"
        hint="Hosts it may be sent to, separated by commas. Empty: any."
        value={hosts}
        onInput={(event) => setHosts(event.currentTarget.value)}
      />
      <Check
        label="Production"
        hint="Agents are warned before they get it."
        checked={policy.production}
        onChange={(production) => edit({ production })}
      />
      {canary && (
        <Check
          label="Canary"
          hint="Nobody has a reason to read it: the key that does is locked at once. Commands get the others without it."
          checked={policy.canary}
          onChange={(canary) => edit({ canary })}
        />
      )}
      <Told trouble={trouble} />
      <div class="row end">
        <button class="primary" disabled={busy}>
          Lay down
        </button>
      </div>
    </form>
  );
}
