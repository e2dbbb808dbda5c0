/* Keyword spotting on the Arduino Nano 33 BLE Sense, for the board package "Arduino Mbed OS Nano
   Boards" and the library PDM that comes with it. The board listens by itself: the RGB LED lights
   up green for the first keyword, red for the second, blue for any other. Over USB it answers the
   protocol of src/device.h: `kws profile`, `kws evaluate` and `kws field-test` speak it.
   Everything but the Arduino's own inputs and outputs is C, in src. */
#include <PDM.h>
#include <USB/PluggableUSBSerial.h>

extern "C" {
#include "src/device.h"
#include "src/port.h"
#include "src/processor.h"
#include "src/smoothing.h"
#include "src/sound_queue.h"
}

static const int SAMPLE_RATE = 16000;
static const size_t HEARD_AT_ONCE = 320;     // samples: no more than one inference
static const size_t RECEIVED_AT_ONCE = 256;  // bytes, so that a busy host does not stop the ears
static const uint32_t LIT_MS = 500;
static const uint32_t PATIENCE_MS = 1000;  // with a host that has the port open and does not read

// Serial itself, which knows more than the interface by that name.
static arduino::USBSerial &usb = _SerialUSB;

static bool microphone;  // works
static bool host;        // has the port open
static bool deaf;        // it has not read for longer than our patience
static bool lit;
static uint32_t lit_at;

// One byte less than a packet of USB: a host may wait for more after a full one.
static uint8_t outbox[63];
static size_t outbox_held;

/* Sound. The library stops for good unless its buffer is emptied in the interrupt. */

static void on_sound()
{
    static int16_t samples[256];
    int bytes;
    while ((bytes = PDM.read(samples, sizeof samples)) > 0)
        kws_sound_put(samples, bytes / sizeof *samples);
}

static bool hear()
{
    int16_t samples[HEARD_AT_ONCE];
    const size_t n = kws_sound_take(samples, HEARD_AT_ONCE);
    kws_device_listen(samples, n);
    kws_device_lost(kws_sound_lost());
    return n > 0;
}

/* The microphone stays on once it is: after power-up its level takes seconds to settle. */
bool kws_port_microphone(bool on)
{
    if (on)
        kws_sound_clear();
    return microphone;
}

/* Bytes. */

// Its write would wait for ever for a host that has the port open and does not read.
static void flush_outbox()
{
    if (outbox_held == 0)
        return;
    const uint32_t start = millis();
    size_t sent = 0;
    while (usb.connected()) {
        uint32_t taken = 0;
        usb.send_nb(outbox + sent, outbox_held - sent, &taken);
        sent += taken;
        if (sent == outbox_held || deaf || millis() - start >= PATIENCE_MS)
            break;
        delay(1);
    }
    deaf = usb.connected() && sent < outbox_held;
    outbox_held = 0;
}

void kws_port_write(const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; ++i) {
        if (outbox_held == sizeof outbox)
            flush_outbox();
        outbox[outbox_held++] = bytes[i];
    }
}

static bool receive()
{
    size_t received = 0;
    for (; received < RECEIVED_AT_ONCE && usb.available() > 0; ++received) {
        const uint8_t byte = (uint8_t)usb.read();
        kws_device_receive(&byte, 1);
    }
    return received > 0;
}

/* Without a host, the board listens by itself again. */
static void watch_host()
{
    const bool connected = usb.connected();
    if (host && !connected)
        kws_device_start();
    host = connected;
}

/* Lights, which a low level turns on. */

static void turn_lights_off()
{
    digitalWrite(LEDR, HIGH);
    digitalWrite(LEDG, HIGH);
    digitalWrite(LEDB, HIGH);
    lit = false;
}

void kws_port_detected(int32_t label)
{
    turn_lights_off();
    const int32_t keyword = label - KWS_SMOOTHING_KEYWORD;
    digitalWrite(keyword == 0 ? LEDG : keyword == 1 ? LEDR : LEDB, LOW);
    lit = true;
    lit_at = millis();
}

void setup()
{
    pinMode(LEDR, OUTPUT);
    pinMode(LEDG, OUTPUT);
    pinMode(LEDB, OUTPUT);
    turn_lights_off();
    kws_processor_prepare();
    usb.begin(115200);
    PDM.onReceive(on_sound);
    microphone = PDM.begin(1, SAMPLE_RATE) != 0;
    kws_device_start();
}

void loop()
{
    watch_host();
    const bool heard = hear();
    const bool received = receive();
    flush_outbox();
    if (lit && millis() - lit_at >= LIT_MS)
        turn_lights_off();
    if (!heard && !received)
        delay(1);  // the processor sleeps
}
