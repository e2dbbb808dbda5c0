// The reader's microphone: from its sound to a port that brings 16 kHz in pieces of 20 ms.

import { microphoneProblem, missingForMicrophone } from "./problems.js";

// As a board's microphone hears: no processing that is made for telephony.
const PLAIN = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export class Microphone {
  // Asks for the microphone. onLost is called when it goes away by itself.
  static async open(worklet, onLost) {
    const problem = missingForMicrophone();
    if (problem) throw problem;
    const microphone = new Microphone();
    // In the handler of the reader's click, or the browser keeps the context suspended.
    microphone.context = new AudioContext();
    try {
      microphone.sound = await navigator.mediaDevices.getUserMedia({ audio: PLAIN });
      await microphone.connect(worklet);
    } catch (error) {
      microphone.close();
      throw microphoneProblem(error);
    }
    for (const track of microphone.sound.getTracks()) track.onended = onLost;
    return microphone;
  }

  async connect(worklet) {
    const address = URL.createObjectURL(new Blob([worklet], { type: "text/javascript" }));
    try {
      await this.context.audioWorklet.addModule(address);
    } finally {
      URL.revokeObjectURL(address);
    }
    await this.context.resume();
    const source = this.context.createMediaStreamSource(this.sound);
    this.node = new AudioWorkletNode(this.context, "kws-microphone", { numberOfOutputs: 1 });
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.node.port.postMessage({ listener: port2 }, [port2]);
    // A node that leads nowhere is not run; its output is silence.
    source.connect(this.node).connect(this.context.destination);
  }

  get rate() {
    return this.context.sampleRate;
  }

  close() {
    this.node?.port.postMessage({});
    this.sound?.getTracks().forEach((track) => track.stop());
    this.context.close();
  }
}
