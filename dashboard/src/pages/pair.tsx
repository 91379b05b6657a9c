import { useEffect, useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import { Busy, Check, Choice, Field, Told } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useAct, useAsked } from "../parts/use";
import { environmentName, go, overview, projectName, type Asking } from "../state";

/** A machine asks for a key: its owner compares words, and approves. */
export function Pair({ asked }: { asked: Asking }) {
  const { answer: shown, trouble } = useAsked(() => keeper.pairingWords(asked.request), []);
  const [same, setSame] = useState(false);
  const [approved, setApproved] = useState(false);
  const away = () => go();
  return (
    <section class="narrow">
      <div class="head">
        <h1>A machine asks for a key</h1>
      </div>
      <Told trouble={trouble} />
      {shown === null && trouble === null && <Busy fallback="Making the words" />}
      {shown !== null && !approved && (
        <div class="card">
          <p>
            Look at the terminal, or at the page, on the machine that you are setting up. Does it show these words?
          </p>
          <output class="code mono words">{shown}</output>
          {same ? (
            <Approve asked={asked} onApproved={() => setApproved(true)} onClose={away} />
          ) : (
            <>
              <p class="hint">
                If you did not begin this yourself, somebody else did: do not approve. Other words mean another machine.
              </p>
              <div class="row end">
                <button type="button" onClick={away}>
                  They differ
                </button>
                <button type="button" class="primary" onClick={() => setSame(true)}>
                  They are the same
                </button>
              </div>
            </>
          )}
        </div>
      )}
      {approved && <Approved request={asked.request} onClose={away} />}
    </section>
  );
}

const OTHER = "";

function Approve({ asked, onApproved, onClose }: { asked: Asking; onApproved: () => void; onClose: () => void }) {
  const all = overview.value?.environments ?? [];
  const suggested = all.find((one) => projectName(one.project) === asked.project && one.name === asked.environment);
  const [chosen, setChosen] = useState(suggested?.id ?? OTHER);
  const [project, setProject] = useState(asked.project);
  const [environment, setEnvironment] = useState(asked.environment || "dev");
  const [reveal, setReveal] = useState(false);
  const { busy, trouble, act } = useAct();
  const known = all.find((one) => one.id === chosen);
  const to =
    known === undefined
      ? { project, environment, reveal }
      : { project: projectName(known.project), environment: known.name, reveal };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void act(
          () => keeper.approvePairing(asked.request, to),
          (changed) => {
            overview.value = changed;
            onApproved();
          },
        );
      }}
    >
      <Choice
        label="It gets a key for"
        value={chosen}
        options={[...all.map((one): [string, string] => [one.id, environmentName(one.id)]), [OTHER, "another one…"]]}
        onChoose={setChosen}
      />
      {known?.production && <p class="wrong">This is a production environment.</p>}
      {known === undefined && (
        <>
          <Field label="Project" required value={project} onInput={(event) => setProject(event.currentTarget.value)} />
          <Field
            label="Environment"
            required
            value={environment}
            onInput={(event) => setEnvironment(event.currentTarget.value)}
          />
        </>
      )}
      <Check
        label="Let it reveal values"
        hint="Else it hands them to commands and never shows them. It can read, write and see its own activity."
        checked={reveal}
        onChange={setReveal}
      />
      <Told trouble={trouble} />
      {busy && <Busy fallback="Making the key" />}
      <div class="row end">
        <button type="button" disabled={busy} onClick={onClose}>
          Do not
        </button>
        <button class="primary" disabled={busy}>
          Approve
        </button>
      </div>
    </form>
  );
}

function Approved({ request, onClose }: { request: string; onClose: () => void }) {
  const [has, setHas] = useState(false);
  useEffect(() => {
    if (has) return;
    const timer = setInterval(() => {
      void keeper.isPaired(request).then(setHas, () => undefined);
    }, 3000);
    return () => clearInterval(timer);
  }, [has]);
  return (
    <div class="card" role="status">
      <p>
        <Icon name={has ? "key" : "lock"} />{" "}
        {has
          ? "The machine has its key. Go on there."
          : "Approved. The machine fetches its key now; it has ten minutes. Only it can open it."}
      </p>
      <div class="row end">
        <button type="button" class="primary" onClick={onClose}>
          To the secrets
        </button>
      </div>
    </div>
  );
}
