import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Account } from "./pages/account";
import { Activity } from "./pages/activity";
import { Approvals } from "./pages/approvals";
import { Bin } from "./pages/bin";
import { Entrance } from "./pages/entrance";
import { ImportPage } from "./pages/import";
import { Keys } from "./pages/keys";
import { Pair } from "./pages/pair";
import { Projects } from "./pages/projects";
import { Rules } from "./pages/rules";
import { Secrets } from "./pages/secrets";
import { Icon, type IconName } from "./parts/icon";
import { address, asking, choose, environment, lock, notice, overview, projectName, route } from "./state";

const PLACES: [path: string, title: string, icon: IconName][] = [
  ["", "Secrets", "lock"],
  ["import", "Import", "import"],
  ["keys", "Keys", "key"],
  ["activity", "Activity", "activity"],
  ["projects", "Projects", "folder"],
  ["account", "Account", "person"],
];

/** Pages that other pages and links lead to. */
const TITLES: Record<string, string> = { pair: "A machine", approvals: "Approvals", rules: "Rules" };

export function App() {
  return (
    <>
      {overview.value === null ? <Entrance /> : <Shell />}
      <div class="notices" role="status" aria-live="polite">
        {notice.value && <div class="notice">{notice.value.text}</div>}
      </div>
    </>
  );
}

function Shell() {
  const place = route.value[0] ?? "";
  const main = useRef<HTMLElement>(null);
  const title = TITLES[place] ?? PLACES.find(([path]) => path === place)?.[1] ?? "Secrets";
  useEffect(() => {
    document.title = `${title} · SecureCode`;
    main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [title]);
  return (
    <div class="shell">
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        To the content
      </a>
      <header class="side">
        <div class="brand">
          <img src="/favicon.svg" alt="" width="28" height="28" />
          <span>SecureCode</span>
        </div>
        <EnvironmentChoice />
        <nav aria-label="Pages">
          {PLACES.map(([path, name, icon]) => (
            <a key={path} href={address(path)} aria-current={name === title ? "page" : undefined}>
              <Icon name={icon} />
              <span>{name}</span>
            </a>
          ))}
        </nav>
        <button type="button" class="quiet lock" onClick={() => lock("Locked.")}>
          <Icon name="lock" />
          <span>Lock</span>
        </button>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Page place={place} />
      </main>
    </div>
  );
}

function Page({ place }: { place: string }): ComponentChildren {
  switch (place) {
    case "import":
      return <ImportPage />;
    case "keys":
      return <Keys />;
    case "activity":
      return <Activity />;
    case "projects":
      return <Projects />;
    case "account":
      return <Account />;
    case "rules":
      return <Rules />;
    case "approvals":
      return <Approvals />;
    case "bin":
      return <Bin />;
    case "pair":
      return asking.value === null ? <Secrets /> : <Pair key={asking.value.request} asked={asking.value} />;
    default:
      return <Secrets />;
  }
}

function EnvironmentChoice() {
  const all = overview.value?.environments ?? [];
  const chosen = environment.value;
  if (chosen === null) return null;
  return (
    <label class="environment-choice">
      <span class="visually-hidden">Environment</span>
      <select value={chosen.id} onChange={(event) => choose(event.currentTarget.value)}>
        {(overview.value?.projects ?? []).map((project) => (
          <optgroup key={project.id} label={project.name}>
            {all
              .filter((one) => one.project === project.id)
              .map((one) => (
                <option key={one.id} value={one.id}>
                  {projectName(one.project)} / {one.name}
                  {one.production ? " (production)" : ""}
                </option>
              ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
}
