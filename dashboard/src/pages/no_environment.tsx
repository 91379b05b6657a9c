import { useState } from "preact/hooks";
import { keeper } from "../keeper/client";
import { Check, Empty, Field, Told } from "../parts/basics";
import { useAct } from "../parts/use";
import { choose, overview } from "../state";

/** The first steps of an account that has no environment. */
export function NoEnvironment() {
  const [project, setProject] = useState(overview.value?.projects[0]?.name ?? "");
  const [name, setName] = useState("dev");
  const [production, setProduction] = useState(false);
  const { busy, trouble, act } = useAct();
  const make = async () => {
    const known = overview.value?.projects.find((one) => one.name === project);
    const owner = known ?? (await keeper.createProject(project)).projects.find((one) => one.name === project);
    return keeper.createEnvironment(owner?.id ?? "", name, production);
  };
  return (
    <Empty icon="folder" title="Begin with a project">
      <p>A project has environments, and an environment has secrets: each with a key of its own.</p>
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void act(make, (made) => {
            overview.value = made;
            const first = made.environments[0];
            if (first !== undefined) choose(first.id);
          });
        }}
      >
        <Field label="Project" required value={project} placeholder="shop" onInput={(event) => setProject(event.currentTarget.value)} />
        <Field label="Environment" required value={name} onInput={(event) => setName(event.currentTarget.value)} />
        <Check
          label="Production"
          hint="Agents are warned before they get its secrets."
          checked={production}
          onChange={setProduction}
        />
        <Told trouble={trouble} />
        <button class="primary" disabled={busy}>
          Make them
        </button>
      </form>
    </Empty>
  );
}
