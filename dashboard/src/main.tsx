import { render } from "preact";
import { App } from "./app";
import "./idle";
import "./style.css";

const root = document.getElementById("app");
if (root !== null) render(<App />, root);
