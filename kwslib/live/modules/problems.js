// What went wrong, in words that say what to do about it.

export class Problem extends Error {}

const MICROPHONE = {
  NotAllowedError:
    "The microphone was refused. Allow it for this page, by the sign beside the address, and " +
    "press the button again; or take a clip or a file instead.",
  NotFoundError:
    "This device has no microphone that the browser can find. Connect one and press the button " +
    "again; or take a clip or a file instead.",
  NotReadableError:
    "The microphone cannot be read; another program may be using it. Close that program and " +
    "press the button again; or take a clip or a file instead.",
};

export function microphoneProblem(error) {
  return new Problem(
    MICROPHONE[error.name] ??
      `The microphone cannot be used (${error.message}). Take a clip or a file instead.`,
  );
}

// What this browser lacks for all of the page, or null.
export function missing() {
  if (typeof WebAssembly !== "object" || typeof Worker !== "function")
    return new Problem(
      "This browser runs no WebAssembly, so the firmware cannot run here. Any browser of the " +
        "last years does, unless it is switched off in its settings; chapter 4 shows what the " +
        "firmware does on the board.",
    );
  return null;
}

// What this page lacks to use a microphone, or null.
export function missingForMicrophone() {
  if (!navigator.mediaDevices?.getUserMedia)
    return new Problem(
      window.isSecureContext
        ? "This browser lets no page use a microphone. Take a clip or a file instead."
        : "Browsers allow the microphone on pages from https:// or from this machine only. Open " +
          "the page that way, or take a clip or a file instead.",
    );
  if (typeof AudioWorkletNode !== "function")
    return new Problem(
      "This browser is too old to hand a page the microphone's sound (it has no AudioWorklet). " +
        "Take a clip or a file instead.",
    );
  return null;
}

export function explain(error) {
  if (error instanceof Problem) return error.message;
  return `Something went wrong: ${error.message}. Load the page again.`;
}
