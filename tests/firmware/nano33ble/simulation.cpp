// The parts of an Arduino Nano 33 BLE that the sketch uses, in memory, and functions for a test to
// play the host, the microphone and the clock. As on the board, USB sends one transfer at a time,
// which takes a while, and the microphone stops for good unless its block is read when it is told.
#include <PDM.h>
#include <USB/PluggableUSBSerial.h>
#include <string.h>

extern "C" {
#include "port.h"
#include "processor.h"
}

static const size_t PACKET = 64;
static const size_t PINS = 40;
static const size_t ROOM = 1 << 20;

enum Host { ABSENT, READING, DEAF };

static Host host;
static uint8_t in_flight[PACKET], received[ROOM], typed[ROOM];
static size_t flying, received_size, typed_size, typed_read;
static unsigned long now, reads_at, baud_rate;
static PinStatus levels[PINS];
static PinMode modes[PINS];
static int channels, rate;
static void (*on_receive)(void);
static const int16_t *block;
static size_t block_left;
static bool stopped, counting;
static uint32_t cycles;

arduino::USBSerial _SerialUSB;
PDMClass PDM;

static void poll_usb()
{
    if (host != READING)
        return;
    memcpy(received + received_size, in_flight, flying);
    received_size += flying;
    flying = 0;
}

void pinMode(pin_size_t pin, PinMode mode) { modes[pin] = mode; }
void digitalWrite(pin_size_t pin, PinStatus value) { levels[pin] = value; }
unsigned long millis() { return now; }

void delay(unsigned long ms)
{
    now += ms;
    if (reads_at && now >= reads_at)
        host = READING;
    poll_usb();
}

void arduino::USBSerial::begin(unsigned long baud) { baud_rate = baud; }
bool arduino::USBSerial::connected() { return host != ABSENT; }
int arduino::USBSerial::available() { return (int)(typed_size - typed_read); }
int arduino::USBSerial::read() { return typed_read < typed_size ? typed[typed_read++] : -1; }

void arduino::USBSerial::send_nb(uint8_t *buffer, uint32_t size, uint32_t *actual, bool)
{
    *actual = 0;
    if (host == ABSENT || flying)
        return;
    *actual = size < PACKET ? size : PACKET;
    memcpy(in_flight, buffer, *actual);
    flying = *actual;
}

extern const struct kws_port_facts kws_port_facts = {"simulated", 64000000, KWS_COUNTS_CYCLES, 1, 1};
void kws_processor_prepare() { counting = true; }
uint32_t kws_port_counter() { return cycles += 100; }

int PDMClass::begin(int channels_wanted, int rate_wanted)
{
    channels = channels_wanted;
    rate = rate_wanted;
    return 1;
}

void PDMClass::onReceive(void (*function)(void)) { on_receive = function; }
int PDMClass::available() { return (int)(block_left * sizeof *block); }

int PDMClass::read(void *buffer, size_t size)
{
    const size_t wanted = size / sizeof *block, n = wanted < block_left ? wanted : block_left;
    memcpy(buffer, block, n * sizeof *block);
    block += n;
    block_left -= n;
    return (int)(n * sizeof *block);
}

extern "C" {
void sim_setup() { setup(); }
void sim_loop() { loop(); }

// 0 is absent, 1 reads, 2 has the port open and does not read.
void sim_host(int which)
{
    host = (Host)which;
    if (host == ABSENT)
        flying = 0;
    poll_usb();
}

// A host that does not read does so from that time on.
void sim_reads_at(unsigned long ms) { reads_at = ms; }

void sim_type(const uint8_t *bytes, size_t n)
{
    memcpy(typed + typed_size, bytes, n);
    typed_size += n;
}

// What the host has read since it was last asked.
size_t sim_received(uint8_t *bytes)
{
    poll_usb();
    const size_t n = received_size;
    memcpy(bytes, received, n);
    received_size = 0;
    return n;
}

// The microphone's interrupt. Returns whether the microphone works on.
int sim_sound(const int16_t *samples, size_t n)
{
    if (stopped)
        return 0;
    block = samples;
    block_left = n;
    on_receive();
    stopped = block_left > 0;
    return !stopped;
}

unsigned long sim_millis() { return now; }
void sim_wait(unsigned long ms) { delay(ms); }
int sim_level(int pin) { return levels[pin]; }
int sim_is_output(int pin) { return modes[pin] == OUTPUT; }
int sim_microphone_rate() { return channels == 1 ? rate : 0; }
unsigned long sim_baud() { return baud_rate; }
int sim_counts_cycles() { return counting; }
}
