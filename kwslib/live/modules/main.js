// The page "Try it": puts its parts together.

import { ClipPanel } from "./clip_panel.js";
import { Engine } from "./engine.js";
import { FieldPanel } from "./field_panel.js";
import { WORKER, WORKLET } from "./inside.js";
import { Listening } from "./listening.js";
import { canvases, part, say } from "./page.js";
import { explain, missing } from "./problems.js";
import { Scores } from "./scores.js";
import { Sources } from "./sources.js";
import { Strips } from "./strips.js";
import { Times } from "./times.js";

async function start() {
  const config = JSON.parse(part("config").textContent);
  const engine = new Engine(WORKER);
  const listening = new Listening(engine, WORKLET, config);
  const strips = new Strips(canvases("live"), listening.history, config);
  new Scores(listening, config);
  new Times(listening, engine, config);
  const clips = new ClipPanel(listening, engine, config);
  new FieldPanel(listening, config);
  new Sources(listening, config, (samples, title) => clips.show(samples, title));
  listening.addEventListener("network", () => strips.show(listening.labels));
  listening.addEventListener("heard", () => strips.draw());
  await listening.choose(config.networks[0].name);
  say("Ready. Listen to your microphone, or take a clip.");
  document.documentElement.dataset.kwsTry = "ready";
}

function begin() {
  for (const each of document.querySelectorAll(".kws-try")) each.hidden = false;
  const problem = missing();
  if (problem) {
    say(problem.message, true);
    for (const each of document.querySelectorAll(".kws-try :is(button, input, select)"))
      each.disabled = true;
    return;
  }
  start().catch((error) => say(explain(error), true));
}

begin();
