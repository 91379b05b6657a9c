import { useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import type { Overview } from "../keeper/keeper";
import { Check, Dialog, Empty, Field, Told } from "../parts/basics";
import { Icon } from "../parts/icon";
import { useAct } from "../parts/use";
import { choose, environmentName, go, overview, projectName } from "../state";

type Asked =
  | { what: "project" }
  | { what: "environment"; project: string }
  | { what: "remove"; kind: "project" | "environment"; id: string };

export function Projects() {
  const [asked, setAsked] = useState<Asked | null>(null);
  const { projects, environments } = overview.value ?? { projects: [], environments: [] };
  const done = (changed: Overview) => {
    overview.value = changed;
    setAsked(null);
  };
  return (
    <>
      <div class="head">
        <div>
          <h1>Projects</h1>
          <p class="hint">Each environment has a key of its own, so a key for one opens no other.</p>
        </div>
        <button type="button" class="primary" onClick={() => setAsked({ what: "project" })}>
          <Icon name="plus" /> Project
        </button>
      </div>
      {projects.length === 0 && <Empty icon="folder" title="No projects yet" />}
      <div class="cards">
        {projects.map((project) => (
          <section class="card" key={project.id} aria-label={project.name}>
            <div class="head">
              <h2>{project.name}</h2>
              <button
                type="button"
                class="quiet danger"
                aria-label={`Delete project ${project.name}`}
                onClick={() => setAsked({ what: "remove", kind: "project", id: project.id })}
              >
                Delete
              </button>
            </div>
            <ul class="list compact">
              {environments
                .filter((one) => one.project === project.id)
                .map((one) => (
                  <li class="item" key={one.id}>
                    <div class="item-name">
                      <button
                        type="button"
                        class="link"
                        onClick={() => {
                          choose(one.id);
                          go();
                        }}
                      >
                        {one.name}
                      </button>{" "}
                      {one.production && <span class="tag tag-production">production</span>}
                    </div>
                    <button
                      type="button"
                      class="quiet danger"
                      aria-label={`Delete environment ${environmentName(one.id)}`}
                      onClick={() => setAsked({ what: "remove", kind: "environment", id: one.id })}
                    >
                      Delete
                    </button>
                  </li>
                ))}
            </ul>
            <button type="button" onClick={() => setAsked({ what: "environment", project: project.id })}>
              <Icon name="plus" /> Environment
            </button>
          </section>
        ))}
      </div>
      {asked !== null && asked.what !== "remove" && <Make asked={asked} onClose={() => setAsked(null)} onDone={done} />}
      {asked?.what === "remove" && <Remove asked={asked} onClose={() => setAsked(null)} onDone={done} />}
    </>
  );
}

function Make({
  asked,
  onClose,
  onDone,
}: {
  asked: Exclude<Asked, { what: "remove" }>;
  onClose: () => void;
  onDone: (changed: Overview) => void;
}) {
  const [name, setName] = useState("");
  const [production, setProduction] = useState(false);
  const { busy, trouble, act } = useAct();
  const make = () =>
    asked.what === "project"
      ? keeper.createProject(name)
      : keeper.createEnvironment(asked.project, name, production);
  return (
    <Dialog
      title={asked.what === "project" ? "Make a project" : `Make an environment of ${projectName(asked.project)}`}
      onClose={onClose}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void act(make, onDone);
        }}
      >
        <Field label="Name" required autofocus value={name} onInput={(event) => setName(event.currentTarget.value)} />
        {asked.what === "environment" && (
          <Check
            label="Production"
            hint="Agents are warned before they get its secrets."
            checked={production}
            onChange={setProduction}
          />
        )}
        <Told trouble={trouble} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Cancel
          </button>
          <button class="primary" disabled={busy}>
            Make it
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Remove({
  asked,
  onClose,
  onDone,
}: {
  asked: Extract<Asked, { what: "remove" }>;
  onClose: () => void;
  onDone: (changed: Overview) => void;
}) {
  const [typed, setTyped] = useState("");
  const { busy, trouble, act } = useAct();
  const name =
    asked.kind === "project"
      ? projectName(asked.id)
      : (overview.value?.environments.find((one) => one.id === asked.id)?.name ?? "");
  const remove = () => (asked.kind === "project" ? keeper.removeProject(asked.id) : keeper.removeEnvironment(asked.id));
  return (
    <Dialog title={`Delete ${name}?`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === name) void act(remove, onDone);
        }}
      >
        <p>
          The {asked.kind} goes with every secret in it, for good: this has no bin.
          {asked.kind === "project" && " Its environments go as well."}
        </p>
        <Field label={`Type ${name} to delete it`} value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        <Told trouble={trouble} />
        <div class="row end">
          <button type="button" onClick={onClose}>
            Keep it
          </button>
          <button class="danger" disabled={busy || typed !== name}>
            Delete it for good
          </button>
        </div>
      </form>
    </Dialog>
  );
}
