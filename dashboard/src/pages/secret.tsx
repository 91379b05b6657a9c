import { useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { EnvironmentView, SecretView, VersionView } from "../keeper/keeper";
import { Ago, Dialog, Tags, Told } from "../parts/basics";
import { Difference } from "../parts/difference";
import { PolicyForm } from "../parts/policy";
import { useAct, useAsked } from "../parts/use";
import { Value } from "../parts/value";
import { listed, note } from "../state";
import { EditSecret } from "./edit_secret";

type Tab = "value" | "history" | "policy";

export function Secret({
  place,
  secret,
  onClose,
}: {
  place: EnvironmentView;
  secret: SecretView;
  onClose: () => void;
}) {
  const [tab, setTab] = useState<Tab>("value");
  const [editing, setEditing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const { busy, trouble, act } = useAct();
  if (editing) return <EditSecret place={place} secret={secret} onClose={() => setEditing(false)} />;
  const remove = () =>
    act(
      () => keeper.remove(place.id, [secret.name]),
      (list) => {
        listed(place.id, list);
        note(`${secret.name} is in the bin for 30 days.`);
        onClose();
      },
    );
  return (
    <Dialog title={secret.name} wide onClose={onClose}>
      <div class="tabs" role="group" aria-label="Views of this secret">
        {(["value", "history", "policy"] as const).map((one) => (
          <button key={one} type="button" aria-pressed={tab === one} onClick={() => setTab(one)}>
            {one === "value" ? "Value" : one === "history" ? "History" : "Policy"}
          </button>
        ))}
      </div>
      {tab === "value" && (
        <>
          <Value
            what={secret.name}
            read={() => keeper.reveal(place.id, secret.name)}
            onTrouble={(error) => void act(() => Promise.reject(error as Error))}
          />
          <dl class="facts">
            <dt>Tags</dt>
            <dd>{secret.tags.length === 0 ? "none" : <Tags tags={secret.tags} />}</dd>
            <dt>Note</dt>
            <dd class="wrap">{secret.note || "none"}</dd>
            <dt>Version</dt>
            <dd>
              {secret.version}, written <Ago at={secret.updated_at} />
            </dd>
          </dl>
          <Told trouble={trouble} />
          <div class="row end">
            {deleting ? (
              <>
                <span class="hint">It stays in the bin for 30 days.</span>
                <button type="button" onClick={() => setDeleting(false)}>
                  Keep it
                </button>
                <button type="button" class="danger" disabled={busy} onClick={() => void remove()}>
                  Delete it
                </button>
              </>
            ) : (
              <>
                <button type="button" class="quiet danger" onClick={() => setDeleting(true)}>
                  Delete…
                </button>
                <button type="button" class="primary" onClick={() => setEditing(true)}>
                  Change
                </button>
              </>
            )}
          </div>
        </>
      )}
      {tab === "history" && <History place={place} secret={secret} />}
      {tab === "policy" && <Policy place={place} secret={secret} />}
    </Dialog>
  );
}

function History({ place, secret }: { place: EnvironmentView; secret: SecretView }) {
  const { answer, trouble } = useAsked(() => keeper.versions(place.id, secret.name), [secret.version]);
  const [compared, setCompared] = useState<{ version: VersionView; before: string; after: string } | null>(null);
  const { busy, trouble: failed, act } = useAct();
  const earlier = answer?.filter((one) => one.version !== secret.version) ?? [];
  return (
    <>
      <Told trouble={trouble} />
      <Told trouble={failed} />
      {answer !== null && earlier.length === 0 && <p>This is its first version; earlier ones will stand here.</p>}
      <ul class="list">
        {earlier.map((one) => (
          <li class="item" key={one.version}>
            <div class="item-name">
              <strong>Version {one.version}</strong>
              <span class="hint">
                {" "}
                <Ago at={one.updated_at} />
              </span>
              <div class="marks">
                <Tags tags={one.tags} />
              </div>
            </div>
            <Value
              what={`version ${one.version}`}
              read={() => keeper.revealVersion(place.id, secret.name, one.version)}
              onTrouble={(error) => void act(() => Promise.reject(error as Error))}
            />
            <div class="row">
              <button
                type="button"
                disabled={busy}
                onClick={() =>
                  void act(
                    async () => ({
                      version: one,
                      before: await keeper.revealVersion(place.id, secret.name, one.version),
                      after: await keeper.reveal(place.id, secret.name),
                    }),
                    setCompared,
                  )
                }
              >
                Compare
              </button>
              <button
                type="button"
                disabled={busy}
                onClick={() =>
                  void act(
                    () => keeper.restoreVersion(place.id, secret.name, one.version),
                    (list) => {
                      listed(place.id, list);
                      note(`Version ${one.version} of ${secret.name} is the newest again.`);
                    },
                  )
                }
              >
                Restore
              </button>
            </div>
          </li>
        ))}
      </ul>
      {compared && (
        <section aria-label={`Version ${compared.version.version} and the newest`}>
          <h3>
            Version {compared.version.version} and version {secret.version}
          </h3>
          <Difference before={compared.before} after={compared.after} />
          <button type="button" onClick={() => setCompared(null)}>
            Hide
          </button>
        </section>
      )}
    </>
  );
}

function Policy({ place, secret }: { place: EnvironmentView; secret: SecretView }) {
  return (
    <PolicyForm
      policy={secret.policy}
      canary
      layDown={(policy) => keeper.setPolicy(place.id, secret.index, policy)}
      onLaidDown={(list) => {
        listed(place.id, list);
        note(`The policy of ${secret.name} holds from now on.`);
      }}
    />
  );
}
