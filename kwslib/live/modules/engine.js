// The page's side of the worker that runs the firmware.

export class Engine {
  constructor(script) {
    const address = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
    this.worker = new Worker(address);
    this.waiting = new Map();
    this.asked = 0;
    this.stream = 0;
    this.listener = () => {};
    this.worker.onmessage = ({ data }) => this.receive(data);
    this.worker.onerror = (event) => this.fail(new Error(event.message || "the worker stopped"));
  }

  receive(data) {
    if (data.kind === "heard") {
      // what an earlier stream still had to say is of no use
      if (data.stream === this.stream) this.listener(data);
      return;
    }
    const asker = this.waiting.get(data.id);
    this.waiting.delete(data.id);
    if (data.kind === "answer") asker?.resolve(data.answer);
    else asker?.reject(new Error(data.message));
  }

  fail(error) {
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  ask(kind, request = {}, transferred = []) {
    const id = ++this.asked;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ kind, id, ...request }, transferred);
    });
  }

  // Takes a network's WebAssembly; tells its labels and sizes.
  load(wasm) {
    return this.ask("load", { wasm });
  }

  // Begins a stream; listener gets what comes of every 20 ms.
  begin(settings, listener) {
    this.listener = listener;
    return this.ask("begin", { settings, stream: ++this.stream });
  }

  hear(samples) {
    return this.ask("hear", { samples });
  }

  // Takes sound from a port; the samples do not pass through the page.
  listen(port) {
    return this.ask("listen", { port }, [port]);
  }

  deafen() {
    return this.ask("deafen");
  }

  // Image and scores of a clip by itself.
  classify(samples, settings) {
    return this.ask("classify", { samples, settings });
  }

  // Microseconds of each stage.
  time(settings) {
    return this.ask("time", { settings });
  }
}
