// Networks and clips of the site. They come as scripts that hand over their bytes, since a page
// that was opened as a file may load scripts, but nothing else.

import { Problem } from "./problems.js";

const HERE = document.currentScript.src;
const PATIENCE_MS = 30000;
const handed = new Map();

globalThis.kwsAsset = (name, text) =>
  handed.set(name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));

// The bytes of an asset, as an ArrayBuffer of its own.
export async function asset(name) {
  if (!handed.has(name)) await run(new URL(`${name}.js`, HERE), name);
  return handed.get(name).slice().buffer;
}

function run(address, name) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const fail = () =>
      reject(new Problem(`The file ${name} of this site could not be loaded. Load the page again.`));
    script.onload = () => (handed.has(name) ? resolve() : fail());
    script.onerror = fail;
    setTimeout(fail, PATIENCE_MS);
    script.src = address;
    document.head.append(script);
  });
}
